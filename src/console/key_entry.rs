//! The page where somebody types an API key in, or agrees that there is none.

use maud::{Markup, html};

use super::layout::{Frame, Viewer, page};
use super::line::{Line, What};
use super::strangers::{Name, strangers_text};

/// What is asked for.
#[derive(Clone, Copy, Debug)]
pub struct KeyEntry<'a> {
    /// What people call the API.
    pub api: &'a str,
    /// Where the form leads.
    pub action: &'a str,
    /// What the key is called, where that is known.
    pub name: Option<&'a str>,
    /// Whether it stays so.
    pub name_is_fixed: bool,
    /// Whether the key that is there has to be typed in as well.
    pub asks_present: bool,
    /// What was wrong the last time.
    pub fault: Option<KeyFault<'a>>,
}

/// What was wrong with what was typed.
#[derive(Clone, Copy, Debug)]
pub struct KeyFault<'a> {
    /// The line that it is in, where it is in one.
    pub line: Option<KeyLine>,
    /// What to do about it.
    pub note: &'a str,
}

/// The lines of the form.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyLine {
    /// What the key is called.
    Name,
    /// The key that is there.
    Present,
    /// The key.
    Key,
}

impl KeyEntry<'_> {
    /// What is wrong with this line, or with none of them.
    fn fault_of(&self, line: Option<KeyLine>) -> Option<&str> {
        self.fault.filter(|fault| fault.line == line).map(|fault| fault.note)
    }
}

/// The page. A key that was typed in is never part of it.
pub fn key_entry(viewer: &Viewer, entry: &KeyEntry<'_>) -> Markup {
    let body = html! {
        @if let Some(note) = entry.fault_of(None) { p.alarm role="alert" { (note) } }
        p.lead {
            @if entry.asks_present { "Type in the present key, which proves that you may do this, and a newer one if there is one. " }
            @else { "Paste an API key of yours. " }
            "A key is sealed at once and never shown again, not even to you."
        }
        form method="post" action=(entry.action) {
            input type="hidden" name="csrf" value=(viewer.csrf);
            (fields(entry))
            button.strong { (if entry.asks_present { "Go on" } else { "Keep this key" }) }
        }
        p { a href="/console" { "Not now" } }
    };
    let about = entry.name.filter(|_| entry.name_is_fixed).and_then(strangers_text);
    let about = about.as_deref().map(Name);
    let title = if about.is_some() { "A new key for".to_owned() } else { format!("Connect {}", entry.api) };
    page(&Frame { title: &title, about, viewer: Some(viewer) }, &body)
}

fn fields(entry: &KeyEntry<'_>) -> Markup {
    let name_hint = html! { "So that you know it again, such as the account that the key belongs to." };
    let present_hint =
        html! { "The key that is there now: who has it is who may end something here, or give another." };
    let key_hint = html! { "Leave it empty to stay with the present one." };
    let name = Line {
        name: "name",
        label: "Name",
        is_optional: false,
        what: What::Name(entry.name.unwrap_or_default()),
        hint: Some(&name_hint),
        fault: entry.fault_of(Some(KeyLine::Name)),
    };
    let present = Line {
        name: "present",
        label: "Present key",
        what: What::Secret,
        hint: Some(&present_hint),
        fault: entry.fault_of(Some(KeyLine::Present)),
        ..name
    };
    let key = Line {
        name: "key",
        label: if entry.asks_present { "New key" } else { "API key" },
        is_optional: entry.asks_present,
        hint: entry.asks_present.then_some(&key_hint),
        fault: entry.fault_of(Some(KeyLine::Key)),
        ..present
    };
    html! {
        @if !entry.name_is_fixed { (name) }
        @if entry.asks_present { (present) }
        (key)
    }
}

/// The page in place of a sign-in where there is no account at an API.
pub fn no_account(viewer: &Viewer, api: &str, action: &str) -> Markup {
    let body = html! {
        p.lead { (api) " needs no account: who you are on the bus is enough." }
        form method="post" action=(action) {
            input type="hidden" name="csrf" value=(viewer.csrf);
            button.strong { "Go on" }
        }
    };
    page(&Frame { title: &format!("Connect {api}"), about: None, viewer: Some(viewer) }, &body)
}
