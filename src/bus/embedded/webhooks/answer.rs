//! What came of a call: whether the receiver took the delivery, and what that tells of it.

use std::borrow::Cow;

use http::{Response, StatusCode};

use crate::bus::Brought;
use crate::egress::EgressError;

/// Why an attempt came to nothing; a fixed text for the dead letter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Failed {
    pub(super) reason: Cow<'static, str>,
    /// Whether a further attempt can help.
    pub(super) for_good: bool,
    /// What it tells of the destination.
    pub(super) condition: Condition,
}

/// What an attempt that came to nothing tells of its destination.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Condition {
    /// Nothing: it was not called.
    NotCalled,
    /// Nothing either: its device does not have the webhook.
    TakenAway,
    /// It is well, and will not have this delivery now.
    Refuses,
    /// It did not answer in time: it is down, or slow with this one.
    Late,
    /// It is down or overloaded.
    Fails,
}

impl Failed {
    pub(super) fn again(reason: impl Into<Cow<'static, str>>) -> Self {
        Self { reason: reason.into(), for_good: false, condition: Condition::NotCalled }
    }

    pub(super) fn for_good(reason: &'static str) -> Self {
        Self { reason: reason.into(), for_good: true, condition: Condition::NotCalled }
    }

    /// The device does not have the webhook. It may have it again in a moment: whoever changes one takes it away first.
    pub(super) fn removed() -> Self {
        Self::at("webhook removed", Condition::TakenAway)
    }

    /// The same, where a receiver that did not answer in time is not to be called again.
    pub(super) fn for_good_if_late(self) -> Self {
        Self { for_good: self.for_good || self.condition == Condition::Late, ..self }
    }

    fn at(reason: impl Into<Cow<'static, str>>, condition: Condition) -> Self {
        Self { reason: reason.into(), for_good: false, condition }
    }

    fn by_status(status: StatusCode) -> Self {
        let down = status.is_server_error() || status == StatusCode::TOO_MANY_REQUESTS;
        let condition = if down { Condition::Fails } else { Condition::Refuses };
        Self::at(format!("status {}", status.as_u16()), condition)
    }

    fn by_error(error: &EgressError) -> Self {
        match error {
            EgressError::AddressNotAllowed { .. } | EgressError::HostNotAllowed { .. } => {
                Self::for_good("address not allowed")
            }
            EgressError::Timeout => Self::at("timeout", Condition::Late),
            EgressError::Connect(_) => Self::at("connect", Condition::Fails),
            _ => Self::at("exchange", Condition::Fails),
        }
    }
}

/// The status with which the delivery was taken.
pub(super) fn taken(answer: Result<Response<()>, EgressError>) -> Result<StatusCode, Failed> {
    let answer = answer.map_err(|error| Failed::by_error(&error))?;
    match is_taken(&answer) {
        true => Ok(answer.status()),
        false => Err(Failed::by_status(answer.status())),
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
