//! The link: connections one after the other, for ever.

use std::time::Duration;

use http::{HeaderMap, HeaderName, HeaderValue};
use tokio::sync::{mpsc, watch};

use super::conversation::{Conversation, Ended};
use super::event::FirehoseEvent;
use crate::ambient::{Backoff, Random};
use crate::bus::meshblu::Meshblu;
use crate::egress::EgressError;

/// The longest pauses before further attempts.
const PAUSES: Backoff = Backoff { first: Duration::from_millis(500), longest: Duration::from_secs(30) };

const UUID: HeaderName = HeaderName::from_static("x-meshblu-uuid");
const TOKEN: HeaderName = HeaderName::from_static("x-meshblu-token");

/// The firehose of the gateway's own device.
#[derive(Debug)]
pub struct Firehose {
    bus: Meshblu,
    random: Random,
    up: watch::Sender<bool>,
}

impl Firehose {
    /// The firehose of the service of `bus`; nothing is connected yet.
    pub fn new(bus: Meshblu, random: Random) -> Self {
        Self { bus, random, up: watch::Sender::new(false) }
    }

    /// Whether messages arrive.
    pub fn link(&self) -> watch::Receiver<bool> {
        self.up.subscribe()
    }

    /// Hands the messages that arrive to `events`, connecting again whenever the link is down, until `stop` turns true
    /// or nobody takes them any more.
    pub async fn run(self, events: mpsc::Sender<FirehoseEvent>, mut stop: watch::Receiver<bool>) {
        let mut failures = 0;
        loop {
            let ended = tokio::select! {
                _ = stop.wait_for(|stop| *stop) => break,
                ended = self.connect(&events) => ended,
            };
            let was_up = self.up.send_replace(false);
            if matches!(ended, Ended::Stopping) {
                break;
            }
            // A link that stood had good reasons to; whoever only accepts is left alone for longer and longer.
            failures = if was_up { 1 } else { failures + 1 };
            if was_up || failures == 1 {
                tracing::warn!(error = &ended as &dyn std::error::Error, "the firehose is down");
            }
            tokio::select! {
                _ = stop.wait_for(|stop| *stop) => break,
                () = tokio::time::sleep(self.pause(failures)) => {}
            }
        }
        self.up.send_replace(false);
    }

    async fn connect(&self, events: &mpsc::Sender<FirehoseEvent>) -> Ended {
        let began = async {
            let socket = self.bus.open_socket(&self.target(), self.headers()?, &self.random).await?;
            Conversation::begin(socket, self.bus.limit()).await
        };
        match began.await {
            Ok(mut conversation) => {
                self.up.send_replace(true);
                tracing::info!("the firehose is up");
                conversation.listen(events).await
            }
            Err(ended) => ended,
        }
    }

    /// Any time up to a limit that doubles with every failure (full jitter).
    fn pause(&self, failures: u32) -> Duration {
        PAUSES.after(failures.saturating_sub(1)).mul_f64(self.random.fraction())
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
