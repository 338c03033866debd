//! What came of a call: whether the receiver took the delivery, and what that tells of it.

use std::borrow::Cow;

use http::{Response, StatusCode};
use serde_json::Value;

use super::super::target::{Call, Now};
use crate::bus::Brought;
use crate::egress::{EgressError, RetryAfter};

/// Where the webhook is on no public address, and the operator allows no other: the settings that would.
const NOT_ALLOWED: &str = "address not allowed by egress.allowed_hosts or egress.allow_loopback";

/// Why an attempt came to nothing; a fixed text for the dead letter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Failed {
    pub(super) reason: Cow<'static, str>,
    /// Whether a further attempt can help.
    pub(super) for_good: bool,
    /// What it tells of the destination.
    pub(super) condition: Condition,
    /// When the receiver wants to be called again, where it says so.
    pub(super) wanted: Option<RetryAfter>,
}

/// Why a webhook did not take its delivery.
#[derive(Clone, Debug)]
pub(super) enum Obstacle {
    Failed(Failed),
    /// Its device has it no more. It may again in a moment: whoever changes one takes it away first.
    Gone,
    /// It has changed: the text of its call.
    Changed(String),
}

impl Obstacle {
    /// What stands in the way of `call` where its device is as in `document`.
    pub(super) fn of(call: &Call, document: &Value, event: &str) -> Option<Self> {
        match call.now(document, event) {
            Now::TheSame => None,
            Now::Changed(target) => Some(Self::Changed(target)),
            Now::Gone => Some(Self::Gone),
        }
    }
}

impl From<Failed> for Obstacle {
    fn from(failed: Failed) -> Self {
        Self::Failed(failed)
    }
}

/// What an attempt tells of its destination.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Condition {
    /// Nothing: it was not called.
    NotCalled,
    /// It is well, also where it will not have this delivery now.
    Well,
    /// It did not answer in time.
    Late,
    /// It answered that it does not take it now, or broke off: that may be for whose the delivery is.
    Refuses,
    /// Nobody was to be reached, whosever it is.
    Away,
}

impl Failed {
    pub(super) fn again(reason: impl Into<Cow<'static, str>>) -> Self {
        Self { reason: reason.into(), for_good: false, condition: Condition::NotCalled, wanted: None }
    }

    pub(super) fn for_good(reason: &'static str) -> Self {
        Self { reason: reason.into(), for_good: true, condition: Condition::NotCalled, wanted: None }
    }

    /// The same for a receiver that is not to be called again where it did not answer in time.
    pub(super) fn for_good_if_late(self) -> Self {
        Self { for_good: self.for_good || self.condition == Condition::Late, ..self }
    }

    fn at(reason: impl Into<Cow<'static, str>>, condition: Condition) -> Self {
        Self { reason: reason.into(), for_good: false, condition, wanted: None }
    }

    fn by_answer(answer: &Response<()>) -> Self {
        let status = answer.status();
        let refuses = status.is_server_error() || status == StatusCode::TOO_MANY_REQUESTS;
        let condition = if refuses { Condition::Refuses } else { Condition::Well };
        let failed = Self::at(format!("status {}", status.as_u16()), condition);
        Self { wanted: RetryAfter::of(answer.headers()), ..failed }
    }

    fn by_error(error: &EgressError) -> Self {
        match error {
            EgressError::AddressNotAllowed | EgressError::HostNotAllowed => Self::for_good(NOT_ALLOWED),
            EgressError::Timeout => Self::at("timeout", Condition::Late),
            EgressError::Connect(cause) => Self::at(format!("connect: {cause}"), Condition::Away),
            EgressError::Exchange(cause) => Self::at(format!("exchange: {cause}"), Condition::Refuses),
            _ => Self::at("exchange", Condition::Refuses),
        }
    }
}

/// The status with which the delivery was taken.
pub(super) fn taken(answer: Result<Response<()>, EgressError>) -> Result<StatusCode, Failed> {
    let answer = answer.map_err(|error| Failed::by_error(&error))?;
    match is_taken(&answer) {
        true => Ok(answer.status()),
        false => Err(Failed::by_answer(&answer)),
    }
}

/// Whoever answers has the delivery, and may have done already what would be done again: gateways answer with the code of
/// the job that failed. Only what says that nothing was taken is repeated, also where it stands before the receiver.
fn is_taken(answer: &Response<()>) -> bool {
    match answer.headers().get(Brought::HEADER).and_then(|value| Brought::told_by(value.as_bytes())) {
        Some(Brought::Ended) => true,
        Some(Brought::Open) => false,
        None => !matches!(
            answer.status(),
            StatusCode::REQUEST_TIMEOUT
                | StatusCode::TOO_EARLY
                | StatusCode::TOO_MANY_REQUESTS
                | StatusCode::BAD_GATEWAY
                | StatusCode::SERVICE_UNAVAILABLE
                | StatusCode::GATEWAY_TIMEOUT
        ),
    }
}
