//! Judging a request of an old bus.

use super::authorization;
use super::text;
use crate::ambient::Timestamp;
use crate::signature::component::Component;
use crate::signature::digest;
use crate::signature::policy::Policy;
use crate::signature::refusal::Refusal;
use crate::signature::remembered::RememberingKey;
use crate::signature::request::Request;
use crate::signature::verified::Verified;

const DATE: &str = "date";

/// Whether the request carries a signature of this form, good or bad.
pub(in crate::signature) fn is_signed(request: &Request<'_>) -> bool {
    let field = request.optional(authorization::FIELD).ok().flatten();
    field.and_then(authorization::parameters).is_some()
}

/// The date counts only if it is signed, so it has to be, whatever the policy says. `X-Date` never counts.
pub(in crate::signature) fn verify<'a>(
    request: &Request<'a>,
    key: &RememberingKey,
    policy: &Policy,
    now: Timestamp,
) -> Result<Verified<'a>, Refusal> {
    let field = request.optional(authorization::FIELD)?.ok_or(Refusal::Unsigned)?;
    let parameters = authorization::parameters(field).ok_or(Refusal::Unsigned)?;
    let authorization = authorization::read(parameters)?;
    let covered = text::components(&authorization.covered);
    policy.check_covered(&covered)?;
    if !covered.contains(&Component::field(DATE)) {
        return Err(Refusal::Uncovered(Component::field(DATE)));
    }
    policy.check_time(date(request)?, now)?;
    let text = text::text(request, &authorization.covered)?;
    if !key.verifies(authorization.hash, &text, &authorization.signature) {
        return Err(Refusal::WrongSignature);
    }
    if covered.contains(&Component::field(digest::FIELD)) {
        digest::check(request.field(digest::FIELD)?, request.body)?;
    }
    Ok(Verified { request: *request, covered, key_id: None })
}

fn date(request: &Request<'_>) -> Result<Timestamp, Refusal> {
    let date = std::str::from_utf8(request.field(DATE)?).ok();
    date.and_then(Timestamp::from_http_date).ok_or(Refusal::NotADate)
}
