//! The end on a bus elsewhere: a reply that somebody may ask for again is written down before it leaves, so that it
//! leaves once (`spec/endo.md` 2.5).

use std::time::Duration;

use serde_json::{Value, json};

use super::{KEPT_ERRORS, MUST_BE_AN_ARRAY, Told, not_taken, status_entry};
use crate::ambient::{Backoff, Timestamp};
use crate::bus::Login;
use crate::bus::meshblu::{Identity, Meshblu, MeshbluError};
use crate::dispatch::Verdict;
use crate::dispatch::answer::Desk;
use crate::dispatch::case::Case;
use crate::message::{DeviceUuid, Failure, Found};
use crate::store::{Death, Ending, Fate, Outcome, Taken, Transaction};
use crate::telemetry::with_causes;

/// How often a message is tried that nobody brings again, and that cannot be opened for the moment.
const ATTEMPTS: u32 = 10;
/// The pauses between, before each is made shorter by chance.
const PAUSES: Backoff = Backoff { first: Duration::from_secs(1), longest: Duration::from_secs(60) };

/// A bus, and who speaks there for the user device.
pub(super) struct Voice<'a> {
    bus: &'a Meshblu,
    login: &'a Login,
    /// What is tried where the bus does not let that login speak.
    other: Option<&'a Login>,
}

impl Desk {
    pub(super) async fn end_on_meshblu(&self, mut voice: Voice<'_>, taken: Taken, mut told: Told) -> Verdict {
        if !taken.place.may_reply_off_disk(&told.reply) && !self.write_down(&taken, &told).await {
            return not_taken();
        }
        let mut sent = voice.send(&told).await;
        if let (Err(error), None) = (&sent, &told.failure)
            && error.nothing_done()
        {
            // What is written down stays the job's own reply: the bus has taken nothing so far.
            told = told.instead(error.failure());
            sent = voice.send(&told).await;
        }
        match sent {
            Ok(()) => self.end_told(&voice, taken, told).await,
            Err(error) => self.give_up_reply(taken, &told, &error).await,
        }
    }

    /// Whether the reply is written down; it is not where it cannot be, or where the delivery had ended before.
    async fn write_down(&self, taken: &Taken, told: &Told) -> bool {
        let (place, reply) = (taken.place.clone(), told.reply.clone());
        let start = move |transaction: &Transaction<'_>| place.start_reply(transaction, &reply);
        self.keep(&taken.place, start).await == Some(true)
    }

    /// The outcome is on disk before the status device is asked for: a repeat gets it, whatever happens meanwhile.
    async fn end_told(&self, voice: &Voice<'_>, taken: Taken, told: Told) -> Verdict {
        let now = self.clock.now();
        if !self.keep_outcome(taken, told.outcome(now)).await {
            return not_taken();
        }
        if told.failure.is_none() {
            return told.verdict();
        }
        match voice.push_status(&told, status_entry(&told, now)).await {
            Ok(()) => told.verdict(),
            Err(error) => {
                tracing::warn!(error = with_causes(&error), "the error was not noted");
                Verdict::Failed(error.failure())
            }
        }
    }

    /// Nothing was opened, so there is nothing to answer with; whoever brought the message is told alone. Where the bus
    /// or the moment kept it from being opened, and no page waits, nothing is kept, for they bring it again; where they are
    /// gone, nobody would, and it is tried again. Where they are gone and nobody else can be told, it can be seen.
    pub(super) async fn end_untold(&self, taken: Taken, case: Case, failure: Option<Failure>) -> Verdict {
        let now = self.clock.now();
        let failure = failure.unwrap_or_else(|| Failure::new(500, "there is nothing to answer with"));
        let lacks_login = failure.found == Found::WithoutLogin;
        if lacks_login && case.mark.is_none() && !case.bringer.end_wait() {
            return self.give_up_unopened(taken, failure).await;
        }
        if failure.found == Found::Here || lacks_login || case.mark.is_some() {
            let is_kept = self.keep_outcome(taken, untold(&case, &failure, now)).await;
            return if is_kept { Verdict::Failed(failure) } else { not_taken() };
        }
        if !case.bringer.end_wait() {
            return self.try_later(taken, failure).await;
        }
        if self.forget(taken).await { Verdict::NotTaken(failure) } else { not_taken() }
    }

    /// Puts off what nobody brings again, for about four minutes in all; after that it can be seen and replayed.
    async fn try_later(&self, taken: Taken, failure: Failure) -> Verdict {
        let (now, attempts) = (self.clock.now(), taken.delivery.attempts);
        let due_at = now.plus(self.spread(PAUSES.after(attempts)));
        let place = taken.place.clone();
        let put_off =
            move |transaction: &Transaction<'_>| transaction.postpone(place.within(transaction)?, due_at);
        if attempts + 1 < ATTEMPTS && self.keep(&taken.place, put_off).await.is_some() {
            tracing::info!(delivery.id = %taken.delivery.new.id, "a message could not be opened and is tried again");
            return Verdict::Accepted;
        }
        self.give_up_unopened(taken, failure).await
    }

    async fn give_up_unopened(&self, taken: Taken, failure: Failure) -> Verdict {
        let (code, done) = (failure.status(), Some(failure.done));
        let fate = Fate { done, refusal: Some(failure.message) };
        self.give_up(taken, Death { code, fate, ..Death::of("not_opened", self.clock.now()) }).await
    }

    /// Ends a delivery as if it had never come; answers whether a crash can change nothing any more.
    async fn forget(&self, taken: Taken) -> bool {
        if taken.place.ends_off_disk() {
            taken.ended();
            return true;
        }
        let place = taken.place.clone();
        let forget =
            move |transaction: &Transaction<'_>| transaction.finish(place.within(transaction)?).map(drop);
        self.keep_end(taken, forget).await
    }

    /// Keeps the outcome, if anybody may ask for it; answers whether a crash can change nothing any more.
    async fn keep_outcome(&self, taken: Taken, outcome: Outcome) -> bool {
        if taken.place.ends_off_disk() {
            taken.ended();
            return true;
        }
        let (place, id) = (taken.place.clone(), taken.delivery.new.id.clone());
        let end = move |transaction: &Transaction<'_>| match transaction.finish(place.within(transaction)?)? {
            true => transaction.note_outcome(&id, &outcome),
            false => Ok(()),
        };
        self.keep_end(taken, end).await
    }

    /// The bus did not take it, or nobody knows whether it did; it is not sent again by itself.
    async fn give_up_reply(&self, taken: Taken, told: &Told, error: &MeshbluError) -> Verdict {
        tracing::warn!(error = with_causes(error), "a reply was not sent");
        let (failure, mut fate) = (error.failure(), told.fate());
        let reason = if error.nothing_done() { "reply_not_taken" } else { "reply_unknown" };
        if error.nothing_done() {
            fate.refusal.get_or_insert_with(|| failure.message.clone());
        }
        let code = failure.status();
        self.give_up(taken, Death { code, fate, ..Death::of(reason, self.clock.now()) }).await
    }
}

fn untold(case: &Case, failure: &Failure, ended_at: Timestamp) -> Outcome {
    let message = failure.to_message(&case.parties.sender, case.respond_to.as_ref());
    Outcome {
        ending: Ending::Untold,
        code: failure.status(),
        reply: Some(message.to_string()),
        fate: Fate { done: Some(failure.done), refusal: None },
        ended_at,
    }
}

impl<'a> Voice<'a> {
    /// Who speaks in this case, if anybody can.
    pub(super) fn of(bus: &'a Meshblu, case: &'a Case) -> Option<Self> {
        let mut logins = case.logins();
        Some(Self { bus, login: logins.next()?, other: logins.next() })
    }

    /// As the user device, by the credentials device's rights alone.
    fn speaking_for<'b>(&'b self, user_device: &'b DeviceUuid) -> Identity<'b> {
        Identity::of(self.login).acting_as(user_device)
    }

    /// A login that was lent for one call is over with it, and the bus says then that it forbids.
    async fn send(&mut self, told: &Told) -> Result<(), MeshbluError> {
        let sent = self.send_once(told).await;
        match self.other.take_if(|_| sent.as_ref().is_err_and(MeshbluError::is_forbidden)) {
            Some(other) => {
                self.login = other;
                self.send_once(told).await
            }
            None => sent,
        }
    }

    async fn send_once(&self, told: &Told) -> Result<(), MeshbluError> {
        self.bus.send(self.speaking_for(&told.parties.user_device), &told.reply.text).await
    }

    /// Steps b and c: a user device that cannot be read, or has no status device, has nothing noted.
    async fn push_status(&self, told: &Told, entry: Value) -> Result<(), MeshbluError> {
        let user_device = &told.parties.user_device;
        let Ok(document) = self.bus.device(Identity::of(self.login), user_device).await else {
            return Ok(());
        };
        let Some(status) = document["statusDevice"].as_str().map(DeviceUuid::from) else { return Ok(()) };
        let caller = self.speaking_for(user_device);
        let push = json!({"$push": {"status.errors": {"$each": [entry], "$slice": KEPT_ERRORS}}});
        match self.bus.update(caller, &status, &push).await {
            Err(MeshbluError::Refused { message, .. }) if message.contains(MUST_BE_AN_ARRAY) => {
                // As the original repairs it, except that this needs no right beyond the one for the entry itself.
                let repair = json!({"$set": {"status.errors": [entry]}});
                self.bus.update(caller, &status, &repair).await
            }
            other => other,
        }
    }
}
