//! One connection from its first packet to its last.

use std::pin::pin;
use std::time::Duration;

use serde::Deserialize;
use thiserror::Error;
use tokio::sync::{mpsc, watch};
use tokio::time::{Instant, sleep_until, timeout, timeout_at};

use super::event::{self, FirehoseEvent};
use crate::bus::engine_io::{Malformed, Packet, PacketType};
use crate::egress::{EgressError, Socket};

/// What terms of the other side are kept within.
const SHORTEST: Duration = Duration::from_secs(1);
const LONGEST: Duration = Duration::from_secs(300);
/// How long the other side may take to end a connection that this side is done with.
const FAREWELL: Duration = Duration::from_secs(1);

/// Why a connection ended.
#[derive(Debug, Error)]
pub(super) enum Ended {
    /// It could not be made, or broke.
    #[error("the connection failed")]
    Connection(#[from] EgressError),
    /// The other side speaks another language, or says things out of order.
    #[error("the other side does not speak as a firehose")]
    Unexpected,
    /// The other side said nothing for too long.
    #[error("the other side fell silent")]
    Silent,
    /// The other side said that it is done.
    #[error("the other side ended it")]
    Closed,
    /// The gateway reads no more.
    #[error("the gateway is stopping")]
    Stopping,
}

impl Ended {
    /// The reason without what is below it, which no stranger is to see.
    pub(super) fn safe_text(&self) -> String {
        match self {
            Self::Connection(error) => format!("{self}: {error}"),
            _ => self.to_string(),
        }
    }
}

impl From<Malformed> for Ended {
    fn from(_: Malformed) -> Self {
        Self::Unexpected
    }
}

/// The terms of a session, in milliseconds.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Terms {
    ping_interval: u64,
    ping_timeout: u64,
}

/// A connection that stands.
pub(super) struct Conversation {
    socket: Socket,
    ping_every: Duration,
    answer_within: Duration,
    /// When to ask whether the other side is there.
    ping_at: Instant,
    /// When it has said nothing for too long, while an answer is awaited.
    silent_at: Option<Instant>,
    told_of_no_message: bool,
}

impl Conversation {
    /// Waits for the terms and for the greeting: `0{…}`, then `40`.
    pub(super) async fn begin(mut socket: Socket, within: Duration) -> Result<Self, Ended> {
        let beginning = async {
            let open = next(&mut socket).await?;
            let terms: Terms = match open.kind {
                PacketType::Open => serde_json::from_str(&open.text).map_err(|_| Ended::Unexpected)?,
                _ => return Err(Ended::Unexpected),
            };
            let greeting = next(&mut socket).await?;
            match (greeting.kind, greeting.text.as_str()) {
                (PacketType::Message, "0") => Ok(terms),
                _ => Err(Ended::Unexpected),
            }
        };
        let terms = timeout(within, beginning).await.map_err(|_| Ended::Silent)??;
        let kept = |millis| Duration::from_millis(millis).clamp(SHORTEST, LONGEST);
        let (ping_every, answer_within) = (kept(terms.ping_interval), kept(terms.ping_timeout));
        let ping_at = Instant::now() + ping_every;
        Ok(Self { socket, ping_every, answer_within, ping_at, silent_at: None, told_of_no_message: false })
    }

    /// Hands what arrives to `events` until the connection ends; the client asks, the server answers. Once `stop` turns
    /// true this side ends it; what was read by then is handed over.
    pub(super) async fn listen(
        &mut self,
        events: &mpsc::Sender<FirehoseEvent>,
        stop: &mut watch::Receiver<bool>,
    ) -> Ended {
        loop {
            if let Err(ended) = self.go_on(events, stop).await {
                return ended;
            }
        }
    }

    async fn go_on(
        &mut self,
        events: &mpsc::Sender<FirehoseEvent>,
        stop: &mut watch::Receiver<bool>,
    ) -> Result<(), Ended> {
        let over = self.silent_at.unwrap_or(self.ping_at);
        let heard = tokio::select! {
            () = stopped(stop) => return Err(self.take_leave(events).await),
            packet = next(&mut self.socket) => Some(packet?),
            () = sleep_until(over) => None,
        };
        match heard {
            None if self.silent_at.is_some() => Err(Ended::Silent),
            None => {
                self.ping().await;
                self.silent_at = Some(Instant::now() + self.answer_within);
                Ok(())
            }
            Some(packet) => {
                if packet.kind == PacketType::Pong && self.silent_at.take().is_some() {
                    self.ping_at = Instant::now() + self.ping_every;
                }
                match self.event_in(packet)? {
                    Some(event) => self.hand_over(event, events).await,
                    None => Ok(()),
                }
            }
        }
    }

    /// Ends the connection, and hands over what the other side had sent before it heard of that: nobody sends it again.
    async fn take_leave(&mut self, events: &mpsc::Sender<FirehoseEvent>) -> Ended {
        let until = Instant::now() + FAREWELL;
        // Where it cannot be said, the end of what is here is waited for all the same.
        let _ = timeout_at(until, self.socket.close()).await;
        while let Ok(Ok(packet)) = timeout_at(until, next(&mut self.socket)).await {
            let Ok(event) = self.event_in(packet) else { break };
            if let Some(event) = event {
                // Fails where nobody takes anything any more.
                let _ = events.send(event).await;
            }
        }
        Ended::Stopping
    }

    /// Waits for room. Nothing is read meanwhile, so the other side's answers wait too; that it is pinged keeps the link.
    async fn hand_over(
        &mut self,
        event: FirehoseEvent,
        events: &mpsc::Sender<FirehoseEvent>,
    ) -> Result<(), Ended> {
        let mut room = pin!(events.reserve());
        loop {
            tokio::select! {
                permit = &mut room => {
                    permit.map_err(|_| Ended::Stopping)?.send(event);
                    break;
                }
                () = sleep_until(self.ping_at) => self.ping().await,
            }
        }
        if self.silent_at.is_some() {
            self.silent_at = Some(Instant::now() + self.answer_within);
        }
        Ok(())
    }

    /// The message in a packet, if there is one.
    fn event_in(&mut self, packet: Packet) -> Result<Option<FirehoseEvent>, Ended> {
        match packet.kind {
            PacketType::Message => match packet.text.split_at_checked(1) {
                Some(("2", arguments)) => Ok(self.message_in(arguments)),
                Some(("1" | "4", _)) => Err(Ended::Closed),
                _ => Ok(None),
            },
            PacketType::Close => Err(Ended::Closed),
            PacketType::Open => Err(Ended::Unexpected),
            PacketType::Ping | PacketType::Pong | PacketType::Upgrade | PacketType::Noop => Ok(None),
        }
    }

    /// One line a connection, so that nobody floods the log.
    fn message_in(&mut self, arguments: &str) -> Option<FirehoseEvent> {
        event::read(arguments).unwrap_or_else(|_| {
            if !std::mem::replace(&mut self.told_of_no_message, true) {
                tracing::warn!(
                    "an event of the firehose cannot be read and is passed over, as is every other such event of this \
                     connection"
                );
            }
            None
        })
    }

    async fn ping(&mut self) {
        // Where it cannot be asked, what it had sent by then is read all the same, up to its end: nobody sends it again.
        let _ = self.socket.send(&Packet::bare(PacketType::Ping).to_text()).await;
        self.ping_at = Instant::now() + self.ping_every;
    }
}

/// Done when the gateway stops.
pub(super) async fn stopped(stop: &mut watch::Receiver<bool>) {
    // Where the other end is gone, it stops too.
    let _ = stop.wait_for(|stop| *stop).await;
}

async fn next(socket: &mut Socket) -> Result<Packet, Ended> {
    let text = socket.next().await?.ok_or(Ended::Closed)?;
    Ok(Packet::read(&text)?)
}
