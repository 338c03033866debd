//! The one judge of signed requests.

use super::cavage;
use super::ed25519::Ed25519PublicKey;
use super::policy::Policy;
use super::refusal::Refusal;
use super::remembered::RememberingKey;
use super::request::Request;
use super::rfc9421;
use super::rsa::RsaPublicKey;
use super::verified::Verified;
use crate::ambient::Timestamp;

/// A sender of RFC 9421 signatures: it is known by its key.
pub(super) struct Sender {
    pub(super) key_id: String,
    pub(super) key: Ed25519PublicKey,
    pub(super) policy: Policy,
}

/// Where others reach this program, who sign for that: a proxy on the way may write another `Host`, and take its path off.
#[derive(Clone, Debug)]
pub struct PublicAddress {
    /// `endo.example.com`.
    pub authority: String,
    /// What every path begins with there, without a slash at its end; mostly empty.
    pub path: String,
}

/// Judges requests. Knows whom to trust from the start; no request changes what it asks of the next.
#[derive(Default)]
pub struct Verifier {
    senders: Vec<Sender>,
    old_bus: Option<(RememberingKey, Policy)>,
    known_as: Option<PublicAddress>,
}

impl Verifier {
    /// A verifier that trusts nobody.
    pub fn new() -> Self {
        Self::default()
    }

    /// Trusts RFC 9421 signatures that this key made under this name, held to this policy.
    #[must_use]
    pub fn trusting(mut self, key_id: impl Into<String>, key: Ed25519PublicKey, policy: Policy) -> Self {
        self.senders.push(Sender { key_id: key_id.into(), key, policy });
        self
    }

    /// Trusts draft-cavage signatures of this key, whatever name they give it, held to this policy.
    #[must_use]
    pub fn trusting_old_bus(mut self, key: RsaPublicKey, policy: Policy) -> Self {
        self.old_bus = Some((RememberingKey::new(key), policy));
        self
    }

    /// Takes this address for its own too, whatever arrives of it.
    #[must_use]
    pub fn known_as(self, address: Option<PublicAddress>) -> Self {
        Self { known_as: address, ..self }
    }

    /// Judges a request by the policy of its sender. A request that carries both forms is judged by RFC 9421 alone
    /// where any sender of that form is trusted, else by the other.
    ///
    /// # Errors
    /// [`Refusal`], whatever the request holds.
    pub fn verify<'a>(&self, request: &Request<'a>, now: Timestamp) -> Result<Verified<'a>, Refusal> {
        let (is_new, is_old) = (request.has(rfc9421::INPUT), cavage::is_signed(request));
        match &self.old_bus {
            _ if is_new && !self.senders.is_empty() => self.verify_rfc_9421(request, now),
            Some((key, policy)) => cavage::verify(request, key, policy, now),
            None if is_old => Err(Refusal::LegacyRefused),
            None if is_new => self.verify_rfc_9421(request, now),
            None => Err(Refusal::Unsigned),
        }
    }

    fn verify_rfc_9421<'a>(&self, request: &Request<'a>, now: Timestamp) -> Result<Verified<'a>, Refusal> {
        let verdict = rfc9421::verify(request, &self.senders, now);
        match (&self.known_as, verdict) {
            (Some(PublicAddress { authority, path }), Err(Refusal::WrongSignature))
                if authority != request.authority || !path.is_empty() =>
            {
                let target = format!("{path}{}", request.target);
                let as_sent = Request { authority, target: &target, ..*request };
                let Verified { covered, key_id, .. } = rfc9421::verify(&as_sent, &self.senders, now)?;
                Ok(Verified { request: *request, covered, key_id })
            }
            (_, verdict) => verdict,
        }
    }
}
