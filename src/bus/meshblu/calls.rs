//! The calls that a gateway makes (`spec/endo.md` 2.1 and 2.5 to 2.10).

use std::sync::Arc;

use bytes::Bytes;
use http::header::DATE;
use http::{Method, StatusCode};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use zeroize::Zeroizing;

use super::client::Call;
use super::{Identity, Meshblu, MeshbluError};
use crate::ambient::Timestamp;
use crate::bus::Login;
use crate::message::DeviceUuid;
use crate::signature::Ed25519PublicKey;
use crate::store::StoredSubscription;

/// What of a uuid stands in a path as it is (RFC 3986, 2.3).
const SEGMENT: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~');

impl Meshblu {
    /// The caller's own document.
    ///
    /// # Errors
    /// [`MeshbluError`].
    pub async fn whoami(&self, caller: Identity<'_>) -> Result<Value, MeshbluError> {
        self.call(Call::read(Some(caller), "/v2/whoami".to_owned())).await
    }

    /// What time it is on the bus, to the second; `None` where it does not tell.
    ///
    /// # Errors
    /// [`MeshbluError`].
    pub async fn date(&self) -> Result<Option<Timestamp>, MeshbluError> {
        let caller = Identity::of(self.service());
        let answer = self.exchange(Call::read(Some(caller), "/v2/whoami".to_owned())).await?;
        Ok(answer
            .response
            .headers()
            .get(DATE)
            .and_then(|date| Timestamp::from_http_date(date.to_str().ok()?)))
    }

    /// The PEM text of the key that signs the bus's webhooks; `None` where it signs none.
    ///
    /// # Errors
    /// [`MeshbluError`].
    pub async fn public_key(&self) -> Result<Option<String>, MeshbluError> {
        let caller = Identity::of(self.service());
        let answer = self.call(Call::read(Some(caller), "/publickey".to_owned())).await?;
        Ok(answer["publicKey"].as_str().map(str::to_owned))
    }

    /// The keys by which the bus signs webhooks (RFC 9421), by their names; none where it does not know of that.
    ///
    /// # Errors
    /// [`MeshbluError`].
    pub async fn webhook_keys(&self) -> Result<Vec<(String, Ed25519PublicKey)>, MeshbluError> {
        let answer = self.call(Call::read(None, "/.well-known/jwks.json".to_owned())).await;
        match answer {
            Err(error) if error.is_refusal() => Ok(Vec::new()),
            Err(MeshbluError::Unreadable) => Ok(Vec::new()),
            answer => {
                let set = answer?;
                let keys = set["keys"].as_array().into_iter().flatten();
                Ok(keys.filter_map(Ed25519PublicKey::from_jwk).collect())
            }
        }
    }

    /// Whether the bus knows this login.
    ///
    /// # Errors
    /// [`MeshbluError`], unless it is that the bus does not know it.
    pub async fn authenticate(&self, login: &Login) -> Result<bool, MeshbluError> {
        let call = Call::change(Some(Identity::of(login)), Method::POST, "/authenticate".to_owned(), None);
        match self.call(call.repeatable()).await {
            Ok(_) => Ok(true),
            Err(error) if error.is_refusal() => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// The devices that fit the query and that the caller may see, newest first: of each what `T` reads.
    ///
    /// # Errors
    /// [`MeshbluError`].
    pub async fn search<T: DeserializeOwned>(
        &self,
        caller: Identity<'_>,
        query: &Value,
    ) -> Result<Vec<T>, MeshbluError> {
        let target = "/search/devices".to_owned();
        let call = Call::change(Some(caller), Method::POST, target, Some(query)).repeatable();
        self.exchange(call).await?.read_list()
    }

    /// One device's document.
    ///
    /// # Errors
    /// [`MeshbluError`].
    pub async fn device(&self, caller: Identity<'_>, device: &DeviceUuid) -> Result<Value, MeshbluError> {
        self.call(Call::read(Some(caller), format!("/v2/devices/{}", segment(device)))).await
    }

    /// Registers a device; its login is in the answer alone.
    ///
    /// # Errors
    /// [`MeshbluError`].
    pub async fn register(&self, document: &Value) -> Result<Login, MeshbluError> {
        let caller = Identity::of(self.service());
        let call = Call::change(Some(caller), Method::POST, "/devices".to_owned(), Some(document));
        let registered = self.call(call).await?;
        login(registered["uuid"].as_str(), &registered["token"])
    }

    /// Changes a device by an update document.
    ///
    /// # Errors
    /// [`MeshbluError`].
    pub async fn update(
        &self,
        caller: Identity<'_>,
        device: &DeviceUuid,
        update: &Value,
    ) -> Result<(), MeshbluError> {
        let target = format!("/v2/devices/{}", segment(device));
        self.call(Call::change(Some(caller), Method::PUT, target, Some(update))).await.map(drop)
    }

    /// Makes a further token of a device.
    ///
    /// # Errors
    /// [`MeshbluError`].
    pub async fn make_token(&self, caller: Identity<'_>, device: &DeviceUuid) -> Result<Login, MeshbluError> {
        let target = format!("/devices/{}/tokens", segment(device));
        let answer = self.call(Call::change(Some(caller), Method::POST, target, None)).await?;
        login(Some(device.as_str()), &answer["token"])
    }

    /// Ends the token of this login, in its own name; it need not exist any more.
    ///
    /// # Errors
    /// [`MeshbluError`].
    pub async fn revoke_token(&self, login: &Login) -> Result<(), MeshbluError> {
        let token = utf8_percent_encode(&login.token, SEGMENT);
        let target = format!("/devices/{}/tokens/{token}", segment(&login.uuid));
        match self
            .call(Call::change(Some(Identity::of(login)), Method::DELETE, target, None).repeatable())
            .await
        {
            // It was the token itself that was to prove who asks.
            Err(error) if error.is(StatusCode::UNAUTHORIZED) => Ok(()),
            answer => answer.map(drop),
        }
    }

    /// What the device is subscribed to, as the service sees it; up to a second old.
    ///
    /// # Errors
    /// [`MeshbluError`].
    pub async fn recent_subscriptions(
        &self,
        device: &DeviceUuid,
    ) -> Result<Arc<Vec<StoredSubscription>>, MeshbluError> {
        let asked = self.clock().now();
        if let Some(known) = self.subscriptions_memory().recall(device, asked) {
            return Ok(known);
        }
        let subscriptions = Arc::new(self.subscriptions(Identity::of(self.service()), device).await?);
        self.subscriptions_memory().keep(device.clone(), asked, Arc::clone(&subscriptions));
        Ok(subscriptions)
    }

    /// What the device is subscribed to.
    ///
    /// # Errors
    /// [`MeshbluError`].
    pub async fn subscriptions(
        &self,
        caller: Identity<'_>,
        device: &DeviceUuid,
    ) -> Result<Vec<StoredSubscription>, MeshbluError> {
        let target = format!("/v2/devices/{}/subscriptions", segment(device));
        let answer = self.call(Call::read(Some(caller), target)).await?;
        serde_json::from_value(answer).map_err(|_| MeshbluError::Unreadable)
    }

    /// Makes a subscription.
    ///
    /// # Errors
    /// [`MeshbluError`].
    pub async fn subscribe(
        &self,
        caller: Identity<'_>,
        subscription: &StoredSubscription,
    ) -> Result<(), MeshbluError> {
        self.change_subscription(caller, Method::POST, subscription).await
    }

    /// Ends a subscription.
    ///
    /// # Errors
    /// [`MeshbluError`].
    pub async fn unsubscribe(
        &self,
        caller: Identity<'_>,
        subscription: &StoredSubscription,
    ) -> Result<(), MeshbluError> {
        self.change_subscription(caller, Method::DELETE, subscription).await
    }

    async fn change_subscription(
        &self,
        caller: Identity<'_>,
        method: Method,
        subscription: &StoredSubscription,
    ) -> Result<(), MeshbluError> {
        let StoredSubscription { subscriber_uuid, emitter_uuid, kind } = subscription;
        let target = format!(
            "/v2/devices/{}/subscriptions/{}/{kind}",
            segment(subscriber_uuid),
            segment(emitter_uuid)
        );
        let changed = self.call(Call::change(Some(caller), method, target, None).repeatable()).await;
        self.subscriptions_memory().forget(subscriber_uuid);
        changed.map(drop)
    }

    /// Sends a message, given as JSON text. Where the bus gives no answer, it may have taken the message all the same.
    ///
    /// # Errors
    /// [`MeshbluError`]; [`MeshbluError::nothing_done`] tells which leave no doubt.
    pub async fn send(&self, caller: Identity<'_>, message: &str) -> Result<(), MeshbluError> {
        let call = Call::change(Some(caller), Method::POST, "/messages".to_owned(), None);
        self.call(call.with(Bytes::copy_from_slice(message.as_bytes()))).await.map(drop)
    }

    /// The service's uuid as a path and a query carry it.
    pub(super) fn service_segment(&self) -> String {
        segment(&self.service().uuid)
    }

    /// Lets the service read and search as the device.
    ///
    /// # Errors
    /// [`MeshbluError`].
    pub async fn allow_search_as(&self, device: &DeviceUuid) -> Result<(), MeshbluError> {
        let service = json!({"uuid": self.service().uuid});
        let update = json!({"$addToSet": {"meshblu.whitelists.discover.as": service}});
        let target = format!("/v2/devices/{}", segment(device));
        let caller = Identity::of(self.service());
        self.call(Call::change(Some(caller), Method::PUT, target, Some(&update)).repeatable()).await.map(drop)
    }
}

fn segment(uuid: &DeviceUuid) -> String {
    utf8_percent_encode(uuid.as_str(), SEGMENT).to_string()
}

fn login(uuid: Option<&str>, token: &Value) -> Result<Login, MeshbluError> {
    match (uuid, token.as_str()) {
        (Some(uuid), Some(token)) => Ok(Login { uuid: uuid.into(), token: Zeroizing::new(token.to_owned()) }),
        _ => Err(MeshbluError::Unreadable),
    }
}
