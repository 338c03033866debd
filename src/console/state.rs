//! How a secret stands, in words.

use maud::{Markup, html};

use super::moment::moment;

/// How a secret stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum State {
    /// Nothing is known against it.
    Works,
    /// It works, and is renewed before it ends.
    RenewsItself,
    /// It works until then, and nothing renews it.
    WorksUntil(String),
    /// The answer to a renewal was lost, or is awaited.
    InDoubt,
    /// It is of another API than the gateway is for now.
    OtherApi,
    /// It does not work any more.
    SignInAgain,
}

impl State {
    /// Whether only a sign-in helps.
    pub fn is_over(&self) -> bool {
        *self == Self::SignInAgain
    }

    /// In a few words.
    pub(super) fn words(&self) -> Markup {
        html! {
            @match self {
                Self::Works => "Works",
                Self::RenewsItself => "Works, and renews itself",
                Self::WorksUntil(end) => { "Works until " (moment(end)) ", then you need to sign in again" },
                Self::InDoubt => "In doubt: a renewal was not answered. The next use finds out",
                Self::OtherApi => "Of another API than this gateway's: not used here",
                Self::SignInAgain => strong.over { "Needs you to sign in again" },
            }
        }
    }
}
