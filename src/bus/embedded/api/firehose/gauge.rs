//! Tells when what was sent over a websocket is on its way, so that not more than one event waits for a slow reader; and
//! holds the end of the response back until the websocket is over, as the server hears nothing after it.

use std::convert::Infallible;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use actix_web::body::{BodySize, BoxBody, MessageBody};
use bytes::Bytes;
use tokio::sync::{Notify, oneshot};

/// The body of a websocket's response. The server asks it for more only when there is room for more.
pub(super) struct Gauge {
    body: BoxBody,
    fed: bool,
    written: Arc<Notify>,
    line: oneshot::Receiver<Infallible>,
}

impl Gauge {
    /// Notifies `written` once after each text or run of texts that the connection took; ends after the other end of
    /// `line` is dropped.
    pub(super) fn new(body: BoxBody, written: Arc<Notify>, line: oneshot::Receiver<Infallible>) -> Self {
        Self { body, fed: false, written, line }
    }
}

impl MessageBody for Gauge {
    type Error = <BoxBody as MessageBody>::Error;

    fn size(&self) -> BodySize {
        self.body.size()
    }

    fn poll_next(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Bytes, Self::Error>>> {
        let this = self.get_mut();
        let polled = Pin::new(&mut this.body).poll_next(context);
        match &polled {
            Poll::Ready(_) => this.fed = true,
            Poll::Pending if std::mem::take(&mut this.fed) => this.written.notify_one(),
            Poll::Pending => {}
        }
        if matches!(polled, Poll::Ready(None)) {
            let _ = ready!(Pin::new(&mut this.line).poll(context));
        }
        polled
    }
}
