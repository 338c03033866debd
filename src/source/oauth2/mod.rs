//! OAuth 2 as its client: authorization code with PKCE, always with `state` (RFC 6749, 7636, 9207, 7009).
//!
//! What a provider says reaches logs, receipts and pages only as [`Plain`](crate::redaction::Plain) words.

mod account;
mod answer;
mod authorization;
mod bad_grants;
mod client;
mod error;
mod revocation;
mod settings;

pub use account::{Probe, ResourceOwner};
pub use answer::Tokens;
pub use authorization::{CallbackError, Denial, LIFE, Pending, Provider};
pub use bad_grants::BadGrants;
pub use client::OAuthClient;
pub use error::OAuthError;
pub use revocation::{Revoked, TokenKind};
pub use settings::OAuth2;
