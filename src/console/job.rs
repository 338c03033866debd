//! The jobs that a device can be sent, one job's form, and what came of a message.

use maud::{Markup, html};

use super::credential::{Shown, UserDevice, mark, proof};
use super::layout::{Frame, Viewer, page};
use super::reply::ended;
use crate::job::JobListing;
use crate::message::Ended;

/// A device of the viewer's that may use credentials.
#[derive(Clone, Copy, Debug)]
pub struct Bench<'a> {
    /// The credentials.
    pub shown: &'a Shown,
    /// The device.
    pub device: &'a UserDevice,
}

/// One of its jobs.
#[derive(Clone, Copy, Debug)]
pub struct Task<'a> {
    /// The device.
    pub bench: Bench<'a>,
    /// The job.
    pub job: &'a JobListing,
}

/// What came of a message.
#[derive(Clone, Debug, PartialEq)]
pub enum Outcome {
    /// It ended so.
    Ended(Ended),
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
    /// The same, and the gateway was started anew meanwhile.
    Lost {
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
pub fn job_form(viewer: &Viewer, task: Task<'_>, controls: &Markup, note: Option<&str>) -> Markup {
    let Task { bench, job } = &task;
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

/// What was typed into a job's form by somebody whose sign-in was over when they sent it to `path`: they sign in at `ways`, beside
/// it, and send it then.
pub fn job_form_kept(job: &JobListing, path: &str, ways: &str, controls: &Markup) -> Markup {
    let body = html! {
        p.alarm role="alert" {
            "Your sign-in was over, so nothing was sent. What you typed stands below and is kept nowhere else: "
            a href=(ways) target="_blank" rel="noopener" { "sign in in a new tab" }
            ", come back to this one, and send it again."
        }
        form method="post" action=(path) {
            (controls)
            button.strong { "Send" }
        }
    };
    page(&Frame { title: title(job), about: None, viewer: None }, &body)
}

/// The page that shows what came of a message; says so where its form was sent again, and the message was not.
pub fn job_outcome(viewer: &Viewer, task: Task<'_>, outcome: &Outcome, is_repeat: bool) -> Markup {
    let Task { bench, job } = &task;
    let body = html! {
        (whose(bench))
        @if is_repeat {
            p.notice role="status" { "You sent that form before: nothing was sent again. This is what came of it then." }
        }
        (came_to(bench.shown, outcome))
        p { a.button href=(bench.path_of(job)) { "Send another" } }
        (elsewhere(bench))
    };
    page(&Frame { title: title(job), about: None, viewer: Some(viewer) }, &body)
}

/// The page that shows what came of a message where its sender may not use the device any more, or the credentials.
pub fn past_outcome(viewer: &Viewer, shown: &Shown, job: &JobListing, outcome: &Outcome) -> Markup {
    let body = html! {
        p.small {
            "You sent this message to a device that does not use the credentials any more, or is not yours any more. What \
             was under way then is seen to its end."
        }
        (came_to(shown, outcome))
        p { a href="/console" { "Your credentials" } }
    };
    page(&Frame { title: title(job), about: None, viewer: Some(viewer) }, &body)
}

fn came_to(shown: &Shown, outcome: &Outcome) -> Markup {
    html! {
        @match outcome {
            Outcome::Ended(how) => (ended(shown, how)),
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
            Outcome::Lost { again } => {
                p.notice role="status" {
                    "The gateway was started anew since you sent the message, and no reply is known here: nobody knows \
                     whether the job was done. Look at " (shown.api) " before you send another."
                }
                (look(again))
            }
            Outcome::Unknown => p.notice role="status" {
                "Nothing is known here of that message, or not any more, nor whether its job was done: look at "
                (shown.api) " before you send it again."
            },
        }
    }
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
            "Through your device " (bench.device.which()) ", as " (bench.shown.name()) " at " (bench.shown.api) "."
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
