//! The end of a delivery: the answer, the status entry and the bookkeeping.

mod embedded;
mod meshblu;
mod unopened;

use std::sync::Arc;

use serde_json::{Value, json};

use self::embedded::End;
use self::meshblu::Voice;
pub(super) use self::unopened::NOT_OPENED;
use super::Verdict;
use super::answer::Desk;
use super::case::Case;
use crate::ambient::Timestamp;
use crate::bus::Bus;
use crate::message::{Failure, Parties, Reply};
use crate::store::{
    Death, Ending, Fate, Insisting, LeavingReply, Outcome, Place, StoreError, Taken, Transaction,
};

/// Which errors a status device keeps (`spec/endo.md` 2.5): so many from the end of its list.
const KEPT_ERRORS: i64 = -99;
/// What a bus says of a status device whose errors are no list (`spec/endo.md` 2.5, step c).
const MUST_BE_AN_ARRAY: &str = "must be an array but is of type";
/// The longest `respondTo`, in bytes of JSON, that goes into a status entry: 99 of them stay in one document.
const KEPT_RESPOND_TO: usize = 4096;

/// What the sender of a message is told in the end.
#[derive(Clone)]
struct LastWord {
    parties: Parties,
    message: Value,
    /// The same as it leaves.
    reply: LeavingReply,
    failure: Option<Failure>,
    respond_to: Option<Value>,
    /// The reply that the bus did not take, as JSON text; this tells its sender why.
    refused: Option<Arc<str>>,
}

impl Desk {
    /// Tells the sender, and ends the delivery.
    pub(super) async fn end(&self, taken: Taken, case: Case, answer: Result<Reply, Failure>) -> Verdict {
        let told = LastWord::new(case.parties.clone(), answer, case.respond_to.clone());
        self.tell(taken, case, told).await
    }

    /// Sends the reply of a delivery that was given up; its job is not run again.
    pub(super) async fn send_again(&self, taken: Taken, mut case: Case, reply: LeavingReply) -> Verdict {
        if let Err(failure) = self.open_again(&mut case).await {
            let fate = Fate { done: Some(reply.done), refusal: Some(failure.message) };
            return self
                .give_up(taken, Death { fate, ..Death::of("reply_not_taken", self.clock.now()) })
                .await;
        }
        let told = LastWord::kept(case.parties.clone(), reply);
        self.tell(taken, case, told).await
    }

    /// Whether the user device may still speak, and who speaks for it on a bus elsewhere.
    pub(super) async fn open_again(&self, case: &mut Case) -> Result<(), Failure> {
        let record = self.open(&case.parties).await.map_err(|refused| refused.failure)?;
        case.note_login(record.login());
        if self.bus.meshblu().is_some() && !case.can_be_answered() {
            Err(Failure::without_login())
        } else {
            Ok(())
        }
    }

    async fn tell(&self, taken: Taken, case: Case, told: LastWord) -> Verdict {
        match &self.bus {
            Bus::Meshblu(bus) => match Voice::of(bus, &case) {
                Some(voice) => self.end_on_meshblu(voice, taken, told).await,
                None => self.end_untold(taken, case, told.failure).await,
            },
            Bus::Embedded(bus) => {
                let verdict = told.verdict();
                let end = End { place: taken.place.clone(), id: taken.delivery.new.id.clone(), told };
                let (bus, now) = (bus.clone(), self.clock.now());
                let end = move |transaction: &Transaction<'_>| end.write(&bus, transaction, now);
                if self.keep_end(taken, end).await { verdict } else { not_taken() }
            }
        }
    }

    /// Ends a delivery that cannot be answered: it can be seen, and replayed. Whoever brought it, or brings it again, is told
    /// the same.
    pub(super) async fn give_up(&self, taken: Taken, death: Death<'static>) -> Verdict {
        let (reason, verdict) = (death.reason, Verdict::of_death(&death));
        let (place, id) = (taken.place.clone(), taken.delivery.new.id.clone());
        let give_up = move |transaction: &Transaction<'_>| {
            let seq = place.within(transaction)?;
            // The attempt that ends here counts, too.
            transaction.postpone(seq, death.died_at)?;
            transaction.give_up(seq, &death)
        };
        // Whether or not it is kept, nobody is told that it was taken.
        match self.keep_end(taken, give_up).await {
            true => tracing::warn!(delivery.id = id.fingerprint(), reason, "a delivery was given up"),
            false => {
                tracing::warn!(
                    delivery.id = id.fingerprint(),
                    reason,
                    "a delivery was given up, and could not be kept"
                )
            }
        }
        verdict
    }

    /// Writes an end until it is on disk: an answer that was worked for is not thrown away. Answers whether it is.
    async fn keep_end<F>(&self, taken: Taken, end: F) -> bool
    where
        F: Fn(&Transaction<'_>) -> Result<(), StoreError> + Clone + Send + 'static,
    {
        let is_kept = self.keep(&taken.place, end).await.is_some();
        if is_kept {
            taken.ended();
        }
        is_kept
    }

    /// Writes until it is on disk; `None` where the store is closed, or has no room for a delivery that is new.
    async fn keep<T, F>(&self, place: &Place, change: F) -> Option<T>
    where
        T: Send + 'static,
        F: Fn(&Transaction<'_>) -> Result<T, StoreError> + Clone + Send + 'static,
    {
        let insisting = Insisting::that("cannot store an answer").waiting_for_room(place.is_on_disk());
        self.store.insist(insisting, change).await.ok()
    }
}

impl LastWord {
    fn new(parties: Parties, answer: Result<Reply, Failure>, respond_to: Option<Value>) -> Self {
        let to = respond_to.as_ref();
        let (done, message, failure) = match answer {
            Ok(reply) => (reply.done(), reply.into_message(&parties.sender, to), None),
            Err(failure) => (failure.done, failure.to_message(&parties.sender, to), Some(failure)),
        };
        let text = serde_json::to_string(&message).expect("a JSON value can be written").into();
        let reply = LeavingReply { text, done };
        Self { parties, message, reply, failure, respond_to, refused: None }
    }

    /// A reply that was kept, as it is.
    fn kept(parties: Parties, reply: LeavingReply) -> Self {
        let message = serde_json::from_str(&reply.text).unwrap_or_default();
        Self { parties, message, reply, failure: None, respond_to: None, refused: None }
    }

    /// What is told instead of this reply, which the bus did not take.
    fn instead(self, why: Failure) -> Self {
        let mut told = Self::new(self.parties, Err(why), self.respond_to);
        told.reply.done = self.reply.done;
        Self { refused: Some(self.reply.text), ..told }
    }

    fn verdict(&self) -> Verdict {
        self.failure.clone().map_or(Verdict::Replied, Verdict::Failed)
    }

    fn outcome(&self, ended_at: Timestamp) -> Outcome {
        let ending = if self.failure.is_some() { Ending::Failed } else { Ending::Replied };
        let code = self.message["metadata"]["code"].as_u64();
        Outcome {
            ending,
            code: code.and_then(|code| u16::try_from(code).ok()),
            reply: Some(self.refused.as_ref().unwrap_or(&self.reply.text).as_ref().to_owned()),
            fate: self.fate(),
            ended_at,
        }
    }

    fn fate(&self) -> Fate {
        let why = self.failure.as_ref().filter(|_| self.refused.is_some());
        Fate { done: Some(self.reply.done), refusal: why.map(|why| why.message.clone()) }
    }
}

/// Nothing is known of it after a crash: whoever brought it has to bring it again.
fn not_taken() -> Verdict {
    Verdict::NotTaken(Failure::new(503, "the message cannot be taken now"))
}

/// The entry of a status device, its keys in the original's order (`spec/endo.md` 2.5, step c).
fn status_entry(told: &LastWord, now: Timestamp) -> Value {
    let failure = told.failure.as_ref();
    let mut metadata = json!({});
    if let Some(to) = told.respond_to.as_ref().filter(|to| to.to_string().len() <= KEPT_RESPOND_TO) {
        metadata["to"] = to.clone();
    }
    json!({
        "senderUuid": told.parties.sender,
        "date": now.iso_seconds(),
        "metadata": metadata,
        "code": failure.map(|failure| &failure.code),
        "message": failure.map(|failure| &failure.message),
    })
}

/// The update of a status device that adds an entry.
fn adding(entry: &Value) -> Value {
    json!({"$push": {"status.errors": {"$each": [entry], "$slice": KEPT_ERRORS}}})
}

/// The one that makes a list where there is none. As the original repairs it, except that this needs no right beyond the one for
/// the entry itself.
fn beginning_with(entry: &Value) -> Value {
    json!({"$set": {"status.errors": [entry]}})
}
