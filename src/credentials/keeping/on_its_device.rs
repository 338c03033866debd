//! Keeping a secret on the device of its account: that is found, or made where there is none, the next record of the account is
//! sealed for it, and whatever changes meanwhile was first.

use std::time::Duration;

use tokio::time::Instant;

use super::before::Before;
use super::brought::BroughtToken;
use super::elsewhere::Found;
use super::here::Here;
use super::incoming::{Candidate, Incoming, Sealed};
use super::of_account::secret_of;
use crate::bus::{Bus, Login};
use crate::credentials::change::Change;
use crate::credentials::{CredentialsDevices, CredentialsError};
use crate::message::DeviceUuid;
use crate::store::{Transaction, View};
use crate::telemetry::with_causes;

/// When somebody else shows a record that whoever kept it could not show.
const SHOWN_BY_THEN: Duration = Duration::from_secs(10);
/// How long somebody looks again whose device was forgotten before its record was stored: browsers, and what stands before a
/// gateway, often give up after a minute.
const LONGEST: Duration = Duration::from_secs(45);

impl CredentialsDevices {
    /// Keeps the account's secret on its credentials device, which is made where there is none.
    pub(super) async fn keep_on_its_device(
        &self,
        incoming: Incoming,
    ) -> Result<DeviceUuid, CredentialsError> {
        // Whoever typed a key in has the turn of the id itself.
        let turn = self.turn_of(&secret_of(&incoming.account.id)).await;
        let _turn = match &self.bus {
            // Those who come at the same time would seal in vain.
            Bus::Embedded(_) => turn.ok(),
            // Two who find nothing at the same time would make two devices of one account.
            Bus::Meshblu(_) => Some(turn?),
        };
        let end = Instant::now() + LONGEST;
        loop {
            match self.keep_where_it_belongs(incoming.clone()).await {
                // What was found is forgotten meanwhile, or the keys are others by which it is found: then that was first, and
                // this comes after it.
                Err(CredentialsError::RolledBack) if Instant::now() < end => {}
                Err(CredentialsError::RolledBack) => return Err(CredentialsError::Busy),
                kept => return kept,
            }
        }
    }

    async fn keep_where_it_belongs(&self, incoming: Incoming) -> Result<DeviceUuid, CredentialsError> {
        let whereabouts = match &self.bus {
            Bus::Embedded(bus) => Whereabouts::Here(Here {
                bus: bus.clone(),
                id_keys: self.id_keys(&incoming.account.id).await?,
            }),
            Bus::Meshblu(bus) => Whereabouts::Elsewhere(self.find_or_make_on(bus, &incoming).await?),
        };
        let device = self.change(Keeping { incoming, whereabouts }).await?;
        // The record is kept, whatever comes of its copy, which follows.
        if let Bus::Meshblu(bus) = &self.bus
            && let Err(error) = self.show_on(bus, &device).await
        {
            tracing::warn!(
                error = with_causes(&error),
                credentials.uuid = %device.logged(),
                "the bus does not show a new record yet"
            );
        }
        Ok(device)
    }
}

/// Where the device of an account is.
enum Whereabouts {
    /// On the bus in this process: it is found, or made, by the very change that keeps the secret.
    Here(Here),
    /// On a bus elsewhere, where it was found or made before.
    Elsewhere(Found),
}

/// A secret on its way into the record of its account's device.
struct Keeping {
    incoming: Incoming,
    whereabouts: Whereabouts,
}

/// What the change hangs on.
#[derive(PartialEq)]
struct Ground {
    /// The devices that may be the account's.
    candidates: Vec<Candidate>,
    brought: BroughtToken,
}

/// A record for the device that keeps the secret.
struct Home {
    device: DeviceUuid,
    /// The login of a device that is to be made.
    new: Option<Login>,
    sealed: Sealed,
}

impl Change for Keeping {
    type Ground = Ground;
    type Plan = Home;
    type Made = DeviceUuid;

    fn look(&self, view: &View<'_>) -> Result<Ground, CredentialsError> {
        let candidates = match &self.whereabouts {
            Whereabouts::Here(here) => here.candidates(view, &self.incoming)?,
            Whereabouts::Elsewhere(found) => found.candidate(view, &self.incoming)?.into_iter().collect(),
        };
        Ok(Ground { candidates, brought: BroughtToken::look(view, &self.incoming.account)? })
    }

    /// A device that only claims to be the account's is passed over.
    fn plan(&self, Ground { candidates, brought }: &Ground) -> Result<Home, CredentialsError> {
        for candidate in candidates {
            if let Some(before) = self.incoming.take_over(candidate, brought)? {
                return self.home(candidate.device.clone(), before, brought);
            }
        }
        if self.incoming.only().is_some() {
            return Err(CredentialsError::NoRecord);
        }
        match &self.whereabouts {
            Whereabouts::Here(here) => {
                let login = here.bus.draw_login();
                let before = Before { token: Some(login.token.as_str().into()), ..Before::default() };
                let home = self.home(login.uuid.clone(), before, brought)?;
                Ok(Home { new: Some(login), ..home })
            }
            Whereabouts::Elsewhere(found) if candidates.is_empty() => {
                self.home(found.device.clone(), Before::default(), brought)
            }
            Whereabouts::Elsewhere(_) => Err(CredentialsError::NoRecord),
        }
    }

    fn make(&self, transaction: &Transaction<'_>, home: Home) -> Result<DeviceUuid, CredentialsError> {
        let Home { device, new, sealed } = home;
        if let (Whereabouts::Here(here), Some(login)) = (&self.whereabouts, new) {
            here.make_device(transaction, login)?;
        }
        let record = self.incoming.put(transaction, &device, sealed)?;
        match &self.whereabouts {
            Whereabouts::Here(_) => self.incoming.devices.project(transaction, &device, &record)?,
            Whereabouts::Elsewhere(_) => {
                // Whoever keeps it shows it at once; this is for where that comes to nothing.
                let shown_by = self.incoming.devices.clock.now().plus(SHOWN_BY_THEN);
                transaction.owe_projection(&device, shown_by)?;
            }
        }
        Ok(device)
    }
}

impl Keeping {
    fn home(
        &self,
        device: DeviceUuid,
        mut before: Before,
        brought: &BroughtToken,
    ) -> Result<Home, CredentialsError> {
        if let Whereabouts::Elsewhere(found) = &self.whereabouts {
            before = found.known_of(before, &self.incoming.devices.vault);
        }
        let sealed = self.incoming.seal(&device, before, brought)?;
        Ok(Home { device, new: None, sealed })
    }
}
