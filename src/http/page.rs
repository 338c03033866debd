//! Pages as answers: what a browser may do with them, which is little.

use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use actix_web::http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, ContentType, HeaderValue, LOCATION, REFERRER_POLICY, REFRESH,
    X_FRAME_OPTIONS,
};

use crate::console::{self, Markup};

/// What a page may do. Browsers hold a form to `form-action` on the whole way that its answer leads, through whatever redirects
/// others have there: no form leads elsewhere.
const POLICY: &str =
    "default-src 'none'; style-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

/// Answers a page.
pub(super) fn page(status: StatusCode, markup: Markup) -> HttpResponse {
    HttpResponse::build(status)
        .insert_header((CONTENT_SECURITY_POLICY, POLICY))
        .insert_header((CACHE_CONTROL, "no-store"))
        .insert_header((REFERRER_POLICY, "no-referrer"))
        .insert_header((X_FRAME_OPTIONS, "DENY"))
        .insert_header(ContentType::html())
        .body(markup.into_string())
}

/// Answers a form whose way leads elsewhere in the end: the browser goes on to `address` by itself, from a page of the gateway,
/// and with no word of where it comes from.
pub(super) fn led_on(address: &str, to: &str) -> HttpResponse {
    let mut answer = page(StatusCode::OK, console::led_on(address, to));
    let refresh = HeaderValue::from_str(&format!("0; url={address}")).expect("addresses and paths are ASCII");
    answer.headers_mut().insert(REFRESH, refresh);
    answer
}

/// Sends the browser elsewhere, by GET, and with no word of where it comes from.
pub(super) fn see_other(address: &str) -> HttpResponse {
    to(StatusCode::SEE_OTHER, address)
}

/// The same as the original gateway did it.
pub(super) fn found(address: &str) -> HttpResponse {
    to(StatusCode::FOUND, address)
}

fn to(status: StatusCode, address: &str) -> HttpResponse {
    HttpResponse::build(status)
        .insert_header((CACHE_CONTROL, "no-store"))
        .insert_header((REFERRER_POLICY, "no-referrer"))
        .insert_header((LOCATION, address))
        .finish()
}
