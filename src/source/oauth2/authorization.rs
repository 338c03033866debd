//! The way of a browser to the provider and back: `state`, PKCE (RFC 7636) and `iss` (RFC 9207), every time. Pure.

use std::collections::BTreeMap;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sha2::{Digest, Sha256};
use thiserror::Error;

use super::said::Said;
use super::settings::OAuth2;
use crate::ambient::Timestamp;
use crate::egress::Url;
use crate::redaction::Redaction;
use crate::vault::SecretText;

/// How long a sign-in may take.
pub const LIFE: Duration = Duration::from_secs(600);

/// A sign-in that is under way, of one browser. Prints no secret.
#[derive(Debug)]
pub struct Pending {
    /// What the provider has to send back.
    pub state: SecretText,
    /// What proves that whoever brings the code began the sign-in.
    pub verifier: SecretText,
    /// Where the provider sends the browser back to.
    pub redirect_url: String,
    /// When the sign-in began.
    pub begun_at: Timestamp,
}

/// Why a browser that came back is sent away. The texts are fit for logs: none holds a word of the provider's.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum CallbackError {
    /// A parameter that counts stands there twice.
    #[error("the provider's answer is malformed")]
    Malformed,
    /// The answer belongs to another sign-in, or to none.
    #[error("this answer belongs to no sign-in of this browser")]
    State,
    /// The sign-in took too long.
    #[error("the sign-in took too long; begin again")]
    Over,
    /// Somebody else than the provider answers.
    #[error("the answer comes from another provider")]
    Issuer,
    /// The provider says no.
    #[error("the provider says no with {}", said.code)]
    Denied {
        /// What that comes to.
        why: Denial,
        /// What it says.
        said: Said,
    },
    /// There is neither a code nor an error.
    #[error("the provider sent no code")]
    NoCode,
}

impl CallbackError {
    /// The same for people, with the provider's plain words where there are any.
    pub fn words(&self) -> String {
        match self {
            Self::Denied { said, .. } => match said.words() {
                Some(words) => format!("the provider says: {words}"),
                None => "the provider says no".to_owned(),
            },
            _ => self.to_string(),
        }
    }
}

/// What it comes to that a provider says no (RFC 6749, 4.1.2.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Denial {
    /// The user said no.
    ByUser,
    /// The provider can sign nobody in at the moment.
    ForNow,
    /// The provider failed.
    Failed,
    /// Anything else.
    Otherwise,
}

impl Denial {
    fn of(error: &str) -> Self {
        match error {
            "access_denied" => Self::ByUser,
            "temporarily_unavailable" => Self::ForNow,
            "server_error" => Self::Failed,
            _ => Self::Otherwise,
        }
    }
}

/// Who may answer.
#[derive(Clone, Copy, Debug)]
pub struct Provider<'a, F> {
    /// Whether it may call itself so.
    pub is_issuer: F,
    /// The secrets that it was told, but for `state`.
    pub knows: &'a [&'a str],
}

impl Pending {
    /// What the provider is told of the verifier, by S256.
    pub fn challenge(&self) -> String {
        URL_SAFE_NO_PAD.encode(Sha256::digest(self.verifier.expose()))
    }

    /// The code in what a browser brought back from this provider.
    ///
    /// # Errors
    /// [`CallbackError`]; `state` is compared before anything else is believed.
    pub fn code(
        &self,
        answer: &str,
        now: Timestamp,
        provider: Provider<'_, impl Fn(&str) -> bool>,
    ) -> Result<SecretText, CallbackError> {
        let answer = Answer::read(answer)?;
        let state = answer.state.as_deref().unwrap_or_default();
        if !self.state.is(state) {
            return Err(CallbackError::State);
        }
        if now < self.begun_at || now.since(self.begun_at) > LIFE {
            return Err(CallbackError::Over);
        }
        if answer.iss.as_deref().is_some_and(|iss| !(provider.is_issuer)(iss)) {
            return Err(CallbackError::Issuer);
        }
        if let Some(error) = answer.error {
            let sent = Redaction::of(provider.knows.iter().copied().chain([self.state.expose()]));
            let said = Said::of(&error, &answer.error_description.unwrap_or_default(), &sent);
            return Err(CallbackError::Denied { why: Denial::of(&error), said });
        }
        answer.code.filter(|code| !code.is_empty()).map(SecretText::from).ok_or(CallbackError::NoCode)
    }
}

impl OAuth2 {
    /// Where the browser is sent for a sign-in. Holds `state`, so it belongs into no log.
    pub fn begin(&self, pending: &Pending) -> Url {
        self.lead(pending, &self.parameters)
    }

    /// The same for one that proves an account anew: a provider that can ask whoever is signed in there is to do so.
    pub fn begin_again(&self, pending: &Pending) -> Url {
        let mut parameters = self.parameters.clone();
        parameters.extend(self.again.clone());
        self.lead(pending, &parameters)
    }

    fn lead(&self, pending: &Pending, parameters: &BTreeMap<String, String>) -> Url {
        let mut url = self.authorization.clone();
        let mut query = url.query_pairs_mut();
        query.append_pair("response_type", "code").append_pair("client_id", &self.client_id);
        query.append_pair("redirect_uri", &pending.redirect_url);
        if !self.scope.is_empty() {
            query.append_pair("scope", &self.scope);
        }
        query.append_pair("state", pending.state.expose());
        query
            .append_pair("code_challenge", &pending.challenge())
            .append_pair("code_challenge_method", "S256");
        query.extend_pairs(parameters);
        drop(query);
        url
    }

    /// The code in what a browser brought back: a query, or a form. Whoever calls sees to it that it does so once.
    ///
    /// # Errors
    /// [`CallbackError`]; `state` is compared before anything else is believed.
    pub fn code(&self, pending: &Pending, answer: &str, now: Timestamp) -> Result<SecretText, CallbackError> {
        let is_issuer = |issuer: &str| self.is_issuer(issuer);
        pending.code(answer, now, Provider { is_issuer, knows: &[self.client_secret.expose()] })
    }

    /// Where nobody knows what the provider calls itself, it must be at home where browsers are sent.
    fn is_issuer(&self, iss: &str) -> bool {
        match &self.issuer {
            Some(issuer) => issuer == iss,
            None => Url::parse(iss).is_ok_and(|iss| iss.origin() == self.authorization.origin()),
        }
    }
}

/// What a browser brings back.
#[derive(Default)]
struct Answer {
    code: Option<String>,
    state: Option<String>,
    iss: Option<String>,
    error: Option<String>,
    error_description: Option<String>,
}

impl Answer {
    fn read(text: &str) -> Result<Self, CallbackError> {
        let mut url = Url::parse("http://localhost/").expect("a fixed address");
        url.set_query(Some(text));
        let mut answer = Self::default();
        for (name, value) in url.query_pairs() {
            let place = match &*name {
                "code" => &mut answer.code,
                "state" => &mut answer.state,
                "iss" => &mut answer.iss,
                "error" => &mut answer.error,
                "error_description" => &mut answer.error_description,
                _ => continue,
            };
            if place.replace(value.into_owned()).is_some() {
                return Err(CallbackError::Malformed);
            }
        }
        Ok(answer)
    }
}
