//! The bus as those who sign people in with it see it (`spec/endo.md` 2.6, `spec/meshblu.md` 8).

use base64::Engine;
use bytes::Bytes;
use http::header::{ACCEPT, CONTENT_TYPE};
use http::{HeaderMap, HeaderValue, Method};
use serde_json::Value;
use thiserror::Error;
use zeroize::Zeroizing;

use super::embedded::oauth::Redemption;
use super::embedded::{BusError, Caller, EmbeddedBus};
use super::meshblu::{Identity, Meshblu, MeshbluError};
use super::{LENIENT_BASE64, Login};
use crate::egress::{EgressError, Peer, PeerRequest, Url};

/// What the provider needs to know to send somebody back.
#[derive(Clone, Copy, Debug)]
pub struct Journey<'a> {
    /// Comes back as it is.
    pub state: &'a str,
    /// The SHA-256 of what is shown with the code (RFC 7636).
    pub challenge: &'a str,
    /// Where the browser is sent back to.
    pub redirect_url: &'a str,
}

/// Who knows the devices that people sign in as. Cheap to clone.
#[derive(Clone, Debug)]
pub enum BusProvider {
    /// The bus in this process, whose page is at this address.
    Embedded(EmbeddedBus, Url),
    /// A Meshblu elsewhere, and its provider.
    Meshblu(Meshblu, Peer),
}

/// Why nobody is signed in. Texts are safe to log.
#[derive(Debug, Error)]
pub enum NotSignedIn {
    /// The code is not good.
    #[error("the provider does not take the code")]
    BadCode,
    /// The answer holds no token of a device.
    #[error("the provider's answer holds no token of a device")]
    Unreadable,
    /// The provider does not answer.
    #[error("the provider does not answer")]
    Call(#[from] EgressError),
    /// The bus in this process does not do it.
    #[error("the bus does not do it")]
    Bus(#[from] BusError),
    /// The bus elsewhere does not do it.
    #[error("the bus does not do it")]
    Meshblu(#[from] MeshbluError),
}

/// What the bus granted for a code.
#[derive(Clone, Debug)]
pub struct Granted {
    /// Whose device it is, with the token that is for this alone.
    pub login: Login,
    /// How the store names that token, where it is one of the bus in this process.
    pub token: Option<i64>,
}

impl BusProvider {
    /// Where a browser is sent to sign in. The original's provider knows neither PKCE nor addresses to come back to.
    pub fn start(&self, journey: Journey<'_>) -> Url {
        let (mut url, service) = match self {
            Self::Embedded(bus, page) => (page.clone(), bus.service().as_str()),
            Self::Meshblu(bus, provider) => (authorize(provider), bus.service().uuid.as_str()),
        };
        let mut query = url.query_pairs_mut();
        query.append_pair("response_type", "code").append_pair("client_id", service);
        query.append_pair("state", journey.state);
        if let Self::Embedded(..) = self {
            query.append_pair("redirect_uri", journey.redirect_url);
            query.append_pair("code_challenge", journey.challenge);
            query.append_pair("code_challenge_method", "S256");
        }
        drop(query);
        url
    }

    /// Whether its own page may know a browser still once nobody is signed in at the gateway there: only the bus in this
    /// process forgets them together.
    pub fn may_know_longer(&self) -> bool {
        matches!(self, Self::Meshblu(..))
    }

    /// Whether the provider may call itself so (RFC 9207).
    pub fn is_issuer(&self, issuer: &str) -> bool {
        self.is_at(issuer)
    }

    /// The secrets of the gateway that it knows.
    pub fn secrets(&self) -> Vec<&str> {
        match self {
            Self::Embedded(..) => Vec::new(),
            Self::Meshblu(bus, _) => vec![&bus.service().token],
        }
    }

    /// Whether browsers take its pages and this address for one site's.
    pub fn is_at(&self, address: &str) -> bool {
        let origin = match self {
            Self::Embedded(_, page) => page.origin(),
            Self::Meshblu(_, provider) => authorize(provider).origin(),
        };
        Url::parse(address).is_ok_and(|address| address.origin() == origin)
    }

    /// The login of the device that the code stands for.
    ///
    /// # Errors
    /// [`NotSignedIn`].
    pub async fn redeem(
        &self,
        code: Zeroizing<String>,
        redirect_url: &str,
        verifier: &str,
    ) -> Result<Granted, NotSignedIn> {
        match self {
            Self::Embedded(bus, _) => {
                let redemption = Redemption {
                    code,
                    redirect_uri: Some(redirect_url.to_owned()),
                    verifier: Some(Zeroizing::new(verifier.to_owned())),
                };
                let redeem =
                    bus.change(move |bus, transaction| bus.redeem(transaction, bus.service(), &redemption));
                let token = redeem.await?.map_err(|_| NotSignedIn::BadCode)?;
                let login = login(token.expose()).ok_or(NotSignedIn::Unreadable)?;
                Ok(Granted { login, token: token.seq })
            }
            Self::Meshblu(bus, provider) => {
                Ok(Granted { login: redeem_at(bus, provider, &code).await?, token: None })
            }
        }
    }

    /// Ends the token of a login that a code was redeemed for.
    ///
    /// # Errors
    /// [`NotEnded`].
    pub async fn end(&self, login: Login) -> Result<(), NotEnded> {
        match self {
            Self::Embedded(bus, _) => {
                let end = bus.change(move |bus, transaction| {
                    let device = Caller::itself(login.uuid.clone());
                    bus.changing(transaction, &device).revoke_token(&login.uuid, &login.token)
                });
                Ok(end.await?)
            }
            Self::Meshblu(bus, _) => Ok(bus.revoke_token(&login).await?),
        }
    }
}

/// Why a token may still be good. Texts are safe to log.
#[derive(Debug, Error)]
pub enum NotEnded {
    /// The bus in this process does not do it.
    #[error("the bus does not do it")]
    Bus(#[from] BusError),
    /// The bus elsewhere does not do it.
    #[error("the bus does not do it")]
    Meshblu(#[from] MeshbluError),
}

/// As npm's passport-octoblu asks: the service proves itself in the form.
async fn redeem_at(bus: &Meshblu, provider: &Peer, code: &str) -> Result<Login, NotSignedIn> {
    let service = bus.service();
    let mut headers = HeaderMap::new();
    headers.insert(ACCEPT, HeaderValue::from_static("application/json"));
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/x-www-form-urlencoded"));
    let mut form = Url::parse("form:").expect("a fixed address");
    form.query_pairs_mut()
        .append_pair("grant_type", "authorization_code")
        .append_pair("client_id", service.uuid.as_str())
        .append_pair("client_secret", &service.token)
        .append_pair("code", code);
    let body = Bytes::copy_from_slice(form.query().unwrap_or_default().as_bytes());
    drop(Zeroizing::new(String::from(form)));
    let target = "/access_token".to_owned();
    let answer = provider.call(PeerRequest { method: Method::POST, target, headers, body }).await?;
    if answer.status().is_client_error() {
        return Err(NotSignedIn::BadCode);
    }
    let told: Value = serde_json::from_slice(answer.body()).map_err(|_| NotSignedIn::Unreadable)?;
    let token = told["access_token"].as_str().filter(|_| answer.status().is_success());
    let login = token.and_then(login).ok_or(NotSignedIn::Unreadable)?;
    let known = bus.whoami(Identity::of(&login)).await?;
    let is_theirs = known["uuid"].as_str() == Some(login.uuid.as_str());
    is_theirs.then_some(login).ok_or(NotSignedIn::Unreadable)
}

fn authorize(provider: &Peer) -> Url {
    let address = format!("{}/authorize", provider.base_url());
    Url::parse(&address).expect("a path below a URL is one")
}

/// An access token of a bus is base64 of `uuid:token`.
fn login(text: &str) -> Option<Login> {
    let pair = Zeroizing::new(LENIENT_BASE64.decode(text).ok()?);
    let (uuid, token) = std::str::from_utf8(&pair).ok()?.split_once(':')?;
    let is_whole = !uuid.is_empty() && !token.is_empty();
    is_whole.then(|| Login { uuid: uuid.into(), token: Zeroizing::new(token.to_owned()) })
}
