//! Keeping an account's secret: one credentials device for each account, sealed anew with every secret.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use serde_json::{Map, Value};
use tokio::sync::Notify;

use super::CredentialsError;
use super::arrivals::{Arrival, Arrivals, Trait};
use super::bad_records::BadRecords;
use super::before::{Before, Kept};
use super::enders::Enders;
use super::held_tokens::HeldTokens;
use super::making::InMaking;
use super::owners::NewRecord;
use super::possession::Typings;
use super::renewal::{Life, Renewing};
use super::turns::Turns;
use super::uses::Uses;
use crate::ambient::{Clock, LastLook};
use crate::bus::Bus;
use crate::message::DeviceUuid;
use crate::source::Realm;
use crate::source::oauth2::OAuthClient;
use crate::store::{Store, StoredRecord};
use crate::telemetry::with_causes;
use crate::vault::{
    Contents, Credentials, Format, IdKeys, Owner, Owners, ResourceOwnerId, SealError, SecretText, Vault,
};

/// How many devices are looked at that say they are an account's but whose record was not sealed here.
pub(super) const STRANGERS: usize = 4;

/// The most who can manage the same credentials.
const MOST_OWNERS: usize = 500;

/// What credentials devices stand on.
#[derive(Debug)]
pub struct Ground {
    /// Where they are.
    pub bus: Bus,
    /// Where their records and bindings are kept.
    pub store: Store,
    /// Opens and seals the records.
    pub vault: Arc<Vault>,
    /// Tells the time.
    pub clock: Clock,
}

/// What new records are like.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sealing {
    /// Where the secrets of the gateway's source may be sent: `host` or `host:port`.
    pub hosts: Vec<String>,
    /// By what they know where their secrets are from.
    pub realm: Realm,
    /// The form in which they are stored.
    pub format: Format,
}

/// An account at the API and the secret that opens it.
#[derive(Debug)]
pub struct Account {
    /// The account's id at the API.
    pub id: ResourceOwnerId,
    /// Its name, for people.
    pub username: Option<String>,
    /// The access token.
    pub secret: SecretText,
    /// The token that renews it. Where the API gave none with a secret that ends, the one before stays: some give it once.
    pub refresh_token: Option<SecretText>,
    /// How long it lives; without it nothing is renewed until the API refuses it.
    pub life: Option<Life>,
    /// What else jobs may see of it.
    pub extras: Map<String, Value>,
    /// Who proved control of the account and may manage its credentials.
    pub owner: DeviceUuid,
}

/// The credentials that are to hold another secret of their account.
#[derive(Debug)]
pub struct Again {
    /// The device that keeps them.
    pub device: DeviceUuid,
    /// What they hold until then, where that is the proof: of those who come with the same, the first replaces it.
    pub present: Option<SecretText>,
}

/// Where the record of an account is looked for, and what brings its next secret.
#[derive(Clone, Debug)]
pub(super) struct Whereabouts {
    /// The only credentials that count, where some were named.
    pub(super) again: Option<Arc<Again>>,
    /// What the secret is until its record is stored.
    pub(super) arrival: Arc<Arrival>,
}

impl Whereabouts {
    /// The only device that counts, where one was named.
    pub(super) fn only(&self) -> Option<&DeviceUuid> {
        self.again.as_ref().map(|again| &again.device)
    }

    /// Checks that what is there is what whoever comes has shown, where they had to.
    pub(super) fn check(&self, opened: &Credentials) -> Result<(), CredentialsError> {
        let present = self.again.as_ref().and_then(|again| again.present.as_ref());
        let is_it = present.is_none_or(|present| opened.secret().is(present.expose()));
        if is_it { Ok(()) } else { Err(CredentialsError::OtherSecret) }
    }
}

/// The gateway's credentials devices. Cheap to clone.
#[derive(Clone, Debug)]
pub struct CredentialsDevices {
    pub(super) bus: Bus,
    pub(super) store: Store,
    pub(super) vault: Arc<Vault>,
    pub(super) clock: Clock,
    pub(super) sealing: Arc<Sealing>,
    /// Who opens whose record with the private key just now.
    pub(super) openings: Turns<DeviceUuid>,
    /// Records that did not open.
    pub(super) bad_records: Arc<BadRecords>,
    /// Secrets that are typed in, to show that somebody has them.
    pub(super) typings: Arc<Typings>,
    pub(super) uses: Arc<Uses>,
    /// Who is told of secrets that are over, where anybody can be.
    pub(super) upstream: Option<OAuthClient>,
    /// Who owns what the operator makes, where somebody does.
    pub(super) first_owner: Option<DeviceUuid>,
    /// Whether records are written in format 2, whatever the settings leave open.
    pub(super) writes_format_2: Arc<AtomicBool>,
    /// Owners who ended something, as far as it waits for them.
    pub(super) enders: Arc<Enders>,
    /// Rung when something is over that has consequences.
    pub(super) aftermath: Arc<Notify>,
    /// Who renews secrets, where anybody can.
    pub(super) renewing: Option<Arc<Renewing>>,
    /// Who brings tokens, and who ends some.
    pub(super) arrivals: Arrivals,
    /// What the records hold, as far as somebody had to know.
    pub(super) held_tokens: Arc<HeldTokens>,
    /// What is being made, step by step: accounts by their `idKey` or id, and devices.
    pub(super) under_way: Turns<String>,
    /// User devices on a bus elsewhere that are being made.
    pub(super) in_making: Arc<InMaking>,
    /// When it was last looked what is due.
    pub(super) last_look: Arc<LastLook>,
    /// Rung when a bus elsewhere is to be shown a record.
    pub(super) owed: Arc<Notify>,
}

impl CredentialsDevices {
    /// The credentials devices on this ground, sealed as `sealing` says.
    pub fn new(ground: Ground, sealing: Sealing) -> Self {
        let Ground { bus, store, vault, clock } = ground;
        Self {
            bus,
            store,
            vault,
            clock,
            sealing: Arc::new(sealing),
            openings: Turns::default(),
            bad_records: Arc::default(),
            typings: Arc::default(),
            uses: Arc::default(),
            upstream: None,
            first_owner: None,
            writes_format_2: Arc::default(),
            enders: Arc::default(),
            aftermath: Arc::default(),
            renewing: None,
            arrivals: Arrivals::default(),
            held_tokens: Arc::default(),
            under_way: Turns::default(),
            in_making: Arc::default(),
            last_look: Arc::default(),
            owed: Arc::default(),
        }
    }

    /// Keeps the account's secret on its credentials device, which is made where there is none. On the bus in this
    /// process all of it is on disk together: device, subscription, token, record and the bus's copy of the record.
    /// Elsewhere the record is in the store before the bus gets its copy.
    ///
    /// # Errors
    /// [`CredentialsError`]; the secret is not kept then.
    pub async fn keep(&self, account: impl Into<Arc<Account>>) -> Result<DeviceUuid, CredentialsError> {
        self.keep_brought(account.into(), None, None).await
    }

    /// The same of what a sign-in brought, which is no stray then; on this very device where one is named, which keeps a
    /// secret of the account.
    ///
    /// # Errors
    /// [`CredentialsError::NoRecord`] where it does not; [`CredentialsError::OtherSecret`] where that is not the one that was
    /// shown; [`CredentialsError::GivenUp`] where the sign-in took so long that the API was told to end its tokens; else as
    /// [`CredentialsDevices::keep`].
    pub async fn keep_brought(
        &self,
        account: Arc<Account>,
        again: Option<Again>,
        arrival: Option<Arc<Arrival>>,
    ) -> Result<DeviceUuid, CredentialsError> {
        let mut traits = Trait::of(&account.secret, account.refresh_token.as_ref());
        traits.push(Trait::Account(account.id.clone()));
        let (arrival, may_be_over) = match arrival {
            Some(arrival) => {
                let may_be_over = arrival.brings(traits).await;
                (arrival, may_be_over)
            }
            None => (Arc::new(self.arrivals.begin_with(traits).await), false),
        };
        let whereabouts = Whereabouts { again: again.map(Arc::new), arrival };
        let device = match &self.bus {
            Bus::Embedded(bus) => self.keep_here(bus, account, whereabouts).await,
            Bus::Meshblu(bus) => self.keep_on(bus, account, whereabouts).await,
        }?;
        if may_be_over && let Err(error) = self.look_whether_it_lives(&device).await {
            tracing::warn!(error = with_causes(&error), "nobody can tell whether new tokens are good");
        }
        Ok(device)
    }

    /// By what records of this account are found. Other keys may come at any time.
    pub(super) async fn id_keys(&self, id: &ResourceOwnerId) -> Result<IdKeys, CredentialsError> {
        let (vault, id) = (Arc::clone(&self.vault), id.clone());
        let id_keys = tokio::task::spawn_blocking(move || vault.id_keys(&id)).await;
        id_keys.map_err(|_| CredentialsError::Interrupted)
    }

    /// The same, for a gateway whose operator is this owner.
    #[must_use]
    pub fn operated_by(self, owner: Option<DeviceUuid>) -> Self {
        Self { first_owner: owner, ..self }
    }

    /// From now on records are written in format 2.
    pub fn write_format_2(&self) {
        self.writes_format_2.store(true, Ordering::Relaxed);
    }

    /// The form in which records are written.
    pub(super) fn format(&self) -> Format {
        if self.writes_format_2.load(Ordering::Relaxed) { Format::Two } else { self.sealing.format }
    }

    /// The next record of the account. Costs milliseconds: not for async threads.
    pub(super) fn seal(
        &self,
        device: &DeviceUuid,
        account: &Account,
        mut before: Before,
    ) -> Result<NewRecord, SealError> {
        let owner = std::slice::from_ref(&account.owner);
        let owners = self.vault.name(before.owners.clone(), owner).with(&account.owner);
        if owners.named.len() + owners.unnamed.len() > MOST_OWNERS {
            return Err(SealError::TooLarge);
        }
        let format = self.format();
        let (owners, beside) = match format {
            // It shows whom the original would have shown: whoever signed in last.
            Format::One => {
                let last = Owner::Named(account.owner.clone());
                (Owners::only(last), self.beside(device, &account.id, owners))
            }
            Format::Two => (owners, Vec::new()),
        };
        let Kept { tokens, crowded_out } = self.still_to_end(std::mem::take(&mut before.set_aside), account);
        before.set_aside = tokens;
        let contents = self.contents(account, before, owners);
        let sealed = self.vault.seal(device, &contents, format)?;
        let (endo, signature) = (sealed.endo.to_string(), sealed.signature);
        let Contents { generation, source, .. } = contents;
        let record = StoredRecord { generation, endo, signature, source };
        Ok(NewRecord { record, beside, crowded_out })
    }

    fn contents(&self, account: &Account, before: Before, owners: Owners) -> Contents {
        let brought = account.refresh_token.as_ref().map(SecretText::copy);
        Contents {
            username: account.username.clone(),
            extras: account.extras.clone(),
            refresh_token: before.refresh_token.or(brought),
            credentials_device_token: before.token,
            set_aside: before.set_aside,
            owners,
            hosts: self.sealing.hosts.clone(),
            source: Some(self.sealing.realm.mark()),
            generation: before.generation + 1,
            ..Contents::new(account.id.clone(), account.secret.copy())
        }
    }
}
