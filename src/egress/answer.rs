//! Reading an answer to its end, within bounds.

use bytes::Bytes;
use http::Response;
use http_body_util::{BodyExt, LengthLimitError, Limited};
use hyper::body::Incoming;

use super::cause::Cause;
use super::error::EgressError;

/// The whole answer, if its body is not longer than `limit` bytes. The caller bounds the time.
pub(super) async fn body_within(
    answer: Response<Incoming>,
    limit: usize,
) -> Result<Response<Bytes>, EgressError> {
    let (parts, body) = answer.into_parts();
    let body =
        Limited::new(body, limit).collect().await.map_err(|error| match error.is::<LengthLimitError>() {
            true => EgressError::TooLarge { limit },
            false => EgressError::Exchange(Cause::of(&*error)),
        })?;
    Ok(Response::from_parts(parts, body.to_bytes()))
}
