//! The signals by which a process is told to end.

use std::fs;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use futures_util::future::select_all;
use signal_hook::{flag, low_level};
use tokio::signal::unix::{Signal, SignalKind, signal};

/// Some of them; from now on none of those ends the process by itself.
pub(super) struct Signals(Vec<Taken>);

struct Taken {
    kind: SignalKind,
    signal: Signal,
}

impl Signals {
    /// SIGTERM and SIGINT, and SIGHUP, by which a terminal that is closed ends what runs at it, unless whoever started this has it
    /// outlive its terminal, as `nohup` does; must be called within a Tokio runtime.
    pub(super) fn take() -> io::Result<Self> {
        let kinds = [SignalKind::terminate(), SignalKind::interrupt(), SignalKind::hangup()];
        let outlives = is_ignored(SignalKind::hangup());
        let ends = |kind: &SignalKind| !outlives || *kind != SignalKind::hangup();
        Self::of(&kinds.into_iter().filter(ends).collect::<Vec<_>>())
    }

    fn of(kinds: &[SignalKind]) -> io::Result<Self> {
        let taken = kinds.iter().map(|kind| Ok(Taken { kind: *kind, signal: signal(*kind)? }));
        taken.collect::<io::Result<_>>().map(Self)
    }

    /// Waits for the next of them.
    pub(super) async fn next(&mut self) -> SignalKind {
        let come = self.0.iter_mut().map(|taken| {
            Box::pin(async {
                taken.signal.recv().await;
                taken.kind
            })
        });
        let (kind, ..) = select_all(come).await;
        kind
    }

    /// Waits for the next by which somebody insists: of a terminal that is closed, its shell tells once more.
    pub(super) async fn next_that_insists(&mut self) -> SignalKind {
        loop {
            let kind = self.next().await;
            if kind != SignalKind::hangup() {
                return kind;
            }
        }
    }
}

/// Whether this process began with this signal ignored, which it must not have been taken before. Told on Linux only.
fn is_ignored(kind: SignalKind) -> bool {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let ignored = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    let ignored = ignored.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok()).unwrap_or_default();
    ignored >> (kind.as_raw_value() - 1) & 1 == 1
}

/// All by which a terminal ends what runs at it, and SIGTERM, for something that has to be put in order before one of them ends
/// the process. Once this is dropped they end it by themselves again.
pub(super) struct Deferred {
    signals: Signals,
    over: Arc<AtomicBool>,
}

impl Deferred {
    /// Takes them; must be called within a Tokio runtime.
    pub(super) fn take() -> io::Result<Self> {
        let kinds =
            [SignalKind::terminate(), SignalKind::interrupt(), SignalKind::quit(), SignalKind::hangup()];
        let deferred = Self { signals: Signals::of(&kinds)?, over: Arc::default() };
        for signal in kinds {
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
