//! The jobs that a device can be sent, one job's form, and what came of a message.

use maud::{Markup, Render, html};
use serde_json::Value;

use super::credential::{Shown, UserDevice, mark, proof};
use super::layout::{Frame, Viewer, page};
use super::strangers::{Name, strangers_sentence, strangers_text};
use crate::job::JobListing;
use crate::message::Failure;

/// The longest text of a reply that a page shows, in bytes.
const LONGEST: usize = 200_000;

/// A device of the viewer's that may use credentials.
#[derive(Clone, Copy, Debug)]
pub struct Bench<'a> {
    /// The credentials.
    pub shown: &'a Shown,
    /// The device.
    pub device: &'a UserDevice,
}

/// What came of a message.
#[derive(Clone, Debug, PartialEq)]
pub enum Outcome {
    /// This answer.
    Reply(Value),
    /// Nothing so far.
    Waiting {
        /// The page that looks again.
        again: String,
    },
    /// Nobody here knows of it, or not any more.
    Unknown,
    /// Nothing so far, and whether anybody works on it only a bus elsewhere knows.
    Elsewhere {
        /// The page that looks again.
        again: String,
    },
}

impl Bench<'_> {
    /// The page of one of its jobs.
    pub fn path_of(&self, job: &JobListing) -> String {
        self.device.path(self.shown, &format!("/jobs/{}", job.job_type))
    }
}

/// The list of the jobs that a device can be sent.
pub fn jobs(viewer: &Viewer, bench: &Bench<'_>, jobs: &[JobListing]) -> Markup {
    let body = html! {
        (whose(bench))
        @if jobs.is_empty() {
            p { "This gateway has no jobs." }
        } @else {
            ul.cards {
                @for job in jobs {
                    li {
                        a href=(bench.path_of(job)) { (title(job)) }
                        @if let Some(description) = &job.description { p { (description) } }
                        p.small { code { (job.job_type) } }
                    }
                }
            }
        }
        (back(bench))
    };
    page(&Frame { title: "Jobs for", about: Some(bench.device.label()), viewer: Some(viewer) }, &body)
}

/// The page with one job's form; `note` says why it is here again.
pub fn job_form(
    viewer: &Viewer,
    (bench, job): (&Bench<'_>, &JobListing),
    (controls, note): (&Markup, Option<&str>),
) -> Markup {
    let body = html! {
        @if let Some(description) = &job.description { p.lead { (description) } }
        (whose(bench))
        @if let Some(note) = note { p.alarm role="alert" { (note) } }
        form method="post" action=(bench.path_of(job)) {
            (proof(viewer))
            (mark(viewer))
            (controls)
            button.strong { "Send" }
        }
        (elsewhere(bench))
    };
    page(&Frame { title: title(job), about: None, viewer: Some(viewer) }, &body)
}

/// The page that shows what came of a message; says so where its form was sent again, and the message was not.
pub fn job_outcome(
    viewer: &Viewer,
    (bench, job): (&Bench<'_>, &JobListing),
    (outcome, is_repeat): (&Outcome, bool),
) -> Markup {
    let body = html! {
        (whose(bench))
        @if is_repeat {
            p.notice role="status" { "You sent that form before: nothing was sent again. This is what came of it then." }
        }
        @match outcome {
            Outcome::Reply(message) => (reply(bench, message)),
            Outcome::Waiting { again } => {
                p.notice role="status" { "The message was sent. There is no reply yet: the job is still at work." }
                (look(again))
            }
            Outcome::Elsewhere { again } => {
                p.notice role="status" {
                    "The bus took the message, and no reply is known here yet: the job is still at work, or the bus did not \
                     bring the message here. The device has to accept messages from you, and the credentials have to be \
                     subscribed to what it receives; cut it off and add a new one if looking again does not help."
                }
                (look(again))
            }
            Outcome::Unknown => p.notice role="status" {
                "Nothing is known here of that message, or not any more, nor whether its job was done: look at "
                (bench.shown.api) " before you send it again."
            },
        }
        p { a.button href=(bench.path_of(job)) { "Send another" } }
        (elsewhere(bench))
    };
    page(&Frame { title: title(job), about: None, viewer: Some(viewer) }, &body)
}

fn look(again: &str) -> Markup {
    html! { p { a.button.strong href=(again) { "Look again" } } }
}

fn title(job: &JobListing) -> &str {
    let title = job.title.as_deref().map(str::trim).filter(|title| !title.is_empty());
    title.unwrap_or(job.job_type.as_str())
}

fn whose(bench: &Bench<'_>) -> Markup {
    html! {
        p.small {
            "Through your device " (bench.device.label()) ", as " (bench.shown.name()) " at " (bench.shown.api) "."
        }
    }
}

fn elsewhere(bench: &Bench<'_>) -> Markup {
    html! {
        p { a href=(bench.device.path(bench.shown, "/jobs")) { "Other jobs for this device" } }
        (back(bench))
    }
}

fn back(bench: &Bench<'_>) -> Markup {
    html! { p { a href=(bench.shown.path("")) { "Back to " (bench.shown.name()) } } }
}

fn reply(bench: &Bench<'_>, message: &Value) -> Markup {
    let (code, error) = (&message["metadata"]["code"], message["metadata"].get("error"));
    let is_good = error.is_none() && code.as_u64().is_none_or(|code| code < 400);
    html! {
        @if is_good {
            p.notice role="status" { "The job answered" @if !code.is_null() { " with code " (plain(code)) } "." }
        } @else {
            div.alarm role="alert" {
                p {
                    @if Failure::leaves_open(&message["metadata"]) {
                        "Nobody knows whether the job was done: look at " (bench.shown.api) " before you send it again."
                        @if let Some(said) = said(error) { " The reply says: " (Name(&said)) "." }
                    } @else {
                        "The job was not done: "
                        @match said(error) { Some(said) => (Name(&said)), None => "it gave no reason" } "."
                    }
                    @if !code.is_null() { " The code is " (plain(code)) "." }
                }
                @if error.is_some_and(|error| error.get("signIn").is_some()) {
                    p {
                        a href={ "/auth/api?credentials=" (bench.shown.uuid) } { "Sign in at " (bench.shown.api) " again" }
                        ", then send it again."
                    }
                }
            }
        }
        @if let Some(data) = message.get("data") { (data_of(data)) }
    }
}

/// What an error says of itself, without a full stop.
fn said(error: Option<&Value>) -> Option<String> {
    let text = error?["message"].as_str()?;
    Some(strangers_sentence(text.trim().trim_end_matches('.'))).filter(|text| !text.is_empty())
}

/// A code is a number, or a word that somebody chose.
fn plain(code: &Value) -> Markup {
    match code.as_str() {
        Some(word) => Name(&strangers_text(word).unwrap_or_default()).render(),
        None => code.to_string().render(),
    }
}

/// Too much for a page is cut off; the device got all of it.
fn data_of(data: &Value) -> Markup {
    let text = serde_json::to_string_pretty(data).unwrap_or_default();
    let end = text.floor_char_boundary(LONGEST);
    html! {
        h2 id="reply" { "Data of the reply" }
        // Only what can be reached by the keyboard can be scrolled by it.
        pre.code tabindex="0" role="region" aria-labelledby="reply" { (text[..end]) }
        @if end < text.len() {
            p.small { "This is the beginning: all of it is " (text.len()) " bytes long, and went to your device." }
        }
    }
}
