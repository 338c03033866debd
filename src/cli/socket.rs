//! The local socket: how commands reach the gateway that has the data directory.
//!
//! A question is one JSON text and the end of its half of the connection; so is the answer, before which blanks may come:
//! they say that the gateway is at work on it. Only the user who runs the gateway can open the socket, and secrets go
//! nowhere else.

use std::io;
use std::path::{Path, PathBuf};
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::Semaphore;
use tokio::time::{Instant, interval_at, timeout};
use zeroize::Zeroizing;

use super::operation::{Answer, Operation, OperationError};
use super::perform::Holder;
use crate::telemetry::with_causes;

const FILE: &str = "endo.sock";
/// The longest question or answer, in bytes.
const LONGEST: u64 = 64 << 20;
/// The longest that a question, and its answer once it is there, may take on their way.
const PATIENCE: Duration = Duration::from_secs(30);
/// How often the gateway says that it is at work on an answer.
const SIGN_OF_LIFE: Duration = Duration::from_secs(2);
/// How long it may say nothing before whoever asks gives up.
const SILENCE: Duration = Duration::from_secs(10);
/// Questions that are worked on at the same time.
const AT_ONCE: usize = 16;
/// The pause after a connection could not be taken.
const AFTER_FAILURE: Duration = Duration::from_millis(200);

/// The socket of a running gateway; its file goes when this is dropped.
pub(super) struct Socket {
    listener: UnixListener,
    path: PathBuf,
}

/// What questions are answered with.
pub(super) struct Answerer {
    holder: Arc<Holder>,
    /// One for each question that may be worked on.
    turns: Semaphore,
}

impl Socket {
    /// Opens the socket in `directory`, whose lock the caller has: a socket that is there already is left over from a
    /// process that was killed, and is replaced.
    pub(super) fn open(directory: &Path) -> io::Result<Self> {
        use std::os::unix::fs::PermissionsExt;
        let path = directory.join(FILE);
        let fresh = directory.join("endo.sock.new");
        match std::fs::remove_file(&fresh) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        let listener = UnixListener::bind(&fresh)?;
        std::fs::set_permissions(&fresh, std::fs::Permissions::from_mode(0o600))?;
        std::fs::rename(&fresh, &path)?;
        Ok(Self { listener, path })
    }

    /// Answers questions until dropped.
    pub(super) async fn serve(self, answerer: Answerer) {
        let answerer = Arc::new(answerer);
        loop {
            match self.listener.accept().await {
                Ok((stream, _)) => {
                    let answerer = Arc::clone(&answerer);
                    tokio::spawn(async move {
                        // Fails where who asked has hung up, or was too slow.
                        let _ = answerer.answer(stream).await;
                    });
                }
                Err(error) => {
                    tracing::warn!(error = with_causes(&error), "the local socket failed");
                    tokio::time::sleep(AFTER_FAILURE).await;
                }
            }
        }
    }
}

impl Drop for Socket {
    fn drop(&mut self) {
        // One that stays behind is replaced at the next start.
        let _ = std::fs::remove_file(&self.path);
    }
}

impl Answerer {
    pub(super) fn new(holder: Arc<Holder>) -> Self {
        Self { holder, turns: Semaphore::new(AT_ONCE) }
    }

    /// What is asked for is done to its end, also where nobody waits for that any more.
    async fn answer(&self, mut stream: UnixStream) -> io::Result<()> {
        let question = timeout(PATIENCE, read(&mut stream)).await??;
        // Whoever waits for a turn is told so from the beginning.
        let work = async {
            let _turn = self.turns.acquire().await;
            self.answer_to(&question).await
        };
        let text = Zeroizing::new(serde_json::to_vec(&at_work(&stream, work).await)?);
        timeout(PATIENCE, stream.write_all(&text)).await??;
        stream.shutdown().await
    }

    async fn answer_to(&self, question: &[u8]) -> Answer {
        match serde_json::from_slice::<Operation>(question) {
            Ok(operation) => self.holder.perform(operation).await,
            Err(_) => Err(OperationError::NotUnderstood),
        }
    }
}

/// Does the work, and lets whoever waits for it know that it goes on: how long it takes is for a bus elsewhere to say.
async fn at_work<T>(stream: &UnixStream, work: impl Future<Output = T>) -> T {
    let mut work = pin!(work);
    let mut signs = interval_at(Instant::now() + SIGN_OF_LIFE, SIGN_OF_LIFE);
    loop {
        tokio::select! {
            done = &mut work => return done,
            // Where nobody waits any more this fails, and nothing hangs on it.
            _ = signs.tick() => drop(stream.try_write(b" ")),
        }
    }
}

async fn read(stream: &mut UnixStream) -> io::Result<Zeroizing<Vec<u8>>> {
    let mut text = Zeroizing::new(Vec::with_capacity(4096));
    stream.take(LONGEST).read_to_end(&mut text).await?;
    Ok(text)
}

/// Asks the gateway that runs on `directory`; `None` when none does.
pub(super) async fn ask(directory: &Path, operation: &Operation) -> io::Result<Option<Answer>> {
    let mut stream = match UnixStream::connect(directory.join(FILE)).await {
        Ok(stream) => stream,
        Err(error) if nobody_listens(&error) => return Ok(None),
        Err(error) => return Err(error),
    };
    let question = Zeroizing::new(serde_json::to_vec(operation)?);
    let put = async {
        stream.write_all(&question).await?;
        stream.shutdown().await
    };
    timeout(SILENCE, put).await??;
    let mut answer = Zeroizing::new(Vec::with_capacity(4096));
    let mut stream = stream.take(LONGEST);
    while timeout(SILENCE, stream.read_buf(&mut *answer)).await?? > 0 {}
    Ok(Some(serde_json::from_slice(&answer)?))
}

fn nobody_listens(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::NotFound | io::ErrorKind::ConnectionRefused | io::ErrorKind::NotADirectory
    )
}
