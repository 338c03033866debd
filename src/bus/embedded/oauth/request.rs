//! What a client asks for at `/authorize` (RFC 6749, 4.1.1).

use serde_json::{Map, Value};
use thiserror::Error;

use super::{Challenge, Client, Decline, Reason};
use crate::egress::Url;
use crate::message::DeviceUuid;
use crate::store::{StoreError, View};

const MAX_STATE: usize = 2048;

/// A request that can be granted or denied.
#[derive(Clone, Debug)]
pub struct AuthorizationRequest {
    /// Who asks.
    pub client: Client,
    /// Where the answer goes.
    pub target: Url,
    /// The address as the client named it, if it did.
    pub named: Option<String>,
    /// What the client wants back as it is.
    pub state: Option<String>,
    /// What the client will have to show for the code.
    pub challenge: Option<Challenge>,
}

/// A request that people are not asked about.
#[derive(Clone, Debug)]
pub enum Flaw {
    /// Nobody is redirected to an address that is not registered, so whoever asks is told here.
    Misaddressed(Misaddressed),
    /// The client is told.
    Declined(Decline),
}

/// Why a request's answer cannot be sent back.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum Misaddressed {
    /// It names no client.
    #[error("Missing clientId")]
    MissingClient,
    /// There is no such client.
    #[error("Unable to get Client")]
    UnknownClient,
    /// Its `redirect_uri` is not one that the client registered.
    #[error("redirect_uri does not match")]
    ForeignTarget,
}

impl AuthorizationRequest {
    /// The request of these parameters.
    ///
    /// # Errors
    /// What the store reports.
    pub fn parse(view: &View<'_>, parameters: &Map<String, Value>) -> Result<Result<Self, Flaw>, StoreError> {
        let Ok(uuid) = one(parameters, "client_id") else { return misaddressed(Misaddressed::UnknownClient) };
        let Some(uuid) = uuid else { return misaddressed(Misaddressed::MissingClient) };
        let document = view.device(&DeviceUuid::from(uuid))?;
        let Some(client) = document.as_deref().and_then(Client::of) else {
            return misaddressed(Misaddressed::UnknownClient);
        };
        let named = one(parameters, "redirect_uri").map(|named| named.map(str::to_owned));
        let target = named.as_ref().ok().and_then(|named| client.target(named.as_deref()));
        let (Ok(named), Some(target)) = (named, target) else {
            return misaddressed(Misaddressed::ForeignTarget);
        };
        let (state, challenge) = (state(parameters), challenge(parameters));
        let known_state = state.clone().ok().flatten();
        let request = Self { client, target: target.clone(), named, state: None, challenge: None };
        let filled = code_is_wanted(parameters).and_then(|()| request.with(state?, challenge?));
        Ok(filled.map_err(|reason| Flaw::Declined(Decline { target, state: known_state, reason })))
    }

    fn with(self, state: Option<String>, challenge: Option<Challenge>) -> Result<Self, Reason> {
        if self.client.requires_state && state.is_none() {
            return Err(Reason::Invalid("this client sends state always"));
        }
        if self.client.requires_pkce && challenge.is_none() {
            return Err(Reason::Invalid("this client sends code_challenge always"));
        }
        Ok(Self { state, challenge, ..self })
    }

    /// The answer that this cannot be granted.
    pub fn decline(self, reason: Reason) -> Decline {
        Decline { target: self.target, state: self.state, reason }
    }

    /// The same request as the query of an address.
    pub fn to_query(&self) -> String {
        let mut url = Url::parse("query:").expect("a scheme is a URL");
        let mut query = url.query_pairs_mut();
        query.append_pair("response_type", "code").append_pair("client_id", self.client.uuid.as_str());
        let challenge = self.challenge.map(|challenge| challenge.to_string());
        let method = challenge.is_some().then(|| "S256".to_owned());
        for (name, value) in [
            ("redirect_uri", &self.named),
            ("state", &self.state),
            ("code_challenge", &challenge),
            ("code_challenge_method", &method),
        ] {
            if let Some(value) = value {
                query.append_pair(name, value);
            }
        }
        drop(query);
        url.query().unwrap_or_default().to_owned()
    }
}

fn misaddressed<T>(why: Misaddressed) -> Result<Result<T, Flaw>, StoreError> {
    Ok(Err(Flaw::Misaddressed(why)))
}

fn code_is_wanted(parameters: &Map<String, Value>) -> Result<(), Reason> {
    match one(parameters, "response_type")? {
        Some("code") => Ok(()),
        Some(_) => Err(Reason::NoSuchResponseType),
        None => Err(Reason::Invalid("response_type is missing")),
    }
}

/// The one value of a parameter; without a value it counts as absent (RFC 6749, 3.1).
fn one<'a>(parameters: &'a Map<String, Value>, name: &str) -> Result<Option<&'a str>, Reason> {
    match parameters.get(name) {
        None => Ok(None),
        Some(Value::String(value)) => Ok(Some(value.as_str()).filter(|value| !value.is_empty())),
        Some(_) => Err(Reason::Invalid("a parameter is repeated")),
    }
}

fn state(parameters: &Map<String, Value>) -> Result<Option<String>, Reason> {
    let Some(state) = one(parameters, "state")? else { return Ok(None) };
    let is_fit = state.len() <= MAX_STATE && state.bytes().all(|byte| matches!(byte, b' '..=b'~'));
    if is_fit { Ok(Some(state.to_owned())) } else { Err(Reason::Invalid("state is too long or not ASCII")) }
}

fn challenge(parameters: &Map<String, Value>) -> Result<Option<Challenge>, Reason> {
    let method = one(parameters, "code_challenge_method")?;
    match (one(parameters, "code_challenge")?, method) {
        (None, None) => Ok(None),
        (Some(challenge), Some("S256")) => {
            let challenge = Challenge::parse(challenge);
            challenge.map(Some).ok_or(Reason::Invalid("code_challenge is not base64url of a SHA-256"))
        }
        (Some(_), _) => Err(Reason::Invalid("code_challenge_method must be S256")),
        (None, Some(_)) => Err(Reason::Invalid("code_challenge is missing")),
    }
}
