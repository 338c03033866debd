//! The raw bytes of a request, within the limits of size and time.

use std::future::Future;
use std::pin::Pin;

use actix_web::dev::Payload;
use actix_web::{FromRequest, HttpRequest, web};
use bytes::{Bytes, BytesMut};
use futures_util::StreamExt;
use tokio::time::timeout;

use super::admission::body_too_large;
use super::limits::Limits;
use super::problem::{Kind, Problem};
use crate::connection::Hearing;

/// A request's body as it came: not decoded, not parsed, so that a signature can be checked first.
pub struct Body(pub Bytes);

impl Body {
    /// The same, read when it is asked for.
    pub(super) async fn read(request: &HttpRequest, payload: web::Payload) -> Result<Self, Problem> {
        Self::from_request(request, &mut payload.into_inner()).await
    }
}

impl FromRequest for Body {
    type Error = Problem;
    type Future = Pin<Box<dyn Future<Output = Result<Self, Problem>>>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let limits = request.app_data::<Limits>().copied().unwrap_or_default();
        let payload = Hearing::of(request, payload.take());
        Box::pin(async move {
            let late = |_| Problem::new(Kind::RequestTimeout, "The request's body did not arrive in time");
            let reading = read(payload, limits.body_bytes);
            timeout(limits.terms.request_within, reading).await.map_err(late)?.map(Self)
        })
    }
}

async fn read(mut payload: Hearing<Payload>, limit: usize) -> Result<Bytes, Problem> {
    let mut body = BytesMut::new();
    while let Some(chunk) = payload.next().await {
        let broken = |_| Problem::new(Kind::MalformedRequest, "The request's body is broken");
        let chunk = chunk.map_err(broken)?;
        if body.len() + chunk.len() > limit {
            return Err(body_too_large());
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body.freeze())
}
