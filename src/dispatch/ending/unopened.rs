//! The end on a bus elsewhere of what nobody can answer with the token of a record, most often because that was not opened.

use std::time::Duration;

use super::meshblu::Voice;
use super::{LastWord, not_taken};
use crate::ambient::{Backoff, Timestamp};
use crate::dispatch::Verdict;
use crate::dispatch::answer::Desk;
use crate::dispatch::bringer::Stay;
use crate::dispatch::case::Case;
use crate::message::{Done, Failure};
use crate::store::{Death, Ending, Fate, Outcome, Taken, Transaction};
use crate::telemetry::with_causes;

/// Why what nobody could open or answer, whose job did not run, is a dead letter.
pub(in crate::dispatch) const NOT_OPENED: &str = "not_opened";
/// How often a message is tried that nobody brings again, and that cannot be opened for the moment.
const ATTEMPTS: u32 = 10;
/// The pauses between, before each is made shorter by chance.
const PAUSES: Backoff = Backoff { first: Duration::from_secs(1), longest: Duration::from_secs(60) };

impl Desk {
    /// Refuses what a device brought itself, whose record was not opened: its sender is told with the device's own login, as
    /// the original does. Unless a page waits, the store keeps nothing, for any device may come; who comes again is told the same
    /// for a while, and nobody else anything. Only what cannot be opened for the moment is tried again where its bringer is gone,
    /// if it came with a device that the gateway knows.
    pub(in crate::dispatch) async fn refuse(&self, taken: Taken, case: Case, failure: Failure) -> Verdict {
        let voice = self.bus.meshblu().and_then(|bus| Voice::of(bus, &case));
        let (Some(mut voice), None) = (voice, &case.mark) else {
            return self.end(taken, case, Err(failure)).await;
        };
        let told = LastWord::new(case.parties.clone(), Err(failure.clone()), case.respond_to.clone());
        match voice.send(&told).await {
            Ok(()) => {
                let verdict = self.note_error(&voice, &told).await;
                self.note_refusal(taken, verdict)
            }
            Err(error) => {
                tracing::warn!(error = with_causes(&error), "a sender was not told");
                match failure.is_for_now {
                    true if case.is_of_a_stranger() => {
                        taken.ended();
                        Verdict::NotTaken(failure)
                    }
                    true => self.end_untold(taken, case, Some(failure)).await,
                    false => self.note_refusal(taken, Verdict::Failed(error.failure())),
                }
            }
        }
    }

    fn note_refusal(&self, taken: Taken, verdict: Verdict) -> Verdict {
        if !taken.place.end_off_disk() {
            self.endings.note_refusal(&taken.delivery.new.id, &verdict);
        }
        taken.ended();
        verdict
    }

    /// There is nothing to answer with: whoever brought the message is told alone, and brings it again where that may help.
    /// Where they are gone, it is tried again, or can be seen. What is refused for good is kept under the name that its bus
    /// vouches for: a repeat is told the same, whatever is allowed by then. So is what may have been done, once it has been
    /// tried for long enough to find somebody who can tell the sender.
    pub(super) async fn end_untold(&self, taken: Taken, case: Case, failure: Option<Failure>) -> Verdict {
        let failure = failure.unwrap_or_else(|| Failure::new(500, "there is nothing to answer with"));
        if case.mark.is_some() || failure.done != Done::No {
            let is_put_off = case.mark.is_none() && case.is_unheard_for_now() && self.put_off(&taken).await;
            return if is_put_off {
                Verdict::Accepted
            } else {
                self.keep_untold(taken, &case, failure).await
            };
        }
        match case.bringer.end_wait() {
            Stay::Waiting if failure.is_for_now => self.forget(taken, failure).await,
            Stay::Gone | Stay::Relying if failure.is_for_now => self.try_later(taken, failure).await,
            Stay::Gone | Stay::Relying if case.is_opened => self.give_up_as(NOT_OPENED, taken, failure).await,
            Stay::Relying => self.give_up_as("refused", taken, failure).await,
            Stay::Waiting | Stay::Gone => self.keep_untold(taken, &case, failure).await,
        }
    }

    async fn keep_untold(&self, taken: Taken, case: &Case, failure: Failure) -> Verdict {
        let is_kept = self.keep_outcome(taken, untold(case, &failure, self.clock.now())).await;
        if is_kept { Verdict::Failed(failure) } else { not_taken() }
    }

    /// What cannot be opened for long can be seen and replayed.
    async fn try_later(&self, taken: Taken, failure: Failure) -> Verdict {
        match self.put_off(&taken).await {
            true => Verdict::Accepted,
            false => self.give_up_as(NOT_OPENED, taken, failure).await,
        }
    }

    /// Puts off what nobody brings again; answers whether it did: it does for about four minutes in all.
    async fn put_off(&self, taken: &Taken) -> bool {
        let (now, attempts) = (self.clock.now(), taken.delivery.attempts);
        let due_at = now.plus(self.spread(PAUSES.after(attempts)));
        let place = taken.place.clone();
        let put_off =
            move |transaction: &Transaction<'_>| transaction.postpone(place.within(transaction)?, due_at);
        let is_put_off = attempts + 1 < ATTEMPTS && self.keep(&taken.place, put_off).await.is_some();
        if is_put_off {
            tracing::info!(
                delivery.id = taken.delivery.new.id.fingerprint(),
                "a message could not be opened and is tried again"
            );
        }
        is_put_off
    }

    async fn give_up_as(&self, reason: &'static str, taken: Taken, failure: Failure) -> Verdict {
        let (code, done) = (failure.status(), Some(failure.done));
        let fate = Fate { done, refusal: Some(failure.message) };
        self.give_up(taken, Death { code, fate, ..Death::of(reason, self.clock.now()) }).await
    }

    /// Ends a delivery as if it had never come, once a crash can change nothing any more.
    async fn forget(&self, taken: Taken, failure: Failure) -> Verdict {
        if taken.place.end_off_disk() {
            taken.ended();
            return Verdict::NotTaken(failure);
        }
        let place = taken.place.clone();
        let forget =
            move |transaction: &Transaction<'_>| transaction.finish(place.within(transaction)?).map(drop);
        if self.keep_end(taken, forget).await { Verdict::NotTaken(failure) } else { not_taken() }
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
