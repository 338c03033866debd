//! Telling a provider that a token is over (RFC 7009, or in the provider's own way).

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Method, Response, StatusCode, header};
use serde_json::{Map, Value, json};
use zeroize::Zeroizing;

use super::answer::{BAD_TOKENS, refusal, says_no, unexplained};
use super::client::{OAuthClient, ProviderRequest, sensitive, whole};
use super::error::{OAuthError, OF_GATEWAYS};
use super::said::Said;
use crate::egress::{ProviderAnswer, Url};
use crate::redaction::Redaction;
use crate::source::provider::{RevocationWay, TokenBody};
use crate::vault::SecretText;

/// What a provider answered to a revocation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Revoked {
    /// The tokens are over.
    Done,
    /// The provider does not know the token: it was over before.
    Unknown,
    /// This provider has no way to revoke a token.
    Impossible,
}

/// Which of both a token is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TokenKind {
    /// An access token.
    Access,
    /// A refresh token.
    Refresh,
    /// Nobody noted which.
    Either,
}

impl TokenKind {
    /// What a provider is told of it (RFC 7009, 2.1); without that it looks among all that it gave.
    const fn hint(self) -> Option<&'static str> {
        match self {
            Self::Access => Some("access_token"),
            Self::Refresh => Some("refresh_token"),
            Self::Either => None,
        }
    }
}

impl Revoked {
    /// What a pair came to of which the refresh token came to this, and the access token to that: the first often ends both, so
    /// that the second is not known any more.
    #[must_use]
    pub fn or(self, access: Self) -> Self {
        if self == Self::Done { self } else { access }
    }
}

impl OAuthClient {
    /// Ends both tokens of a credential at the provider; the refresh token first, which often ends the other too. The
    /// provider is asked for the other also where it does not take that one. Where its way takes an access token alone, the
    /// grant ends by that; where that ran out, the refresh token lives on
    /// ([`OAuth2::revokes_by_access_alone`](super::OAuth2::revokes_by_access_alone)).
    ///
    /// # Errors
    /// [`OAuthError`] where one of them was not ended; asking again is harmless, but where a provider refuses what is over.
    pub async fn revoke(
        &self,
        access: &SecretText,
        refresh: Option<&SecretText>,
    ) -> Result<Revoked, OAuthError> {
        let first = match refresh {
            Some(refresh) => self.revoke_one(refresh, TokenKind::Refresh, Some(access)).await,
            None => Ok(Revoked::Unknown),
        };
        let second = self.revoke_one(access, TokenKind::Access, refresh).await;
        Ok(first?.or(second?))
    }

    /// Ends one token, which may have come with that `beside` it; where the way takes an access token alone, the grant by that,
    /// and nobody is asked to end a refresh token ([`Revoked::Unknown`]).
    ///
    /// # Errors
    /// [`OAuthError`] where it was not ended; asking again is harmless, but where a provider refuses what is over.
    pub async fn revoke_one(
        &self,
        token: &SecretText,
        kind: TokenKind,
        beside: Option<&SecretText>,
    ) -> Result<Revoked, OAuthError> {
        let Some((way, url)) = &self.settings.revocation else { return Ok(Revoked::Impossible) };
        let answer = match way {
            RevocationWay::Rfc7009 => self.tell(url, token, kind).await?,
            _ if kind == TokenKind::Refresh => return Ok(Revoked::Unknown),
            RevocationWay::Github => self.delete(url, token).await?,
            RevocationWay::Bearer => self.tell_by(url, token).await?,
        };
        let secrets = beside.into_iter().chain([token, &self.settings.client_secret]);
        verdict(answer, &secrets.map(SecretText::expose).collect::<Vec<_>>(), unknown_by(*way))
    }

    async fn tell(
        &self,
        url: &Url,
        token: &SecretText,
        kind: TokenKind,
    ) -> Result<ProviderAnswer, OAuthError> {
        let hint = kind.hint().map(|hint| ("token_type_hint", hint));
        let fields = [("token", token.expose())].into_iter().chain(hint).collect();
        self.post(url.clone(), TokenBody::Form, fields).await
    }

    async fn tell_by(&self, url: &Url, access: &SecretText) -> Result<ProviderAnswer, OAuthError> {
        let bearer = Zeroizing::new(format!("Bearer {}", access.expose()));
        let headers = HeaderMap::from_iter([(header::AUTHORIZATION, sensitive(&bearer)?)]);
        let (method, url, body) = (Method::POST, url.clone(), Bytes::new());
        self.call(ProviderRequest { method, url, headers, body }).await
    }

    async fn delete(&self, url: &Url, access: &SecretText) -> Result<ProviderAnswer, OAuthError> {
        let body = Zeroizing::new(json!({"access_token": access.expose()}).to_string());
        let headers = HeaderMap::from_iter([
            (header::AUTHORIZATION, self.basic()?),
            (header::CONTENT_TYPE, HeaderValue::from_static("application/json")),
            (header::ACCEPT, HeaderValue::from_static("application/vnd.github+json")),
        ]);
        let body = Bytes::copy_from_slice(body.as_bytes());
        let (method, url) = (Method::DELETE, url.clone());
        self.call(ProviderRequest { method, url, headers, body }).await
    }
}

/// The statuses by which a token was over before. By RFC 7009 one that is not known is answered 200; 401 refuses the client, not
/// the token (2.2.1).
fn unknown_by(way: RevocationWay) -> &'static [StatusCode] {
    match way {
        RevocationWay::Rfc7009 => &[],
        RevocationWay::Github => &[StatusCode::NOT_FOUND, StatusCode::UNPROCESSABLE_ENTITY],
        // The token is what the request is authorized by.
        RevocationWay::Bearer => &[StatusCode::UNAUTHORIZED],
    }
}

/// What an answer says to a request, of which these `secrets` are known; `unknown` are the statuses by which this way says that
/// the token was over before. A page for people says nothing of it, whatever its status, but that of a gateway says that the API
/// may be at it.
fn verdict(answer: ProviderAnswer, secrets: &[&str], unknown: &[StatusCode]) -> Result<Revoked, OAuthError> {
    let answer = whole(answer)?;
    let members = serde_json::from_slice::<Map<String, Value>>(answer.body()).unwrap_or_default();
    match (answer.status(), refusal(&members)) {
        (_, Some(error)) if BAD_TOKENS.contains(&error) => Ok(Revoked::Unknown),
        (status, None) if OF_GATEWAYS.contains(&status.as_u16()) => Err(unexplained(&answer)),
        (_, None) if is_page(&answer) => Err(OAuthError::Page),
        (status, None) if unknown.contains(&status) => Ok(Revoked::Unknown),
        (status, None) if status.is_success() => match says_no(&members) {
            true => Err(OAuthError::Declined(status.as_u16())),
            false => Ok(Revoked::Done),
        },
        (status, Some(error)) if !status.is_server_error() => {
            let said = Said::of(error, "", &Redaction::of(secrets.iter().copied()));
            Err(OAuthError::Refused { said, status: status.as_u16() })
        }
        _ => Err(unexplained(&answer)),
    }
}

/// Whether it says that it is a page, or is one whatever it says.
fn is_page(answer: &Response<Bytes>) -> bool {
    let begins = |text: &[u8], with: &str| {
        text.trim_ascii_start()
            .get(..with.len())
            .is_some_and(|start| start.eq_ignore_ascii_case(with.as_bytes()))
    };
    let kind = answer.headers().get(header::CONTENT_TYPE).map_or(&[][..], HeaderValue::as_bytes);
    let says_so = ["text/html", "application/xhtml+xml"].iter().any(|page| begins(kind, page));
    says_so || ["<!doctype html", "<html"].iter().any(|page| begins(answer.body(), page))
}
