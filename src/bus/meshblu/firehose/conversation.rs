//! One connection from its first packet to its last.

use std::time::Duration;

use serde::Deserialize;
use thiserror::Error;
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep_until, timeout};

use super::event::{self, FirehoseEvent};
use crate::bus::engine_io::{Malformed, Packet, PacketType};
use crate::egress::{EgressError, Socket};

/// What terms of the other side are kept within.
const SHORTEST: Duration = Duration::from_secs(1);
const LONGEST: Duration = Duration::from_secs(300);

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
    /// Nobody takes what arrives any more.
    #[error("the gateway is stopping")]
    Stopping,
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
        Ok(Self { socket, ping_every: kept(terms.ping_interval), answer_within: kept(terms.ping_timeout) })
    }

    /// Hands what arrives to `events` until the connection ends; the client asks, the server answers.
    pub(super) async fn listen(&mut self, events: &mpsc::Sender<FirehoseEvent>) -> Ended {
        let mut ping_at = Instant::now() + self.ping_every;
        let mut silent_at = None;
        loop {
            let over = silent_at.unwrap_or(ping_at);
            let heard = tokio::select! {
                packet = next(&mut self.socket) => Some(packet),
                () = sleep_until(over) => None,
            };
            let heard = match heard {
                Some(Ok(packet)) => packet,
                Some(Err(ended)) => return ended,
                None if silent_at.is_some() => return Ended::Silent,
                None => {
                    if let Err(error) = self.socket.send(&Packet::bare(PacketType::Ping).to_text()).await {
                        return error.into();
                    }
                    silent_at = Some(Instant::now() + self.answer_within);
                    continue;
                }
            };
            if heard.kind == PacketType::Pong && silent_at.take().is_some() {
                ping_at = Instant::now() + self.ping_every;
            }
            if let Err(ended) = take(heard, events).await {
                return ended;
            }
        }
    }
}

/// What a packet of a connection that stands means.
async fn take(packet: Packet, events: &mpsc::Sender<FirehoseEvent>) -> Result<(), Ended> {
    match packet.kind {
        PacketType::Message => match packet.text.split_at_checked(1) {
            Some(("2", arguments)) => match event::read(arguments) {
                Some(event) => events.send(event).await.map_err(|_| Ended::Stopping),
                None => {
                    tracing::debug!("an event of the firehose is no message");
                    Ok(())
                }
            },
            Some(("1" | "4", _)) => Err(Ended::Closed),
            _ => Ok(()),
        },
        PacketType::Close => Err(Ended::Closed),
        PacketType::Open => Err(Ended::Unexpected),
        PacketType::Ping | PacketType::Pong | PacketType::Upgrade | PacketType::Noop => Ok(()),
    }
}

async fn next(socket: &mut Socket) -> Result<Packet, Ended> {
    let text = socket.next().await?.ok_or(Ended::Closed)?;
    Ok(Packet::read(&text)?)
}
