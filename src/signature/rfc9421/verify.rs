//! Judging a request with a signature of RFC 9421.

use super::base::base;
use super::parameters::Parameters;
use super::structured;
use crate::ambient::Timestamp;
use crate::signature::component::Component;
use crate::signature::digest;
use crate::signature::policy::Policy;
use crate::signature::refusal::{Refusal, SyntaxError};
use crate::signature::request::Request;
use crate::signature::verified::Verified;
use crate::signature::verifier::Sender;

/// The field that describes the signature.
pub(in crate::signature) const INPUT: &str = "signature-input";
/// The field that holds it.
pub(super) const SIGNATURE: &str = "signature";
/// The one algorithm of our keys, in the registry's words (RFC 9421, 6.2.2).
pub(super) const ALGORITHM: &str = "ed25519";

/// A request carries exactly one signature. Its time has to be signed, whatever the policy says.
pub(in crate::signature) fn verify<'a>(
    request: &Request<'a>,
    senders: &[Sender],
    now: Timestamp,
) -> Result<Verified<'a>, Refusal> {
    let (parameters, signature) = read(request)?;
    let key_id = parameters.text("keyid")?.ok_or(Refusal::MissingParameter("keyid"))?;
    let sender = senders.iter().find(|sender| sender.key_id == key_id).ok_or(Refusal::UnknownKey)?;
    if parameters.text("alg")?.is_some_and(|algorithm| algorithm != ALGORITHM) {
        return Err(Refusal::UnsupportedAlgorithm);
    }
    sender.policy.check_covered(&parameters.components)?;
    check_time(&parameters, &sender.policy, now)?;
    if !sender.key.verifies(&base(request, &parameters)?, &signature) {
        return Err(Refusal::WrongSignature);
    }
    if parameters.components.contains(&Component::field(digest::FIELD)) {
        digest::check(request.field(digest::FIELD)?, request.body)?;
    }
    let key_id = Some(sender.key_id.clone());
    Ok(Verified { request: *request, covered: parameters.components, key_id })
}

fn read(request: &Request<'_>) -> Result<(Parameters, Vec<u8>), Refusal> {
    let list = structured::labelled_list(request.field(INPUT)?).map_err(syntax(INPUT))?;
    let mut signatures = structured::byte_sequences(request.field(SIGNATURE)?).map_err(syntax(SIGNATURE))?;
    match (signatures.pop(), signatures.is_empty()) {
        (Some((label, signature)), true) if label == list.label => {
            Ok((Parameters::read(&list.items, list.parameters)?, signature))
        }
        _ => Err(Refusal::LabelMismatch),
    }
}

fn syntax(field: &'static str) -> impl Fn(SyntaxError) -> Refusal {
    move |cause| Refusal::Syntax { field, cause }
}

fn check_time(parameters: &Parameters, policy: &Policy, now: Timestamp) -> Result<(), Refusal> {
    let created = parameters.seconds("created")?.ok_or(Refusal::MissingParameter("created"))?;
    policy.check_time(time(created), now)?;
    match parameters.seconds("expires")? {
        Some(expires) if time(expires) < now => Err(Refusal::TooOld),
        _ => Ok(()),
    }
}

fn time(seconds: i64) -> Timestamp {
    Timestamp::from_millis(seconds.saturating_mul(1000))
}
