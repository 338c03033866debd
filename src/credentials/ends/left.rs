//! What is left of a sealed copy that is to end: all that is in it, but what the API ended already.

use crate::store::Fingerprint;
use crate::vault::{Credentials, Grant, SecretText};

/// What is still to end of what was opened.
pub(in crate::credentials) struct Left {
    pub(in crate::credentials) opened: Credentials,
    /// The grants of which anything is left, each whole: what came at once counts as one at the API, whatever of it is over.
    pub(super) grants: Grants,
    /// What is left of them.
    pub(in crate::credentials) rest: Grants,
}

/// The grant that was in use, and those that were set aside beside it, the oldest first.
#[derive(Default)]
pub(in crate::credentials) struct Grants {
    pub(in crate::credentials) used: Option<Grant>,
    pub(in crate::credentials) aside: Vec<Grant>,
}

impl Left {
    /// All of it but what is over.
    pub(super) fn of(opened: Credentials, over: &[Fingerprint]) -> Self {
        let is_left = |token: &SecretText| !over.contains(&token.fingerprint());
        let is_any_left = |grant: &Grant| grant.tokens().any(is_left);
        let used = opened.in_use(None).filter(is_any_left);
        let aside = opened.set_aside().iter().map(Grant::copy).filter(is_any_left).collect();
        let grants = Grants { used, aside };
        let rest = |grant: &Grant| grant.those(is_left);
        let (used, aside) =
            (grants.used.as_ref().and_then(rest), grants.aside.iter().filter_map(rest).collect());
        Self { opened, grants, rest: Grants { used, aside } }
    }

    /// Whether there is nothing.
    pub(super) fn is_nothing(&self) -> bool {
        self.rest.each().next().is_none()
    }
}

impl Grants {
    /// One after the other, that which was in use first.
    pub(super) fn each(&self) -> impl Iterator<Item = &Grant> {
        self.used.iter().chain(&self.aside)
    }

    /// The same once more, that which was in use last.
    pub(super) fn oldest_first(&self) -> Vec<Grant> {
        self.aside.iter().chain(&self.used).map(Grant::copy).collect()
    }

    /// All that is in them.
    pub(in crate::credentials) fn tokens(&self) -> impl Iterator<Item = &SecretText> {
        self.each().flat_map(Grant::tokens)
    }

    /// Whether a refresh token is among them, or may be: in that which was in use, and in those that were set aside.
    pub(super) fn renew(&self) -> (bool, bool) {
        let renews = |grant: &Grant| grant.refresh.is_some();
        (self.used.as_ref().is_some_and(renews), self.aside.iter().any(renews))
    }
}
