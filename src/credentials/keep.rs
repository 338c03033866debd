//! Keeping an account's secret: one credentials device for each account, sealed anew with every secret.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use serde_json::{Map, Value};
use tokio::sync::Notify;

use super::CredentialsError;
use super::arrivals::{Arrival, Arrivals, Trait};
use super::bad_records::BadRecords;
use super::enders::Enders;
use super::held_tokens::HeldTokens;
use super::making::InMaking;
use super::owners::NewRecord;
use super::possession::Typings;
use super::renewal::{Life, Renewing};
use super::setback::LastRound;
use super::turns::Turns;
use super::uses::Uses;
use crate::ambient::{Clock, Timestamp};
use crate::bus::Bus;
use crate::message::DeviceUuid;
use crate::source::Realm;
use crate::source::oauth2::OAuthClient;
use crate::source::renewal::goes_on;
use crate::store::{Store, StoredRecord, StoredRenewal};
use crate::vault::{
    Contents, Credentials, Format, IdKeys, Owner, Owners, ResourceOwnerId, SealError, SecretText, SetAside,
    Vault,
};

/// How often a record is read again that somebody else replaced meanwhile.
pub(super) const ATTEMPTS: u32 = 8;
/// How many devices are looked at that say they are an account's but whose record was not sealed here.
pub(super) const STRANGERS: usize = 4;

/// The most who can manage the same credentials.
const MOST_OWNERS: usize = 500;

/// The most tokens of before that are kept until the refresh token ends; the newest.
const MOST_SET_ASIDE: usize = 16;

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

/// Where the record of an account is looked for, and what brings its next secret.
#[derive(Clone, Debug)]
pub(super) struct Whereabouts {
    /// The only device that counts, where one was named.
    pub(super) only: Option<DeviceUuid>,
    /// What the secret is until its record is stored.
    pub(super) arrival: Arc<Arrival>,
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
    /// When it was last seen to what is over.
    pub(super) last_round: Arc<LastRound>,
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
            last_round: Arc::default(),
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
    /// [`CredentialsError::NoRecord`] where it does not; [`CredentialsError::GivenUp`] where the sign-in took so long that the
    /// API was told to end its tokens; else as [`CredentialsDevices::keep`].
    pub async fn keep_brought(
        &self,
        account: Arc<Account>,
        only: Option<DeviceUuid>,
        arrival: Option<Arc<Arrival>>,
    ) -> Result<DeviceUuid, CredentialsError> {
        let mut traits = Trait::of(&account.secret, account.refresh_token.as_ref());
        traits.push(Trait::Account(account.id.clone()));
        let arrival = match arrival {
            Some(arrival) => {
                arrival.brings(traits);
                arrival
            }
            None => Arc::new(self.arrivals.begin_with(traits).await),
        };
        let whereabouts = Whereabouts { only, arrival };
        match &self.bus {
            Bus::Embedded(bus) => self.keep_here(bus, account, whereabouts).await,
            Bus::Meshblu(bus) => self.keep_on(bus, account, whereabouts).await,
        }
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
        before: Before,
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
        let contents = self.contents(account, before, owners);
        let sealed = self.vault.seal(device, &contents, format)?;
        let (endo, signature) = (sealed.endo.to_string(), sealed.signature);
        let Contents { generation, source, .. } = contents;
        Ok(NewRecord { record: StoredRecord { generation, endo, signature, source }, beside })
    }

    fn contents(&self, account: &Account, before: Before, owners: Owners) -> Contents {
        let secret = SecretText::from(account.secret.expose());
        Contents {
            username: account.username.clone(),
            extras: account.extras.clone(),
            refresh_token: account.refresh_token.as_ref().map(copy_of).or(before.refresh_token),
            credentials_device_token: before.token,
            set_aside: self.still_to_end(before.set_aside, account),
            owners,
            hosts: self.sealing.hosts.clone(),
            source: Some(self.sealing.realm.mark()),
            generation: before.generation + 1,
            ..Contents::new(account.id.clone(), secret)
        }
    }
}

impl CredentialsDevices {
    /// What of these neither ended by itself nor is the account's secret again.
    fn still_to_end(&self, set_aside: Vec<SetAside>, account: &Account) -> Vec<SetAside> {
        let now = self.clock.now();
        let lives = |token: &SetAside| token.ends_at.is_none_or(|end| now < end);
        let brought = [Some(&account.secret), account.refresh_token.as_ref()];
        let is_over =
            |token: &SetAside| !brought.into_iter().flatten().any(|again| token.token.is(again.expose()));
        let mut left: Vec<_> = set_aside.into_iter().filter(|token| lives(token) && is_over(token)).collect();
        left.drain(..left.len().saturating_sub(MOST_SET_ASIDE));
        left
    }
}

/// What becomes of the secret before.
#[derive(Clone, Debug, Default)]
pub(super) enum Past {
    /// There is none, or it is the same.
    #[default]
    None,
    /// Its refresh token stays, and may end with the access token: that is kept until both end.
    AccessSetAside,
    /// The same of its access token: that may end with the refresh token.
    RefreshSetAside,
    /// Another takes the place of the one in this record.
    Replaced(StoredRecord),
}

/// What renews the secret of a new record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum RenewedBy {
    Nothing,
    ItsOwn,
    /// The refresh token of the record before.
    TheOneBefore,
}

/// What the new record takes over from the one before.
#[derive(Default)]
pub(super) struct Before {
    pub(super) owners: Owners,
    pub(super) token: Option<SecretText>,
    /// What renews the new secret as it did the one before, where the API gave nothing else that does, or the same again;
    /// with whatever is known of its renewal, which may be under way.
    pub(super) refresh_token: Option<SecretText>,
    pub(super) set_aside: Vec<SetAside>,
    pub(super) generation: u64,
    pub(super) past: Past,
}

impl Before {
    /// What `account` takes over from this record, whose renewal is so far; the owners are another question.
    pub(super) fn read(
        record: &StoredRecord,
        opened: &Credentials,
        account: &Account,
        renewal: Option<&StoredRenewal>,
    ) -> Self {
        // An API may hand out the same secret again; then nothing is over.
        let is_same = opened.secret().is(account.secret.expose());
        let refresh_tokens = opened.refresh_token().zip(account.refresh_token.as_ref());
        let shares_refresh = refresh_tokens.is_some_and(|(old, new)| old.is(new.expose()));
        let renewal = renewal.filter(|known| known.generation == record.generation);
        let before = opened.refresh_token();
        let refresh_token = before.filter(|before| goes_on(before, account.refresh_token.as_ref(), renewal));
        // Whoever ends the access token before would end what it came of with it (RFC 7009, 2.1).
        let past = match shares_refresh || refresh_token.is_some() {
            false if is_same && before.is_some() => Past::RefreshSetAside,
            _ if is_same => Past::None,
            true => Past::AccessSetAside,
            false => Past::Replaced(record.clone()),
        };
        Self {
            owners: Owners::default(),
            token: opened.credentials_device_token().map(copy_of),
            refresh_token: refresh_token.map(copy_of),
            set_aside: set_aside(opened, &past, renewal.and_then(|known| known.expires_at)),
            generation: record.generation.max(opened.generation()),
            past,
        }
    }

    /// What renews the secret of the next record.
    pub(super) fn renewed_by(&self, account: &Account) -> RenewedBy {
        match (&account.refresh_token, &self.refresh_token) {
            (_, Some(_)) => RenewedBy::TheOneBefore,
            (Some(_), None) => RenewedBy::ItsOwn,
            (None, None) => RenewedBy::Nothing,
        }
    }
}

/// What the next record sets aside of the one that was opened, whose access token ends then.
fn set_aside(opened: &Credentials, past: &Past, ends_at: Option<Timestamp>) -> Vec<SetAside> {
    let copy = |aside: &SetAside| SetAside { token: copy_of(&aside.token), ends_at: aside.ends_at };
    let before = opened.set_aside().iter().map(copy);
    let access = || SetAside { token: copy_of(opened.secret()), ends_at };
    let refresh = opened.refresh_token().map(|token| SetAside { token: copy_of(token), ends_at: None });
    match past {
        Past::None => before.collect(),
        Past::AccessSetAside => before.chain([access()]).collect(),
        Past::RefreshSetAside => before.chain(refresh).collect(),
        // It ends with what it was set aside with.
        Past::Replaced(_) => Vec::new(),
    }
}

fn copy_of(token: &SecretText) -> SecretText {
    SecretText::from(token.expose())
}
