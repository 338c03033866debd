//! What goes on at one connection: whether a request is being answered, and whether anything more is to come.

use std::future::Future;
use std::net::Shutdown;
use std::pin::Pin;
use std::sync::{Arc, Weak};
use std::task::{Context, Poll};

use actix_web::body::{BodySize, BoxBody, MessageBody};
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::{ConnectionType, StatusCode};
use actix_web::middleware::Next;
use actix_web::{Error, HttpRequest};
use bytes::Bytes;
use tokio::sync::watch;

/// What goes on at a connection.
#[derive(Clone, Copy, Default)]
pub(super) struct Now {
    /// Requests that began, and whose answers are not over.
    answered: usize,
    /// Those of them that have not come whole, or to whose answer the caller has yet to say its last word.
    heard: usize,
    /// Answers that are made, and that the caller has not taken yet.
    written: usize,
    /// Which half of it is over.
    pub(super) over: Option<Shutdown>,
    /// What its caller makes of it.
    pub(super) hanging_up: HangingUp,
}

/// Whether the caller has closed its half. Somebody has to ask: what is read notices that by itself.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
pub(super) enum HangingUp {
    #[default]
    Unasked,
    Awaited,
    Noticed,
}

/// What a connection is there for.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Occupation {
    /// A request that came whole is being answered.
    Answering,
    /// All of an answer is there to be taken.
    Writing,
    /// More is to come from the caller.
    Waiting,
}

impl Now {
    pub(super) fn occupation(self) -> Occupation {
        if self.answered > self.heard {
            Occupation::Answering
        } else if self.written > 0 {
            Occupation::Writing
        } else {
            Occupation::Waiting
        }
    }
}

/// The server's side of a connection; gone once the server has left it.
pub(super) struct Attended(Arc<watch::Sender<Now>>);

/// One caller's connection, for whoever knows better than its server what goes on there. It does not keep it.
#[derive(Clone, Debug)]
pub struct Connection(Weak<watch::Sender<Now>>);

/// Counted at its connection while it is held.
pub(super) struct Counted {
    connection: Connection,
    count: fn(&mut Now) -> &mut usize,
}

impl Attended {
    /// A new connection, and what goes on there.
    pub(super) fn begin() -> (Self, watch::Receiver<Now>) {
        let (now, changes) = watch::channel(Now::default());
        (Self(Arc::new(now)), changes)
    }

    pub(super) fn connection(&self) -> Connection {
        Connection(Arc::downgrade(&self.0))
    }
}

impl Connection {
    /// That of this request, where it is watched.
    pub fn of(request: &HttpRequest) -> Option<Self> {
        request.conn_data::<Attended>().map(Attended::connection)
    }

    /// Awaits what the caller has yet to say. Until that is there, the connection waits like those that say nothing.
    pub async fn hear<T>(&self, rest: impl Future<Output = T>) -> T {
        let _heard = self.heard();
        rest.await
    }

    /// The caller has said its last word: the server waits for no more, and leaves once it has said its own.
    pub fn nothing_more_comes(&self) {
        self.tell(|now| now.over = Some(Shutdown::Read));
    }

    /// The caller is given up, with all that it has not read.
    pub fn give_up(&self) {
        self.tell(|now| now.over = Some(Shutdown::Both));
    }

    /// Done when the caller has closed its half, or has gone. The server itself learns that when it next says something.
    pub async fn hung_up(&self) {
        let Some(now) = self.0.upgrade() else { return };
        let mut changes = now.subscribe();
        now.send_if_modified(|now| {
            let asks = now.hanging_up == HangingUp::Unasked;
            if asks {
                now.hanging_up = HangingUp::Awaited;
            }
            asks
        });
        drop(now);
        // Where the server has left it, it is over as well.
        let _ = changes.wait_for(|now| now.hanging_up == HangingUp::Noticed).await;
    }

    /// Counted as one that has yet to say the rest.
    pub(super) fn heard(&self) -> Counted {
        self.clone().counted(|now| &mut now.heard)
    }

    /// A good piece of what it has to say came: it has waited since then only.
    pub(super) fn goes_on(&self) {
        self.tell(|_| ());
    }

    /// The caller has closed its half.
    pub(super) fn hangs_up(&self) {
        self.tell(|now| now.hanging_up = HangingUp::Noticed);
    }

    fn counted(self, count: fn(&mut Now) -> &mut usize) -> Counted {
        self.tell(|now| *count(now) += 1);
        Counted { connection: self, count }
    }

    fn tell(&self, change: impl FnOnce(&mut Now)) {
        if let Some(now) = self.0.upgrade() {
            now.send_modify(change);
        }
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.connection.tell(|now| *(self.count)(now) -= 1);
    }
}

/// An answer's body; until the caller has taken it, it keeps its connection busy.
struct Lasting {
    body: BoxBody,
    _busy: Counted,
}

impl MessageBody for Lasting {
    type Error = <BoxBody as MessageBody>::Error;

    fn size(&self) -> BodySize {
        self.body.size()
    }

    fn poll_next(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Bytes, Self::Error>>> {
        Pin::new(&mut self.get_mut().body).poll_next(context)
    }
}

/// Has a request answered, of which its connection knows meanwhile.
///
/// # Errors
/// Those of the answer.
pub async fn attend<B: MessageBody + 'static>(
    request: ServiceRequest,
    next: Next<B>,
) -> Result<ServiceResponse<BoxBody>, Error> {
    let connection = request.conn_data::<Attended>().map(Attended::connection);
    let answered = connection.map(|connection| connection.counted(|now| &mut now.answered));
    let mut answer = next.call(request).await?.map_into_boxed_body();
    let Some(answered) = answered else {
        // Nobody would end the connection, so it serves this one request. What it is upgraded to ends by itself.
        if answer.status() != StatusCode::SWITCHING_PROTOCOLS {
            answer.response_mut().head_mut().set_connection_type(ConnectionType::Close);
        }
        return Ok(answer);
    };
    let busy = match answer.response().body().size() {
        BodySize::Stream => answered,
        // It is made; the server holds on to it until all of it has been taken off its hands.
        _ => answered.connection.clone().counted(|now| &mut now.written),
    };
    Ok(answer.map_body(|_, body| BoxBody::new(Lasting { body, _busy: busy })))
}
