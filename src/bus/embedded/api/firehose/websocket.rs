//! A session's websocket: frames in both directions, as fast as its reader reads.

use std::sync::Arc;

use actix_web::body::BoxBody;
use actix_web::web::Payload;
use actix_web::{HttpRequest, HttpResponse};
use actix_ws::{Message, MessageStream, Session};
use bytes::Bytes;
use tokio::sync::{Notify, mpsc};

use super::conversation::{Call, Outgoing};
use super::gauge::Gauge;
use super::rejection::Rejection;
use crate::bus::embedded::api::room::Taken;
use crate::bus::engine_io::{Malformed, Packet};

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
    packet_bytes: usize,
) -> Result<(HttpResponse<BoxBody>, Socket), Rejection> {
    let upgrade = actix_ws::handle(request, payload);
    let (response, session, frames) = upgrade.map_err(|_| Rejection::BadRequest)?;
    let written = Arc::new(Notify::new());
    let gauged = Arc::clone(&written);
    let response = response.map_body(|_, body| BoxBody::new(Gauge::new(body, gauged)));
    let (out, texts) = mpsc::channel(1);
    let mark = Mark(Arc::default());
    let line = Line {
        session: Some(session),
        frames: frames.max_frame_size(packet_bytes),
        texts,
        written,
        calls,
        mark: mark.clone(),
        in_flight: None,
        pong: None,
    };
    actix_web::rt::spawn(line.run());
    Ok((response, Socket { mark, out }))
}

/// The connection's end of a websocket.
struct Line {
    session: Option<Session>,
    frames: MessageStream,
    texts: mpsc::Receiver<Outgoing>,
    written: Arc<Notify>,
    calls: mpsc::Sender<Call>,
    mark: Mark,
    /// What the connection has not taken yet; nothing more is sent before.
    in_flight: Option<Taken>,
    pong: Option<Bytes>,
}

impl Line {
    async fn run(mut self) {
        while self.turn().await.is_some() {}
        let _ = self.calls.send(Call::Left(self.mark)).await;
        if let Some(session) = self.session.take() {
            let _ = session.close(None).await;
        }
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
            frame = self.frames.recv() => self.arrived(frame?.ok()?).await,
        }
    }

    async fn arrived(&mut self, frame: Message) -> Option<()> {
        let packet = match frame {
            Message::Text(text) => Packet::read(&text),
            Message::Binary(bytes) => Packet::read_binary(&bytes),
            Message::Continuation(_) => Err(Malformed),
            Message::Ping(bytes) => {
                self.pong = Some(bytes);
                return Some(());
            }
            Message::Pong(_) | Message::Nop => return Some(()),
            Message::Close(_) => return None,
        };
        self.calls.send(Call::Frame(self.mark.clone(), packet)).await.ok()
    }
}
