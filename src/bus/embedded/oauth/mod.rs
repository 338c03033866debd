//! The bus as an OAuth provider: clients sign devices in with it (`spec/meshblu.md` 8; RFC 6749).
//!
//! A client is a device whose `options.callbackUrl` says where people are sent back to; a user is a device too. There
//! are no tokens but the bus's own: an access token is base64 of `uuid:token`.

mod attempts;
mod client;
mod closing;
mod codes;
mod consent;
mod decline;
mod pkce;
mod redemption;
mod request;
mod sign_in;
mod ticket;

pub use attempts::Attempts;
pub use client::Client;
pub use codes::Code;
pub use decline::{Decline, Reason};
pub use pkce::Challenge;
pub use redemption::{AccessToken, BadCode, Redemption};
pub use request::{AuthorizationRequest, Flaw, Misaddressed};
pub use sign_in::{NoSignIn, Open, SignInId, SignedIn};
pub use ticket::Ticket;
