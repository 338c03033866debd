//! What a device remembers of clients that may act as it: `octoblu.oauth.clients.<client>` (`spec/meshblu.md` 8).

use serde_json::{Map, Value};

use super::super::{BusError, Caller, EmbeddedBus};
use super::{AuthorizationRequest, Client, SignedIn};
use crate::message::DeviceUuid;
use crate::store::{Transaction, View};

impl EmbeddedBus {
    /// Whether `request` needs no question: the device said yes before. Where anybody may change the client's device,
    /// that yes may have been to somebody else.
    ///
    /// # Errors
    /// What the store reports.
    pub fn has_consented(
        &self,
        view: &View<'_>,
        signed_in: &SignedIn,
        request: &AuthorizationRequest,
    ) -> Result<bool, BusError> {
        let Some(document) = view.device(&signed_in.device)? else { return Ok(false) };
        let place = ["octoblu", "oauth", "clients", request.client.uuid.as_str()];
        let said = place.iter().try_fold(&*document, |value, key| value.get(key));
        Ok(said == Some(&Value::Bool(true)) && !request.client.is_anybodys)
    }

    /// Remembers the yes of `device`, in its own name. A document that has something else in that place stays as it
    /// is: then the question is asked again.
    pub(super) fn remember_consent(
        &self,
        transaction: &Transaction<'_>,
        device: &DeviceUuid,
        client: &Client,
    ) -> Result<(), BusError> {
        let path = format!("octoblu.oauth.clients.{}", client.uuid);
        let yes = Map::from_iter([(path, Value::Bool(true))]);
        match self.changing(transaction, &Caller::itself(device.clone())).set(device, yes) {
            Err(BusError::Data(_) | BusError::Update(_)) => Ok(()),
            other => other,
        }
    }
}
