//! What a token endpoint answers (RFC 6749, 5), as strictly as providers allow.

use std::time::Duration;

use bytes::Bytes;
use http::{Response, StatusCode};
use serde_json::{Map, Value};

use super::bad_grants::BadGrants;
use super::error::OAuthError;
use super::said::Said;
use crate::egress::{ProviderAnswer, RetryAfter};
use crate::redaction::Redaction;
use crate::vault::{SecretMap, SecretText};

/// What providers call an access token that is not good; the first is the standard's name (RFC 6750, 3.1).
pub(super) const BAD_TOKENS: [&str; 5] =
    ["invalid_token", "invalid_auth", "token_expired", "token_revoked", "account_inactive"];
/// Longer lives are cut to this, so that no time overflows.
const LONGEST_LIFE: Duration = Duration::from_secs(10 * 366 * 24 * 3600);
/// A longer token is no token.
const LONGEST_TOKEN: usize = 64 * 1024;

/// What a token endpoint gave. Prints no secret.
#[derive(Debug)]
pub struct Tokens {
    /// What opens the API.
    pub access: SecretText,
    /// What buys the next pair.
    pub refresh: Option<SecretText>,
    /// What stands in its place and cannot be used, as text: the one before may be spent by now, and nobody knows what is good.
    pub unusable_refresh: Option<SecretText>,
    /// How long the access token lives from the request on, where the provider says so.
    pub lifetime: Option<Duration>,
    /// Everything the provider answered, a JSON object.
    pub told: SecretText,
}

impl Tokens {
    /// Reads the answer of a token endpoint to a request that carried these secrets; `bad` has the errors by which it says that a
    /// grant is not good. Some providers answer 200 to what they refuse. A status counts without its body, unless it is one that
    /// brings tokens.
    ///
    /// # Errors
    /// [`OAuthError`], as [`OAuthClient::refresh`](super::OAuthClient::refresh) has it.
    pub fn read(answer: ProviderAnswer, sent: &[&str], bad: &BadGrants) -> Result<Self, OAuthError> {
        let (head, body) = answer.into_parts();
        let status = head.status;
        let body = if status.is_success() { body? } else { body.unwrap_or_default() };
        let response = &Response::from_parts(head, body);
        let told = serde_json::from_slice::<Map<String, Value>>(response.body()).map(SecretMap::from);
        match told {
            // Whoever gives tokens has not refused, whatever stands beside them.
            Ok(told) if gives_a_token(told.expose(), sent) => {
                if !status.is_success() {
                    return Err(OAuthError::Unreadable);
                }
                let text = std::str::from_utf8(response.body()).map_err(|_| OAuthError::Unreadable)?;
                Self::of(told.expose(), text).ok_or(OAuthError::Unreadable)
            }
            Ok(told) => Err(refused(response, told.expose(), sent, bad)),
            Err(_) => Err(unexplained(response)),
        }
    }

    fn of(members: &Map<String, Value>, told: &str) -> Option<Self> {
        let given = members.get("refresh_token").filter(|given| !is_none(given));
        let refresh = given.and_then(|given| token(given, 0x20));
        let unusable_refresh = match given.filter(|_| refresh.is_none()) {
            Some(unusable) => Some(as_text(unusable)?),
            None => None,
        };
        Some(Self {
            access: token(members.get("access_token")?, 0x21)?,
            refresh,
            unusable_refresh,
            lifetime: members.get("expires_in").and_then(lifetime),
            told: told.into(),
        })
    }
}

/// Whether a token is in it, whatever that is, which was not sent.
fn gives_a_token(members: &Map<String, Value>, sent: &[&str]) -> bool {
    let is_given = |token: &Value| match token {
        Value::Null | Value::Bool(_) => false,
        Value::String(text) => !text.is_empty() && !sent.contains(&text.as_str()),
        _ => true,
    };
    ["access_token", "refresh_token"].iter().filter_map(|name| members.get(*name)).any(is_given)
}

/// The error by which it says that a grant is not good as HubSpot (`status`) and Zoom (`reason`) do, in a member that others have
/// for other things; the standard's `error` says `invalid_request` then, or nothing.
fn bad_grant_elsewhere<'a>(
    response: &Response<Bytes>,
    members: &'a Map<String, Value>,
    bad: &BadGrants,
) -> Option<&'a str> {
    let may_be = [StatusCode::BAD_REQUEST, StatusCode::UNAUTHORIZED].contains(&response.status())
        && matches!(refusal(members), None | Some("invalid_request"));
    let mut words = ["status", "reason"].into_iter().filter_map(|name| members.get(name)?.as_str());
    words.find(|word| may_be && bad.contains(word))
}

/// Whether it stands for no token.
fn is_none(value: &Value) -> bool {
    matches!(value, Value::Null | Value::Bool(false)) || value.as_str().is_some_and(str::is_empty)
}

fn as_text(value: &Value) -> Option<SecretText> {
    let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    (text.len() <= LONGEST_TOKEN).then(|| text.into())
}

/// A token whose letters are visible ones, from `first` on: a blank is one of a refresh token's (RFC 6749, A.17), but not of what
/// is put in a header.
fn token(value: &Value, first: u8) -> Option<SecretText> {
    let text = value.as_str()?;
    let is_visible = |letter: u8| (first..=0x7e).contains(&letter);
    let fits = !text.is_empty() && text.len() <= LONGEST_TOKEN && text.bytes().all(is_visible);
    fits.then(|| text.into())
}

/// Seconds, as a number or as text of one; nought and less say nothing.
fn lifetime(value: &Value) -> Option<Duration> {
    let seconds = value.as_f64().or_else(|| value.as_str()?.parse().ok())?;
    let span = (seconds >= 1.0).then(|| Duration::try_from_secs_f64(seconds).unwrap_or(LONGEST_LIFE))?;
    Some(span.min(LONGEST_LIFE))
}

pub(super) fn refusal(members: &Map<String, Value>) -> Option<&str> {
    members.get("error")?.as_str()
}

/// Whether an answer says that what was asked is not done; some give that no name.
pub(super) fn says_no(members: &Map<String, Value>) -> bool {
    let names_an_error = |error: &Value| !matches!(error, Value::Null | Value::Bool(false));
    let is_denied = |name: &str| members.get(name) == Some(&Value::Bool(false));
    members.get("error").is_some_and(names_an_error)
        || is_denied("ok")
        || is_denied("success")
        || is_denied("revoked")
}

fn refused(
    response: &Response<Bytes>,
    members: &Map<String, Value>,
    sent: &[&str],
    bad: &BadGrants,
) -> OAuthError {
    let elsewhere = bad_grant_elsewhere(response, members, bad);
    let Some(error) = elsewhere.or_else(|| refusal(members)) else { return unexplained(response) };
    match unexplained(response) {
        // Who is too busy to look at a grant does not know whether it is good.
        busy @ OAuthError::Busy { .. } => return busy,
        // A server that failed says nothing that can be relied on.
        failed if response.status().is_server_error() || error == "server_error" => return failed,
        _ => {}
    }
    let description = members.get("error_description").and_then(Value::as_str).unwrap_or_default();
    let said = Said::of(error, description, &Redaction::of(sent.iter().copied()));
    let status = response.status().as_u16();
    match bad.contains(error) {
        true => OAuthError::InvalidGrant { said, status },
        false => OAuthError::Refused { said, status },
    }
}

/// What a status alone says.
pub(super) fn unexplained(response: &Response<Bytes>) -> OAuthError {
    match response.status() {
        status if status.is_success() => OAuthError::Unreadable,
        StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE => {
            OAuthError::Busy { status: response.status().as_u16(), after: RetryAfter::of(response.headers()) }
        }
        StatusCode::REQUEST_TIMEOUT => OAuthError::Failed(408),
        status if status.is_server_error() => OAuthError::Failed(status.as_u16()),
        status => OAuthError::Declined(status.as_u16()),
    }
}
