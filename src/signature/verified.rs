//! A request whose signature held, and what of it may be believed.

use super::component::Component;
use super::request::Request;

/// A request whose signature held. Only a [`Verifier`](super::Verifier) makes one.
pub struct Verified<'a> {
    pub(super) request: Request<'a>,
    pub(super) covered: Vec<Component>,
    pub(super) key_id: Option<String>,
}

impl<'a> Verified<'a> {
    /// The body; whether the signature vouches for it, [`Verified::covers_body`] tells.
    pub fn body(&self) -> &'a [u8] {
        self.request.body
    }

    /// The device that the request is for: `x-meshblu-uuid`, if it is signed.
    pub fn uuid(&self) -> Option<&'a str> {
        self.signed("x-meshblu-uuid")
    }

    /// The constant name of the delivery: `x-meshblu-delivery-id`, if it is signed.
    pub fn delivery_id(&self) -> Option<&'a str> {
        self.signed("x-meshblu-delivery-id")
    }

    /// The value of a field that is signed and is text.
    pub fn signed(&self, name: &str) -> Option<&'a str> {
        let value = self.covers(&Component::field(name)).then(|| self.request.field(name).ok())??;
        std::str::from_utf8(value).ok()
    }

    /// Whether the signature vouches for this part.
    pub fn covers(&self, component: &Component) -> bool {
        self.covered.contains(component)
    }

    /// Whether the signature vouches for the body: its digest is signed, and it matches.
    pub fn covers_body(&self) -> bool {
        self.covers(&Component::field("content-digest"))
    }

    /// The name of the sender's key; nothing for an old bus, whose one key has none.
    pub fn key_id(&self) -> Option<&str> {
        self.key_id.as_deref()
    }
}
