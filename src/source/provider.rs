//! What is known of one provider: where its OAuth 2 endpoints are, and how they behave.

use std::collections::BTreeMap;

use serde::Deserialize;

use crate::config::one_or_more;

/// One entry of the catalogue.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Provider {
    /// What settings call it.
    pub name: String,
    /// What people call it.
    pub title: String,
    /// Where the provider documents what stands here.
    pub documentation: String,
    /// What the entry rests on.
    pub evidence: Evidence,
    /// What else an operator should know.
    pub note: Option<String>,
    /// Where browsers are sent to sign in.
    pub authorization: String,
    /// Where codes and refresh tokens become access tokens.
    pub token: String,
    /// How requests for tokens are written.
    #[serde(default)]
    pub token_body: TokenBody,
    /// Who the provider says it is (RFC 9207).
    pub issuer: Option<String>,
    /// How the gateway proves who it is.
    pub client_authentication: ClientProof,
    /// What is asked for unless the settings say otherwise.
    #[serde(default)]
    pub scopes: Vec<String>,
    /// What stands between two scopes.
    #[serde(default = "blank")]
    pub scope_separator: String,
    /// More parameters of the authorization request.
    #[serde(default)]
    pub parameters: BTreeMap<String, String>,
    /// Those beside them where somebody signs in again to prove that the account is theirs, so that the provider asks them.
    #[serde(default)]
    pub again: BTreeMap<String, String>,
    /// How a token is revoked; without it, it cannot be.
    pub revocation: Option<Revocation>,
    /// How the account behind a token is told.
    pub profile: Profile,
    /// The API itself.
    pub api: Api,
    /// How refresh tokens behave.
    pub refresh: Refresh,
}

impl Provider {
    /// What is known of how far a revocation goes.
    pub fn revocation_reach(&self) -> RevocationReach {
        self.revocation.as_ref().map(|revocation| revocation.ends).unwrap_or_default()
    }
}

fn blank() -> String {
    " ".to_owned()
}

/// What an entry rests on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Evidence {
    /// Somebody signed in, renewed and revoked.
    Tried,
    /// It was read in the provider's documentation.
    Documentation,
}

/// How requests for tokens are written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum TokenBody {
    /// As a form, as RFC 6749 has it.
    #[default]
    Form,
    /// As JSON.
    Json,
}

/// How the gateway proves who it is (RFC 6749, 2.3.1).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ClientProof {
    /// In the `Authorization` header.
    #[default]
    Basic,
    /// In the body.
    Post,
}

/// How a token is revoked.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Revocation {
    /// What kind of request it takes.
    pub way: RevocationWay,
    /// Where; `{client_id}` stands for the gateway's name at the provider.
    pub url: String,
    /// What ends with a token, as far as that is documented.
    #[serde(default)]
    pub ends: RevocationReach,
}

/// What ends with a token that is revoked (RFC 7009, 2.1), from the most to the least.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RevocationReach {
    /// Whatever the account gave this gateway, or nobody knows.
    #[default]
    Account,
    /// What came of the same sign-in. A secret is ended then that another one took the place of.
    SignIn,
    /// The token alone where it is an access token; with a refresh token what came of the same sign-in. An access token is
    /// ended then whose refresh token stays.
    Token,
}

/// What kind of request revokes a token.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum RevocationWay {
    /// A POST of the token, by the gateway (RFC 7009).
    Rfc7009,
    /// A DELETE with the access token as JSON, by the gateway.
    Github,
    /// A POST by whoever carries the access token.
    Bearer,
}

/// How the account behind a token is told.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Profile {
    /// Where it is asked; without it, the answer that brought the token tells it.
    pub url: Option<String>,
    /// How it is asked.
    #[serde(default)]
    pub method: ProfileMethod,
    /// What the request carries besides the token.
    #[serde(default)]
    pub headers: BTreeMap<String, String>,
    /// Where the account's id is, as a JSON pointer (RFC 6901), or what tells accounts apart together.
    #[serde(deserialize_with = "one_or_more")]
    pub id: Vec<String>,
    /// Where the account's name is.
    pub username: Option<String>,
    /// What else jobs may see: a name, and where its value is.
    #[serde(default)]
    pub extras: BTreeMap<String, String>,
}

/// How a profile is asked for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ProfileMethod {
    /// By GET.
    #[default]
    Get,
    /// By POST without a body.
    Post,
}

/// The API itself.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Api {
    /// Where addresses without a host lead.
    pub base_url: String,
    /// Where secrets may go.
    pub hosts: Vec<String>,
}

/// How refresh tokens behave.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Refresh {
    /// Whether a new one comes with every renewal.
    pub rotates: Rotation,
    /// Whether one may be sent again when nobody knows what came of it.
    pub retry: Retry,
    /// By which errors the provider says that the sign-in is over, beside those that mean so everywhere.
    #[serde(default)]
    pub over: Vec<String>,
    /// How long an unused one is valid.
    pub lifetime_days: Option<u32>,
}

/// Whether a new refresh token comes with every renewal.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Rotation {
    /// Yes.
    Always,
    /// Now and then, or where the operator switched it on.
    Sometimes,
    /// No.
    Never,
    /// The documentation does not say.
    Unknown,
}

/// Whether a refresh token may be sent again when nobody knows what came of it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Retry {
    /// Never: the provider takes a repetition for a theft, or nobody knows.
    #[default]
    Never,
    /// Once, soon.
    Once,
    /// As often as it takes: a refresh token stays valid when it was used.
    Always,
}
