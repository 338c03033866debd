//! Judging a request with a signature of RFC 9421.

use super::base::base;
use super::parameters::Parameters;
use super::structured::{self, InnerList, Labelled, Value};
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

/// A request carries exactly one signature of a sender that is known; what others on the way added to it says nothing
/// (RFC 9421, 4.3). The time has to be signed, whatever the policy says.
pub(in crate::signature) fn verify<'a>(
    request: &Request<'a>,
    senders: &[Sender],
    now: Timestamp,
) -> Result<Verified<'a>, Refusal> {
    let (sender, list, signature) = known(read(request)?, senders)?;
    let parameters = Parameters::read(list)?;
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

/// What the request says of each of its signatures, and these.
fn read(request: &Request<'_>) -> Result<Vec<(InnerList, Vec<u8>)>, Refusal> {
    let lists = structured::inner_lists(&request.lines(INPUT)?).map_err(syntax(INPUT))?;
    let mut signatures = structured::byte_sequences(&request.lines(SIGNATURE)?).map_err(syntax(SIGNATURE))?;
    if lists.len() != signatures.len() {
        return Err(Refusal::LabelMismatch);
    }
    let of = |(label, list): (String, _)| Some((list, take(&mut signatures, &label)?));
    lists.into_iter().map(of).collect::<Option<_>>().ok_or(Refusal::LabelMismatch)
}

fn take<T>(members: &mut Labelled<T>, label: &str) -> Option<T> {
    let place = members.iter().position(|(other, _)| other == label)?;
    Some(members.swap_remove(place).1)
}

/// The one signature by the key of a sender that is known, as its description has it.
fn known(
    signatures: Vec<(InnerList, Vec<u8>)>,
    senders: &[Sender],
) -> Result<(&Sender, InnerList, Vec<u8>), Refusal> {
    if signatures.iter().all(|(list, _)| key_id(list).is_none()) {
        return Err(Refusal::MissingParameter("keyid"));
    }
    let mut known = signatures.into_iter().filter_map(|(list, signature)| {
        let sender = senders.iter().find(|sender| key_id(&list) == Some(&*sender.key_id))?;
        Some((sender, list, signature))
    });
    match (known.next(), known.next()) {
        (Some(one), None) => Ok(one),
        (Some(_), Some(_)) => Err(Refusal::Several),
        (None, _) => Err(Refusal::UnknownKey),
    }
}

fn key_id(list: &InnerList) -> Option<&str> {
    list.parameters.iter().find_map(|parameter| match parameter {
        (name, Some(Value::Text(key_id))) if name == "keyid" => Some(&**key_id),
        _ => None,
    })
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
