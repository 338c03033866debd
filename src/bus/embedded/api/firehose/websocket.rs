//! A session's websocket: frames in both directions, as fast as its reader reads.

use std::convert::Infallible;
use std::io::ErrorKind;
use std::str::Utf8Error;
use std::sync::Arc;
use std::time::Duration;

use actix_web::body::BoxBody;
use actix_web::error::PayloadError;
use actix_web::web::Payload;
use actix_web::{FromRequest, HttpRequest, HttpResponse, dev};
use actix_ws::{CloseCode, Message, MessageStream, ProtocolError, Session};
use bytes::Bytes;
use futures_util::StreamExt;
use tokio::sync::{Notify, mpsc, oneshot};
use tokio::time::timeout;

use super::conversation::{Call, Outgoing};
use super::fragments::Fragments;
use super::gauge::Gauge;
use super::heads::Heads;
use super::rejection::Rejection;
use crate::bus::embedded::api::server::Door;
use crate::bus::engine_io::Packet;
use crate::connection::Connection;
use crate::memory::Taken;

/// Names one websocket among those of a session.
#[derive(Clone, Debug)]
pub(super) struct Mark(Arc<()>);

impl PartialEq for Mark {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}

/// The session's end of a websocket; dropping it closes the websocket once it has sent what it got.
#[derive(Debug)]
pub(super) struct Socket {
    pub(super) mark: Mark,
    pub(super) out: mpsc::Sender<Outgoing>,
}

/// Answers an upgrade. What comes in becomes calls of the session.
pub(super) fn open(
    request: &HttpRequest,
    payload: Payload,
    calls: mpsc::Sender<Call>,
) -> Result<(HttpResponse<BoxBody>, Socket), Rejection> {
    let limits = &Door::of(request).limits;
    let most = limits.firehose.packet_bytes;
    let upgrade = actix_ws::handle(request, within(request, payload, most)?);
    let (response, session, frames) = upgrade.map_err(|_| Rejection::BadRequest)?;
    let written = Arc::new(Notify::new());
    let gauged = Arc::clone(&written);
    let (response_lasts, lasts) = oneshot::channel();
    let response = response.map_body(|_, body| BoxBody::new(Gauge::new(body, gauged, lasts)));
    let (out, texts) = mpsc::channel(1);
    let mark = Mark(Arc::default());
    let line = Line {
        session: Some(session),
        frames: frames.max_frame_size(most),
        fragments: Fragments::default(),
        texts,
        written,
        calls,
        mark: mark.clone(),
        in_flight: None,
        pong: None,
        closed: false,
        why: None,
        connection: Connection::of(request),
        patience: limits.terms.disconnect_within,
        _response: response_lasts,
    };
    actix_web::rt::spawn(line.run());
    Ok((response, Socket { mark, out }))
}

/// The same as long as no message of more than so many bytes comes.
fn within(request: &HttpRequest, payload: Payload, most: usize) -> Result<Payload, Rejection> {
    let heads = Heads::of(payload.into_inner(), most);
    let mut looked_at = dev::Payload::Stream { payload: heads.boxed_local() };
    Payload::from_request(request, &mut looked_at).into_inner().map_err(|_| Rejection::BadRequest)
}

/// The connection's end of a websocket.
struct Line {
    session: Option<Session>,
    frames: MessageStream,
    fragments: Fragments,
    texts: mpsc::Receiver<Outgoing>,
    written: Arc<Notify>,
    calls: mpsc::Sender<Call>,
    mark: Mark,
    /// What the connection has not taken yet; nothing more is sent before.
    in_flight: Option<Taken>,
    pong: Option<Bytes>,
    /// Whether the client has said that it is over.
    closed: bool,
    /// What the client is told about why it is over.
    why: Option<CloseCode>,
    connection: Option<Connection>,
    /// How long the client may take to say so too.
    patience: Duration,
    /// The response goes on until this is dropped.
    _response: oneshot::Sender<Infallible>,
}

impl Line {
    async fn run(mut self) {
        while self.turn().await.is_some() {}
        let _ = self.calls.send(Call::Left(self.mark.clone())).await;
        self.part().await;
    }

    /// Closes the websocket and, once both ends have said so, the connection (RFC 6455, 7.1.1).
    async fn part(mut self) {
        if let Some(session) = self.session.take() {
            let _ = session.close(self.why.map(Into::into)).await;
        }
        let Some(connection) = self.connection.take() else { return };
        let patience = self.patience;
        // Nothing is said to it any more: others may need its place.
        let closes = connection.hear(self.closes());
        match timeout(patience, closes).await {
            Ok(true) => connection.nothing_more_comes(),
            // What cannot be read any more the server reads out.
            Ok(false) => {}
            Err(_) => connection.give_up(),
        }
    }

    /// Whether the client says that it is over, when it has said the rest.
    async fn closes(&mut self) -> bool {
        while !self.closed
            && let Some(Ok(frame)) = self.frames.recv().await
        {
            self.closed = matches!(frame, Message::Close(_));
        }
        self.closed
    }

    /// `None` when the websocket is over.
    async fn turn(&mut self) -> Option<()> {
        let session = self.session.as_mut()?;
        if self.in_flight.is_none()
            && let Some(pong) = self.pong.take()
        {
            session.pong(&pong).await.ok()?;
            self.in_flight = Some(Taken::default());
        }
        tokio::select! {
            () = self.calls.closed() => None,
            () = self.written.notified() => {
                self.in_flight = None;
                Some(())
            }
            text = self.texts.recv(), if self.in_flight.is_none() => {
                let text = text?;
                session.text(text.packet.to_text()).await.ok()?;
                self.in_flight = Some(text.room);
                Some(())
            }
            frame = self.frames.recv() => match frame? {
                Ok(frame) => match self.fragments.join(frame) {
                    Ok(message) => self.arrived(message.unwrap_or(Message::Nop)).await,
                    Err(why) => self.fails(Some(why)),
                },
                Err(error) => self.fails(reason(&error)),
            },
        }
    }

    fn fails(&mut self, why: Option<CloseCode>) -> Option<()> {
        self.why = why;
        None
    }

    async fn arrived(&mut self, message: Message) -> Option<()> {
        let packet = match message {
            Message::Text(text) => Packet::read(&text),
            Message::Binary(bytes) => Packet::read_binary(&bytes),
            Message::Ping(bytes) => {
                self.pong = Some(bytes);
                return Some(());
            }
            Message::Pong(_) | Message::Continuation(_) | Message::Nop => return Some(()),
            Message::Close(_) => {
                self.closed = true;
                return None;
            }
        };
        self.calls.send(Call::Frame(self.mark.clone(), packet)).await.ok()
    }
}

/// What the client is told about what it sent, if it is still there to be told (RFC 6455, 7.4.1).
fn reason(error: &ProtocolError) -> Option<CloseCode> {
    let ProtocolError::Io(cause) = error else { return Some(CloseCode::Protocol) };
    let cause = cause.get_ref()?;
    match cause.downcast_ref() {
        Some(PayloadError::Overflow) => Some(CloseCode::Size),
        Some(PayloadError::Io(cause)) if cause.kind() == ErrorKind::InvalidData => Some(CloseCode::Protocol),
        Some(_) => None,
        None if cause.is::<Utf8Error>() => Some(CloseCode::Invalid),
        None => Some(CloseCode::Protocol),
    }
}
