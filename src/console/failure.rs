//! What somebody sees when something did not work: what happened, and what to do.

use maud::{Markup, html};

use super::layout::{Frame, page};

/// Something that did not work.
#[derive(Clone, Copy, Debug)]
pub struct Failure<'a> {
    /// What happened, in a few words.
    pub title: &'a str,
    /// What to do, in sentences.
    pub detail: &'a str,
    /// Where to begin once more, on this site.
    pub begin_again: Option<&'a str>,
    /// By what the log knows it.
    pub trace_id: Option<&'a str>,
}

/// The page that tells it.
pub fn failure(failure: &Failure<'_>) -> Markup {
    let body = html! {
        p.lead { (sentence(failure.detail)) }
        p.ways {
            @if let Some(path) = failure.begin_again { a.button.strong href=(path) { "Begin again" } }
            a.button href="/" { "To the start" }
        }
        @if let Some(id) = failure.trace_id {
            p.small { "If you ask the operator for help, name this: " code { (id) } }
        }
    };
    page(&Frame { title: failure.title, about: None, viewer: None }, &body)
}

/// Texts that programs get have no full stop.
fn sentence(text: &str) -> String {
    let ends = text.ends_with(['.', '!', '?']);
    if ends { text.to_owned() } else { format!("{text}.") }
}
