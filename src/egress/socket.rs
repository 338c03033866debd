//! Connections that stay: WebSocket (RFC 6455) to one server that the operator named.

use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use futures_util::{SinkExt, StreamExt};
use http::header::{
    CONNECTION, HeaderMap, HeaderValue, SEC_WEBSOCKET_ACCEPT, SEC_WEBSOCKET_KEY, SEC_WEBSOCKET_VERSION,
    UPGRADE,
};
use http::{Method, StatusCode};
use reqwest::{Upgraded, Url};
use sha1::{Digest, Sha1};
use tokio::time::timeout;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::protocol::{Role, WebSocketConfig};

use super::cause::Cause;
use super::error::EgressError;
use super::peer::Peer;
use super::transport::Outgoing;
use crate::ambient::Random;

/// How long a frame may take to leave.
const SEND_WITHIN: Duration = Duration::from_secs(10);

/// The longest message that is read, in bytes: a bus takes 10 MB from its devices, and frames may carry that as a text
/// within a text.
const LONGEST_MESSAGE: usize = 32 << 20;

/// A WebSocket; it ends when dropped.
#[derive(Debug)]
pub struct Socket(WebSocketStream<Upgraded>);

impl Peer {
    /// A WebSocket at `target`, which stands within the limit of a call. No redirect is followed; a message of more
    /// than 32 MiB ends it.
    ///
    /// # Errors
    /// [`EgressError::NotUpgraded`] where the server refuses; else any of a call's.
    pub async fn open_socket(
        &self,
        target: &str,
        headers: HeaderMap,
        random: &Random,
    ) -> Result<Socket, EgressError> {
        let key = STANDARD.encode(random.bytes::<16>());
        let call = self.upgrade(target, headers, &key)?;
        let opening = async {
            let response = self.transport().send(call).await?;
            let accept = response.headers().get(SEC_WEBSOCKET_ACCEPT).map(HeaderValue::as_bytes);
            let accepted = accept == Some(accept_for(&key).as_bytes());
            if response.status() != StatusCode::SWITCHING_PROTOCOLS || !accepted {
                return Err(EgressError::NotUpgraded { status: response.status() });
            }
            let stream = response.upgrade().await.map_err(EgressError::of_call)?;
            let longest = Some(LONGEST_MESSAGE);
            let config = WebSocketConfig::default().max_message_size(longest).max_frame_size(longest);
            Ok(Socket(WebSocketStream::from_raw_socket(stream, Role::Client, Some(config)).await))
        };
        timeout(self.limit(), opening).await.map_err(|_| EgressError::Timeout)?
    }

    fn upgrade(&self, target: &str, mut headers: HeaderMap, key: &str) -> Result<Outgoing, EgressError> {
        let url = Url::parse(&format!("{}{target}", self.base_url())).map_err(|_| EgressError::Address)?;
        let key = HeaderValue::from_str(key).map_err(|_| EgressError::Address)?;
        headers.insert(CONNECTION, HeaderValue::from_static("Upgrade"));
        headers.insert(UPGRADE, HeaderValue::from_static("websocket"));
        headers.insert(SEC_WEBSOCKET_VERSION, HeaderValue::from_static("13"));
        headers.insert(SEC_WEBSOCKET_KEY, key);
        Ok(Outgoing { method: Method::GET, url, headers, body: Bytes::new(), limit: self.limit() })
    }
}

impl Socket {
    /// The next text; `None` when the other side is done. Pings of the protocol are answered by themselves; binary
    /// messages say nothing here and are passed over.
    ///
    /// # Errors
    /// [`EgressError::Socket`], after which nothing more comes.
    pub async fn next(&mut self) -> Result<Option<String>, EgressError> {
        loop {
            match self.0.next().await.transpose().map_err(broken)? {
                Some(Message::Text(text)) => return Ok(Some(text.as_str().to_owned())),
                Some(Message::Close(_)) | None => return Ok(None),
                Some(_) => {}
            }
        }
    }

    /// Sends a text.
    ///
    /// # Errors
    /// [`EgressError::Socket`], or [`EgressError::Timeout`] where the other side takes nothing.
    pub async fn send(&mut self, text: &str) -> Result<(), EgressError> {
        let sending = timeout(SEND_WITHIN, self.0.send(Message::text(text)));
        sending.await.map_err(|_| EgressError::Timeout)?.map_err(broken)
    }

    /// Says that this side is done. What the other side sent before it heard of that still comes.
    ///
    /// # Errors
    /// As [`Socket::send`].
    pub async fn close(&mut self) -> Result<(), EgressError> {
        let closing = timeout(SEND_WITHIN, self.0.close(None));
        closing.await.map_err(|_| EgressError::Timeout)?.map_err(broken)
    }
}

/// What a server that speaks WebSocket answers to this key (RFC 6455, 4.2.2).
fn accept_for(key: &str) -> String {
    STANDARD
        .encode(Sha1::new().chain_update(key).chain_update("258EAFA5-E914-47DA-95CA-C5AB0DC85B11").finalize())
}

fn broken(error: tokio_tungstenite::tungstenite::Error) -> EgressError {
    EgressError::Socket(Cause::of(&error))
}
