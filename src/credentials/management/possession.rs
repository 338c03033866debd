//! Whoever types a secret in again shows that they have it: the proof where no API says whose account it is.

use std::time::Duration;

use crate::ambient::Timestamp;
use crate::credentials::failures::{Allowance, Failures};
use crate::credentials::{CredentialsDevices, CredentialsError, Owned};
use crate::message::DeviceUuid;
use crate::queueing::Queues;
use crate::vault::SecretText;

/// How many wrong ones of one typist are compared, within which time.
const OF_ONE: Allowance = Allowance { most: 5, within: Duration::from_secs(60) };
/// The same of all newcomers of one person together.
const OF_NEWCOMERS: Allowance = Allowance { most: 20, within: Duration::from_secs(600) };

/// Who types a secret in, told from others also where those are the same on the bus: whoever stole an owner's token there
/// keeps nobody from typing it in who was signed in before.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Typist {
    /// Somebody in one of the few browsers in which a person has been signed in the longest.
    Settled {
        /// Who that is.
        person: DeviceUuid,
        /// In which of them, counted from the one before all others. Whatever session has the rank, its wrong ones count
        /// together, so that nobody has more for leaving it to another.
        rank: u32,
    },
    /// A program, or somebody in another browser: whoever stole a token makes as many tokens and sessions as they like.
    Newcomer {
        /// Who that is.
        person: DeviceUuid,
        /// The hash of the token, or the line of the session.
        known_by: [u8; 32],
    },
}

/// What a secret that was typed in shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Possession {
    /// Whoever typed it in has the secret.
    Shown,
    /// It is another one.
    NotShown,
    /// Wrong ones were typed in so often that none of the typist's is compared for a minute.
    NotTried,
    /// Newcomers of the same person typed wrong ones in so often that none of theirs is compared for ten minutes.
    NotTriedByNewcomers,
}

/// The secrets that were typed in wrong lately, each for some credentials.
#[derive(Debug)]
pub(in crate::credentials) struct Typings {
    queues: Queues<(Queue, DeviceUuid)>,
    of_one: Failures<(Typist, DeviceUuid)>,
    of_newcomers: Failures<(DeviceUuid, DeviceUuid)>,
}

impl Default for Typings {
    fn default() -> Self {
        Self {
            queues: Queues::default(),
            of_one: Failures::new(OF_ONE),
            of_newcomers: Failures::new(OF_NEWCOMERS),
        }
    }
}

/// Those whose secrets are compared one after the other, so that none is compared beyond the bounds: all newcomers of a
/// person are in one.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Queue {
    person: DeviceUuid,
    rank: Option<u32>,
}

impl Typist {
    fn queue(&self) -> Queue {
        match self {
            Self::Settled { person, rank } => Queue { person: person.clone(), rank: Some(*rank) },
            Self::Newcomer { person, .. } => Queue { person: person.clone(), rank: None },
        }
    }

    fn newcomer(&self) -> Option<&DeviceUuid> {
        match self {
            Self::Settled { .. } => None,
            Self::Newcomer { person, .. } => Some(person),
        }
    }
}

impl Typings {
    /// Why nothing more of this typist's is compared, where that is so.
    fn bound(&self, typist: &Typist, device: &DeviceUuid, now: Timestamp) -> Option<Possession> {
        let may_person = |person: &DeviceUuid| {
            let whose = (person.clone(), device.clone());
            self.of_newcomers.may_try(&whose, now)
        };
        if !typist.newcomer().is_none_or(may_person) {
            return Some(Possession::NotTriedByNewcomers);
        }
        let may_try = self.of_one.may_try(&(typist.clone(), device.clone()), now);
        (!may_try).then_some(Possession::NotTried)
    }

    fn note(&self, typist: &Typist, device: &DeviceUuid, now: Timestamp) {
        self.of_one.note(&(typist.clone(), device.clone()), now);
        if let Some(person) = typist.newcomer() {
            self.of_newcomers.note(&(person.clone(), device.clone()), now);
        }
    }
}

impl CredentialsDevices {
    /// Whether `typed` is the secret of these credentials. After some wrong ones none is compared for a while.
    ///
    /// # Errors
    /// [`CredentialsError`], where the record does not open.
    pub async fn possession(
        &self,
        owned: &Owned,
        typist: &Typist,
        typed: &SecretText,
    ) -> Result<Possession, CredentialsError> {
        let (device, now) = (owned.device(), self.clock.now());
        let _turn = self.typings.queues.turn(&(typist.queue(), device.clone())).await;
        if let Some(bound) = self.typings.bound(typist, device, now) {
            return Ok(bound);
        }
        let record = self.newest_record(device).await?;
        let opened = self.opener.open(device.clone(), record).await?;
        if opened.secret().is(typed.expose()) {
            return Ok(Possession::Shown);
        }
        self.typings.note(typist, device, now);
        Ok(Possession::NotShown)
    }
}
