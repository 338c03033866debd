//! Messages that people send over a bus elsewhere, and the deliveries that they come back as.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::watch;

use super::case::Case;
use crate::ambient::Timestamp;
use crate::message::{DeliveryId, DeviceUuid};

/// How many messages are known at a time; the oldest are forgotten first.
const MOST: usize = 1000;
/// How many of them are one sender's.
const MOST_OF_ONE: usize = 32;
/// How long a message is known.
const LIFE: Duration = Duration::from_secs(60 * 60);

/// The messages that somebody may ask for, by marks that nobody can guess. Cheap to clone; every clone is the same.
#[derive(Clone, Debug, Default)]
pub struct Awaited(Arc<Mutex<VecDeque<Letter>>>);

/// A message that was sent.
#[derive(Clone, Debug)]
pub(super) struct Letter {
    /// Its `respondTo`, which nobody on its way changes.
    mark: DeliveryId,
    sender: DeviceUuid,
    sent_at: Timestamp,
    /// The delivery it came back as, once that ended.
    ended: watch::Sender<Option<DeliveryId>>,
}

impl Awaited {
    /// From now on `sender` may ask for the message with this mark, which is about to be sent.
    pub(super) fn note(&self, mark: DeliveryId, sender: &DeviceUuid, now: Timestamp) {
        let mut letters = self.letters();
        letters.retain(|letter| now.since(letter.sent_at) < LIFE);
        let theirs = |letter: &Letter| letter.sender == *sender;
        if letters.iter().filter(|letter| theirs(letter)).count() >= MOST_OF_ONE
            && let Some(oldest) = letters.iter().position(theirs)
        {
            letters.remove(oldest);
        }
        if letters.len() >= MOST {
            letters.pop_front();
        }
        let (sender, ended) = (sender.clone(), watch::Sender::new(None));
        letters.push_back(Letter { mark, sender, sent_at: now, ended });
    }

    /// Which delivery `sender`'s message ended as, as soon as it did; `None` where no such message of theirs is known.
    pub(super) fn listen(
        &self,
        mark: &DeliveryId,
        sender: &DeviceUuid,
    ) -> Option<watch::Receiver<Option<DeliveryId>>> {
        let letter = self.find(mark.as_str(), sender)?;
        Some(letter.ended.subscribe())
    }

    /// The message that this is the case of, if its sender may ask for it: who only read the mark on the way is another.
    pub(super) fn letter(&self, case: &Case) -> Option<Letter> {
        self.find(case.message.as_ref().ok()?.respond_to()?.as_str()?, &case.parties.sender)
    }

    fn find(&self, mark: &str, sender: &DeviceUuid) -> Option<Letter> {
        let letters = self.letters();
        letters.iter().find(|letter| letter.mark.as_str() == mark && letter.sender == *sender).cloned()
    }

    fn letters(&self) -> MutexGuard<'_, VecDeque<Letter>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Letter {
    /// Tells whoever asks that it ended as this delivery.
    pub(super) fn ended_as(&self, id: DeliveryId) {
        self.ended.send_replace(Some(id));
    }
}
