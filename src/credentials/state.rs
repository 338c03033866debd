//! How a secret stands, in the words that people read, on pages and in the terminal.

use std::fmt;

use super::{Health, Standing};
use crate::ambient::Timestamp;

/// How a secret stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum State {
    /// Nothing is known against it.
    Works,
    /// It works, and is renewed before it ends.
    RenewsItself,
    /// It ran out, and the API does not renew it; that is tried again.
    NotRenewed,
    /// It works until then, and nothing renews it.
    WorksUntil(String),
    /// It works until the API refuses it, and nothing renews it.
    WorksUntilRefused,
    /// The answer to a renewal was lost, or is awaited; it is tried again.
    InDoubt,
    /// The same, and it is not.
    InDoubtUntilRefused,
    /// It is of another API than the gateway is for now.
    OtherApi,
    /// It does not work any more.
    SignInAgain,
}

/// The words for how a secret stands. Some have a time in their midst, which pages set apart.
#[derive(Clone, Copy, Debug)]
pub struct Words<'a> {
    /// All of them, or those before the time.
    pub start: &'static str,
    /// `2026-03-01T09:30:00Z`.
    pub at: Option<&'a str>,
    /// Those after it.
    pub end: &'static str,
}

impl State {
    /// How a secret stands now.
    pub fn of(standing: &Standing, now: Timestamp) -> Self {
        match (&standing.health, standing.expires_at) {
            (Health::Dead { .. }, Some(end)) if now < end => Self::WorksUntil(end.iso_seconds()),
            (Health::Dead { .. }, Some(_)) => Self::SignInAgain,
            (Health::Dead { .. }, None) => Self::WorksUntilRefused,
            (Health::InDoubt, _) if standing.tries_again => Self::InDoubt,
            (Health::InDoubt, _) => Self::InDoubtUntilRefused,
            (Health::Elsewhere, _) => Self::OtherApi,
            (Health::Good | Health::Due, Some(end)) if standing.renews && standing.fails && now >= end => {
                Self::NotRenewed
            }
            (Health::Good | Health::Due, _) if standing.renews => Self::RenewsItself,
            (Health::Good | Health::Due, Some(end)) if now >= end => Self::SignInAgain,
            (Health::Good | Health::Due, Some(end)) => Self::WorksUntil(end.iso_seconds()),
            (Health::Good | Health::Due, None) => Self::Works,
        }
    }

    /// Whether only a sign-in helps.
    pub fn is_over(&self) -> bool {
        *self == Self::SignInAgain
    }

    /// Its words, without a full stop.
    pub fn words(&self) -> Words<'_> {
        let start = match self {
            Self::Works => "Works",
            Self::RenewsItself => "Works, and renews itself",
            Self::NotRenewed => {
                "Does not work now: it ran out, and the API did not renew it. That is tried again; to sign in again may help"
            }
            Self::WorksUntil(at) => {
                let (start, end) = ("Works until ", ", then you need to sign in again");
                return Words { start, at: Some(at), end };
            }
            Self::WorksUntilRefused => "Works until the API refuses it, then you need to sign in again",
            Self::InDoubt => {
                "In doubt: a renewal is not answered. It is tried again when the API refuses the secret, at the latest"
            }
            Self::InDoubtUntilRefused => {
                "In doubt: a renewal is not answered, and is not tried again. The secret is used until the API refuses it, then you \
                 need to sign in again"
            }
            Self::OtherApi => "Of another API than this gateway's: not used here",
            Self::SignInAgain => "Needs you to sign in again",
        };
        Words { start, at: None, end: "" }
    }
}

impl fmt::Display for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Words { start, at, end } = self.words();
        write!(f, "{start}{}{end}", at.unwrap_or_default())
    }
}
