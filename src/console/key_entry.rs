//! The page where somebody types an API key in, or agrees that there is none.

use maud::{Markup, html};

use super::layout::{Frame, Viewer, page};

/// What is asked for.
#[derive(Clone, Copy, Debug)]
pub struct KeyEntry<'a> {
    /// What people call the API.
    pub api: &'a str,
    /// Where the form leads.
    pub action: &'a str,
    /// Whether there is a key at all.
    pub takes_key: bool,
    /// What the key is called, where that is known.
    pub name: Option<&'a str>,
    /// Whether it stays so.
    pub name_is_fixed: bool,
    /// What was wrong the last time.
    pub note: Option<&'a str>,
}

/// The page. A key that was typed in is never part of it.
pub fn key_entry(viewer: &Viewer, entry: &KeyEntry<'_>) -> Markup {
    let body = html! {
        @if let Some(note) = entry.note { p.alarm role="alert" { (note) } }
        @if entry.takes_key {
            p.lead { "Paste an API key of yours. It is sealed at once and never shown again, not even to you." }
        } @else {
            p.lead { (entry.api) " needs no account: who you are on the bus is enough." }
        }
        form method="post" action=(entry.action) {
            input type="hidden" name="csrf" value=(viewer.csrf);
            @if entry.takes_key { (fields(entry)) }
            button.strong { (if entry.takes_key { "Keep this key" } else { "Go on" }) }
        }
    };
    let title = match entry.name.filter(|_| entry.name_is_fixed) {
        Some(name) => format!("A new key for {name}"),
        None => format!("Connect {}", entry.api),
    };
    page(&Frame { title: &title, viewer: Some(viewer) }, &body)
}

fn fields(entry: &KeyEntry<'_>) -> Markup {
    html! {
        @if !entry.name_is_fixed {
            label for="name" { "Name" }
            p.hint id="name-hint" { "So that you know it again, such as the account that the key belongs to." }
            input id="name" name="name" value=[entry.name] maxlength="100" aria-describedby="name-hint" required;
        }
        label for="key" { "API key" }
        input id="key" name="key" type="password" maxlength="16384" autocomplete="off" spellcheck="false" required;
    }
}
