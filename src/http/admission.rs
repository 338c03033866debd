//! What is refused before anybody looks at where it wants to go.

use actix_web::dev::ServiceRequest;
use actix_web::http::header::{CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE, HeaderMap, TRANSFER_ENCODING};
use percent_encoding::percent_decode_str;

use super::limits::Limits;
use super::problem::{Kind, Problem};

/// Lets a request in whose head keeps to HTTP and to the limits.
pub(super) fn admit(request: &ServiceRequest, limits: &Limits) -> Result<(), Problem> {
    if head_bytes(request) > limits.head_bytes {
        return Err(Problem::new(Kind::HeaderTooLarge, "The request's header is too large"));
    }
    if !well_escaped(request.uri().path()) {
        return Err(Problem::new(Kind::MalformedPath, "The path holds a bad percent-escape"));
    }
    admit_body(request.headers(), limits)
}

fn head_bytes(request: &ServiceRequest) -> usize {
    let uri = request.uri();
    let line = uri.path().len() + uri.query().map_or(0, str::len);
    let fields = request.headers().iter().map(|(name, value)| name.as_str().len() + value.len());
    line + fields.sum::<usize>()
}

fn well_escaped(path: &str) -> bool {
    let digits = |rest: &str| rest.len() >= 2 && rest.bytes().take(2).all(|byte| byte.is_ascii_hexdigit());
    path.split('%').skip(1).all(digits) && percent_decode_str(path).decode_utf8().is_ok()
}

fn admit_body(headers: &HeaderMap, limits: &Limits) -> Result<(), Problem> {
    let text = |name| headers.get(name).and_then(|value| value.to_str().ok());
    let length = text(CONTENT_LENGTH).and_then(|length| length.parse::<u64>().ok()).unwrap_or(0);
    if length > limits.body_bytes as u64 {
        return Err(body_too_large());
    }
    if length == 0 && !headers.contains_key(TRANSFER_ENCODING) {
        return Ok(());
    }
    if text(CONTENT_ENCODING).is_some_and(|coding| !coding.trim().eq_ignore_ascii_case("identity")) {
        return Err(Problem::new(
            Kind::UnsupportedMediaType,
            "Bodies are read without a content coding only",
        ));
    }
    if text(CONTENT_TYPE).and_then(charset).is_some_and(|charset| !charset.eq_ignore_ascii_case("utf-8")) {
        return Err(Problem::new(Kind::UnsupportedMediaType, "Bodies are read as UTF-8 only"));
    }
    Ok(())
}

pub(super) fn body_too_large() -> Problem {
    Problem::new(Kind::BodyTooLarge, "The request's body is too large")
}

fn charset(content_type: &str) -> Option<&str> {
    let parameters = content_type.split(';').skip(1).filter_map(|parameter| parameter.split_once('='));
    let mut charsets = parameters.filter(|(name, _)| name.trim().eq_ignore_ascii_case("charset"));
    charsets.next().map(|(_, value)| value.trim().trim_matches('"'))
}
