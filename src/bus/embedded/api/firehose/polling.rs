//! Polls and posts of a session.

use tokio::sync::{mpsc, oneshot};

use super::conversation::{Call, Outgoing};
use super::rejection::Rejection;

/// The packets that a poll waits for.
pub(super) async fn poll(session: &mpsc::Sender<Call>) -> Result<Vec<Outgoing>, Rejection> {
    let (polled, answer) = oneshot::channel();
    call(session, Call::Poll(polled)).await?;
    answer.await.map_err(|_| Rejection::UnknownSession)?.ok_or(Rejection::BadRequest)
}

pub(super) async fn call(session: &mpsc::Sender<Call>, call: Call) -> Result<(), Rejection> {
    session.send(call).await.map_err(|_| Rejection::UnknownSession)
}
