//! The client of one provider's token endpoint. Everything leaves through egress, to that provider's hosts alone.

use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Method, Request, Response, header};
use zeroize::Zeroizing;

use super::answer::Tokens;
use super::authorization::Pending;
use super::error::OAuthError;
use super::settings::OAuth2;
use crate::egress::{Egress, EgressError, HostList, ProviderAnswer, Url};
use crate::source::provider::{ClientProof, TokenBody};
use crate::vault::SecretText;

/// What a request carries in its body, secrets too.
pub(super) type Fields<'a> = Vec<(&'a str, &'a str)>;

/// Those of them that nobody else may know, beside the gateway's own secret.
const SECRET_FIELDS: [&str; 3] = ["code", "code_verifier", "refresh_token"];

/// The client of one provider. Cheap to clone.
#[derive(Clone, Debug)]
pub struct OAuthClient {
    egress: Egress,
    pub(super) settings: Arc<OAuth2>,
}

impl OAuthClient {
    /// A client with these settings.
    pub fn new(egress: Egress, settings: Arc<OAuth2>) -> Self {
        Self { egress, settings }
    }

    /// What it was made with.
    pub fn settings(&self) -> &OAuth2 {
        &self.settings
    }

    /// Exchanges the code that a sign-in brought (RFC 6749, 4.1.3).
    ///
    /// # Errors
    /// [`OAuthError`]; [`OAuthError::InvalidGrant`] where the code is not good.
    pub async fn exchange(&self, code: &SecretText, pending: &Pending) -> Result<Tokens, OAuthError> {
        self.ask_for_tokens(vec![
            ("grant_type", "authorization_code"),
            ("code", code.expose()),
            ("redirect_uri", &pending.redirect_url),
            ("code_verifier", pending.verifier.expose()),
        ])
        .await
    }

    /// Spends a refresh token (RFC 6749, 6).
    ///
    /// # Errors
    /// [`OAuthError`]; [`OAuthError::left_untouched`] tells after which the token is as if it had not been sent.
    pub async fn refresh(&self, token: &SecretText) -> Result<Tokens, OAuthError> {
        self.ask_for_tokens(vec![("grant_type", "refresh_token"), ("refresh_token", token.expose())]).await
    }

    async fn ask_for_tokens(&self, fields: Fields<'_>) -> Result<Tokens, OAuthError> {
        let url = self.settings.token.clone();
        let body = self.settings.token_body;
        let secrets =
            fields.iter().filter(|(name, _)| SECRET_FIELDS.contains(name)).map(|(_, secret)| *secret);
        let sent: Vec<_> = secrets.chain([self.settings.client_secret.expose()]).collect();
        Tokens::read(self.post(url, body, fields).await?, &sent, &self.settings.bad_grants)
    }

    /// A POST in the gateway's own name.
    pub(super) async fn post(
        &self,
        url: Url,
        body: TokenBody,
        mut fields: Fields<'_>,
    ) -> Result<ProviderAnswer, OAuthError> {
        let mut headers = HeaderMap::new();
        match self.settings.proof {
            ClientProof::Basic => drop(headers.insert(header::AUTHORIZATION, self.basic()?)),
            ClientProof::Post => fields.extend([
                ("client_id", &*self.settings.client_id),
                ("client_secret", self.settings.client_secret.expose()),
            ]),
        }
        let (kind, text) = match body {
            TokenBody::Form => ("application/x-www-form-urlencoded", form(&fields)),
            TokenBody::Json => ("application/json", json(&fields)),
        };
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
        let body = Bytes::copy_from_slice(text.as_bytes());
        self.call(ProviderRequest { method: Method::POST, url, headers, body }).await
    }

    pub(super) async fn call(&self, request: ProviderRequest) -> Result<ProviderAnswer, OAuthError> {
        let ProviderRequest { method, url, mut headers, body } = request;
        headers.entry(header::ACCEPT).or_insert(HeaderValue::from_static("application/json"));
        let mut request = Request::new(body);
        *request.method_mut() = method;
        *request.uri_mut() = url.as_str().parse().map_err(|_| EgressError::Address)?;
        *request.headers_mut() = headers;
        let hosts = self.settings.hosts();
        let hosts = hosts.iter().find(|hosts| hosts.allows(&url)).cloned().unwrap_or_else(HostList::default);
        Ok(self.egress.call_provider(request, &hosts).await?)
    }

    /// The gateway's proof of itself as a header; both parts are form-encoded first (RFC 6749, 2.3.1).
    pub(super) fn basic(&self) -> Result<HeaderValue, OAuthError> {
        let pair = form(&[(&self.settings.client_id, self.settings.client_secret.expose())]);
        let pair = Zeroizing::new(pair.replacen('=', ":", 1));
        let text = Zeroizing::new(format!("Basic {}", STANDARD.encode(&*pair)));
        sensitive(&text)
    }
}

/// What a provider is asked.
pub(super) struct ProviderRequest {
    pub(super) method: Method,
    pub(super) url: Url,
    pub(super) headers: HeaderMap,
    pub(super) body: Bytes,
}

/// An answer that says nothing without its body.
pub(super) fn whole(answer: ProviderAnswer) -> Result<Response<Bytes>, OAuthError> {
    let (head, body) = answer.into_parts();
    Ok(Response::from_parts(head, body?))
}

/// A header with a secret in it.
pub(super) fn sensitive(text: &str) -> Result<HeaderValue, OAuthError> {
    let mut value = HeaderValue::from_str(text).map_err(|_| EgressError::Bearer)?;
    value.set_sensitive(true);
    Ok(value)
}

fn form(fields: &[(&str, &str)]) -> Zeroizing<String> {
    let mut url = Url::parse("http://localhost/").expect("a fixed address");
    url.query_pairs_mut().extend_pairs(fields);
    let text = Zeroizing::new(url.query().unwrap_or_default().to_owned());
    drop(Zeroizing::new(String::from(url)));
    text
}

fn json(fields: &[(&str, &str)]) -> Zeroizing<String> {
    let members: std::collections::BTreeMap<_, _> = fields.iter().copied().collect();
    Zeroizing::new(serde_json::to_string(&members).expect("texts are JSON"))
}
