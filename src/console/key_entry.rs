//! The page where somebody types an API key in, or agrees that there is none.

use maud::{Markup, html};

use super::layout::{Frame, Viewer, page};
use super::strangers::{LONGEST_NAME, Name, strangers_text};

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
    pub note: Option<&'a str>,
}

/// The page. A key that was typed in is never part of it.
pub fn key_entry(viewer: &Viewer, entry: &KeyEntry<'_>) -> Markup {
    let body = html! {
        @if let Some(note) = entry.note { p.alarm role="alert" { (note) } }
        p.lead { "Paste an API key of yours. It is sealed at once and never shown again, not even to you." }
        form method="post" action=(entry.action) {
            input type="hidden" name="csrf" value=(viewer.csrf);
            (fields(entry))
            button.strong { (if entry.asks_present { "Go on" } else { "Keep this key" }) }
        }
    };
    let about = entry.name.filter(|_| entry.name_is_fixed).and_then(strangers_text);
    let about = about.as_deref().map(Name);
    let title = if about.is_some() { "A new key for".to_owned() } else { format!("Connect {}", entry.api) };
    page(&Frame { title: &title, about, viewer: Some(viewer) }, &body)
}

fn fields(entry: &KeyEntry<'_>) -> Markup {
    html! {
        @if !entry.name_is_fixed {
            label for="name" { "Name" }
            p.hint id="name-hint" { "So that you know it again, such as the account that the key belongs to." }
            input id="name" name="name" value=[entry.name] maxlength=(LONGEST_NAME) aria-describedby="name-hint" required;
        }
        @if entry.asks_present {
            label for="present" { "Present key" }
            p.hint id="present-hint" { "The key that is there now: who has it is who may end something here, or give another." }
            input id="present" name="present" type="password" maxlength="16384" autocomplete="off" spellcheck="false"
                aria-describedby="present-hint" required;
            label for="key" { "New key" }
            p.hint id="key-hint" { "Leave it empty to stay with the present one." }
            input id="key" name="key" type="password" maxlength="16384" autocomplete="off" spellcheck="false"
                aria-describedby="key-hint";
        } @else {
            label for="key" { "API key" }
            input id="key" name="key" type="password" maxlength="16384" autocomplete="off" spellcheck="false" required;
        }
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
