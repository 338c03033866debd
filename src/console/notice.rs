//! What was just done.

use maud::{Markup, html};

use super::layout::Viewer;
use super::strangers::{account, strangers_text};
use crate::credentials::{Act, Receipt};

/// What was just done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Done {
    /// What this receipt says.
    Kept(Box<Receipt>),
    /// The viewer manages some credentials no more.
    Left,
}

/// Says it, where something was done.
pub(super) fn notice(viewer: &Viewer, api: &str, done: Option<&Done>) -> Markup {
    html! {
        @match done {
            Some(Done::Left) => p.notice role="status" { "You left: you do not manage those credentials any more." },
            Some(Done::Kept(receipt)) if receipt.is_by(&viewer.name) => p.notice role="status" {
                (sentence(receipt)) " "
                @if let Some(answer) = &receipt.api { "Of the tokens: " (answer.sentence(api)) ". " }
                a href="/console/receipts" { "See the receipt" }
            },
            _ => {}
        }
    }
}

/// What somebody is told who is signed in as a device that everybody on the bus has in their hands.
pub(super) fn viewer_is_everybodys() -> Markup {
    html! {
        div.alarm {
            p {
                "Everybody on this bus may change the device that you are signed in as, make tokens of it, or act as it: anybody can be \
                 you here. Sign out, and in with the bus again: its page closes the device."
            }
        }
    }
}

fn sentence(receipt: &Receipt) -> Markup {
    let name = receipt.account.as_deref().and_then(strangers_text);
    let name = account(name.as_deref());
    html! {
        @match receipt.act {
            Act::CutOff => {
                "Cut off" @for device in receipt.cut_off() { " " code { (device) } }
                ": no message of it can use " (name) " any more."
            },
            Act::CutOffAll => { "All devices were cut off: none of them can use " (name) " any more." },
            Act::Forgotten => { "The secret of " (name) " was forgotten, and all devices were cut off." },
            Act::Replaced | Act::Left => { (receipt.act.words()) "." },
        }
    }
}
