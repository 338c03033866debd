//! What was ended: by whom, when, what stayed and why, and what the API answered.

use std::collections::HashMap;

use maud::{Markup, html};

use super::layout::{Frame, Viewer, page};
use super::moment::moment;
use super::strangers::{Name, strangers_text};
use super::turning::{Turning, turning};
use crate::credentials::{By, Fate, Receipt};
use crate::message::DeviceUuid;

/// Some of the receipts that concern somebody, newest first.
#[derive(Clone, Copy, Debug)]
pub struct ReceiptList<'a> {
    /// What people call the API.
    pub api: &'a str,
    /// Each of them.
    pub receipts: &'a [Receipt],
    /// What their devices are called, as far as the viewer may see that.
    pub names: &'a HashMap<DeviceUuid, String>,
    /// Where the others are.
    pub turning: Turning<'a>,
}

/// The list of receipts.
pub fn receipts(viewer: &Viewer, list: &ReceiptList<'_>) -> Markup {
    let ReceiptList { receipts, turning: ways, .. } = list;
    let body = html! {
        p.lead { "What was ended of credentials that are yours, or were yours when they were forgotten." }
        @if !receipts.is_empty() {
            ul.cards { @for receipt in *receipts { li { (entry(viewer, list, receipt)) } } }
        } @else if ways.newest.is_none() && ways.older.is_none() {
            p { "Nothing was ended so far." }
        }
        (turning(*ways))
    };
    page(&Frame { title: "Receipts", about: None, viewer: Some(viewer) }, &body)
}

fn entry(viewer: &Viewer, ReceiptList { api, names, .. }: &ReceiptList<'_>, receipt: &Receipt) -> Markup {
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
                    (part.what.words()) " " (which(names, &part.device)) " " strong { (part.fate.words()) }
                    @if let Some(why) = &part.why { ": " (why) }
                }
            }
            @if let Some(answer) = &receipt.api {
                li { (answer.sentence(api)) " (" (moment(&answer.at)) ")" }
            }
        }
    }
}

/// Its name, which others may have as well, and what tells it from them.
fn which(names: &HashMap<DeviceUuid, String>, device: &DeviceUuid) -> Markup {
    let name = names.get(device).and_then(|name| strangers_text(name));
    html! {
        @if let Some(name) = name { (Name(&name)) " (" code { (device) } ")" } @else { code { (device) } }
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
