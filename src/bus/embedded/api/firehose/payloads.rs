//! Payloads over HTTP.

use actix_web::http::header::CONTENT_TYPE;
use actix_web::web::Payload;
use actix_web::{HttpRequest, HttpResponse, HttpResponseBuilder};
use bytes::BytesMut;
use futures_util::StreamExt;
use tokio::time::timeout;

use super::super::answer::Answers;
use super::super::limits::ApiLimits;
use super::super::problem::Problem;
use super::super::refusal::Refusal;
use super::conversation::Outgoing;
use super::rejection::Rejection;
use crate::bus::engine_io::{self, Framing, Packet};
use crate::connection::Hearing;

const BINARY: &str = "application/octet-stream";
const TEXT: &str = "text/plain; charset=UTF-8";

/// The packets of a post.
pub(super) async fn read(
    request: &HttpRequest,
    payload: Payload,
    limits: &ApiLimits,
) -> Result<Vec<Packet>, Rejection> {
    let content_type = request.headers().get(CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let framing = if content_type == Some(BINARY) { Framing::Binary } else { Framing::Text };
    let late = |_| Refusal::Problem(Problem::Timeout);
    let reading = whole(Hearing::of(request, payload), limits.firehose.packet_bytes);
    let body = timeout(limits.terms.request_within, reading).await.map_err(late)??;
    engine_io::read(&body, framing).map_err(|_| Rejection::BadRequest)
}

async fn whole(mut payload: Hearing<Payload>, limit: usize) -> Result<BytesMut, Rejection> {
    let mut body = BytesMut::new();
    while let Some(chunk) = payload.next().await {
        let chunk = chunk.map_err(|_| Rejection::BadRequest)?;
        if chunk.len() > limit - body.len() {
            return Err(Refusal::Problem(Problem::BodyTooLarge).into());
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body)
}

/// The answer to a poll, as far as there is room in memory for it.
pub(super) fn answer(
    answers: &Answers,
    mut response: HttpResponseBuilder,
    batch: Vec<Outgoing>,
    framing: Framing,
) -> Result<HttpResponse, Rejection> {
    let packets: Vec<_> = batch.into_iter().map(|out| out.packet).collect();
    let payload = answers.text(engine_io::write(&packets, framing)).map_err(|_| Refusal::Crowded)?;
    Ok(response.content_type(if framing == Framing::Binary { BINARY } else { TEXT }).body(payload))
}
