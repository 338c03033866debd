//! Coming back from where somebody signed in: to the sign-in that was begun, or to what is said where there is none.

use serde::de::DeserializeOwned;

use crate::bus::form;
use crate::http::entrance::Entrance;
use crate::http::problem::{Kind, Problem};
use crate::http::session::{Browser, ComeBack, Course, Flow, unavailable};
use crate::source::oauth2::{CallbackError, Denial};
use crate::telemetry::with_causes;

/// Who comes back from where they signed in.
#[derive(Clone, Copy)]
pub(super) enum Returning<'a> {
    /// Somebody in the browser that was sent there.
    In(&'a Browser),
    /// A program, which brings all of its sign-in itself.
    Program,
}

/// The sign-in that they were sent on this course and now bring the provider's answer to, if there is one; it is over from
/// now on.
pub(super) async fn flow_of<P: DeserializeOwned>(
    returning: Returning<'_>,
    course: Course<'_>,
    answer: &str,
    entrance: &Entrance,
) -> Result<Flow<P>, Problem> {
    let state = form::first(answer, "state").unwrap_or_default();
    let flow = match returning {
        Returning::In(browser) => entrance.flows.come_back(course, &browser.passes(&state), &state).await,
        Returning::Program => entrance.flows.come_back_for_program(course, &state).await,
    };
    match (flow.map_err(|error| unavailable(&error))?, returning) {
        (ComeBack::First(flow), _) => Ok(flow),
        (ComeBack::Again, _) => Err(answered_before(entrance)),
        (ComeBack::Strange, Returning::In(_)) => Err(no_flow(entrance)),
        (ComeBack::Strange, Returning::Program) => Err(no_flow_of_program()),
    }
}

/// Whoever loads the page again that is long in coming does not stop what goes on.
fn answered_before(entrance: &Entrance) -> Problem {
    Problem::new(
        Kind::NotAllowed,
        format!(
            "That sign-in came back here before: it was finished already, or is still under way, and this did not change that. What \
             comes of it is at {}console, in a moment; begin again there if nothing does",
            entrance.service_url
        ),
    )
}

/// It was begun in another browser, in another session, or under another name of this machine, or so long ago or before so
/// many others that the browser forgot it, or came back already.
fn no_flow(entrance: &Entrance) -> Problem {
    Problem::new(
        Kind::NotAllowed,
        format!(
            "This browser did not begin that sign-in, or you signed out since, or somebody else signed in; or it took longer than \
             ten minutes, or was finished already, or was begun in too many windows: the newest are remembered. Nothing was \
             done now. Begin again at {}console",
            entrance.service_url
        ),
    )
}

fn no_flow_of_program() -> Problem {
    let text = "That sign-in was begun by another login, or longer than ten minutes ago. Nothing was done. Begin again: GET \
                /auth/api";
    Problem::new(Kind::NotAllowed, text)
}

/// What a provider sent back instead of a code.
pub(super) fn came_back_wrong(error: &CallbackError, entrance: &Entrance) -> Problem {
    tracing::warn!(error = with_causes(error), "a sign-in came back without a code");
    match error {
        CallbackError::State => no_flow(entrance),
        CallbackError::Over => {
            Problem::new(Kind::NotAllowed, "That sign-in took longer than ten minutes; begin again")
        }
        CallbackError::Denied { why: Denial::ForNow, .. } => Problem::new(
            Kind::Unavailable,
            "That sign-in came to nothing: where you were to say who you are, nobody can be signed in at the moment. Nothing was done. \
             Begin again in a few minutes",
        ),
        CallbackError::Denied { why: Denial::Failed, .. } => Problem::new(
            Kind::ProviderFailed,
            "That sign-in came to nothing: something failed where you were to say who you are. Nothing was done. Begin again in a \
             moment",
        ),
        CallbackError::Denied { why: Denial::ByUser, .. } => Problem::new(
            Kind::NotAllowed,
            format!(
                "That sign-in came to nothing: {}. Begin again if that was not what you wanted",
                error.words()
            ),
        ),
        CallbackError::Denied { why: Denial::Otherwise, .. } => Problem::new(
            Kind::NotAllowed,
            format!(
                "That sign-in came to nothing: {}. Begin again; where that does not help, ask the operator to compare this \
                 gateway's registration there with the settings",
                error.words()
            ),
        ),
        CallbackError::Malformed | CallbackError::Issuer | CallbackError::NoCode => Problem::new(
            Kind::NotAllowed,
            format!("That sign-in came to nothing: {error}; nothing was done. Begin again"),
        ),
    }
}
