//! Why an API that is to end a secret did not do it yet, and for how long it is left alone then.

use std::time::Duration;

use crate::credentials::errands::PAUSES;
use crate::credentials::receipts::api_answer::ApiVerdict;
use crate::source::oauth2::OAuthError;

/// The longest that a sealed copy waits for the API.
pub(super) const LONGEST: Duration = Duration::from_secs(24 * 60 * 60);
/// After so long the API is not asked any more, so that what it was asked is answered before the copy's day is over.
pub(super) const LAST_ASKED: Duration = LONGEST.saturating_sub(Duration::from_secs(10 * 60));

/// When it is looked again whether a sign-in is over that may concern what is to end, or a renewal.
const MOMENT: Duration = Duration::from_secs(1);
/// How long is left alone what nobody can tell.
const UNTOLD: Duration = Duration::from_secs(60);
/// How long is left alone what does not open; other keys may come.
const UNOPENED: Duration = Duration::from_secs(3600);
/// How long an API may still be at what it was asked and nobody waits for; longer than an answer may take.
pub(super) const STILL_AT_IT: Duration = Duration::from_secs(60);

const A_PAGE: &str = "a page for people, as at a wrong address; the operator compares source.revocation_url with what the API documents";

/// Why the API did not end it for now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::credentials) enum Hindrance {
    /// A sign-in is under way that brings the same tokens, or is by the same account, or may be.
    SignIn,
    /// A renewal is under way, and nobody knows yet what to ask.
    Renewal,
    /// The answer to a renewal was lost, and what a sign-in brought may be what was in it.
    Doubt,
    /// What may end with them ran out by the clock alone, and the API does not tell.
    RanOut,
    /// Nobody can tell whether the tokens are in use.
    Untold,
    /// The sealed copy does not open.
    Unopened,
    /// The copy waited for too long.
    TooLate,
    /// It was asked, and did not say anything when somebody signed in who waited for that long enough.
    LetGo,
    /// It was asked, and does not say anything.
    Silence,
    /// It cannot be reached.
    Failure,
    /// It was asked, and answered this, by which nothing ended.
    Refusal(String),
    /// The tokens came by another client of the API than the gateway is now.
    OtherClient,
    /// The gateway is for another API now.
    OtherApi,
    /// The gateway has no way to ask now.
    NoWay,
    /// It does not wait any more: a sign-in came to hold it.
    TakenUp,
    /// The gateway is told to stop.
    Stop,
}

impl Hindrance {
    /// What people can be told of it.
    pub(in crate::credentials) fn why(&self) -> Option<&'static str> {
        match self {
            Self::TooLate | Self::Silence | Self::Failure | Self::Refusal(_) | Self::TakenUp | Self::Stop => {
                None
            }
            Self::SignIn => {
                Some("a sign-in is under way that may bring the same tokens, or be by the same account")
            }
            Self::Renewal => Some("a renewal is under way that may bring more tokens"),
            Self::Doubt => Some("the answer to a renewal was lost, and the tokens may be what was in it"),
            Self::RanOut => Some(
                "what may end with them ran out by the clock, which may be wrong, and the API does not say whether it did; that is \
                 believed after three hours",
            ),
            Self::Untold => Some("it could not be found out whether the tokens are in use here"),
            Self::Unopened => Some("none of the gateway's keys opens the sealed copy of the tokens"),
            Self::LetGo => Some(
                "somebody signed in while it did not answer; what it does all the same may end what they signed in for, so \
                 that is looked at in a minute",
            ),
            Self::OtherClient => Some(
                "they came by another client of the API than the settings of this gateway name now, which alone can end them; if \
                 the settings name it again within a day, the API is told",
            ),
            Self::OtherApi => Some(
                "the settings of this gateway name another one; if they name it again within a day, it is told",
            ),
            Self::NoWay => Some(
                "the settings of this gateway give it no way to do that; if they do within a day, it is told",
            ),
        }
    }

    /// What the API answered.
    pub(in crate::credentials) fn said(&self) -> Option<&str> {
        match self {
            Self::Refusal(said) => Some(said),
            _ => None,
        }
    }

    /// Whether the API was asked.
    fn is_asked(&self) -> bool {
        matches!(self, Self::LetGo | Self::Silence | Self::Failure | Self::Refusal(_))
    }

    /// Whether the API may still be at what it was asked.
    pub(super) fn rests(&self) -> bool {
        matches!(self, Self::LetGo | Self::Silence)
    }

    /// How long it is left alone that was asked so often before.
    pub(super) fn pause(&self, attempts: u32) -> Duration {
        match self {
            Self::SignIn | Self::Renewal | Self::Stop => MOMENT,
            Self::Doubt | Self::RanOut | Self::Untold => UNTOLD,
            Self::Unopened => UNOPENED,
            Self::LetGo => STILL_AT_IT,
            Self::Silence => PAUSES.after(attempts).max(STILL_AT_IT),
            Self::Failure | Self::Refusal(_) => PAUSES.after(attempts),
            // The settings are others after a start at the soonest.
            Self::OtherClient | Self::OtherApi | Self::NoWay | Self::TooLate | Self::TakenUp => LONGEST,
        }
    }

    /// What it comes to where it lasts for too long.
    pub(super) fn verdict(&self, was_asked: bool) -> ApiVerdict {
        match self {
            Self::OtherApi => ApiVerdict::OtherApi,
            Self::NoWay => ApiVerdict::Impossible,
            // Of others in the same copy it may have been.
            Self::OtherClient => ApiVerdict::Unasked,
            _ if was_asked || self.is_asked() => ApiVerdict::Unanswered,
            _ => ApiVerdict::Unasked,
        }
    }
}

impl From<&OAuthError> for Hindrance {
    fn from(error: &OAuthError) -> Self {
        let said = match error {
            error if error.may_be_at_it() => return Self::Silence,
            OAuthError::NotSent(_) | OAuthError::NoAnswer(_) => return Self::Failure,
            OAuthError::Refused { said, status } | OAuthError::InvalidGrant { said, status } => {
                match said.error() {
                    Some(error) => format!("the error {error}"),
                    None => format!("the status {status}"),
                }
            }
            OAuthError::Declined(200..300) => "that it did not do it".to_owned(),
            OAuthError::Declined(status) | OAuthError::Failed(status) => format!("the status {status}"),
            OAuthError::Busy { status, .. } => {
                format!("that it is to be asked later, by the status {status}")
            }
            OAuthError::Page => A_PAGE.to_owned(),
            OAuthError::TokenRejected => "that it does not know what it gave a moment ago".to_owned(),
            OAuthError::Unreadable | OAuthError::AccountId(_) => "what cannot be read".to_owned(),
        };
        Self::Refusal(said)
    }
}
