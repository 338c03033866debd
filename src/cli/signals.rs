//! The signals by which a process is told to end.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use signal_hook::{flag, low_level};
use tokio::signal::unix::{Signal, SignalKind, signal};

/// SIGTERM and SIGINT; from now on neither ends the process by itself.
pub(super) struct Signals {
    terminate: Signal,
    interrupt: Signal,
}

impl Signals {
    /// Takes both; must be called within a Tokio runtime.
    pub(super) fn take() -> io::Result<Self> {
        Ok(Self { terminate: signal(SignalKind::terminate())?, interrupt: signal(SignalKind::interrupt())? })
    }

    /// Waits for the next of them.
    pub(super) async fn next(&mut self) -> SignalKind {
        tokio::select! {
            _ = self.terminate.recv() => SignalKind::terminate(),
            _ = self.interrupt.recv() => SignalKind::interrupt(),
        }
    }
}

/// The same, for something that has to be put in order before one of them ends the process. Once this is dropped they end it
/// by themselves again.
pub(super) struct Deferred {
    signals: Signals,
    over: Arc<AtomicBool>,
}

impl Deferred {
    /// Takes both; must be called within a Tokio runtime.
    pub(super) fn take() -> io::Result<Self> {
        let deferred = Self { signals: Signals::take()?, over: Arc::default() };
        for signal in [SignalKind::terminate(), SignalKind::interrupt()] {
            flag::register_conditional_default(signal.as_raw_value(), Arc::clone(&deferred.over))?;
        }
        Ok(deferred)
    }

    /// Waits for the next of them.
    pub(super) async fn next(&mut self) -> SignalKind {
        self.signals.next().await
    }
}

impl Drop for Deferred {
    fn drop(&mut self) {
        self.over.store(true, Ordering::SeqCst);
    }
}

/// Ends the process as this signal does that nobody takes; answers why it did not.
pub(super) fn end_by(signal: SignalKind) -> io::Error {
    let ended = low_level::emulate_default_handler(signal.as_raw_value());
    ended.err().unwrap_or_else(|| io::ErrorKind::Interrupted.into())
}
