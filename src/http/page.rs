//! Pages as answers: what a browser may do with them, which is little.

use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use actix_web::http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, ContentType, LOCATION, REFERRER_POLICY, X_FRAME_OPTIONS,
};

use crate::console::Markup;

/// Answers a page whose forms lead to the gateway itself.
pub(super) fn page(status: StatusCode, markup: Markup) -> HttpResponse {
    page_leading_to(status, markup, None)
}

/// Answers a page whose forms may also lead on to this origin: browsers hold a form to `form-action` on the whole way
/// that its answer leads.
pub(super) fn page_leading_to(status: StatusCode, markup: Markup, origin: Option<&str>) -> HttpResponse {
    let more = origin.map(|origin| format!(" {origin}")).unwrap_or_default();
    let policy = format!(
        "default-src 'none'; style-src 'self'; form-action 'self'{more}; base-uri 'none'; frame-ancestors 'none'"
    );
    HttpResponse::build(status)
        .insert_header((CONTENT_SECURITY_POLICY, policy))
        .insert_header((CACHE_CONTROL, "no-store"))
        .insert_header((REFERRER_POLICY, "no-referrer"))
        .insert_header((X_FRAME_OPTIONS, "DENY"))
        .insert_header(ContentType::html())
        .body(markup.into_string())
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
