//! What a sign-in means for the refresh token of a record: which renews it from then on, and what is known of that. Pure.

use super::judgement::is_answer_lost;
use crate::ambient::Timestamp;
use crate::store::{Fingerprint, Moment, RenewalStage, StoredRefreshToken, StoredRenewal};
use crate::vault::SecretText;

/// A refresh token that was issued to a sign-in. Others may have sent it, or spent it by now.
#[derive(Clone, Copy, Debug)]
pub struct IssuedToken<'a> {
    /// The refresh token.
    pub token: &'a SecretText,
    /// What is known of it, if anything.
    pub known: Option<&'a StoredRefreshToken>,
    /// Whether what was given for it, if another was, waits for its end, so that it may be taken up instead.
    pub is_succeeded: bool,
    /// The last moment before the provider was asked for it; without that nobody knows how old it is.
    pub asked: Option<Moment>,
    /// The last moment when it was looked at, and there already: what was sent until then may have brought it.
    pub came: Moment,
}

impl IssuedToken<'_> {
    /// Whether another was given for it (RFC 6749, 6): a sign-in may get one while that is renewed, and be kept only then. What
    /// was given is of use whenever that was, while somebody has it.
    pub fn is_rotated(&self) -> bool {
        self.known.is_some_and(|known| known.stage == RenewalStage::Spent)
    }

    /// Whether `before` is the same, or came of the line in which another was given for it.
    pub fn is_of_line(&self, before: &StoredRefreshToken) -> bool {
        let line = self.known.filter(|_| self.is_rotated()).map(|known| known.line);
        self.token.fingerprint() == before.token || line == Some(before.line)
    }

    /// Whether the refresh token `before` renews the secret of a sign-in that was issued this, or none: also one of another line
    /// where nothing is to be had of this one's any more. One that is over does not; where an API issues it again all the same, it
    /// may take it again.
    pub fn goes_on(issued: Option<Self>, before: &StoredRefreshToken) -> bool {
        let needs_it =
            |issued: Self| issued.is_of_line(before) || (issued.is_rotated() && !issued.is_succeeded);
        issued.is_none_or(needs_it) && before.renews()
    }

    /// What is known of it when it is kept, where it has to do: nobody has what was given for it, if another was.
    pub fn by_itself(&self, kept_at: Timestamp) -> StoredRefreshToken {
        let new = StoredRefreshToken {
            line_since: self.came,
            noted: self.came,
            noted_at: kept_at,
            ..StoredRefreshToken::new(self.token.fingerprint())
        };
        match self.known {
            None => new,
            Some(over) if self.is_issued_anew(over) => {
                let StoredRefreshToken { line, line_since, first_sent, .. } = *over;
                StoredRefreshToken { line, line_since, first_sent, is_lost: is_answer_lost(over), ..new }
            }
            Some(known) => known.clone(),
        }
    }

    /// Whether it is good again, for the provider issued it after it was over. Where nobody knows when that was, what is spent
    /// stays so: of what else is over whoever brings it knows better, and of what was refused always where it was not used up.
    fn is_issued_anew(&self, known: &StoredRefreshToken) -> bool {
        match (known.stage, self.asked) {
            (RenewalStage::Idle | RenewalStage::Sending | RenewalStage::InDoubt, _) => false,
            (RenewalStage::Refused, _) if !known.is_lost => true,
            (_, Some(asked)) => known.noted <= asked,
            (stage, None) => stage != RenewalStage::Spent,
        }
    }
}

/// What is known of the refresh token with this fingerprint, of which the renewal of its record says this: it may have no
/// name yet there.
pub fn named(token: Fingerprint, known: Option<&StoredRenewal>) -> StoredRefreshToken {
    match known.and_then(|known| known.refresh.clone()) {
        Some(known) => StoredRefreshToken { token, ..known },
        None => StoredRefreshToken::new(token),
    }
}
