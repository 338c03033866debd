//! Calls of external handlers: connected first, then committed, then sent.

use std::io;
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Method, header};
use http_body_util::Full;
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use reqwest::Url;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::UnixStream;
use tokio::task::JoinSet;

use super::answer::body_within;
use super::cause::Cause;
use super::error::EgressError;
use super::gate::CallGate;
use super::handler_address::{HandlerAddress, Place, connect_here};
use super::outbound::Egress;
use super::transport::Outgoing;

/// No handler is waited for any longer. Jobs end far sooner, and their calls with them.
const LONGEST: Duration = Duration::from_secs(2 * 60 * 60);

/// What a handler is asked, by POST.
#[derive(Debug)]
pub struct HandlerRequest {
    /// What it is told besides.
    pub headers: HeaderMap,
    /// The question.
    pub body: Bytes,
}

impl Egress {
    /// The handler's answer, whatever its status, within two hours at the most: the caller bounds the time. On this machine
    /// the gate is passed when the connection stands: without one, nothing was started. Elsewhere it is passed before.
    ///
    /// # Errors
    /// Any [`EgressError`]; [`EgressError::nothing_sent`] tells which leave no doubt.
    pub async fn call_handler(
        &self,
        address: &HandlerAddress,
        request: HandlerRequest,
        gate: &CallGate,
    ) -> Result<http::Response<Bytes>, EgressError> {
        match address.place() {
            Place::Remote(url) => {
                gate.pass().await?;
                self.0.listed.exchange(remote_call(url, request)).await
            }
            Place::Socket { file, .. } => {
                let stream = self.connected(UnixStream::connect(file)).await?;
                self.exchange(stream, local_request(address, request)?, gate).await
            }
            Place::Loopback(url) => {
                let stream = self.connected(connect_here(url)).await?;
                self.exchange(stream, local_request(address, request)?, gate).await
            }
        }
    }

    async fn connected<S>(&self, connecting: impl Future<Output = io::Result<S>>) -> Result<S, EgressError> {
        let limit = self.0.settings.connect_timeout;
        let connected = tokio::time::timeout(limit, connecting).await;
        connected
            .unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into()))
            .map_err(|error| EgressError::Connect(Cause::of(&error)))
    }

    async fn exchange(
        &self,
        stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
        request: http::Request<Full<Bytes>>,
        gate: &CallGate,
    ) -> Result<http::Response<Bytes>, EgressError> {
        let broken = |error: hyper::Error| EgressError::Exchange(Cause::of(&error));
        let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await.map_err(broken)?;
        gate.pass().await?;
        // Ends with the exchange, whoever gives it up.
        let mut driver = JoinSet::new();
        driver.spawn(connection);
        let exchange = async {
            let answer = sender.send_request(request).await.map_err(broken)?;
            body_within(answer, self.0.settings.response_bytes).await
        };
        tokio::time::timeout(LONGEST, exchange).await.map_err(|_| EgressError::Timeout)?
    }
}

fn local_request(
    address: &HandlerAddress,
    request: HandlerRequest,
) -> Result<http::Request<Full<Bytes>>, EgressError> {
    let host = HeaderValue::from_str(address.authority()).map_err(|_| EgressError::Address)?;
    let uri = address.target().parse().map_err(|_| EgressError::Address)?;
    let mut message = http::Request::new(Full::new(request.body));
    *message.method_mut() = Method::POST;
    *message.uri_mut() = uri;
    *message.headers_mut() = request.headers;
    message.headers_mut().insert(header::HOST, host);
    Ok(message)
}

fn remote_call(url: &Url, HandlerRequest { headers, body }: HandlerRequest) -> Outgoing {
    Outgoing { method: Method::POST, url: url.clone(), headers, body, limit: LONGEST }
}
