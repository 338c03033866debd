//! The client itself: one call, its answer, and the repetition that is harmless.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::header::{ACCEPT, ACCEPT_ENCODING, CONTENT_TYPE};
use http::{HeaderMap, HeaderValue, Method, StatusCode};
use reqwest::Url;
use serde_json::Value;

use super::answer::Answer;
use super::error::MeshbluError;
use super::identity::Identity;
use super::remembered::Remembered;
use crate::ambient::{Clock, Random};
use crate::bus::Login;
use crate::egress::{Egress, EgressError, Peer, PeerRequest, Socket, UNDERSTOOD};

/// What a bus that is away for a moment is given before it is asked once more.
const MOMENT: Duration = Duration::from_millis(250);

/// Where a Meshblu is, and who the gateway is there.
#[derive(Debug)]
pub struct MeshbluSettings {
    /// Its HTTP API.
    pub url: Url,
    /// The gateway's own identity.
    pub service: Login,
    /// The longest that one call may take, its answer included.
    pub limit: Duration,
}

/// A client of a remote Meshblu. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Meshblu(Arc<Parts>);

#[derive(Debug)]
struct Parts {
    peer: Peer,
    service: Login,
    clock: Clock,
    subscriptions: Remembered,
}

/// What is asked of the bus.
pub(super) struct Call<'a> {
    pub(super) method: Method,
    pub(super) target: String,
    pub(super) identity: Option<Identity<'a>>,
    pub(super) body: Option<Bytes>,
    /// Whether asking twice does no more than asking once.
    pub(super) repeatable: bool,
}

impl Meshblu {
    /// A client that calls by `egress`. Nothing is called yet.
    pub fn new(settings: MeshbluSettings, egress: &Egress, clock: Clock) -> Self {
        let MeshbluSettings { url, service, limit } = settings;
        let peer = egress.peer(&url, limit);
        Self(Arc::new(Parts { peer, service, clock, subscriptions: Remembered::default() }))
    }

    /// The gateway's own identity.
    pub fn service(&self) -> &Login {
        &self.0.service
    }

    /// Where the bus is, without a slash at the end.
    pub fn url(&self) -> &str {
        self.0.peer.base_url()
    }

    pub(super) fn clock(&self) -> &Clock {
        &self.0.clock
    }

    pub(super) fn subscriptions_memory(&self) -> &Remembered {
        &self.0.subscriptions
    }

    /// How long a call may take.
    pub(super) fn limit(&self) -> Duration {
        self.0.peer.limit()
    }

    /// A connection that stays.
    pub(super) async fn open_socket(
        &self,
        target: &str,
        headers: HeaderMap,
        random: &Random,
    ) -> Result<Socket, EgressError> {
        self.0.peer.open_socket(target, headers, random).await
    }

    /// What the bus answers to the call, made once more at most, where that is harmless.
    pub(super) async fn call(&self, call: Call<'_>) -> Result<Value, MeshbluError> {
        self.exchange(call).await?.read()
    }

    /// The same answer as it came.
    pub(super) async fn exchange<'a>(&self, call: Call<'a>) -> Result<Answer<'a>, MeshbluError> {
        let caller = call.identity;
        let first = self.0.peer.call(call.request()?).await;
        match &first {
            Err(error) if call.may_repeat_after(error) => {}
            Ok(answer) if call.may_repeat_at(answer.status()) => tokio::time::sleep(MOMENT).await,
            _ => return Ok(Answer { response: first?, caller }),
        }
        Ok(Answer { response: self.0.peer.call(call.request()?).await?, caller })
    }
}

impl<'a> Call<'a> {
    /// A call that changes nothing.
    pub(super) fn read(identity: Option<Identity<'a>>, target: String) -> Self {
        Self { method: Method::GET, target, identity, body: None, repeatable: true }
    }

    /// A call that changes something.
    pub(super) fn change(
        identity: Option<Identity<'a>>,
        method: Method,
        target: String,
        body: Option<&Value>,
    ) -> Self {
        let body = body.map(|body| serde_json::to_vec(body).expect("a JSON value can be written").into());
        Self { method, target, identity, body, repeatable: false }
    }

    /// The same call with this JSON text as its body.
    pub(super) fn with(self, body: Bytes) -> Self {
        Self { body: Some(body), ..self }
    }

    /// The same call, which does no more when it is made twice.
    pub(super) fn repeatable(self) -> Self {
        Self { repeatable: true, ..self }
    }

    /// Only where the first attempt ended early: what was slow once is not asked for again.
    fn may_repeat_after(&self, error: &EgressError) -> bool {
        match error {
            EgressError::Connect(_) => true,
            EgressError::Exchange(_) => self.repeatable,
            _ => false,
        }
    }

    /// Also where the bus, or what stands before it, is away just now.
    fn may_repeat_at(&self, status: StatusCode) -> bool {
        let is_away = matches!(status, StatusCode::BAD_GATEWAY | StatusCode::SERVICE_UNAVAILABLE);
        is_away && self.repeatable
    }

    fn request(&self) -> Result<PeerRequest, MeshbluError> {
        let mut headers = HeaderMap::new();
        headers.insert(ACCEPT, HeaderValue::from_static("application/json"));
        headers.insert(ACCEPT_ENCODING, UNDERSTOOD);
        if self.identity.is_some_and(|identity| !identity.sign(&mut headers)) {
            return Err(EgressError::Address.into());
        }
        if self.body.is_some() {
            headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        }
        let body = self.body.clone().unwrap_or_default();
        Ok(PeerRequest { method: self.method.clone(), target: self.target.clone(), headers, body })
    }
}
