//! One delivery while it is worked on: who takes part, and what has happened so far.

use serde_json::Value;

use super::bringer::Bringer;
use super::caller::Caller;
use crate::bus::Login;
use crate::credentials::OpenRecord;
use crate::job::{Changes, ToldSecrets};
use crate::message::{DeliveryId, DeviceUuid, Failure, Message, Parties, Route};
use crate::store::QueuedDelivery;

/// One delivery while it is worked on.
#[derive(Debug)]
pub(super) struct Case {
    pub(super) parties: Parties,
    /// What was sent, or why that is no message.
    pub(super) message: Result<Message, Failure>,
    /// What the sender wants to find in the reply.
    pub(super) respond_to: Option<Value>,
    /// What may have changed outside, as the job's calls tell.
    pub(super) changes: Changes,
    /// What those know who ran it.
    pub(super) told: ToldSecrets,
    /// Of the record whose secret was tried last.
    generation: u64,
    /// The credentials device, where it came itself.
    caller: Option<Caller>,
    /// The same device's login as its record holds it.
    recorded: Option<Login>,
    /// Whether its record was ever opened.
    pub(super) is_opened: bool,
    /// Why nobody was found who could speak, where that alone was looked for.
    pub(super) unheard: Option<Failure>,
    /// What came of it when its record was looked at before its turn.
    pub(super) looked_at: Option<Result<OpenRecord, Failure>>,
    /// What the person who sent it asks for it by, where one does.
    pub(super) mark: Option<DeliveryId>,
    /// Who is told how it ended, where somebody waits for that.
    pub(super) bringer: Bringer,
}

impl Case {
    /// `None` where the route names nobody who could be told.
    pub(super) fn of(delivery: &QueuedDelivery, service: &DeviceUuid) -> Option<Self> {
        let route: Route = serde_json::from_str(delivery.new.route.as_deref()?).ok()?;
        let message = serde_json::from_str(&delivery.new.body).ok();
        let case = Self::new(route.parties(service).ok()?, &route, message, None);
        Some(Self { bringer: Bringer::relying(), ..case })
    }

    /// The case of a message that came by `route`, which names these parties; no message where what was sent is none. A
    /// credentials device that comes itself brings its login.
    pub(super) fn new(
        parties: Parties,
        route: &Route,
        message: Option<Message>,
        caller: Option<Caller>,
    ) -> Self {
        let respond_to = message.as_ref().and_then(|message| message.respond_to().cloned());
        let message = match message {
            _ if route.is_too_long() => Err(by_too_long_a_route()),
            Some(message) if message.metadata.is_some() => Ok(message),
            _ => Err(without_metadata()),
        };
        Self {
            parties,
            message,
            respond_to,
            changes: Changes::default(),
            told: ToldSecrets::default(),
            generation: 0,
            caller,
            recorded: None,
            is_opened: false,
            unheard: None,
            looked_at: None,
            mark: None,
            bringer: Bringer::default(),
        }
    }

    /// Notes that the record is open, with the credentials device's login as it holds it.
    pub(super) fn note_login(&mut self, login: Option<Login>) {
        self.is_opened = true;
        self.recorded = login.or(self.recorded.take());
    }

    /// What a bus elsewhere takes replies from: the caller's login first, which was good a while ago. Empty where nobody can
    /// be told.
    pub(super) fn logins(&self) -> impl Iterator<Item = &Login> {
        self.caller.iter().map(|caller| &caller.login).chain(&self.recorded)
    }

    /// Whether it came with a device that the gateway does not know, and did not let in.
    pub(super) fn is_of_a_stranger(&self) -> bool {
        self.caller.as_ref().is_some_and(|caller| !caller.is_known())
    }

    /// Whether anybody can be told on a bus elsewhere.
    pub(super) fn can_be_answered(&self) -> bool {
        self.logins().next().is_some()
    }

    /// Whether somebody may be found later who can speak.
    pub(super) fn is_unheard_for_now(&self) -> bool {
        self.unheard.as_ref().is_some_and(|why| why.is_for_now)
    }

    /// Notes of which record the secret is that is about to be tried.
    pub(super) fn note_generation(&mut self, generation: u64) {
        self.generation = generation;
    }

    /// Of which record the secret was that was tried last.
    pub(super) fn generation(&self) -> u64 {
        self.generation
    }
}

/// As webhooks are told whose head is too large, which they are of far fewer hops with a route as it usually is.
fn by_too_long_a_route() -> Failure {
    Failure::new(431, "The message came by too long a route")
}

/// The original's own words (`spec/endo.md` 2.5).
fn without_metadata() -> Failure {
    Failure::new(422, "Message is missing required property \"metadata\"")
}
