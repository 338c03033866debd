//! How a message ended: whether its job was done, what it answered, and whether that arrived.

use maud::{Markup, Render, html};
use serde_json::Value;

use super::credential::Shown;
use super::strangers::{Name, strangers_sentence, strangers_text};
use super::ways::newer_secret;
use crate::message::{Arrived, Done, Ended};

/// The longest text of a reply that a page shows, in bytes.
const LONGEST: usize = 200_000;

/// How a message ended that was sent for an account at an API.
pub(super) fn ended(shown: &Shown, ended: &Ended) -> Markup {
    let metadata = &ended.reply["metadata"];
    let is_good = ended.done == Done::Yes && ended.arrived == Arrived::Yes;
    html! {
        @if is_good {
            p.notice role="status" { (answered("The job answered", metadata)) }
        } @else {
            div.alarm role="alert" {
                p {
                    @match ended.done {
                        Done::Yes => (answered("The job was done and answered", metadata)),
                        Done::No | Done::Unknown => (failed(shown, metadata, ended.done)),
                    }
                }
                @if let Some(arrival) = arrival(&ended.arrived) {
                    p { (arrival) @if ended.done == Done::Yes { " Sending it again would do the job again." } }
                }
                @if metadata["error"].get("signIn").is_some() {
                    p {
                        (newer_secret(shown)) ", then send it again."
                    }
                } @else if ended.done == Done::No {
                    p {
                        "Send it again with other values, or later; if that does not help, show this to whoever runs the gateway."
                    }
                }
            }
        }
        @if let Some(data) = ended.reply.get("data") { (data_of(data, &ended.arrived)) }
    }
}

fn answered(what: &str, metadata: &Value) -> Markup {
    let code = &metadata["code"];
    html! { (what) @if !code.is_null() { " with code " (plain(code)) } "." }
}

fn failed(shown: &Shown, metadata: &Value, done: Done) -> Markup {
    let (code, said) = (&metadata["code"], metadata["error"]["message"].as_str().and_then(said));
    let own = said.as_deref().and_then(in_words);
    html! {
        @if done == Done::Unknown {
            "Nobody knows whether the job was done: look at " (shown.api) " before you send it again."
            @if let Some(own) = own { " " (own) } @else if let Some(said) = said { " The reply says: " (Name(&said)) "." }
        } @else {
            "The job was not done: "
            @match said { Some(said) => (Name(&said)), None => "it gave no reason" } "."
        }
        @if !code.is_null() { " The code is " (plain(code)) "." }
    }
}

/// What the gateway means by words of its own that programs read.
pub(super) fn in_words(said: &str) -> Option<&'static str> {
    match said {
        "response_invalid" => {
            Some("The job answered something else than it is to answer, so its answer was kept back.")
        }
        "outcome_unknown" => Some("The job was begun, and nobody saw its end."),
        _ => None,
    }
}

/// Nothing where the reply arrived.
fn arrival(arrived: &Arrived) -> Option<Markup> {
    match arrived {
        Arrived::Yes => None,
        Arrived::No(why) => Some(html! {
            "The bus did not take the reply, so it did not reach you there"
            @if let Some(why) = said(why) { "; the bus says: " (Name(&why)) } "."
        }),
        Arrived::Unknown => {
            Some(html! { "Nobody knows whether the bus took the reply and it reached you there." })
        }
    }
}

/// What somebody says of an error, without a full stop.
fn said(text: &str) -> Option<String> {
    Some(strangers_sentence(text.trim().trim_end_matches('.'))).filter(|text| !text.is_empty())
}

/// A code is a number, or a word that somebody chose.
fn plain(code: &Value) -> Markup {
    match code.as_str() {
        Some(word) => Name(&strangers_text(word).unwrap_or_default()).render(),
        None => code.to_string().render(),
    }
}

/// Too much for a page is cut off; whoever got the reply got all of it.
fn data_of(data: &Value, arrived: &Arrived) -> Markup {
    let text = serde_json::to_string_pretty(data).unwrap_or_default();
    let end = text.floor_char_boundary(LONGEST);
    html! {
        h2 id="reply" { "Data of the reply" }
        // Only what can be reached by the keyboard can be scrolled by it.
        pre.code tabindex="0" role="region" aria-labelledby="reply" { (text[..end]) }
        @if end < text.len() {
            p.small {
                "This is the beginning: all of it is " (text.len()) " bytes long"
                @if *arrived == Arrived::Yes { ", and went to you over the bus" } "."
            }
        }
    }
}
