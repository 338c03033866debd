//! What a receiver says of a delivery that a bus of ours brought: an error's status is the job's own, and says nothing of it.

/// How a delivery stands with whoever it was brought to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Brought {
    /// It has its one outcome: it is not to be brought again.
    Ended,
    /// Nothing is kept of it: it is to be brought again.
    Open,
}

impl Brought {
    /// The header that says it.
    pub const HEADER: &str = "x-meshblu-delivery";

    /// What the header holds.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Ended => "ended",
            Self::Open => "open",
        }
    }

    /// What a header says that holds this.
    pub fn told_by(value: &[u8]) -> Option<Self> {
        [Self::Ended, Self::Open].into_iter().find(|brought| brought.as_str().as_bytes() == value)
    }
}
