//! The end on a bus elsewhere: a reply that somebody may ask for again is written down before it leaves, so that it
//! leaves once (`spec/endo.md` 2.5).

use serde_json::Value;

use super::{LastWord, MUST_BE_AN_ARRAY, adding, beginning_with, not_taken, status_entry};
use crate::bus::Login;
use crate::bus::meshblu::{Identity, Meshblu, MeshbluError};
use crate::dispatch::Verdict;
use crate::dispatch::answer::Desk;
use crate::dispatch::case::Case;
use crate::message::DeviceUuid;
use crate::store::{Death, Outcome, Taken, Transaction};
use crate::telemetry::with_causes;

/// A bus, and who speaks there for the user device.
pub(super) struct Voice<'a> {
    bus: &'a Meshblu,
    login: &'a Login,
    /// What is tried where the bus does not let that login speak.
    other: Option<&'a Login>,
}

impl Desk {
    pub(super) async fn end_on_meshblu(
        &self,
        mut voice: Voice<'_>,
        taken: Taken,
        mut told: LastWord,
    ) -> Verdict {
        if !taken.place.reply_off_disk(&told.reply) && !self.write_down(&taken, &told).await {
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
    async fn write_down(&self, taken: &Taken, told: &LastWord) -> bool {
        let (place, reply) = (taken.place.clone(), told.reply.clone());
        let start = move |transaction: &Transaction<'_>| place.start_reply(transaction, &reply);
        self.keep(&taken.place, start).await == Some(true)
    }

    /// The outcome is on disk before the status device is asked for: a repeat gets it, whatever happens meanwhile.
    async fn end_told(&self, voice: &Voice<'_>, taken: Taken, told: LastWord) -> Verdict {
        let now = self.clock.now();
        if !self.keep_outcome(taken, told.outcome(now)).await {
            return not_taken();
        }
        if told.failure.is_none() { told.verdict() } else { self.note_error(voice, &told).await }
    }

    /// Has the status device note what was told; what keeps it from that is told whoever brought the message.
    pub(super) async fn note_error(&self, voice: &Voice<'_>, told: &LastWord) -> Verdict {
        match voice.push_status(told, &status_entry(told, self.clock.now())).await {
            Ok(()) => told.verdict(),
            Err(error) => {
                tracing::warn!(error = with_causes(&error), "the error was not noted");
                Verdict::Failed(error.failure())
            }
        }
    }

    /// Keeps the outcome, if anybody may ask for it; answers whether a crash can change nothing any more.
    pub(super) async fn keep_outcome(&self, taken: Taken, outcome: Outcome) -> bool {
        if taken.place.end_off_disk() {
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
    async fn give_up_reply(&self, taken: Taken, told: &LastWord, error: &MeshbluError) -> Verdict {
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

    /// Sends it, with the other login where the bus forbids it to the first: one that was lent for one call is over with that.
    pub(super) async fn send(&mut self, told: &LastWord) -> Result<(), MeshbluError> {
        let sent = self.send_once(told).await;
        match self.other.take_if(|_| sent.as_ref().is_err_and(MeshbluError::is_forbidden)) {
            Some(other) => {
                self.login = other;
                self.send_once(told).await
            }
            None => sent,
        }
    }

    async fn send_once(&self, told: &LastWord) -> Result<(), MeshbluError> {
        self.bus.send(self.speaking_for(&told.parties.user_device), &told.reply.text).await
    }

    /// Steps b and c: a user device that cannot be read, or has no status device, has nothing noted.
    async fn push_status(&self, told: &LastWord, entry: &Value) -> Result<(), MeshbluError> {
        let user_device = &told.parties.user_device;
        let Ok(document) = self.bus.device(Identity::of(self.login), user_device).await else {
            return Ok(());
        };
        let Some(status) = document["statusDevice"].as_str().map(DeviceUuid::from) else { return Ok(()) };
        let caller = self.speaking_for(user_device);
        match self.bus.update(caller, &status, &adding(entry)).await {
            Err(MeshbluError::Refused { message, .. }) if message.contains(MUST_BE_AN_ARRAY) => {
                self.bus.update(caller, &status, &beginning_with(entry)).await
            }
            other => other,
        }
    }
}
