//! A client of the bus's HTTP API, as flows have one.

use std::time::Duration;

use http::{Method, StatusCode, header};
use reqwest::{Client, RequestBuilder, Response};
use serde_json::{Value, json};
use thiserror::Error;
use zeroize::Zeroizing;

use crate::bus::Login;
use crate::message::DeviceUuid;

const CONNECT_WITHIN: Duration = Duration::from_secs(5);
const ANSWER_WITHIN: Duration = Duration::from_secs(30);
/// The subscription by which a device hears what is sent to it.
const RECEIVED: &str = "message.received";
/// The longest message that is read from a stream, in bytes.
const LONGEST_LINE: usize = 64 << 20;

/// Why a call of the bus came to nothing.
#[derive(Debug, Error)]
pub enum BusCallError {
    /// There is no answer.
    #[error("the bus at {address} does not answer")]
    Unreachable {
        /// Where the bus was expected.
        address: String,
        /// Why it does not answer.
        #[source]
        source: reqwest::Error,
    },
    /// The bus refuses.
    #[error("the bus does not let this device {what}: status {status}")]
    Refused {
        /// What was asked for.
        what: &'static str,
        /// The HTTP status.
        status: u16,
    },
    /// The bus is full, or has too much to do.
    #[error("the bus can take nothing now: status 503{}", in_its_words(.limit))]
    Crowded {
        /// Which limit is reached, in the bus's words, where it says so.
        limit: Option<String>,
    },
    /// The answer is not what the bus answers.
    #[error("the answer of the bus cannot be read")]
    Unreadable,
    /// The bus ended a stream of messages.
    #[error("the bus ended the stream of messages")]
    Ended,
}

/// A client of one bus.
#[derive(Clone, Debug)]
pub(super) struct BusClient {
    http: Client,
    address: String,
}

impl BusClient {
    /// A client of the bus at this URL, which has no slash at its end.
    ///
    /// # Errors
    /// [`BusCallError::Unreachable`] when no client can be made.
    pub(super) fn new(address: String) -> Result<Self, BusCallError> {
        // Nothing here is encrypted, so no certificates have to be read.
        let http = Client::builder()
            .connect_timeout(CONNECT_WITHIN)
            .no_proxy()
            .referer(false)
            .tls_certs_only([])
            .build()
            .map_err(|source| BusCallError::Unreachable { address: address.clone(), source })?;
        Ok(Self { http, address })
    }

    /// Registers a device that hears what is sent to it.
    pub(super) async fn register(&self, document: &Value) -> Result<Login, BusCallError> {
        let request = self.request(Method::POST, "/devices").body(document.to_string());
        let registered = body(self.answer(with_json(request), "register").await?).await?;
        let (Some(uuid), Some(token)) = (registered["uuid"].as_str(), registered["token"].as_str()) else {
            return Err(BusCallError::Unreadable);
        };
        let login = Login { uuid: uuid.into(), token: Zeroizing::new(token.to_owned()) };
        let itself = format!("{}/{uuid}/{RECEIVED}", subscriptions(&login));
        self.answer(authenticated(self.request(Method::POST, &itself), &login), "subscribe").await?;
        Ok(login)
    }

    /// Whether the device hears what is sent to it.
    pub(super) async fn hears(&self, login: &Login) -> Result<bool, BusCallError> {
        let request = self.request(Method::GET, &subscriptions(login));
        let listed =
            body(self.answer(authenticated(request, login), "list its subscriptions").await?).await?;
        let listed = listed.as_array().ok_or(BusCallError::Unreadable)?;
        Ok(listed.iter().any(|one| one["emitterUuid"] == *login.uuid.as_str() && one["type"] == *RECEIVED))
    }

    /// Lets messages from `sender` in at `device`.
    pub(super) async fn accept(
        &self,
        login: &Login,
        device: &DeviceUuid,
        sender: &DeviceUuid,
    ) -> Result<(), BusCallError> {
        let update = json!({"$addToSet": {"meshblu.whitelists.message.from": {"uuid": sender}}});
        let request = self.request(Method::PUT, &format!("/v2/devices/{device}")).body(update.to_string());
        self.answer(authenticated(with_json(request), login), "change the device").await.map(drop)
    }

    /// A device's document.
    pub(super) async fn device(&self, login: &Login, uuid: &str) -> Result<Value, BusCallError> {
        let request = self.request(Method::GET, &format!("/v2/devices/{uuid}"));
        body(self.answer(authenticated(request, login), "see the device").await?).await
    }

    /// Sends a message; it is on the bus's disk when this answers.
    pub(super) async fn send(&self, login: &Login, message: &Value) -> Result<(), BusCallError> {
        let request = self.request(Method::POST, "/messages").body(message.to_string());
        self.answer(authenticated(with_json(request), login), "send messages").await.map(drop)
    }

    /// Reads along at the device from now on.
    pub(super) async fn listen(&self, login: &Login) -> Result<Listening, BusCallError> {
        let url = format!("{}/subscribe/{}/received", self.address, login.uuid);
        let request = authenticated(self.http.get(url), login);
        let response = self.answer(request, "read its messages").await?;
        Ok(Listening { response, rest: Vec::new() })
    }

    fn request(&self, method: Method, path: &str) -> RequestBuilder {
        self.http.request(method, format!("{}{path}", self.address)).timeout(ANSWER_WITHIN)
    }

    async fn answer(&self, request: RequestBuilder, what: &'static str) -> Result<Response, BusCallError> {
        let response = request.send().await.map_err(|source| BusCallError::Unreachable {
            address: self.address.clone(),
            source: source.without_url(),
        })?;
        match response.status() {
            status if status.is_success() => Ok(response),
            StatusCode::SERVICE_UNAVAILABLE => {
                let told = body(response).await.unwrap_or_default();
                Err(BusCallError::Crowded { limit: told["detail"].as_str().map(str::to_owned) })
            }
            status => Err(BusCallError::Refused { what, status: status.as_u16() }),
        }
    }
}

/// What can be shown at a terminal.
fn in_its_words(limit: &Option<String>) -> String {
    let shown = |text: &String| text.chars().filter(|letter| !letter.is_control()).collect::<String>();
    limit.iter().map(|limit| format!("; {}", shown(limit))).collect()
}

fn subscriptions(login: &Login) -> String {
    format!("/v2/devices/{}/subscriptions", login.uuid)
}

fn with_json(request: RequestBuilder) -> RequestBuilder {
    request.header(header::CONTENT_TYPE, "application/json")
}

fn authenticated(request: RequestBuilder, login: &Login) -> RequestBuilder {
    request.basic_auth(&login.uuid, Some(login.token.as_str()))
}

async fn body(response: Response) -> Result<Value, BusCallError> {
    let bytes = response.bytes().await.map_err(|_| BusCallError::Unreadable)?;
    serde_json::from_slice(&bytes).map_err(|_| BusCallError::Unreadable)
}

/// The messages that arrive at one device.
#[derive(Debug)]
pub(super) struct Listening {
    response: Response,
    rest: Vec<u8>,
}

impl Listening {
    /// The next message.
    ///
    /// # Errors
    /// [`BusCallError::Ended`] when there is none any more.
    pub(super) async fn next(&mut self) -> Result<Value, BusCallError> {
        loop {
            if let Some(line) = self.line() {
                if line.iter().all(u8::is_ascii_whitespace) {
                    continue;
                }
                return serde_json::from_slice(&line).map_err(|_| BusCallError::Unreadable);
            }
            let chunk = self.response.chunk().await.map_err(|_| BusCallError::Ended)?;
            self.rest.extend_from_slice(&chunk.ok_or(BusCallError::Ended)?);
            if self.rest.len() > LONGEST_LINE {
                return Err(BusCallError::Unreadable);
            }
        }
    }

    /// The reply that says in `metadata.to` that it answers `respond_to`.
    pub(super) async fn reply(&mut self, respond_to: &Value) -> Result<Value, BusCallError> {
        loop {
            let message = self.next().await?;
            if message["metadata"].get("to") == Some(respond_to) {
                return Ok(message);
            }
        }
    }

    fn line(&mut self) -> Option<Vec<u8>> {
        let end = self.rest.iter().position(|byte| *byte == b'\n')?;
        Some(self.rest.drain(..=end).collect())
    }
}
