//! The body of a request while it comes.

use std::pin::Pin;
use std::task::{Context, Poll};

use actix_web::HttpRequest;
use bytes::Bytes;
use futures_util::{Stream, StreamExt};

use super::attendance::{Connection, Counted};

/// So much of a body has to come before its caller counts as one who goes on. By single bytes anybody could stay.
const PIECE: usize = 16 << 10;

/// A body that comes. Until it is dropped its connection waits like those that say nothing, but only since the last good
/// piece of it came.
pub struct Hearing<P> {
    payload: P,
    connection: Option<Connection>,
    since: usize,
    _heard: Option<Counted>,
}

impl<P> Hearing<P> {
    /// That of this request.
    pub fn of(request: &HttpRequest, payload: P) -> Self {
        let connection = Connection::of(request);
        let heard = connection.as_ref().map(Connection::heard);
        Self { payload, connection, since: 0, _heard: heard }
    }

    fn came(&mut self, bytes: usize) {
        self.since += bytes;
        if self.since >= PIECE {
            self.since = 0;
            self.connection.iter().for_each(Connection::goes_on);
        }
    }
}

impl<P, E> Stream for Hearing<P>
where
    P: Stream<Item = Result<Bytes, E>> + Unpin,
{
    type Item = Result<Bytes, E>;

    fn poll_next(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let hearing = self.get_mut();
        let next = hearing.payload.poll_next_unpin(context);
        if let Poll::Ready(Some(Ok(chunk))) = &next {
            hearing.came(chunk.len());
        }
        next
    }
}
