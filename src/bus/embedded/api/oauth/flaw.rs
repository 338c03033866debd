//! Requests at `/authorize` that are answered where they arrive, in the contract's own words.

use actix_web::http::StatusCode;
use actix_web::http::header::ACCEPT;
use actix_web::{HttpRequest, HttpResponse};
use serde_json::json;

use super::page;
use crate::bus::embedded::oauth::Misaddressed;

/// Whether whoever asks names pages among what they read, as browsers do and programs do not.
pub(super) fn reads_pages(request: &HttpRequest) -> bool {
    let mut lines = request.headers().get_all(ACCEPT).filter_map(|line| line.to_str().ok());
    lines.any(|line| line.to_ascii_lowercase().contains("text/html"))
}

/// 400, for whoever asks.
pub(super) fn misaddressed(why: Misaddressed) -> HttpResponse {
    let body = match why {
        Misaddressed::ForeignTarget => {
            json!({"code": 400, "error": "invalid_request", "error_description": why.to_string()})
        }
        Misaddressed::MissingClient | Misaddressed::UnknownClient => json!({"error": why.to_string()}),
    };
    page::answer(StatusCode::BAD_REQUEST).json(body)
}
