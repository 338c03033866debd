//! The wait of whoever brought a message for its end: how long, and what they are told before.

use std::time::Duration;

use tokio::sync::oneshot;

use super::bringer::Bringer;
use super::guest::Speaker;

/// How long somebody is let wait.
#[derive(Clone, Copy)]
pub(super) enum Patience {
    /// Nobody does: the message takes its time.
    Nobodys,
    /// To the end, for as long as buses wait.
    ToTheEnd,
    /// So long, once the message is on disk; to the end where nobody else could answer it.
    For(Duration),
    /// For no moment, for want of a place: what cannot be had at once is not waited for.
    Without,
}

/// A wait, as whoever works on the message has it.
pub(super) struct Wait {
    pub(super) patience: Patience,
    pub(super) bringer: Bringer,
    on_disk: Option<oneshot::Sender<Speaker>>,
}

/// The same wait, as whoever waits has it.
pub(super) struct Waiter {
    pub(super) patience: Patience,
    pub(super) bringer: Bringer,
    /// Who speaks for the user device without them, once the message is on disk.
    pub(super) on_disk: oneshot::Receiver<Speaker>,
}

impl Wait {
    /// That of nobody.
    pub(super) fn nobodys() -> Self {
        Self { patience: Patience::Nobodys, bringer: Bringer::default(), on_disk: None }
    }

    /// That of somebody who waits so long.
    pub(super) fn begin(patience: Patience) -> (Self, Waiter) {
        let (tell, on_disk) = oneshot::channel();
        let bringer = Bringer::waiting();
        let waiter = Waiter { patience, bringer: bringer.clone(), on_disk };
        (Self { patience, bringer, on_disk: Some(tell) }, waiter)
    }

    /// Says that the message is on disk, and who speaks from now on.
    pub(super) fn say_on_disk(self, speaker: Speaker) {
        // Fails where whoever brought it is gone.
        drop(self.on_disk.map(|on_disk| on_disk.send(speaker)));
    }
}

impl Patience {
    /// That of somebody who wants to wait for `preferred`, or as long as buses do, and has a place for it or none. Without one only
    /// those are received who may be told that their message is on disk.
    pub(super) fn of(preferred: Option<Duration>, has_place: bool) -> Option<Self> {
        match (preferred, has_place) {
            (None, true) => Some(Self::ToTheEnd),
            (Some(preferred), true) => Some(Self::For(preferred)),
            (Some(_), false) => Some(Self::Without),
            (None, false) => None,
        }
    }

    /// After how long they may be told that the message is on disk, if at all.
    pub(super) fn until_let_go(self) -> Option<Duration> {
        match self {
            Self::Nobodys | Self::ToTheEnd => None,
            Self::For(wait) => Some(wait),
            Self::Without => Some(Duration::ZERO),
        }
    }

    /// How long the message waits for room in memory where buses wait so long; `None` for as long as that takes.
    pub(super) fn for_room(self, buses_wait: Duration) -> Option<Duration> {
        match self {
            Self::Nobodys => None,
            Self::ToTheEnd | Self::For(_) => Some(buses_wait),
            Self::Without => Some(Duration::ZERO),
        }
    }
}
