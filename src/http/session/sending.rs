//! Forms that make or send something: whoever sends one again is told what came of it, and nothing happens twice.

use actix_web::{HttpRequest, HttpResponse};
use sha2::{Digest, Sha256};

use super::{Browser, Fields, Session, Sessions, unavailable};
use crate::http::Body;
use crate::http::problem::{Kind, Problem};
use crate::http::routes::Answer;
use crate::http::server::FrontDoor;
use crate::store::{FormKey, SentForm, StoreError, Transaction, View};
use crate::telemetry::with_causes;

/// The newest that one session keeps.
const KEPT: u32 = 64;

/// A form that is sent.
pub(in crate::http) enum Sending<'a> {
    /// It was not sent before.
    First(First<'a>),
    /// It was sent before, and came to this, as far as that is known.
    Again(Option<String>),
}

/// A form that comes in.
pub(in crate::http) enum Incoming {
    /// A page of this very session made it.
    Ours(Fields),
    /// It was sent before the session took the place of the one that it was made for, and came to this, as far as that is known.
    Before(Option<String>),
}

/// A form that is sent for the first time.
pub(in crate::http) struct First<'a> {
    sessions: &'a Sessions,
    key: FormKey,
}

impl Session {
    /// Whether this form is sent for the first time. It is the same one where all of it is the same: every page gives
    /// its forms a mark of their own, and who changes what they typed has another form.
    ///
    /// # Errors
    /// 503 where nobody can tell.
    pub(in crate::http) async fn sending<'a>(
        &self,
        door: &'a FrontDoor,
        request: &HttpRequest,
        body: &Body,
    ) -> Result<Sending<'a>, Problem> {
        let sessions = &door.entrance()?.sessions;
        let key = self.key(request, body);
        Ok(match sessions.send_form(key).await.map_err(|error| unavailable(&error))? {
            SentForm::New => Sending::First(First { sessions, key }),
            SentForm::Open => Sending::Again(None),
            SentForm::Settled(came_to) => Sending::Again(Some(came_to)),
        })
    }

    /// Reads a form ([`Session::read_form`]). Where it was made for a session whose place this one took, it does nothing, but
    /// whoever sent it then, and sends the same again, can be told what came of it.
    ///
    /// # Errors
    /// 403 where the form was made for somebody else or for nobody, or was not sent while its page was good. 503 where nobody can
    /// tell.
    pub(in crate::http) async fn receive(
        &self,
        door: &FrontDoor,
        request: &HttpRequest,
        body: &Body,
    ) -> Result<Incoming, Problem> {
        let problem = match self.read_form(request, body) {
            Ok(fields) => return Ok(Incoming::Ours(fields)),
            Err(problem) if problem.kind() == Kind::NotAllowed && Browser::of(request).may_be_ours => problem,
            Err(problem) => return Err(problem),
        };
        let known = door.entrance()?.sessions.sent_form(self.key(request, body)).await;
        match known.map_err(|error| unavailable(&error))? {
            SentForm::New => Err(problem),
            SentForm::Open => Ok(Incoming::Before(None)),
            SentForm::Settled(came_to) => Ok(Incoming::Before(Some(came_to))),
        }
    }

    /// By what a form is known when this session sends it again.
    pub(in crate::http) fn key(&self, request: &HttpRequest, body: &Body) -> FormKey {
        let form = Sha256::new().chain_update(request.path()).chain_update([0]).chain_update(&body.0);
        FormKey { line: self.line, form: form.finalize().into() }
    }
}

impl Sessions {
    /// Keeps what a form came to that does nothing more when it is sent again, for whoever does that.
    pub(in crate::http) async fn keep_outcome(&self, form: FormKey, came_to: &str) {
        let came_to = came_to.to_owned();
        let note = move |transaction: &Transaction<'_>| transaction.note_form(&form, &came_to, KEPT);
        tell_where_not_kept(self.store.write(note).await);
    }
}

fn tell_where_not_kept(kept: Result<(), StoreError>) {
    if let Err(error) = kept {
        // Nothing is undone by that: whoever sends it again is told to look.
        tracing::warn!(error = with_causes(&error), "what came of a form is not kept");
    }
}

impl First<'_> {
    /// Answers, and keeps what it came to for whoever sends the form again. Where it came to nothing, it may be sent again.
    pub(in crate::http) async fn settle(
        self,
        done: Result<(HttpResponse, Option<String>), Problem>,
    ) -> Answer {
        let (answer, came_to) = match done {
            Ok((answer, came_to)) => (Ok(answer), came_to),
            Err(problem) => (Err(problem), None),
        };
        let Self { sessions, key } = self;
        let settle = move |transaction: &Transaction<'_>| transaction.settle_form(&key, came_to.as_deref());
        tell_where_not_kept(sessions.store.write(settle).await);
        answer
    }
}

impl Sessions {
    async fn send_form(&self, key: FormKey) -> Result<SentForm, StoreError> {
        self.store.write(move |transaction: &Transaction<'_>| transaction.send_form(&key, KEPT)).await
    }

    async fn sent_form(&self, key: FormKey) -> Result<SentForm, StoreError> {
        self.store.read(move |view: &View<'_>| view.sent_form(&key)).await
    }
}
