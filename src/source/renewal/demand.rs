//! What is asked of a renewal, how long it may take, and what it ends with.

use std::time::Duration;

/// For how long somebody says at once to be at a refresh token, at most; while that goes on, it is said again.
pub(super) const LEASE: Duration = Duration::from_secs(10);

/// Why a renewal is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Demand {
    /// The time has come.
    Due,
    /// The secret was tried, and the API did not take it.
    Rejected(Rejection),
}

/// That the API does not take a secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rejection {
    /// The generation of the record that held it.
    pub generation: u64,
    /// By whose word.
    pub by: SaidBy,
}

impl Rejection {
    /// Of the secret in the record of this generation, as the API told.
    pub const fn by_the_api(generation: u64) -> Self {
        Self { generation, by: SaidBy::Api }
    }

    /// The same, as a handler says.
    pub const fn by_a_handler(generation: u64) -> Self {
        Self { generation, by: SaidBy::Handler }
    }
}

/// By whose word something is known of a secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SaidBy {
    /// The API told this gateway.
    Api,
    /// A handler says so of a call that this gateway has not seen: that alone ends nothing.
    Handler,
}

impl Demand {
    /// The generation of the secret that was tried, where one was.
    pub(super) fn tried(self) -> Option<u64> {
        match self {
            Self::Due => None,
            Self::Rejected(Rejection { generation, .. }) => Some(generation),
        }
    }

    /// Whether it is known that the API does not take the secret.
    pub(super) fn is_rejected(self) -> bool {
        matches!(self, Self::Rejected(Rejection { by: SaidBy::Api, .. }))
    }
}

/// What a renewal ended with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Renewed {
    /// There was nothing to renew.
    NotDue,
    /// There is a newer secret already.
    Newer,
    /// There is a new secret, on disk.
    New,
    /// It is not known whether the refresh token was used up; the access token still works.
    StillGood,
}

/// How long renewals hold on.
#[derive(Clone, Copy, Debug)]
pub struct RenewalSettings {
    /// How long a process that stopped keeps others waiting, ten seconds at most; while it works, it says so three times as often.
    pub lease: Duration,
    /// How long a renewal waits for one of another process.
    pub patience: Duration,
    /// How often it looks meanwhile.
    pub look: Duration,
}

impl Default for RenewalSettings {
    fn default() -> Self {
        Self { lease: LEASE, patience: Duration::from_secs(25), look: Duration::from_millis(100) }
    }
}
