//! Whoever types a secret in again shows that they have it: the proof where no API says whose account it is.

use std::time::Duration;

use subtle::ConstantTimeEq;

use super::failures::Failures;
use super::turns::Turns;
use super::{CredentialsDevices, CredentialsError, Owned};
use crate::ambient::Timestamp;
use crate::message::DeviceUuid;
use crate::vault::SecretText;

/// How many wrong ones of one session, or of one token, are compared, within which time.
const OF_ONE: (u32, Duration) = (5, Duration::from_secs(60));
/// The same of all tokens of one person together: whoever stole one makes others with it.
const OF_TOKENS: (u32, Duration) = (20, Duration::from_secs(600));

/// Who types a secret in, told from others also where those are the same on the bus: whoever stole an owner's token there
/// keeps nobody from typing it in in a browser.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Typist {
    /// Somebody in a browser.
    Browser {
        /// The fingerprint of the session.
        session: [u8; 32],
    },
    /// A program.
    Program {
        /// The hash of its token.
        token: [u8; 32],
        /// Whose token that is.
        person: DeviceUuid,
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
    /// Programs of the same person typed wrong ones in so often that none of theirs is compared for ten minutes.
    NotTriedByPrograms,
}

/// The secrets that were typed in wrong lately, each for some credentials.
#[derive(Debug)]
pub(super) struct Typings {
    turns: Turns<(Line, DeviceUuid)>,
    of_one: Failures<([u8; 32], DeviceUuid)>,
    of_tokens: Failures<(DeviceUuid, DeviceUuid)>,
}

impl Default for Typings {
    fn default() -> Self {
        Self { turns: Turns::default(), of_one: Failures::new(OF_ONE), of_tokens: Failures::new(OF_TOKENS) }
    }
}

/// Those whose secrets are compared one after the other, so that none is compared beyond the bounds.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum Line {
    Session([u8; 32]),
    TokensOf(DeviceUuid),
}

impl Typist {
    fn line(&self) -> Line {
        match self {
            Self::Browser { session } => Line::Session(*session),
            Self::Program { person, .. } => Line::TokensOf(person.clone()),
        }
    }

    fn itself(&self) -> [u8; 32] {
        match self {
            Self::Browser { session } => *session,
            Self::Program { token, .. } => *token,
        }
    }

    fn person(&self) -> Option<&DeviceUuid> {
        match self {
            Self::Browser { .. } => None,
            Self::Program { person, .. } => Some(person),
        }
    }
}

impl Typings {
    /// Why nothing more of this typist's is compared, where that is so.
    fn bound(&self, (typist, device): (&Typist, &DeviceUuid), now: Timestamp) -> Option<Possession> {
        let may_person = |person: &DeviceUuid| {
            let whose = (person.clone(), device.clone());
            self.of_tokens.may_try(&whose, now)
        };
        if !typist.person().is_none_or(may_person) {
            return Some(Possession::NotTriedByPrograms);
        }
        let may_try = self.of_one.may_try(&(typist.itself(), device.clone()), now);
        (!may_try).then_some(Possession::NotTried)
    }

    fn note(&self, (typist, device): (&Typist, &DeviceUuid), now: Timestamp) {
        self.of_one.note(&(typist.itself(), device.clone()), now);
        if let Some(person) = typist.person() {
            self.of_tokens.note(&(person.clone(), device.clone()), now);
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
        (typist, typed): (&Typist, &SecretText),
    ) -> Result<Possession, CredentialsError> {
        let (device, now) = (owned.device(), self.clock.now());
        let _turn = self.typings.turns.wait(&(typist.line(), device.clone())).await;
        if let Some(bound) = self.typings.bound((typist, device), now) {
            return Ok(bound);
        }
        let record = self.newest_record(device).await?;
        let opened = self.open_record(device.clone(), record).await?;
        if is_same(opened.secret(), typed) {
            return Ok(Possession::Shown);
        }
        self.typings.note((typist, device), now);
        Ok(Possession::NotShown)
    }
}

/// Whether two secrets are the same, compared in constant time.
pub(super) fn is_same(one: &SecretText, other: &SecretText) -> bool {
    one.expose().as_bytes().ct_eq(other.expose().as_bytes()).into()
}
