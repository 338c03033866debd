//! The gateway's credentials devices: what they stand on, and what is known of them at a time.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use tokio::sync::{Notify, watch};

use super::devices::enders::Enders;
use super::devices::making::InMaking;
use super::devices::uses::Uses;
use super::ends::arrivals::Arrivals;
use super::ends::gate::Gate;
use super::ends::held_tokens::HeldTokens;
use super::management::possession::Typings;
use super::records::keyless::KeylessRecords;
use super::records::opening::Opener;
use super::renewing::asked_lately::AskedLately;
use super::renewing::renewal::Renewing;
use crate::ambient::{Clock, LastLook};
use crate::bus::Bus;
use crate::lasting::Lasting;
use crate::message::DeviceUuid;
use crate::queueing::Queues;
use crate::source::Realm;
use crate::source::oauth2::OAuthClient;
use crate::store::{Store, StoreError};
use crate::vault::{Format, Vault};

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

/// The gateway's credentials devices. Cheap to clone.
#[derive(Clone, Debug)]
pub struct CredentialsDevices {
    pub(super) bus: Bus,
    pub(super) store: Store,
    pub(super) vault: Arc<Vault>,
    pub(super) clock: Clock,
    pub(super) sealing: Arc<Sealing>,
    /// Opens their records.
    pub(super) opener: Arc<Opener>,
    /// Records whose key is not here.
    pub(super) keyless: Arc<KeylessRecords>,
    /// Secrets that are typed in, to show that somebody has them.
    pub(super) typings: Arc<Typings>,
    /// Secrets that a handler speaks against.
    pub(super) asked_lately: Arc<AskedLately>,
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
    pub(super) under_way: Arc<Queues<String>>,
    /// User devices on a bus elsewhere that are being made.
    pub(super) in_making: Arc<InMaking>,
    /// When it was last looked what is due.
    pub(super) last_look: Arc<LastLook>,
    /// Rung when a bus elsewhere is to be shown a record.
    pub(super) owed: Arc<Notify>,
    /// What the API is asked whoever waits for it.
    pub(super) lasting: Lasting,
    /// What an end begins goes through it.
    pub(super) gate: Gate,
}

impl CredentialsDevices {
    /// The credentials devices on this ground, sealed as `sealing` says.
    pub fn new(ground: Ground, sealing: Sealing) -> Self {
        let Ground { bus, store, vault, clock } = ground;
        let sealing = Arc::new(sealing);
        let keyless = KeylessRecords::new(store.clone(), Arc::clone(&vault), Arc::clone(&sealing));
        Self {
            keyless: Arc::new(keyless),
            opener: Arc::new(Opener::new(Arc::clone(&vault), clock.clone())),
            bus,
            store,
            vault,
            clock,
            sealing,
            typings: Arc::default(),
            asked_lately: Arc::default(),
            uses: Arc::default(),
            upstream: None,
            first_owner: None,
            writes_format_2: Arc::default(),
            enders: Arc::default(),
            aftermath: Arc::default(),
            renewing: None,
            arrivals: Arrivals::default(),
            held_tokens: Arc::default(),
            under_way: Arc::default(),
            in_making: Arc::default(),
            last_look: Arc::default(),
            owed: Arc::default(),
            lasting: Lasting::default(),
            gate: Gate::default(),
        }
    }

    /// The same, for a gateway whose operator is this owner.
    #[must_use]
    pub fn operated_by(self, owner: Option<DeviceUuid>) -> Self {
        Self { first_owner: owner, ..self }
    }

    /// The same, in a gateway that works until it is stopped: the API is asked nothing more then for what is over.
    #[must_use]
    pub fn until(self, stopped: watch::Receiver<bool>) -> Self {
        Self { gate: Gate::until(stopped), ..self }
    }

    /// Learns what databases of before did not hold, each time that one is opened: before a key counts as free, and before
    /// anything ends.
    ///
    /// # Errors
    /// What the store reports.
    pub async fn learn_what_was_before(&self) -> Result<(), StoreError> {
        self.note_client().await?;
        self.read_signed_owners().await?;
        self.name_refresh_tokens().await
    }

    /// From now on records are written in format 2.
    pub fn write_format_2(&self) {
        self.writes_format_2.store(true, Ordering::Relaxed);
    }

    /// The form in which records are written.
    pub(super) fn format(&self) -> Format {
        if self.writes_format_2.load(Ordering::Relaxed) { Format::Two } else { self.sealing.format }
    }
}
