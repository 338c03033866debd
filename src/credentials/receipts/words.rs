//! Receipts in words, for people.

use std::fmt;

use super::api_answer::{ApiAnswer, ApiVerdict};
use super::receipt::{Act, Fate, Matter, Part};

impl fmt::Display for Part {
    /// `the right of DEVICE ended`, and why it did not where it stayed.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} {}", self.what.words(), self.device, self.fate.words())?;
        self.why.iter().try_for_each(|why| write!(f, ": {why}"))
    }
}

impl Matter {
    /// What a part is about, before the device.
    pub const fn words(self) -> &'static str {
        match self {
            Self::Right => "the right of",
            Self::Subscription => "the subscription to",
            Self::Sockets => "the connections of",
            Self::Whitelists => "what is allowed by the lists of",
            Self::Device => "the device",
            Self::Record => "the record of",
            Self::EarlierSecret => "the earlier secret of",
            Self::EarlierAccessToken => "the earlier access token of",
            Self::OldestSetAside => "the oldest of the tokens set aside for",
            Self::BusCopy => "the copy on the bus of",
            Self::Management => "the management by",
            Self::Renewal => "the renewal that was under way for",
        }
    }
}

impl Fate {
    /// What became of a part, after the device.
    pub const fn words(self) -> &'static str {
        match self {
            Self::Ended => "ended",
            Self::Stayed => "stayed",
            Self::Pending => "is still to be ended",
        }
    }
}

impl ApiAnswer {
    /// What the API said of the tokens, as a sentence without its full stop; the gateway's is of this name.
    pub fn sentence(&self, api: &str) -> String {
        match self.some_ended {
            true => {
                format!("some of the tokens are over at {api}; of the others: {}", self.of_the_others(api))
            }
            false => self.of_the_others(api),
        }
    }

    fn of_the_others(&self, api: &str) -> String {
        match &self.why {
            Some(why) if self.verdict == ApiVerdict::Spared => format!("{api} was not told: {why}"),
            Some(why) if matches!(self.verdict, ApiVerdict::Unasked | ApiVerdict::Unknown) => {
                format!("{}: {why}", self.verdict.sentence(api))
            }
            Some(why) => format!("the API that the tokens are from is still to be told: {why}"),
            None => self.verdict.sentence_of(api, self.said.as_deref()),
        }
    }
}

impl ApiVerdict {
    /// The same, with what the API answered last.
    fn sentence_of(self, api: &str, said: Option<&str>) -> String {
        match (self, said) {
            (Self::Pending, Some(said)) => format!("{api} has not ended the tokens yet: it answered {said}"),
            (Self::Undone, Some(said)) => {
                format!(
                    "{api} did not end the tokens within a day; end them there yourself: it answered {said}"
                )
            }
            _ => self.sentence(api),
        }
    }

    fn sentence(self, api: &str) -> String {
        match self {
            Self::Pending => format!("{api} is still to be told"),
            Self::Revoked => format!("the tokens are over at {api} too"),
            Self::Unknown => format!("{api} does not know the tokens, or not any more"),
            Self::Impossible => {
                format!(
                    "{api} cannot be told: a secret that ended here stays good there until you end it there"
                )
            }
            Self::Spared => format!("{api} was not told, for the sake of tokens that are in use"),
            Self::Unanswered => format!("{api} did not answer within a day; end the tokens there yourself"),
            Self::Undone => {
                format!("{api} did not end the tokens within a day; end them there yourself")
            }
            Self::Unasked => {
                format!(
                    "{api} was not asked within a day, and is not any more; end the tokens there yourself"
                )
            }
            Self::OtherApi => {
                format!("the tokens are not {api}'s, which was not told; end them where they are from")
            }
        }
    }
}

impl Act {
    /// What was done, in a few words.
    pub const fn words(self) -> &'static str {
        match self {
            Self::CutOff => "A device was cut off",
            Self::CutOffAll => "All devices were cut off",
            Self::Forgotten => "The secret was forgotten",
            Self::Replaced => "A newer sign-in took the place of the secret",
            Self::Left => "An owner left",
        }
    }
}
