//! The exchange of a code for a token (RFC 6749, 4.1.3).

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value};
use zeroize::Zeroizing;

use super::super::{BusError, Caller, EmbeddedBus};
use super::Challenge;
use super::codes::LIFE;
use crate::message::DeviceUuid;
use crate::store::{StoredGrant, TokenHash, Transaction, WayIn};

/// The newest tokens that one client keeps of one device, the one that it gets included: somebody signs in with several
/// browsers.
const NEWEST: usize = 13;
/// Those that it got first, which no later sign-in ends.
const OLDEST: usize = 3;

/// What a client shows to get a token.
#[derive(Clone)]
pub struct Redemption {
    /// The code.
    pub code: Zeroizing<String>,
    /// The address it was sent to, where the client named one.
    pub redirect_uri: Option<String>,
    /// What the challenge was made from, where there was one.
    pub verifier: Option<Zeroizing<String>>,
}

impl std::fmt::Debug for Redemption {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Redemption").field("redirect_uri", &self.redirect_uri).finish_non_exhaustive()
    }
}

/// A token of a device in the form that clients present it: base64 of `uuid:token`.
pub struct AccessToken {
    text: Zeroizing<String>,
    /// How the store names it ([`StoredToken::seq`](crate::store::StoredToken::seq)).
    pub(in crate::bus) seq: Option<i64>,
}

impl AccessToken {
    /// The text itself, for the client's answer alone.
    pub fn expose(&self) -> &str {
        &self.text
    }
}

impl std::fmt::Debug for AccessToken {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("AccessToken([redacted])")
    }
}

/// The code is not good: unknown, over, used, of another client, or shown without what belongs to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BadCode;

impl EmbeddedBus {
    /// Exchanges a code for a new token, beside those that `client` has of the same device; of many the oldest ends
    /// but for a few.
    /// `client` has proven who it is. A code is used up by the first try, and a second one ends the token that the first got:
    /// one of the two was a thief (RFC 6749, 4.1.2).
    ///
    /// # Errors
    /// What the store reports. A [`BadCode`] is no error of this transaction: what it ends is to be kept.
    pub fn redeem(
        &self,
        transaction: &Transaction<'_>,
        client: &DeviceUuid,
        redemption: &Redemption,
    ) -> Result<Result<AccessToken, BadCode>, BusError> {
        let hash = self.code_hash(&redemption.code, client);
        let Some(code) = transaction.code(&hash)?.filter(|code| code.grant.client == *client) else {
            return Ok(Err(BadCode));
        };
        if code.used {
            if let Some(token) = &code.token {
                let device = &code.grant.device;
                tracing::warn!(
                    client.uuid = %client.logged(),
                    device.uuid = %device.logged(),
                    "a code was used twice; its token was revoked"
                );
                transaction.remove_token(device, token)?;
                self.end_reading(transaction, device, vec![*token]);
            }
            return Ok(Err(BadCode));
        }
        if !self.is_good(transaction, &code.grant, redemption)? {
            transaction.use_code(code.seq, None)?;
            return Ok(Err(BadCode));
        }
        let token = self.issue(transaction, &code.grant)?;
        let hash = TokenHash::of(&token, &code.grant.device, &self.pepper);
        transaction.use_code(code.seq, Some(&hash))?;
        let pair = Zeroizing::new(format!("{}:{}", code.grant.device, *token));
        let text = Zeroizing::new(STANDARD.encode(pair.as_bytes()));
        Ok(Ok(AccessToken { text, seq: transaction.token_seq(&code.grant.device, &hash)? }))
    }

    fn is_good(
        &self,
        transaction: &Transaction<'_>,
        grant: &StoredGrant,
        redemption: &Redemption,
    ) -> Result<bool, BusError> {
        let now = self.clock.now();
        let is_fresh = now >= grant.made_at && now.since(grant.made_at) < LIFE;
        let is_addressed = match &redemption.redirect_uri {
            Some(named) => *named == grant.target,
            None => !grant.target_was_named,
        };
        let is_proven = match (grant.challenge, &redemption.verifier) {
            (Some(challenge), Some(verifier)) => Challenge::from_bytes(challenge).is_met_by(verifier),
            // A verifier without a challenge: somebody took the challenge out of the request (RFC 9700, 4.8.2).
            (challenge, verifier) => challenge.is_none() && verifier.is_none(),
        };
        // The token that proved the device may have been revoked meanwhile; a device that is gone has none.
        Ok(is_fresh && is_addressed && is_proven && transaction.keeps_token(grant.proof)?)
    }

    /// A new token of the device for this client.
    fn issue(
        &self,
        transaction: &Transaction<'_>,
        grant: &StoredGrant,
    ) -> Result<Zeroizing<String>, BusError> {
        if grant.client == self.service {
            transaction.let_in(WayIn::Session)?;
        }
        let caller = Caller::itself(grant.device.clone());
        let marks = [("tag", format!("oauth-{}", grant.client)), ("client_id", grant.client.to_string())];
        let marks = marks.map(|(name, value)| (name.to_owned(), value));
        let changing = self.changing(transaction, &caller);
        let mut tokens = changing.marked_tokens(&grant.device, &marks)?;
        // What the gateway's sessions hang on ends with them, and there are no more of those than it lets there be.
        let held = transaction.tokens_of_sessions(&grant.device)?;
        tokens.retain(|token| !held.contains(token));
        tokens.truncate(tokens.len().saturating_sub(OLDEST));
        changing.end_tokens(&grant.device, tokens.get(NEWEST - 1..).unwrap_or_default())?;
        let metadata: Map<_, _> =
            marks.into_iter().map(|(name, value)| (name, Value::String(value))).collect();
        changing.make_token(&grant.device, &metadata)
    }
}
