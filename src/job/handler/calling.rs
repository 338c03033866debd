//! One run at an external handler: a call behind a circuit breaker, and what becomes of it.

use std::fmt;
use std::sync::Arc;

use http::{HeaderMap, HeaderValue};

use super::super::contract::JobError;
use super::super::runner::Trouble;
use super::answer;
use super::question::Question;
use crate::ambient::Clock;
use crate::egress::{
    Breaker, CallGate, Egress, EgressError, HandlerAddress, HandlerRequest, Resting, Verdict,
};
use crate::message::Reply;
use crate::signature::{MessageSigner, Request};
use crate::telemetry::with_causes;

/// What calls of all handlers have in common.
#[derive(Debug)]
pub(super) struct Line {
    pub(super) egress: Egress,
    pub(super) signer: MessageSigner,
    pub(super) clock: Clock,
}

/// An external handler, ready to be asked.
#[derive(Clone)]
pub struct Handler {
    pub(super) address: HandlerAddress,
    /// Whether asking twice does no harm.
    pub(super) repeatable: bool,
    pub(super) line: Arc<Line>,
    pub(super) breaker: Arc<Breaker>,
}

impl Handler {
    /// Where it is.
    pub fn address(&self) -> &HandlerAddress {
        &self.address
    }

    /// Asks once. Giving up on it, as the time limit of its job does too, counts against the handler where that answered nobody
    /// else meanwhile; an answer that is no good does not: one job would keep its handler from all others.
    pub(in super::super) async fn answer(self, question: Question) -> Result<Reply, Trouble> {
        let admission = self.breaker.admit().map_err(|resting| self.left_alone(resting))?;
        let gate = if self.repeatable { CallGate::open() } else { question.gate };
        let request = HandlerRequest { headers: self.headers(&question.body), body: question.body };
        let response = match self.line.egress.call_handler(&self.address, request, &gate).await {
            Ok(response) => response,
            Err(error) => {
                admission.ends(verdict(&error));
                return Err(self.failed(&error));
            }
        };
        let answer = answer::read(&response);
        let is_down = answer.is_none() && answer::is_of_its_gateway(&response);
        admission.ends(if is_down { Verdict::Failed } else { Verdict::Succeeded });
        let Some(answer) = answer else {
            let status = response.status().as_u16();
            tracing::warn!(
                handler.address = self.address.logged(),
                http.status = status,
                "a handler's answer is none"
            );
            return Err(Trouble::Invalid);
        };
        if matches!(answer, Err(Trouble::Expired(_))) {
            gate.refused();
        }
        answer
    }

    /// Method, host, path, content type and body are signed (RFC 9421).
    fn headers(&self, body: &[u8]) -> HeaderMap {
        const JSON: &str = "application/json";
        let request = Request {
            method: "POST",
            scheme: self.address.scheme(),
            authority: self.address.authority(),
            target: self.address.target(),
            fields: &[("content-type", JSON.as_bytes())],
            body,
        };
        let signature = self.line.signer.sign(&request, self.line.clock.now());
        let signature = signature.expect("one field in one line can be signed");
        let mut headers = HeaderMap::new();
        for (name, value) in [
            ("content-type", JSON),
            ("accept", JSON),
            ("content-digest", &signature.content_digest),
            ("signature-input", &signature.signature_input),
            ("signature", &signature.signature),
        ] {
            headers.insert(name, HeaderValue::from_str(value).expect("signatures are visible ASCII"));
        }
        headers
    }

    fn left_alone(&self, Resting { after }: Resting) -> Trouble {
        tracing::debug!(handler.address = self.address.logged(), "a handler that failed is left alone");
        let message = "the job's handler has failed lately".to_owned();
        Trouble::Job(JobError::Unavailable { code: 503, message, retry_after: Some(after) })
    }

    fn failed(&self, error: &EgressError) -> Trouble {
        tracing::warn!(
            error = with_causes(error),
            handler.address = self.address.logged(),
            "a handler gave no answer"
        );
        match error {
            EgressError::TooLarge { .. } => Trouble::Invalid,
            _ if error.nothing_sent() => Trouble::Job(JobError::Unavailable {
                code: 503,
                message: "the job's handler cannot be reached".to_owned(),
                retry_after: None,
            }),
            _ if self.repeatable => Trouble::Lost,
            _ => Trouble::Job(JobError::OutcomeUnknown),
        }
    }
}

/// What a call without an answer tells of the handler.
fn verdict(error: &EgressError) -> Verdict {
    match error {
        EgressError::TooLarge { .. } => Verdict::Succeeded,
        EgressError::Connect(_) => Verdict::Failed,
        _ if error.nothing_sent() => Verdict::NotMade,
        EgressError::Timeout => Verdict::Late,
        _ => Verdict::Failed,
    }
}

impl fmt::Debug for Handler {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Handler").field(&self.address).finish()
    }
}
