//! A Meshblu that answers at once, whoever asks: the calls of a gateway at work, with one recorded credentials device.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use endo::ambient::{Clock, Random};
use endo::signature::{Ed25519PrivateKey, LegacySigner, MessageSigner, RsaPrivateKey};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::Builder;

use super::cast;
use crate::connection::message_length;

/// The bus, with a thread of its own.
pub(super) struct Bus {
    pub(super) address: SocketAddr,
    pub(super) calls: Arc<Calls>,
    /// Signs its webhooks as buses of old do.
    pub(super) old: LegacySigner,
    /// Signs them by RFC 9421.
    pub(super) own: MessageSigner,
}

/// What it was asked.
#[derive(Default)]
pub(super) struct Calls {
    subscriptions: AtomicU64,
    searches: AtomicU64,
    messages: AtomicU64,
}

/// How often each was asked for.
#[derive(Clone, Copy)]
pub(super) struct Count {
    pub(super) subscriptions: u64,
    pub(super) searches: u64,
    pub(super) messages: u64,
}

impl Calls {
    /// How often since the last time.
    pub(super) fn take(&self) -> Count {
        let take = |count: &AtomicU64| count.swap(0, Ordering::Relaxed);
        Count {
            subscriptions: take(&self.subscriptions),
            searches: take(&self.searches),
            messages: take(&self.messages),
        }
    }
}

/// What it answers, ready to be sent.
struct Answers {
    calls: Arc<Calls>,
    whoami: Vec<u8>,
    public_key: Vec<u8>,
    key_set: Vec<u8>,
    subscriptions: Vec<u8>,
    found: Vec<u8>,
    accepted: Vec<u8>,
    unknown: Vec<u8>,
}

impl Bus {
    /// Listens and serves until the process ends.
    pub(super) fn start() -> Self {
        let old = RsaPrivateKey::generate().unwrap();
        let own = MessageSigner::new(Ed25519PrivateKey::generate(&Random::system()));
        let calls = Arc::<Calls>::default();
        let answers = Arc::new(Answers::new(&calls, &old.public().to_pem(), own.key().to_jwk()));
        let (listening, told) = std::sync::mpsc::channel();
        std::thread::spawn(move || {
            let runtime = Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(async {
                let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
                listening.send(listener.local_addr().unwrap()).unwrap();
                while let Ok((stream, _)) = listener.accept().await {
                    tokio::spawn(serve(stream, Arc::clone(&answers)));
                }
            });
        });
        Self {
            address: told.recv_timeout(Duration::from_secs(10)).unwrap(),
            calls,
            old: LegacySigner::new(old),
            own,
        }
    }

    /// Where it is.
    pub(super) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// What time it is there.
    pub(super) fn now(&self) -> endo::ambient::Timestamp {
        Clock::system().now()
    }
}

async fn serve(mut stream: TcpStream, answers: Arc<Answers>) {
    stream.set_nodelay(true).unwrap();
    let mut asked = Vec::with_capacity(8192);
    loop {
        match message_length(&asked).filter(|length| *length <= asked.len()) {
            Some(length) => {
                if stream.write_all(answers.to(&asked[..length])).await.is_err() {
                    return;
                }
                asked.drain(..length);
            }
            None if stream.read_buf(&mut asked).await.is_ok_and(|read| read > 0) => {}
            None => return,
        }
    }
}

impl Answers {
    fn new(calls: &Arc<Calls>, public_key: &str, jwk: Value) -> Self {
        let subscription = json!({"subscriberUuid": cast::credentials(), "emitterUuid": cast::USER, "type": "message.received"});
        Self {
            calls: Arc::clone(calls),
            whoami: answer("200 OK", &json!({"uuid": cast::SERVICE}).to_string()),
            public_key: answer("200 OK", &json!({"publicKey": public_key}).to_string()),
            key_set: answer("200 OK", &json!({"keys": [jwk]}).to_string()),
            subscriptions: answer("200 OK", &json!([subscription]).to_string()),
            found: answer("200 OK", &json!([cast::credentials_device()]).to_string()),
            accepted: answer("201 Created", ""),
            unknown: answer("404 Not Found", ""),
        }
    }

    fn to(&self, request: &[u8]) -> &[u8] {
        let asks_for = |line: &str| request.starts_with(line.as_bytes());
        let (count, answer) = if asks_for("POST /messages ") {
            (Some(&self.calls.messages), &self.accepted)
        } else if asks_for("POST /search/devices ") {
            (Some(&self.calls.searches), &self.found)
        } else if asks_for("GET /v2/devices/") {
            (Some(&self.calls.subscriptions), &self.subscriptions)
        } else if asks_for("GET /v2/whoami ") {
            (None, &self.whoami)
        } else if asks_for("GET /publickey ") {
            (None, &self.public_key)
        } else if asks_for("GET /.well-known/jwks.json ") {
            (None, &self.key_set)
        } else {
            (None, &self.unknown)
        };
        if let Some(count) = count {
            count.fetch_add(1, Ordering::Relaxed);
        }
        answer
    }
}

fn answer(status: &str, body: &str) -> Vec<u8> {
    let head = format!("HTTP/1.1 {status}\r\ncontent-type: application/json; charset=utf-8");
    format!("{head}\r\ncontent-length: {}\r\n\r\n{body}", body.len()).into_bytes()
}
