//! What was ended: by whom, when, what stayed and why, and what the API answered.

use maud::{Markup, html};

use super::layout::{Frame, Viewer, page};
use super::moment::moment;
use super::strangers::{Name, strangers_text};
use super::turning::{Turning, turning};
use crate::credentials::{By, Fate, Receipt};

/// Some of the receipts that concern somebody, newest first.
#[derive(Clone, Copy, Debug)]
pub struct ReceiptList<'a> {
    /// What people call the API.
    pub api: &'a str,
    /// Each of them.
    pub receipts: &'a [Receipt],
    /// Where the others are.
    pub turning: Turning<'a>,
}

/// The list of receipts.
pub fn receipts(viewer: &Viewer, list: &ReceiptList<'_>) -> Markup {
    let ReceiptList { api, receipts, turning: ways } = list;
    let body = html! {
        p.lead { "What was ended of credentials that are yours, or were yours when they were forgotten." }
        @if !receipts.is_empty() {
            ul.cards { @for receipt in *receipts { li { (entry(viewer, api, receipt)) } } }
        } @else if ways.newest.is_none() && ways.older.is_none() {
            p { "Nothing was ended so far." }
        }
        (turning(*ways))
    };
    page(&Frame { title: "Receipts", about: None, viewer: Some(viewer) }, &body)
}

fn entry(viewer: &Viewer, api: &str, receipt: &Receipt) -> Markup {
    html! {
        h2 { (receipt.act.words()) }
        p.small {
            (moment(&receipt.at)) " · by " (by(viewer, receipt)) " · "
            @if let Some(account) = receipt.account.as_deref().and_then(strangers_text) { (Name(&account)) " · " }
            code { (receipt.credentials) } " · receipt " (receipt.id)
        }
        ul.parts {
            @for part in &receipt.parts {
                li class=[(part.fate == Fate::Stayed).then_some("stayed")] {
                    (part.what.words()) " " code { (part.device) } " " strong { (part.fate.words()) }
                    @if let Some(why) = &part.why { ": " (why) }
                }
            }
            @if let Some(answer) = &receipt.api {
                li { (answer.sentence(api)) " (" (moment(&answer.at)) ")" }
            }
        }
    }
}

fn by(viewer: &Viewer, receipt: &Receipt) -> Markup {
    html! {
        @match &receipt.by {
            By::Operator => "whoever runs the gateway",
            By::Owner(_) if receipt.is_by(&viewer.name) => "you",
            By::Owner(owner) => code { (owner) },
        }
    }
}
