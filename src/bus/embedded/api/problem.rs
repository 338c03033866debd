//! Errors that Meshblu answers with a page: here they are problems (RFC 9457).

use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use serde_json::json;

/// What is wrong with a request before it becomes a call of the bus. Its `type` is `/problems/` and the slug.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Problem {
    /// 400 `malformed-request`.
    MalformedBody,
    /// 404 `not-found`.
    NotFound,
    /// 408 `request-timeout`.
    Timeout,
    /// 413 `body-too-large`.
    BodyTooLarge,
    /// 415 `unsupported-media-type`.
    ContentCoding,
}

impl Problem {
    pub(super) fn status(self) -> StatusCode {
        match self {
            Self::MalformedBody => StatusCode::BAD_REQUEST,
            Self::NotFound => StatusCode::NOT_FOUND,
            Self::Timeout => StatusCode::REQUEST_TIMEOUT,
            Self::BodyTooLarge => StatusCode::PAYLOAD_TOO_LARGE,
            Self::ContentCoding => StatusCode::UNSUPPORTED_MEDIA_TYPE,
        }
    }

    /// Slug, title and detail.
    fn texts(self) -> [&'static str; 3] {
        match self {
            Self::MalformedBody => [
                "malformed-request",
                "Malformed request",
                "The body is not a JSON object or array, or is nested too deep",
            ],
            Self::NotFound => ["not-found", "Not found", "There is nothing here"],
            Self::Timeout => ["request-timeout", "Request timeout", "The body did not arrive in time"],
            Self::BodyTooLarge => ["body-too-large", "Body too large", "The body is too large"],
            Self::ContentCoding => [
                "unsupported-media-type",
                "Unsupported media type",
                "Bodies are read without a content coding only",
            ],
        }
    }

    pub(super) fn response(self) -> HttpResponse {
        let [slug, title, detail] = self.texts();
        let document = json!({
            "type": format!("/problems/{slug}"),
            "title": title,
            "status": self.status().as_u16(),
            "detail": detail,
            "error": detail,
        });
        HttpResponse::build(self.status()).content_type("application/problem+json").body(document.to_string())
    }
}
