//! Codes: what a client is sent back with, good for one exchange within a minute (RFC 6749, 4.1.2).

use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use zeroize::Zeroizing;

use super::super::{BusError, EmbeddedBus};
use super::{AuthorizationRequest, Challenge, SignInId, SignedIn};
use crate::message::DeviceUuid;
use crate::store::{Kept, StoredGrant, TokenHash, Transaction, WayIn};

/// How long a code can be exchanged.
pub(super) const LIFE: Duration = Duration::from_secs(60);
/// How long a code is remembered, so that a second use of it ends the token of the first.
pub(super) const REMEMBERED: Duration = Duration::from_secs(60 * 60);
/// The newest that one client keeps of one device, and what all clients together keep: more than can be made while somebody
/// takes a code to their client.
const KEPT: Kept = Kept { of_device: 8, in_all: 10_000 };

/// A code, to be shown once.
pub struct Code(Zeroizing<String>);

impl Code {
    /// The text itself, for the client's address alone.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Debug for Code {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Code([redacted])")
    }
}

impl EmbeddedBus {
    /// Makes the code that grants `request` in the name of who is signed in, and remembers that they said yes.
    ///
    /// # Errors
    /// What the store reports.
    pub fn grant(
        &self,
        transaction: &Transaction<'_>,
        signed_in: &SignedIn,
        request: &AuthorizationRequest,
    ) -> Result<Code, BusError> {
        let now = self.clock.now();
        transaction.forget_codes(now.minus(REMEMBERED))?;
        let client = &request.client;
        if client.uuid == self.service {
            transaction.let_in(WayIn::Code)?;
        }
        self.remember_consent(transaction, &signed_in.device, client)?;
        let bytes = Zeroizing::new(self.random.bytes::<32>());
        let code = Code(Zeroizing::new(URL_SAFE_NO_PAD.encode(bytes.as_ref())));
        let grant = StoredGrant {
            client: client.uuid.clone(),
            device: signed_in.device.clone(),
            proof: signed_in.proof,
            target: request.named.clone().unwrap_or_else(|| request.target.to_string()),
            target_was_named: request.named.is_some(),
            challenge: request.challenge.map(Challenge::to_bytes),
            made_at: now,
        };
        transaction.add_code(&self.code_hash(&code.0, &client.uuid), &grant, KEPT)?;
        Ok(code)
    }

    /// A code is worth something in the hands of its client alone, so the client's name is part of the hash.
    pub(super) fn code_hash(&self, code: &str, client: &DeviceUuid) -> TokenHash {
        TokenHash::of(code, client, &self.pepper)
    }

    /// Forgets sign-ins and codes that are over.
    ///
    /// # Errors
    /// What the store reports.
    pub async fn forget_old_sign_ins(&self) -> Result<(), BusError> {
        let forget = |bus: &Self, transaction: &Transaction<'_>| {
            let now = bus.clock.now();
            transaction.forget_sign_ins(now.minus(SignInId::LIFE))?;
            Ok(transaction.forget_codes(now.minus(REMEMBERED))?)
        };
        self.change(forget).await
    }
}
