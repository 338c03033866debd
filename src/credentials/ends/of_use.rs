//! Whether what credentials hold is of use to anybody: nothing is spared for the sake of what is dead, and what lives does not end.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use super::gate::Gate;
use crate::credentials::{CredentialsDevices, CredentialsError};
use crate::message::DeviceUuid;
use crate::source::oauth2::Probe;
use crate::source::renewal::RenewalError;
use crate::store::{AccessToken, StoreError, StoredRefreshToken, StoredRenewal, View};

/// How wrong a clock is taken to be where nobody else tells: more than a zone and its summer time are often mistaken by.
const WRONG_BY: Duration = Duration::from_secs(3 * 60 * 60);

/// Looks at what credentials hold, for one purpose: the API is asked once about each.
pub(in crate::credentials) struct Looks<'a> {
    devices: &'a CredentialsDevices,
    said: HashMap<DeviceUuid, Said>,
    /// What ran out by a clock that may be wrong, where nobody else tells.
    unsure: HashSet<DeviceUuid>,
    /// What it is asked goes through this.
    gate: Gate,
}

/// What the API said of the access token in a record, or why it did not say anything.
#[derive(Clone)]
struct Said {
    generation: u64,
    of_it: Result<Probe, RenewalError>,
}

impl CredentialsDevices {
    /// Looks for which nothing was asked yet, and for which somebody waits.
    pub(in crate::credentials) fn looks(&self) -> Looks<'_> {
        Looks { devices: self, said: HashMap::new(), unsure: HashSet::new(), gate: Gate::default() }
    }

    /// The same for an end, which can wait for the next start.
    pub(super) fn looks_for_an_end(&self) -> Looks<'_> {
        Looks { gate: self.gate.clone(), ..self.looks() }
    }
}

impl Looks<'_> {
    /// Those of these credentials that hold a refresh token which may renew them, or an access token that the API takes. Of what
    /// nothing is known everything may be of use.
    pub(super) async fn of_use(
        &mut self,
        credentials: Vec<DeviceUuid>,
    ) -> Result<Vec<DeviceUuid>, CredentialsError> {
        let look = move |view: &View<'_>| {
            let mut known = Vec::new();
            for device in credentials {
                let newest = view.record(&device)?.map(|record| record.generation);
                let renewal = view.renewal(&device)?.filter(|known| Some(known.generation) == newest);
                known.push((device, renewal));
            }
            Ok::<_, StoreError>(known)
        };
        let mut of_use = Vec::new();
        for (credentials, renewal) in self.devices.store.read(look).await? {
            let is_of_use = match &renewal {
                Some(known) if known.refresh.as_ref().is_some_and(StoredRefreshToken::renews) => true,
                Some(known) => self.is_access_good(&credentials, known).await?,
                None => true,
            };
            if is_of_use {
                of_use.push(credentials);
            }
        }
        Ok(of_use)
    }

    /// Whether the access token of these credentials, of which this is known, is good. Where it ran out by the clock alone, which may
    /// be wrong, the API says; what it does not say is believed of the clock after a while.
    pub(super) async fn is_access_good(
        &mut self,
        credentials: &DeviceUuid,
        known: &StoredRenewal,
    ) -> Result<bool, CredentialsError> {
        let now = self.devices.clock.now();
        match known.access(now) {
            AccessToken::Good => return Ok(true),
            AccessToken::Refused => return Ok(false),
            AccessToken::RanOut => {}
        }
        match self.ask(credentials).await {
            // Nobody uses what is gone, or what no key here opens.
            Ok(None) | Err(CredentialsError::Record(_)) => Ok(false),
            Ok(Some(Said { generation, of_it: Ok(said @ (Probe::Good | Probe::Rejected)) }))
                if generation == known.generation =>
            {
                Ok(said == Probe::Good)
            }
            // It did not say, or a sign-in brought another meanwhile: the clock may be wrong.
            Ok(Some(_)) => {
                let may_be_good = known.expires_at.is_none_or(|end| now.since(end) < WRONG_BY);
                if may_be_good {
                    self.unsure.insert(credentials.clone());
                }
                Ok(may_be_good)
            }
            Err(error) => Err(error),
        }
    }

    /// Whether all of these, which were found to be of use, ran out by the clock alone: it will be known later what they are.
    pub(super) fn are_unsure(&self, credentials: &[DeviceUuid]) -> bool {
        !credentials.is_empty() && credentials.iter().all(|device| self.unsure.contains(device))
    }

    /// Has a secret be renewed that the API does not take any more; where that cannot be done, its end is known. Answers what
    /// the API said.
    pub(in crate::credentials) async fn probe(
        &mut self,
        device: &DeviceUuid,
    ) -> Result<Probe, CredentialsError> {
        let Some(Said { generation, of_it }) = self.ask(device).await? else { return Ok(Probe::Unknown) };
        let said = of_it?;
        if said == Probe::Rejected {
            self.gate.pass()?;
            match self.devices.renew_refused(device, generation).await {
                Ok(_) | Err(CredentialsError::SignInAgain { .. } | CredentialsError::Revoked) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(said)
    }

    /// What the API says of the access token that credentials hold; `None` where they hold none.
    async fn ask(&mut self, device: &DeviceUuid) -> Result<Option<Said>, CredentialsError> {
        if let Some(said) = self.said.get(device) {
            return Ok(Some(said.clone()));
        }
        let record = match self.devices.newest_record(device).await {
            Err(CredentialsError::NoRecord) => return Ok(None),
            record => record?,
        };
        let generation = record.generation;
        let of_it = match &self.devices.upstream {
            Some(client) => {
                let opened = self.devices.opener.open(device.clone(), record).await?;
                self.gate.pass()?;
                let said = client.probe(opened.secret()).await;
                said.map_err(|error| RenewalError::Unavailable(Arc::new(error)))
            }
            None => Ok(Probe::Unknown),
        };
        let said = Said { generation, of_it };
        self.said.insert(device.clone(), said.clone());
        Ok(Some(said))
    }
}
