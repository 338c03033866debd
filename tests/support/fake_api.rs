//! A server on loopback that answers as its script says and remembers what it was asked.

use std::sync::{Arc, Mutex};

use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio::task::JoinHandle;

/// One request as it came in.
#[derive(Clone, Debug)]
pub(crate) struct Seen {
    pub(crate) method: String,
    pub(crate) target: String,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
}

impl Seen {
    /// Every value of a header; the name in lower case.
    pub(crate) fn header(&self, name: &str) -> Vec<&str> {
        self.headers.iter().filter(|(key, _)| key == name).map(|(_, value)| &**value).collect()
    }
}

/// What the script answers.
#[derive(Clone, Debug)]
pub(crate) enum Answer {
    /// These bytes, then the end of the connection.
    Bytes(Vec<u8>),
    /// The same, once the gate has a permit for it.
    Gated(Arc<Semaphore>, Vec<u8>),
    /// These bytes, then nothing, with the connection left open.
    Stall(Vec<u8>),
}

impl Answer {
    /// An answer with these lines of header (`"name: value"`) and this body.
    pub(crate) fn new(status: u16, headers: &[&str], body: impl AsRef<[u8]>) -> Self {
        let body = body.as_ref();
        let mut head =
            format!("HTTP/1.1 {status} Said So\r\nconnection: close\r\ncontent-length: {}\r\n", body.len());
        headers.iter().for_each(|line| head.push_str(&format!("{line}\r\n")));
        Self::Bytes([head.as_bytes(), b"\r\n", body].concat())
    }

    /// This answer, once `gate` has a permit for it.
    pub(crate) fn behind(self, gate: &Arc<Semaphore>) -> Self {
        match self {
            Self::Bytes(bytes) => Self::Gated(gate.clone(), bytes),
            other => other,
        }
    }
}

type Script = dyn Fn(&Seen) -> Answer + Send + Sync;

/// The server; it ends when dropped.
pub(crate) struct FakeApi {
    pub(crate) port: u16,
    seen: Arc<Mutex<Vec<Seen>>>,
    task: JoinHandle<()>,
}

impl FakeApi {
    pub(crate) async fn start(script: impl Fn(&Seen) -> Answer + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("loopback has a free port");
        Self::on(listener, script)
    }

    /// The same on a port that is taken already.
    pub(crate) fn on(
        listener: TcpListener,
        script: impl Fn(&Seen) -> Answer + Send + Sync + 'static,
    ) -> Self {
        let port = listener.local_addr().expect("the listener is bound").port();
        let seen = Arc::new(Mutex::new(Vec::new()));
        let task = tokio::spawn(serve(listener, Arc::new(script), seen.clone()));
        Self { port, seen, task }
    }

    /// A server that always answers the same.
    pub(crate) async fn answering(answer: Answer) -> Self {
        Self::start(move |_| answer.clone()).await
    }

    /// A server that never answers.
    pub(crate) async fn silent() -> Self {
        Self::answering(Answer::Stall(Vec::new())).await
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://127.0.0.1:{}{path}", self.port)
    }

    /// What it was asked so far.
    pub(crate) fn seen(&self) -> Vec<Seen> {
        self.seen.lock().expect("no test panics while it looks").clone()
    }
}

impl Drop for FakeApi {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn serve(listener: TcpListener, script: Arc<Script>, seen: Arc<Mutex<Vec<Seen>>>) {
    while let Ok((stream, _)) = listener.accept().await {
        let (script, seen) = (script.clone(), seen.clone());
        tokio::spawn(async move {
            let mut stream = BufReader::new(stream);
            let Some(request) = read(&mut stream).await else { return };
            let answer = script(&request);
            seen.lock().expect("no test panics while it looks").push(request);
            match answer {
                // The reader may hang up early, which is its right.
                Answer::Bytes(bytes) => drop(stream.write_all(&bytes).await),
                Answer::Gated(gate, bytes) => {
                    gate.acquire().await.expect("nobody closes a gate").forget();
                    drop(stream.write_all(&bytes).await);
                }
                Answer::Stall(bytes) => {
                    drop(stream.write_all(&bytes).await);
                    std::future::pending().await
                }
            }
        });
    }
}

/// The next request of a connection.
pub(super) async fn read(stream: &mut BufReader<TcpStream>) -> Option<Seen> {
    let first = line(stream).await?;
    let mut parts = first.split(' ');
    let (method, target) = (parts.next()?.to_owned(), parts.next()?.to_owned());
    let mut headers = Vec::new();
    while let Some((name, value)) = line(stream).await?.split_once(':') {
        headers.push((name.to_ascii_lowercase(), value.trim().to_owned()));
    }
    let length = headers.iter().find(|(name, _)| name == "content-length");
    let mut body = vec![0; length.and_then(|(_, value)| value.parse().ok()).unwrap_or(0)];
    stream.read_exact(&mut body).await.ok()?;
    Some(Seen { method, target, headers, body })
}

async fn line(stream: &mut BufReader<TcpStream>) -> Option<String> {
    let mut line = Vec::new();
    stream.read_until(b'\n', &mut line).await.ok().filter(|length| *length > 0)?;
    // Headers are Latin-1.
    let line: String = line.into_iter().map(char::from).collect();
    Some(line.trim_end_matches(['\r', '\n']).to_owned())
}
