//! The device of an account on the bus in this process: found, or made, in one with the change that keeps its secret.

use serde_json::Map;

use super::incoming::{Candidate, Incoming};
use super::of_account::STRANGERS;
use crate::bus::Login;
use crate::bus::embedded::{Caller, EmbeddedBus};
use crate::credentials::management::owners::PresentRecord;
use crate::credentials::{CredentialsError, templates};
use crate::message::DeviceUuid;
use crate::store::{Lookup, StoreError, StoredSubscription, Transaction, View};
use crate::vault::IdKeys;

/// Where to look for it.
pub(super) struct Here {
    pub(super) bus: EmbeddedBus,
    /// By what it is found.
    pub(super) id_keys: IdKeys,
}

impl Here {
    /// The devices that may be it. The bus finds devices by what they say of themselves; what counts is the record.
    pub(super) fn candidates(
        &self,
        view: &View<'_>,
        incoming: &Incoming,
    ) -> Result<Vec<Candidate>, CredentialsError> {
        if !incoming.devices.vault.are_current(&self.id_keys) {
            return Err(CredentialsError::RolledBack);
        }
        let named = incoming.only().map(|device| vec![device.clone()]);
        let found = named.map_or_else(|| claimants(view, &self.id_keys), Ok)?;
        let candidates = found.into_iter().map(|device| match PresentRecord::of(view, &device) {
            Err(CredentialsError::NoRecord) => Ok(None),
            present => Ok(Some(Candidate { present: present?, renewal: view.renewal(&device)?, device })),
        });
        candidates.filter_map(Result::transpose).collect()
    }

    /// Makes it.
    pub(super) fn make_device(
        &self,
        transaction: &Transaction<'_>,
        login: Login,
    ) -> Result<(), CredentialsError> {
        let service = Caller::itself(self.bus.service().clone());
        let document = templates::credentials_device(&service.auth);
        let device = self.bus.register_as(transaction, login.uuid, document)?.uuid;
        let service_hears = StoredSubscription::to_messages(&service.auth, &device);
        let changing = self.bus.changing(transaction, &service);
        changing.subscribe(&service_hears)?;
        Ok(changing.add_token(&device, &login.token, &Map::new())?)
    }
}

/// The devices that say they are the account's: first those whose record was sealed here, then a few others.
pub(super) fn claimants(view: &View<'_>, id_keys: &IdKeys) -> Result<Vec<DeviceUuid>, StoreError> {
    let (mut ours, mut others) = (Vec::new(), Vec::new());
    for id_key in id_keys.all() {
        let lookup = Lookup::Indexed("endo.idKey".to_owned(), id_key.clone());
        let mut found = Vec::new();
        view.visit_devices(&lookup, usize::MAX, |device| {
            found.push(device.uuid);
            true
        })?;
        for device in found {
            let is_ours = view.record(&device)?.is_some();
            if is_ours { ours.push(device) } else { others.push(device) }
        }
    }
    ours.extend(others.into_iter().take(STRANGERS));
    Ok(ours)
}
