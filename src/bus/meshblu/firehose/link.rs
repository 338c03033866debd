//! The link: connections one after the other, for ever.

use http::{HeaderMap, HeaderName, HeaderValue};
use tokio::sync::{mpsc, watch};
use tokio::time::Instant;

use super::conversation::{Conversation, Ended, stopped};
use super::event::FirehoseEvent;
use super::pauses::Pauses;
use crate::ambient::Random;
use crate::bus::meshblu::Meshblu;
use crate::egress::EgressError;
use crate::telemetry::with_causes;

/// How a firehose stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Link {
    /// It was never up, and nothing is known to keep it from that.
    Beginning,
    /// Messages arrive.
    Up,
    /// They do not, for this reason, which is safe to show.
    Down(String),
}

const UUID: HeaderName = HeaderName::from_static("x-meshblu-uuid");
const TOKEN: HeaderName = HeaderName::from_static("x-meshblu-token");

/// The firehose of the gateway's own device.
#[derive(Debug)]
pub struct Firehose {
    bus: Meshblu,
    random: Random,
    link: watch::Sender<Link>,
}

impl Firehose {
    /// The firehose of the service of `bus`; nothing is connected yet.
    pub fn new(bus: Meshblu, random: Random) -> Self {
        Self { bus, random, link: watch::Sender::new(Link::Beginning) }
    }

    /// How it stands, from now on.
    pub fn link(&self) -> watch::Receiver<Link> {
        self.link.subscribe()
    }

    /// Hands the messages that arrive to `events`, connecting again whenever the link is down, after pauses that grow
    /// (full jitter), until `stop` turns true or nobody takes them any more.
    pub async fn run(self, events: mpsc::Sender<FirehoseEvent>, mut stop: watch::Receiver<bool>) {
        let mut pauses = Pauses::default();
        let mut told = None;
        loop {
            let mut up_since = None;
            let ended = self.connect(&events, &mut stop, &mut up_since).await;
            if matches!(ended, Ended::Stopping) {
                break;
            }
            let cause = ended.safe_text();
            self.link.send_replace(Link::Down(cause.clone()));
            if up_since.is_some() || told.as_ref() != Some(&cause) {
                let error = with_causes(&ended);
                tracing::warn!(
                    bus.url = self.bus.url(),
                    firehose.cause = cause,
                    error,
                    "the firehose is down"
                );
                told = Some(cause);
            }
            let longest = pauses.after(up_since.map(|since: Instant| since.elapsed()));
            tokio::select! {
                () = stopped(&mut stop) => break,
                () = tokio::time::sleep(longest.mul_f64(self.random.fraction())) => {}
            }
        }
        self.link.send_replace(Link::Down(Ended::Stopping.safe_text()));
    }

    async fn connect(
        &self,
        events: &mpsc::Sender<FirehoseEvent>,
        stop: &mut watch::Receiver<bool>,
        up_since: &mut Option<Instant>,
    ) -> Ended {
        let began = async {
            let socket = self.bus.open_socket(&self.target(), self.headers()?, &self.random).await?;
            Conversation::begin(socket, self.bus.limit()).await
        };
        let began = tokio::select! {
            () = stopped(stop) => return Ended::Stopping,
            began = began => began,
        };
        match began {
            Ok(mut conversation) => {
                *up_since = Some(Instant::now());
                self.link.send_replace(Link::Up);
                tracing::info!(bus.url = self.bus.url(), "the firehose is up");
                conversation.listen(events, stop).await
            }
            Err(ended) => ended,
        }
    }

    fn target(&self) -> String {
        let uuid = self.bus.service_segment();
        format!("/socket.io/v1/{uuid}/?uuid={uuid}&EIO=3&transport=websocket")
    }

    /// The token stands in a header, never in the address.
    fn headers(&self) -> Result<HeaderMap, EgressError> {
        let service = self.bus.service();
        let value = |text: &str| HeaderValue::from_str(text).map_err(|_| EgressError::Address);
        let mut token = value(&service.token)?;
        token.set_sensitive(true);
        Ok(HeaderMap::from_iter([(UUID, value(service.uuid.as_str())?), (TOKEN, token)]))
    }
}
