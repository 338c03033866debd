//! The section of the API: which one it is, and how its credentials are obtained and renewed.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Secret, one_or_more};

/// The API that the credentials are for.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Source {
    /// How a credential is obtained: by OAuth 2 at the API, with no account at any API (the bus uuid is the identity, so
    /// whoever has the token of an owner's device can end everything), or as a key that its owner types into a page, and
    /// types in again to replace it or to end something.
    pub kind: SourceKind,
    /// The API's entry in the catalogue of providers, from which everything comes that is not set here. Without it,
    /// and without a `token_url`, that of the service of old whose client (`ENDO_SPOTIFY_CLIENT_ID`) or else address
    /// (`ENDO_SPOTIFY_SERVICE_URL`) is used, else `github`.
    pub provider: Option<String>,
    /// The name of the API, as device types carry it: `github` makes `endo:github`. Without it, that of the provider.
    pub name: Option<String>,
    /// Where the API answers. Without it, as the provider's entry says.
    #[schemars(extend("format" = "uri"))]
    pub base_url: Option<String>,
    /// The hosts a secret may be sent to, each `host` or `host:port`; empty for the host of a `base_url` that is set,
    /// else for those of the provider's entry.
    pub hosts: Vec<String>,
    /// The name that the API gave to this gateway when it was registered there. Without it nobody can sign in.
    pub client_id: Option<String>,
    /// The secret that belongs to `client_id`.
    #[serde(skip_serializing)]
    pub client_secret: Option<Secret>,
    /// Where the API sends browsers back to, exactly as it was registered there. Without it, `/auth/api/callback` of the
    /// gateway's own address.
    #[schemars(extend("format" = "uri"))]
    pub redirect_url: Option<String>,
    /// What is asked for at a sign-in; empty for what the provider's entry names.
    pub scopes: Vec<String>,
    /// What stands between two scopes. Without it, as the provider's entry says, else a blank.
    pub scope_separator: Option<String>,
    /// More parameters of the authorization request, each `name=value`, beside those of the provider's entry.
    pub parameters: Vec<String>,
    /// Those beside them where an owner signs in again, each `name=value`, beside those of the provider's entry. With
    /// `prompt=login` an OpenID Connect provider asks for a fresh sign-in.
    pub reauthentication: Vec<String>,
    /// How the gateway proves to the API who it is: in a header, in the body, or as the provider's entry says.
    pub client_authentication: ClientAuthentication,
    /// Where browsers are sent to sign in; it wants `source.token_url` beside it.
    #[schemars(extend("format" = "uri"))]
    pub authorization_url: Option<String>,
    /// Where codes and refresh tokens become access tokens. With it, no address comes from the catalogue: those of the
    /// authorization and the profile have to be set too.
    #[schemars(extend("format" = "uri"))]
    pub token_url: Option<String>,
    /// Where tokens are revoked, by RFC 7009 unless `revocation_way` says otherwise.
    #[schemars(extend("format" = "uri"))]
    pub revocation_url: Option<String>,
    /// How tokens are revoked: by `rfc7009`, as `github` and GitHub Enterprise Server have it, by a POST whose `bearer` is the access
    /// token, or as the provider's entry says, which says nothing of another `revocation_url`.
    pub revocation_way: RevocationWay,
    /// What a revocation ends: what came of the same `sign_in` alone, of an access token that `token` alone, whatever the
    /// `account` gave this gateway, or as the provider's entry says, which says nothing of another `revocation_url`. Only where
    /// newer sign-ins are left alone is one ended that a newer one took the place of, or that was not kept, unless the answer to
    /// a renewal of it was lost; only with `token`, which is for `rfc7009`, is an access token ended whose refresh token goes on.
    pub revocation_ends: RevocationEnds,
    /// Who the API says it is when it sends browsers back (RFC 9207).
    #[schemars(extend("format" = "uri"))]
    pub issuer: Option<String>,
    /// Where the account behind an access token is told, by GET.
    #[schemars(extend("format" = "uri"))]
    pub profile_url: Option<String>,
    /// Where in the profile the account's id is, as a JSON pointer such as `/id`; as a list of several where one alone is told
    /// apart in a part of the API only, such as `["/team_id", "/user_id"]`. Empty for what the provider's entry names.
    #[schemars(extend("type" = ["array", "string"]))]
    #[serde(deserialize_with = "one_or_more")]
    pub profile_id: Vec<String>,
    /// Where in the profile the account's name is, as a JSON pointer.
    pub profile_username: Option<String>,
    /// What else of the profile jobs may see, each `name=/pointer`.
    pub profile_extras: Vec<String>,
    /// Whether a refresh token may be sent again when nobody knows what came of it: never, once, always, or as the provider's
    /// entry says.
    pub refresh_retry: RefreshRetry,
    /// By which errors of its token endpoint the API says that the sign-in is over, such as `inactive_user`, so that only another
    /// one helps: beside those of the provider's entry and those that mean so everywhere (`invalid_grant` and the like, and
    /// `interaction_required`, `login_required`, `consent_required` and `account_selection_required` of OpenID Connect).
    pub refresh_over: Vec<String>,
}

/// How a credential is obtained.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum SourceKind {
    /// By signing in at the API (RFC 6749).
    #[default]
    Oauth2User,
    /// There is no account at an API: the bus uuid is the identity.
    Passthru,
    /// A key that its owner types into a page.
    Static,
}

/// How the gateway proves to the API who it is (RFC 6749, 2.3.1).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum ClientAuthentication {
    /// As the provider's entry says, else in a header.
    #[default]
    Provider,
    /// In a header.
    Basic,
    /// In the body.
    Post,
}

/// What kind of request revokes tokens at the API.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum RevocationWay {
    /// As the provider's entry says, else as for `rfc7009`.
    #[default]
    Provider,
    /// A POST of each token, by the gateway (RFC 7009).
    Rfc7009,
    /// A DELETE with the access token as JSON, by the gateway.
    Github,
    /// A POST by whoever carries the access token.
    Bearer,
}

/// What a revocation ends at the API (RFC 7009, 2.1).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum RevocationEnds {
    /// As the provider's entry says, else as for `account`.
    #[default]
    Provider,
    /// The tokens that it names, and others of the same sign-in.
    SignIn,
    /// An access token alone; with a refresh token, as for `sign_in`.
    Token,
    /// Whatever the account gave this gateway, or nobody knows.
    Account,
}

/// Whether a refresh token may be sent again when nobody knows what came of it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum RefreshRetry {
    /// As the provider's entry says, else never.
    #[default]
    Provider,
    /// Never: the provider takes a repetition for a theft.
    Never,
    /// Once, soon.
    Once,
    /// As often as it takes: a refresh token stays valid when it was used.
    Always,
}
