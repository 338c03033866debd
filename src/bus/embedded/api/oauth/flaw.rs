//! Requests at `/authorize` that are answered where they arrive, in the contract's own words.

use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use serde_json::json;

use super::page;
use crate::bus::embedded::oauth::Misaddressed;

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
