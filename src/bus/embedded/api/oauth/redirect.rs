//! Sending the browser somewhere else.

use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use actix_web::http::header::LOCATION;

use super::browser::Browser;
use super::page;
use crate::bus::embedded::oauth::{AuthorizationRequest, Code, Decline};
use crate::egress::Url;

/// Back to the client, with a code.
pub(super) fn granted(browser: &Browser, request: &AuthorizationRequest, code: &Code) -> HttpResponse {
    back(browser, &request.target, request.state.as_deref(), &[("code", code.expose())])
}

/// Back to the client, without one.
pub(super) fn declined(browser: &Browser, decline: &Decline) -> HttpResponse {
    let (error, description) = decline.reason.texts();
    let pairs = [("error", error), ("error_description", description)];
    back(browser, &decline.target, decline.state.as_deref(), &pairs)
}

/// To the question, which is asked anew: who reloads the page that comes then sends nothing twice.
pub(super) fn asked_again(request: &AuthorizationRequest) -> HttpResponse {
    to(&format!("authorize?{}", request.to_query()))
}

/// The issuer's name keeps a client of several providers from taking one's answer for another's (RFC 9207).
fn back(browser: &Browser, target: &Url, state: Option<&str>, pairs: &[(&str, &str)]) -> HttpResponse {
    let mut target = target.clone();
    let issuer = browser.base.as_str().trim_end_matches('/');
    let more = state.map(|state| ("state", state)).into_iter().chain([("iss", issuer)]);
    target.query_pairs_mut().extend_pairs(pairs.iter().copied().chain(more));
    to(target.as_str())
}

/// 303, so that whatever was sent here is not sent there.
fn to(address: &str) -> HttpResponse {
    page::answer(StatusCode::SEE_OTHER).insert_header((LOCATION, address)).finish()
}
