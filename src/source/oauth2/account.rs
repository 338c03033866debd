//! Whose token it is, and whether it is still good: the profile request.

use std::collections::{BTreeMap, HashMap};

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Method, Response, StatusCode, header};
use serde_json::value::RawValue;
use serde_json::{Map, Value};
use zeroize::Zeroizing;

use super::answer::{BAD_TOKENS, Tokens, refusal, says_no, unexplained};
use super::client::{OAuthClient, ProviderRequest, sensitive, whole};
use super::error::OAuthError;
use super::said::Said;
use crate::egress::{EgressError, Url};
use crate::redaction::Redaction;
use crate::source::provider::{Profile, ProfileMethod};
use crate::vault::{NotAResourceOwnerId, ResourceOwnerId, SecretMap, SecretText};

/// The longest name of an account that is kept, in characters.
const LONGEST_NAME: usize = 256;
/// The longest extra that is kept, in bytes of JSON; a longer one is left out.
const LONGEST_EXTRA: usize = 4096;

/// The account behind a token.
#[derive(Clone, Debug)]
pub struct ResourceOwner {
    /// Its id: text or an integer, nothing else.
    pub id: ResourceOwnerId,
    /// Its name, for people.
    pub username: Option<String>,
    /// What else jobs may see.
    pub extras: Map<String, Value>,
}

/// What the provider thinks of an access token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Probe {
    /// It is good.
    Good,
    /// It is not good, or not any more.
    Rejected,
    /// This provider cannot be asked.
    Unknown,
}

impl OAuthClient {
    /// The account that these tokens are for.
    ///
    /// # Errors
    /// [`OAuthError::AccountId`] where the id is neither text nor an integer; [`OAuthError::TokenRejected`] where the
    /// provider does not take the token; else what went wrong on the way.
    pub async fn account(&self, tokens: &Tokens) -> Result<ResourceOwner, OAuthError> {
        match &self.settings.profile_url {
            Some(url) => self.profile(url, &tokens.access).await,
            None => {
                let given = [&tokens.access].into_iter().chain(&tokens.refresh).map(SecretText::expose);
                read(&self.settings.profile, tokens.told.expose(), &Redaction::of(given))
            }
        }
    }

    /// Whether the provider still takes this access token: then it says whose it is.
    ///
    /// # Errors
    /// [`OAuthError`] where the provider says neither yes nor no.
    pub async fn probe(&self, access: &SecretText) -> Result<Probe, OAuthError> {
        let Some(url) = &self.settings.profile_url else { return Ok(Probe::Unknown) };
        match self.profile(url, access).await {
            Ok(_) => Ok(Probe::Good),
            Err(OAuthError::TokenRejected) => Ok(Probe::Rejected),
            Err(error) => Err(error),
        }
    }

    async fn profile(&self, url: &Url, access: &SecretText) -> Result<ResourceOwner, OAuthError> {
        let answer = self.ask_profile(url, access).await?;
        let sent = Redaction::of([access.expose(), self.settings.client_secret.expose()]);
        check(&answer, &sent)?;
        let told = std::str::from_utf8(answer.body()).map_err(|_| OAuthError::Unreadable)?;
        read(&self.settings.profile, told, &sent)
    }

    async fn ask_profile(&self, url: &Url, access: &SecretText) -> Result<Response<Bytes>, OAuthError> {
        let profile = &self.settings.profile;
        let mut headers = headers(&profile.headers)?;
        let bearer = Zeroizing::new(format!("Bearer {}", access.expose()));
        headers.insert(header::AUTHORIZATION, sensitive(&bearer)?);
        let method = match profile.method {
            ProfileMethod::Get => Method::GET,
            ProfileMethod::Post => Method::POST,
        };
        let request = ProviderRequest { method, url: url.clone(), headers, body: Bytes::new() };
        whole(self.call(request).await?)
    }
}

/// Whether it is a profile. Some providers answer 200 to a token they do not take, and where they failed.
fn check(answer: &Response<Bytes>, sent: &Redaction) -> Result<(), OAuthError> {
    let members = serde_json::from_slice::<Map<String, Value>>(answer.body());
    match (answer.status(), members.as_ref().map(refusal)) {
        (StatusCode::UNAUTHORIZED, _) => Err(OAuthError::TokenRejected),
        (status, Ok(None)) if status.is_success() => match members.as_ref().is_ok_and(says_no) {
            true => Err(OAuthError::Declined(status.as_u16())),
            false => Ok(()),
        },
        (status, Ok(Some(error))) if status.is_success() => match BAD_TOKENS.contains(&error) {
            true => Err(OAuthError::TokenRejected),
            false => Err(OAuthError::Refused { said: Said::of(error, "", sent), status: status.as_u16() }),
        },
        _ => Err(unexplained(answer)),
    }
}

/// The account that a provider tells of; people and jobs see of it nothing of `secrets`.
fn read(profile: &Profile, told: &str, secrets: &Redaction) -> Result<ResourceOwner, OAuthError> {
    let members = serde_json::from_str::<Map<String, Value>>(told).map_err(|_| OAuthError::Unreadable)?;
    let members = SecretMap::from(members);
    let find = |pointer: &str| find(members.expose(), pointer);
    let username = profile.username.as_deref().and_then(|pointer| match find(pointer)? {
        Value::Number(_) => written(told, pointer),
        name => name.as_str(),
    });
    let username =
        username.map(|name| secrets.clean_text(name.to_owned()).chars().take(LONGEST_NAME).collect());
    let extras = profile.extras.iter().filter_map(|(name, pointer)| {
        let value = find(pointer).filter(|value| value.to_string().len() <= LONGEST_EXTRA)?;
        Some((name.clone(), secrets.clean(value.clone())))
    });
    let part = |pointer: &String| part(find(pointer), told, pointer);
    let id = whole_id(profile.id.iter().map(part).collect::<Result<_, _>>()?);
    Ok(ResourceOwner { id, username, extras: extras.collect() })
}

/// What stands at this pointer of the profile, which has this value, as an id or a part of one.
fn part(value: Option<&Value>, told: &str, pointer: &str) -> Result<ResourceOwnerId, NotAResourceOwnerId> {
    match value.ok_or(NotAResourceOwnerId)? {
        Value::String(blank) if blank.trim().is_empty() => Err(NotAResourceOwnerId),
        Value::Number(_) => ResourceOwnerId::of_integer(written(told, pointer).ok_or(NotAResourceOwnerId)?),
        text => ResourceOwnerId::try_from(text),
    }
}

/// The id that has these parts: the only one itself, else the JSON list of all, in which none runs into the next.
fn whole_id(mut parts: Vec<ResourceOwnerId>) -> ResourceOwnerId {
    match parts.len() {
        1 => parts.remove(0),
        _ => {
            ResourceOwnerId::Text(parts.iter().map(ResourceOwnerId::to_value).collect::<Value>().to_string())
        }
    }
}

/// The value at a JSON pointer (RFC 6901) of at least one step.
fn find<'a>(members: &'a Map<String, Value>, pointer: &str) -> Option<&'a Value> {
    let path = pointer.strip_prefix('/')?;
    let (first, rest) = path.find('/').map_or((path, ""), |end| path.split_at(end));
    members.get(&first.replace("~1", "/").replace("~0", "~"))?.pointer(rest)
}

/// The same as it is written: who reads a number rounds what is too large for one.
fn written<'a>(told: &'a str, pointer: &str) -> Option<&'a str> {
    let mut at: &RawValue = serde_json::from_str(told).ok()?;
    for step in pointer.strip_prefix('/')?.split('/') {
        at = match at.get().starts_with('[') {
            true => {
                serde_json::from_str::<Vec<&RawValue>>(at.get()).ok()?.get(step.parse::<usize>().ok()?)?
            }
            false => {
                let step = step.replace("~1", "/").replace("~0", "~");
                serde_json::from_str::<HashMap<String, &RawValue>>(at.get()).ok()?.remove(&step)?
            }
        };
    }
    Some(at.get())
}

fn headers(listed: &BTreeMap<String, String>) -> Result<HeaderMap, OAuthError> {
    let wrong = || OAuthError::NotSent(EgressError::Address);
    let one = |(name, value): (&String, &String)| {
        let name: HeaderName = name.parse().map_err(|_| wrong())?;
        Ok((name, HeaderValue::from_str(value).map_err(|_| wrong())?))
    };
    listed.iter().map(one).collect()
}
