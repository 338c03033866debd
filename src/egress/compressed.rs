//! Answers that came compressed (RFC 9110, 8.4), from a server that was told which ways are understood.

use std::io::Read;

use bytes::Bytes;
use flate2::read::{MultiGzDecoder, ZlibDecoder};
use http::header::{CONTENT_ENCODING, HeaderValue};
use http::{HeaderMap, Response};

use super::cause::Cause;
use super::error::EgressError;

/// The ways that are understood, as `Accept-Encoding` names them.
pub const UNDERSTOOD: HeaderValue = HeaderValue::from_static("gzip, deflate");

/// The answer with its body as it was before it was compressed, if that is not longer than `limit` bytes. One in another way
/// stays as it came.
pub(super) fn unpacked(answer: Response<Bytes>, limit: usize) -> Result<Response<Bytes>, EgressError> {
    let (mut head, body) = answer.into_parts();
    let unpacked = match way_of(&head.headers).as_deref() {
        Some("gzip" | "x-gzip") => read_within(MultiGzDecoder::new(&*body), limit)?,
        Some("deflate") => read_within(ZlibDecoder::new(&*body), limit)?,
        _ => return Ok(Response::from_parts(head, body)),
    };
    head.headers.remove(CONTENT_ENCODING);
    Ok(Response::from_parts(head, unpacked))
}

fn way_of(headers: &HeaderMap) -> Option<String> {
    headers.get(CONTENT_ENCODING)?.to_str().ok().map(|way| way.trim().to_ascii_lowercase())
}

fn read_within(unpacking: impl Read, limit: usize) -> Result<Bytes, EgressError> {
    let mut body = Vec::new();
    let read = unpacking.take(limit as u64 + 1).read_to_end(&mut body);
    match read.map_err(|broken| EgressError::Exchange(Cause::of(&broken)))? > limit {
        true => Err(EgressError::TooLarge { limit }),
        false => Ok(body.into()),
    }
}
