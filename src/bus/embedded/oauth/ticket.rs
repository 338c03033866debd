//! What a form of the page carries so that no other page can send it.

use aws_lc_rs::hmac;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use super::{AuthorizationRequest, SignInId};

/// Shows that a form was made for this browser and this request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ticket(String);

impl Ticket {
    /// The ticket for what `request` asks of the browser that is known by `id`.
    pub fn of(id: &SignInId, request: &AuthorizationRequest) -> Self {
        let tag = hmac::sign(&key(id), subject(request).as_bytes());
        Self(URL_SAFE_NO_PAD.encode(tag))
    }

    /// Whether `text` is the ticket for just that.
    pub fn fits(text: &str, id: &SignInId, request: &AuthorizationRequest) -> bool {
        let Ok(tag) = URL_SAFE_NO_PAD.decode(text) else { return false };
        hmac::verify(&key(id), subject(request).as_bytes(), &tag).is_ok()
    }
}

impl std::fmt::Display for Ticket {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

fn key(id: &SignInId) -> hmac::Key {
    hmac::Key::new(hmac::HMAC_SHA256, id.expose().as_bytes())
}

/// The address stands in it by itself: what is registered may have changed since the form was made.
fn subject(request: &AuthorizationRequest) -> String {
    format!("{}\n{}", request.target, request.to_query())
}
