//! One session, from its handshake to its end: what its device hears goes out by whatever transport it has.

use std::collections::VecDeque;
use std::ops::ControlFlow::{self, Break, Continue};
use std::time::Duration;

use serde_json::json;
use tokio::sync::{mpsc, oneshot};
use tokio::time::{Instant, sleep_until};

use super::event;
use super::limits::FirehoseLimits;
use super::sessions::Seat;
use super::websocket::{Mark, Socket};
use crate::ambient::Random;
use crate::bus::embedded::{Heard, Listening};
use crate::bus::engine_io::{Malformed, Packet, PacketType};
use crate::memory::{Room, Taken};

/// The most text that one poll answers, in bytes, if it is more than one packet.
const POLL_BYTES: usize = 1 << 20;

/// A packet on its way to the client, with its room in memory.
#[derive(Debug)]
pub(super) struct Outgoing {
    pub(super) packet: Packet,
    pub(super) room: Taken,
}

impl From<Packet> for Outgoing {
    fn from(packet: Packet) -> Self {
        Self { packet, room: Taken::default() }
    }
}

/// What a poll waits for; `None` where the session does not poll any more.
pub(super) type Polled = oneshot::Sender<Option<Vec<Outgoing>>>;

/// What a session is called for.
#[derive(Debug)]
pub(super) enum Call {
    /// A poll waits for packets.
    Poll(Polled),
    /// A post brought packets.
    Said(Vec<Packet>),
    /// A further websocket wants to become the transport.
    Knock(Socket),
    /// A websocket brought a packet.
    Frame(Mark, Result<Packet, Malformed>),
    /// A websocket is closed.
    Left(Mark),
}

#[derive(Debug)]
pub(super) enum Transport {
    Polling(Option<Polled>),
    WebSocket(Socket),
}

impl Transport {
    /// Done when there is room for a packet.
    async fn ready(&self) {
        match self {
            Self::Polling(Some(_)) => {}
            Self::Polling(None) => std::future::pending().await,
            // Where the websocket is gone its end is told by a call.
            Self::WebSocket(socket) => drop(socket.out.reserve().await),
        }
    }
}

/// A websocket that may become the transport.
struct Knocking {
    socket: Socket,
    probed: bool,
    until: Instant,
}

/// A session at work.
pub(super) struct Conversation {
    pub(super) seat: Seat,
    pub(super) hears: Listening,
    pub(super) calls: mpsc::Receiver<Call>,
    pub(super) transport: Transport,
    pub(super) terms: Terms,
}

/// What sessions share.
pub(super) struct Terms {
    pub(super) limits: FirehoseLimits,
    pub(super) room: Room,
    pub(super) random: Random,
}

impl Conversation {
    /// Goes on until the client leaves or falls silent, or until its device or token is no more.
    pub(super) async fn run(self) {
        let upgrades: &[&str] = match &self.transport {
            Transport::Polling(_) => &["websocket"],
            Transport::WebSocket(_) => &[],
        };
        let limits = &self.terms.limits;
        let open = json!({
            "sid": self.seat.sid,
            "upgrades": upgrades,
            "pingInterval": millis(limits.ping_interval),
            "pingTimeout": millis(limits.ping_timeout),
        });
        let open = Packet::new(PacketType::Open, open.to_string());
        let connected = Packet::new(PacketType::Message, "0");
        let due = [open, connected].map(Outgoing::from).into();
        let silent_at = Instant::now() + limits.poll_within;
        let mut talk = Talk { at: self, due, knocking: None, has_begun: false, silent_at };
        if matches!(talk.at.transport, Transport::WebSocket(_)) {
            talk.begins();
        }
        while talk.turn().await.is_continue() {}
        if let Transport::Polling(Some(waiting)) = talk.at.transport {
            let _ = waiting.send(Some(vec![Packet::bare(PacketType::Close).into()]));
        }
    }
}

fn millis(span: Duration) -> u64 {
    u64::try_from(span.as_millis()).unwrap_or(u64::MAX)
}

struct Talk {
    at: Conversation,
    /// What waits for the transport; no event is taken before it is gone.
    due: VecDeque<Outgoing>,
    knocking: Option<Knocking>,
    /// Whether the client came back after its handshake.
    has_begun: bool,
    silent_at: Instant,
}

impl Talk {
    async fn turn(&mut self) -> ControlFlow<()> {
        self.hand_out()?;
        let due = !self.due.is_empty();
        let until = self.knocking.iter().map(|knocking| knocking.until).fold(self.silent_at, Instant::min);
        let Conversation { seat, hears, calls, transport, .. } = &mut self.at;
        let heard = async {
            if due {
                hears.revoked().await;
                return None;
            }
            hears.next_when(transport.ready()).await
        };
        tokio::select! {
            call = calls.recv() => call.map_or(Break(()), |call| self.called(call)),
            () = transport.ready(), if due => Continue(()),
            heard = heard => self.heard(heard),
            () = seat.slot.lost() => Break(()),
            () = sleep_until(until) => self.late(),
        }
    }

    fn late(&mut self) -> ControlFlow<()> {
        self.knocking = None;
        if Instant::now() >= self.silent_at { Break(()) } else { Continue(()) }
    }

    fn heard(&mut self, heard: Option<Heard>) -> ControlFlow<()> {
        let terms = &self.at.terms;
        let Some(heard) = heard else { return Break(()) };
        let packet = event::packet(&heard, &terms.random.uuid());
        let mut room = Taken::default();
        if terms.room.grow(&mut room, packet.text.len()).is_err() {
            tracing::warn!("a firehose was ended because there is no room in memory");
            return Break(());
        }
        self.due.push_back(Outgoing { packet, room });
        Continue(())
    }

    /// Gives the transport what it has room for.
    fn hand_out(&mut self) -> ControlFlow<()> {
        match &self.at.transport {
            Transport::Polling(waiting) => {
                if waiting.is_some() && !self.due.is_empty() {
                    return self.answer_poll();
                }
            }
            Transport::WebSocket(socket) => {
                while !self.due.is_empty()
                    && let Ok(room) = socket.out.try_reserve()
                    && let Some(next) = self.due.pop_front()
                {
                    room.send(next);
                }
            }
        }
        Continue(())
    }

    fn answer_poll(&mut self) -> ControlFlow<()> {
        // The first answer of all names the session and nothing else.
        let opens = self.due.front().is_some_and(|first| first.packet.kind == PacketType::Open);
        let mut rest = if opens { self.due.split_off(1) } else { VecDeque::new() };
        let bytes = |due: &VecDeque<Outgoing>| due.iter().map(|out| out.packet.text.len()).sum::<usize>();
        while !opens
            && bytes(&self.due) < POLL_BYTES
            && let Some(heard) = self.at.hears.next_now()
        {
            self.heard(Some(heard))?;
        }
        let Transport::Polling(waiting) = &mut self.at.transport else { return Continue(()) };
        let batch = std::mem::take(&mut self.due).into();
        // Whoever polled may be gone; then it is for whoever polls next.
        if let Some(waiting) = waiting.take()
            && let Err(Some(batch)) = waiting.send(Some(batch))
        {
            self.due = batch.into();
        }
        self.due.append(&mut rest);
        Continue(())
    }

    /// From here on it is as good as any other.
    fn begins(&mut self) {
        self.has_begun = true;
        self.at.seat.slot.settle();
        self.heard_now();
    }

    fn heard_now(&mut self) {
        let limits = &self.at.terms.limits;
        self.silent_at = Instant::now() + limits.ping_interval + limits.ping_timeout;
    }

    fn called(&mut self, call: Call) -> ControlFlow<()> {
        // The handshake waits for what opens the session, and whoever has that calls next.
        if !self.has_begun && self.due.iter().all(|out| out.packet.kind != PacketType::Open) {
            self.begins();
        }
        match call {
            Call::Poll(polled) => self.polled(polled),
            Call::Said(packets) => packets.into_iter().try_for_each(|packet| self.said(&packet))?,
            Call::Knock(socket) => self.knocked(socket),
            Call::Frame(mark, packet) if self.is_transport(&mark) => match packet {
                Ok(packet) => self.said(&packet)?,
                Err(Malformed) => return Break(()),
            },
            Call::Frame(mark, packet) => {
                if let Some(knocking) = self.knocking.take_if(|knocking| knocking.socket.mark == mark) {
                    self.knocking_said(knocking, packet);
                }
            }
            Call::Left(mark) if self.is_transport(&mark) => return Break(()),
            Call::Left(mark) => drop(self.knocking.take_if(|knocking| knocking.socket.mark == mark)),
        }
        Continue(())
    }

    fn is_transport(&self, mark: &Mark) -> bool {
        matches!(&self.at.transport, Transport::WebSocket(socket) if socket.mark == *mark)
    }

    /// The newest poll is the one that is answered: the one before may wait at a connection that is dead.
    fn polled(&mut self, polled: Polled) {
        let Transport::Polling(waiting) = &mut self.at.transport else {
            let _ = polled.send(None);
            return;
        };
        dismiss(waiting.replace(polled));
        if self.knocking.as_ref().is_some_and(|knocking| knocking.probed) && self.due.is_empty() {
            dismiss(waiting.take());
        }
    }

    fn said(&mut self, packet: &Packet) -> ControlFlow<()> {
        self.heard_now();
        let disconnects = packet.kind == PacketType::Message && packet.text == "1";
        if disconnects || packet.kind == PacketType::Close {
            return Break(());
        }
        let answered = self.due.iter().any(|out| out.packet.kind == PacketType::Pong);
        if packet.kind == PacketType::Ping && !answered {
            self.due.push_back(Packet::bare(PacketType::Pong).into());
        }
        Continue(())
    }

    /// One websocket at a time may knock; what else comes is closed by being dropped.
    fn knocked(&mut self, socket: Socket) {
        if self.knocking.is_none() && matches!(self.at.transport, Transport::Polling(_)) {
            let until = Instant::now() + self.at.terms.limits.upgrade_within;
            self.knocking = Some(Knocking { socket, probed: false, until });
        }
    }

    fn knocking_said(&mut self, mut knocking: Knocking, packet: Result<Packet, Malformed>) {
        let Transport::Polling(waiting) = &mut self.at.transport else { return };
        match packet {
            Ok(Packet { kind: PacketType::Ping, text }) if text == "probe" => {
                knocking.probed = true;
                let sent = knocking.socket.out.try_send(Packet::new(PacketType::Pong, text).into());
                if sent.is_ok() {
                    self.knocking = Some(knocking);
                    // The client waits for its poll to end before it goes on.
                    dismiss(waiting.take());
                }
            }
            Ok(Packet { kind: PacketType::Upgrade, .. }) if knocking.probed => {
                dismiss(waiting.take());
                self.at.transport = Transport::WebSocket(knocking.socket);
            }
            _ => {}
        }
    }
}

/// Ends a poll with nothing.
fn dismiss(waiting: Option<Polled>) {
    if let Some(waiting) = waiting {
        let _ = waiting.send(Some(vec![Packet::bare(PacketType::Noop).into()]));
    }
}
