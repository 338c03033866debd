//! What a sign-in means for the refresh token of a record: which renews it from then on, and what is known of that. Pure.

use crate::ambient::Timestamp;
use crate::store::{Fingerprint, RenewalStage, StoredRefreshToken, StoredRenewal};
use crate::vault::SecretText;

/// What a sign-in brought to renew its secret with.
#[derive(Clone, Copy, Debug)]
pub struct BroughtToken<'a> {
    /// The refresh token.
    pub token: &'a SecretText,
    /// What is known of it, if anything.
    pub known: Option<&'a StoredRefreshToken>,
}

impl BroughtToken<'_> {
    /// Whether it is the refresh token `before` once more, or one that is over since another was given for it (RFC 6749, 6): a
    /// sign-in may get that while it is renewed, and be kept only then.
    pub fn is_of_line(&self, before: &SecretText) -> bool {
        before.is(self.token.expose()) || self.known.is_some_and(|known| known.stage == RenewalStage::Spent)
    }

    /// What is known of it from `now` on, when the provider was asked for it at `asked_at`: one that was over before that is
    /// good again, for the provider gave it again; one that is over since is not. Where nobody knows when, only one that is
    /// spent stays so: of what was refused or given up, whoever brings it knows better.
    pub fn taken_up(&self, asked_at: Option<Timestamp>, now: Timestamp) -> StoredRefreshToken {
        let token = self.token.fingerprint();
        let new = StoredRefreshToken {
            noted_at: asked_at.unwrap_or(Timestamp::from_millis(0)),
            line_since: now,
            ..StoredRefreshToken::new(token)
        };
        let Some(known) = self.known else { return new };
        let is_given_since = match asked_at {
            Some(asked_at) => known.noted_at < asked_at,
            None => known.stage == RenewalStage::Dead,
        };
        match is_given_since && !known.renews() {
            true => StoredRefreshToken { line: known.line, line_since: known.line_since, ..new },
            false => known.clone(),
        }
    }
}

/// Whether the refresh token `before`, of which this is known, renews the secret of a sign-in too: that brought none, or one
/// of the same line. One that is over does not; where an API gives it again all the same, it may take it again.
pub fn goes_on(
    before: &SecretText,
    brought: Option<BroughtToken<'_>>,
    known: Option<&StoredRefreshToken>,
) -> bool {
    brought.is_none_or(|brought| brought.is_of_line(before)) && known.is_none_or(StoredRefreshToken::renews)
}

/// What is known of the refresh token with this fingerprint, of which the renewal of its record says this: it may have no
/// name yet there.
pub fn named(token: Fingerprint, known: Option<&StoredRenewal>) -> StoredRefreshToken {
    match known.and_then(|known| known.refresh.clone()) {
        Some(known) => StoredRefreshToken { token, ..known },
        None => StoredRefreshToken::new(token),
    }
}
