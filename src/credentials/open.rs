//! Opening credentials for one job: the binding first, then the record, then whether its secret may be used.

use std::sync::Arc;

use super::devices::bind::subscription;
use super::on_meshblu::bound_record_on;
use super::records::newest::record_on_bus;
use super::{CredentialsDevices, CredentialsError, login_in};
use crate::bus::{Bus, Login};
use crate::message::Parties;
use crate::store::{Binding, LastUse, StoreError, StoredRecord, StoredRenewal, StoredRight, View};
use crate::vault::Credentials;

/// A record that a user device may use, opened for one job; whether its secret may be used is another question.
#[derive(Debug)]
pub struct OpenRecord {
    binding: Binding,
    credentials: Credentials,
    source: Option<String>,
    renewal: Option<StoredRenewal>,
}

impl OpenRecord {
    /// The credentials device's own login, if the record holds one: what a bus elsewhere takes replies from, whatever
    /// becomes of the secret.
    pub fn login(&self) -> Option<Login> {
        login_in(&self.credentials, &self.binding.credentials)
    }
}

/// A record that may be used, and what is known of the renewal of its secret.
struct Bound {
    record: StoredRecord,
    renewal: Option<StoredRenewal>,
}

impl CredentialsDevices {
    /// The record that the route's user device may use, live for one job, whose message is noted. Costs no private-key operation when it was
    /// opened not long ago.
    ///
    /// # Errors
    /// [`CredentialsError::Revoked`] and [`CredentialsError::NotBound`] before anything is opened;
    /// [`CredentialsError::Record`] when the record does not verify; [`CredentialsError::TooManyFailures`] when too many
    /// others of the device did not.
    pub async fn open(&self, parties: &Parties) -> Result<OpenRecord, CredentialsError> {
        let binding = Binding::of(parties);
        let Bound { mut record, renewal } = self.bound_record(&binding).await?;
        let (generation, source) = (record.generation, record.source.take());
        let credentials = self.opener.open(parties.credentials.clone(), record).await?.counted(generation);
        self.uses.note_message(binding.clone(), self.clock.now());
        Ok(OpenRecord { binding, credentials, source, renewal })
    }

    /// Whether anything here says that there is such a right, or was: the store has the record of the credentials device, or the
    /// user device used it before. No bus is asked.
    ///
    /// # Errors
    /// What the store reports.
    pub async fn knows(&self, parties: &Parties) -> Result<bool, StoreError> {
        let binding = Binding::of(parties);
        if self.store.right(&binding).await?.record.is_some()
            || self.uses.recent(&binding) != LastUse::default()
        {
            return Ok(true);
        }
        self.store.glance(move |view: &View<'_>| Ok(view.last_use(&binding)? != LastUse::default())).await
    }

    /// The credentials of an open record, whose secret may be used now. One that is due is renewed first.
    ///
    /// # Errors
    /// [`CredentialsError::Revoked`] where the device was cut off meanwhile; [`CredentialsError::OtherApi`] where the secret
    /// is not for the API of this gateway;
    /// [`CredentialsError::SignInAgain`] and [`CredentialsError::NotRenewed`] where it is over; else as
    /// [`CredentialsDevices::open`].
    pub async fn usable(
        &self,
        parties: &Parties,
        mut record: OpenRecord,
    ) -> Result<Credentials, CredentialsError> {
        self.check_api(&record)?;
        let (renewal, generation) = (record.renewal.as_ref(), record.credentials.generation());
        if self.renew_before_use(&parties.credentials, renewal, generation).await? {
            record = self.open(parties).await?;
            self.check_api(&record)?;
        }
        // Opening and renewing take their time, too.
        self.right(&record.binding).await?;
        Ok(record.credentials)
    }

    /// Notes that the secret is used for a message of this route's user device.
    pub fn note_use(&self, parties: &Parties) {
        self.uses.note_use(Binding::of(parties), self.clock.now());
    }

    /// Whether the right of this route's user device lasts, so that anything may be done for its sake.
    ///
    /// # Errors
    /// [`CredentialsError::Revoked`] where it is over, or what the store reports.
    pub async fn check_right(&self, parties: &Parties) -> Result<(), CredentialsError> {
        self.right(&Binding::of(parties)).await.map(drop)
    }

    fn check_api(&self, record: &OpenRecord) -> Result<(), CredentialsError> {
        match self.sealing.other_api(record.source.as_deref(), Some(&record.credentials)) {
            Some(_) => Err(CredentialsError::OtherApi),
            None => Ok(()),
        }
    }

    /// The tombstone first, then the subscription, then the record: the store's, else the one that the device shows.
    async fn bound_record(&self, binding: &Binding) -> Result<Bound, CredentialsError> {
        let stored = self.right(binding).await?.record.clone();
        let record = match &self.bus {
            Bus::Embedded(_) => self.bound_record_here(binding, stored).await?,
            Bus::Meshblu(bus) => bound_record_on(bus, binding, stored).await?,
        };
        // A bus elsewhere takes its time, and the device may have been cut off meanwhile.
        let right = self.right(binding).await?;
        let newer = right.record.as_ref().filter(|newer| newer.generation > record.generation);
        let record = newer.cloned().unwrap_or(record);
        let renewal = right.renewal.clone();
        Ok(Bound { record, renewal })
    }

    /// What the store says of a binding that is not over; what is forgotten is over for every device.
    async fn right(&self, binding: &Binding) -> Result<Arc<StoredRight>, CredentialsError> {
        let right = self.store.right(binding).await?;
        let is_over = right.is_revoked || (right.is_forgotten && right.record.is_none());
        if is_over { Err(CredentialsError::Revoked) } else { Ok(right) }
    }

    async fn bound_record_here(
        &self,
        binding: &Binding,
        stored: Option<StoredRecord>,
    ) -> Result<StoredRecord, CredentialsError> {
        let binding = binding.clone();
        let look = move |view: &View<'_>| {
            if !view.has_subscription(&subscription(&binding))? {
                return Err(CredentialsError::NotBound);
            }
            stored.map_or_else(|| record_on_bus(view, &binding.credentials), Ok)
        };
        self.store.glance(look).await
    }
}
