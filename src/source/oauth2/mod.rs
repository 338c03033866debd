//! OAuth 2 as its client: authorization code with PKCE, always with `state` (RFC 6749, 7636, 9207, 7009).
//!
//! Of what a provider says logs have a [`Code`] that is documented, and the status; receipts and pages have its
//! [`Plain`](crate::redaction::Plain) words.

mod account;
mod answer;
mod authorization;
mod bad_grants;
mod client;
mod codes;
mod error;
mod revocation;
mod said;
mod settings;

pub use account::{Probe, ResourceOwner};
pub use answer::Tokens;
pub use authorization::{CallbackError, Denial, LIFE, Pending, Provider};
pub use bad_grants::BadGrants;
pub use client::OAuthClient;
pub use codes::Code;
pub use error::OAuthError;
pub use revocation::{Revoked, TokenKind};
pub use said::Said;
pub use settings::OAuth2;
