//! Refusals, each in the shape that clients know (`spec/meshblu.md` 2.5).

use std::fmt::Write;

use actix_web::http::StatusCode;
use actix_web::http::header::{ContentType, HeaderName, HeaderValue, RETRY_AFTER};
use actix_web::{HttpResponse, ResponseError};
use serde_json::{Value, json};
use thiserror::Error;

use super::answer::routed;
use super::problem::Problem;
use crate::bus::embedded::BusError;
use crate::bus::embedded::update::UpdateError;
use crate::store::StoreError;
use crate::telemetry::with_causes;

const ERROR: HeaderName = HeaderName::from_static("x-meshblu-error");
const FULL: &str = "Maximum Capacity Exceeded";
/// In characters; what is quoted in an error's text may be long.
const MAX_ERROR: usize = 1000;
/// How many calls wait for the store at most.
const WAITING: &str =
    "4096 searches of one device wait at most, and 4096 changes in all; come again when some are done";
/// How many requests of one account are at the bus at most.
const NO_PLACE: &str = "one device has half of the places to wait in that others leave; come again when some of its requests are answered";
/// When those may come again for whom there was no room, in seconds.
const CROWDED_FOR: &str = "5";

/// Why a request gets no other answer.
#[derive(Debug, Error)]
pub(super) enum Refusal {
    /// The bus refuses.
    #[error(transparent)]
    Bus(#[from] BusError),
    /// Reading a device hides whether there is one (`spec/meshblu.md` 1.4).
    #[error("Devices not found")]
    Hidden,
    /// `GET /mydevices` refuses in its own way.
    #[error("no devices")]
    NoDevices,
    /// A refusal without a body.
    #[error("Forbidden")]
    Silent,
    /// A device without a key, or none at all.
    #[error("Not Found")]
    NoKey,
    /// Too much at once.
    #[error("Maximum Capacity Exceeded")]
    Crowded,
    /// The device reads along as often as one may.
    #[error("Maximum Capacity Exceeded")]
    AllStreams {
        /// How often that is.
        at_most: usize,
    },
    /// What would be a page.
    #[error("{0:?}")]
    Problem(Problem),
}

impl ResponseError for Refusal {
    fn error_response(&self) -> HttpResponse {
        match self {
            Self::Bus(error) => of_bus(error),
            Self::Hidden => {
                HttpResponse::NotFound().json(json!({"code": 404, "message": "Devices not found"}))
            }
            Self::NoDevices => routed(StatusCode::FORBIDDEN).json(json!({"devices": null})),
            Self::Silent => routed(StatusCode::FORBIDDEN).finish(),
            Self::NoKey => null(StatusCode::NOT_FOUND),
            Self::Crowded => crowded(None),
            Self::AllStreams { at_most } => crowded(Some(&format!(
                "one device reads along {at_most} times at most, each running `endo send` of it included; end one of those"
            ))),
            Self::Problem(problem) => problem.response(),
        }
    }
}

fn of_bus(error: &BusError) -> HttpResponse {
    match error {
        BusError::Forbidden => null(StatusCode::FORBIDDEN),
        BusError::Update(UpdateError::Malformed(error)) | BusError::Data(error) => {
            data(error.status, &error.message)
        }
        BusError::Update(error) => {
            routed(StatusCode::UNPROCESSABLE_ENTITY).json(json!({"error": error.to_string()}))
        }
        BusError::InvalidRequest => {
            HttpResponse::UnprocessableEntity().json(json!({"message": "Invalid Request"}))
        }
        BusError::Unprocessable => null(StatusCode::UNPROCESSABLE_ENTITY),
        BusError::TooManyRequests => {
            HttpResponse::TooManyRequests().json(json!({"message": "Too Many Requests"}))
        }
        BusError::Query(error) => data(error.status(), &error.to_string()),
        BusError::Projection(error) => data(422, &error.to_string()),
        BusError::Crowded(_) => crowded(None),
        BusError::NoPlace => crowded(Some(NO_PLACE)),
        BusError::HungUp => unavailable(&json!({"error": error.to_string()})),
        BusError::Store(error) => of_store(error),
    }
}

fn of_store(error: &StoreError) -> HttpResponse {
    match error {
        StoreError::Full => {
            tracing::warn!("the database, or the disk that it is on, is full; a request was refused");
            unavailable(&json!({"error": FULL}))
        }
        StoreError::Crowded => crowded(Some(WAITING)),
        StoreError::TooSlow => unavailable(&json!({"error": "The query took too long"})),
        StoreError::Closed => unavailable(&json!({"error": "The bus is stopping"})),
        // Whatever panics says so in the log itself.
        StoreError::Panicked => broken(),
        error => {
            tracing::error!(error = with_causes(error), "the bus could not use its store");
            broken()
        }
    }
}

fn broken() -> HttpResponse {
    routed(StatusCode::INTERNAL_SERVER_ERROR).json(json!({"error": "Internal Server Error"}))
}

/// Who reads slowly, or sends much, is done with it some time. The limit, where it is one of somebody's own, stands beside the
/// text that clients know.
fn crowded(limit: Option<&str>) -> HttpResponse {
    let mut response = unavailable(&match limit {
        Some(limit) => json!({"error": FULL, "detail": limit}),
        None => json!({"error": FULL}),
    });
    response.headers_mut().insert(RETRY_AFTER, HeaderValue::from_static(CROWDED_FOR));
    response
}

fn unavailable(body: &Value) -> HttpResponse {
    routed(StatusCode::SERVICE_UNAVAILABLE).json(body)
}

fn null(status: StatusCode) -> HttpResponse {
    routed(status).content_type(ContentType::json()).body("null")
}

/// Clients parse the header as JSON and throw when it is none, so it is JSON in ASCII.
fn data(status: u16, message: &str) -> HttpResponse {
    let message: String = message.chars().take(MAX_ERROR).collect();
    let header = HeaderValue::from_str(&ascii(&json!({"message": message}))).expect("printable ASCII");
    let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let mut response = null(status);
    response.headers_mut().insert(ERROR, header);
    response
}

/// JSON text whose characters beyond printable ASCII are escaped (RFC 8259, section 7).
fn ascii(value: &Value) -> String {
    value.to_string().chars().fold(String::new(), |mut text, character| {
        if matches!(character, ' '..='~') {
            text.push(character);
        } else {
            for unit in character.encode_utf16(&mut [0; 2]) {
                let _ = write!(text, "\\u{unit:04x}");
            }
        }
        text
    })
}
