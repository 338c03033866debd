//! Fields as HTML: labels, hints, what is wrong, and the controls between them.

use maud::{Markup, html};

use super::faults::Faults;
use super::field::{Field, Kind, Part};
use super::html_controls::{control, how, when_empty};
use super::posted::Posted;

/// What the controls hold.
#[derive(Clone, Copy)]
pub(super) struct Shown<'a> {
    /// What was posted; the defaults where nothing was.
    pub(super) posted: Option<&'a Posted>,
    pub(super) faults: &'a Faults,
}

/// All controls, after what is wrong.
pub(super) fn form(data: &Field, shown: Shown<'_>) -> Markup {
    html! {
        (summary(data, shown.faults))
        @match &data.kind {
            Kind::Group(parts) => (self::parts(parts, shown, !data.is_nullable)),
            _ => (field(data, shown, true)),
        }
    }
}

fn summary(data: &Field, faults: &Faults) -> Markup {
    let mut all = Vec::new();
    data.visit(&mut |field| {
        all.extend(faults.of(&field.name).map(|sentence| (target(field), &field.title, sentence)))
    });
    html! {
        @if !faults.is_empty() {
            div.alarm role="alert" {
                p { "The message was not sent. Change this, then send it again:" }
                ul {
                    @for (target, title, sentence) in &all {
                        li { a href={ "#" (target) } { (title) } ": " (sentence) }
                    }
                    @for sentence in faults.of_form() { li { (sentence) } }
                }
            }
        }
    }
}

/// Where a link to the field leads: its control, or the first of them.
fn target(field: &Field) -> String {
    match field.kind {
        Kind::Several(_) | Kind::Choice { as_radios: true, .. } => format!("{}-0", field.id()),
        _ => field.id(),
    }
}

/// The fields of a group. `is_needed` is whether the group itself must be filled in.
fn parts(parts: &[Part], shown: Shown<'_>, is_needed: bool) -> Markup {
    html! {
        @for part in parts {
            @match part {
                Part::Field(inner) => (field(inner, shown, is_needed)),
                Part::Note(text) => p { (text) },
                Part::Title(text) => h2 { (text) },
            }
        }
    }
}

fn field(field: &Field, shown: Shown<'_>, is_needed: bool) -> Markup {
    let is_required = field.is_required && is_needed;
    match &field.kind {
        Kind::Group(inner) => {
            let is_needed = is_required && !field.is_nullable;
            set(field, shown, &html! { (parts(inner, shown, is_needed)) })
        }
        Kind::Several(_) | Kind::Choice { as_radios: true, .. } => {
            set(field, shown, &control(field, shown, is_required))
        }
        Kind::Fixed(value) => html! {
            div.field { p { b { (field.title) } ": " code { (value) } } (hint(field)) }
        },
        Kind::Flag => html! {
            div.field {
                label.option { (control(field, shown, is_required)) span { (field.title) } }
                (hint(field)) (wrong(field, shown))
            }
        },
        _ => html! {
            div.field {
                label for=(field.id()) class=[field.is_title_hidden.then_some("unseen")] { (title(field)) }
                (hint(field)) (wrong(field, shown)) (control(field, shown, is_required))
            }
        },
    }
}

/// Several controls under one title.
fn set(field: &Field, shown: Shown<'_>, inside: &Markup) -> Markup {
    html! {
        fieldset aria-describedby=[described_by(field, shown)] {
            legend class=[field.is_title_hidden.then_some("unseen")] { (title(field)) }
            (hint(field)) (wrong(field, shown))
            (inside)
        }
    }
}

fn title(field: &Field) -> Markup {
    html! { (field.title) @if !field.is_required { span.optional { " (optional)" } } }
}

fn hint(field: &Field) -> Markup {
    let texts = hints(field);
    html! {
        @if !texts.is_empty() {
            p.hint id={ (field.id()) "-hint" } { (texts.join(" ")) }
        }
    }
}

/// What stands under a title: what the schema says, and how to write it.
fn hints(field: &Field) -> Vec<String> {
    let description = field.description.as_deref().map(sentence);
    [description, how(field), when_empty(field)].into_iter().flatten().collect()
}

fn sentence(text: &str) -> String {
    let text = text.trim();
    if text.is_empty() || text.ends_with(['.', '!', '?', ':']) { text.to_owned() } else { format!("{text}.") }
}

fn wrong(field: &Field, shown: Shown<'_>) -> Markup {
    let mut sentences = shown.faults.of(&field.name).peekable();
    html! {
        @if sentences.peek().is_some() {
            p.fault id={ (field.id()) "-fault" } { @for sentence in sentences { (sentence) " " } }
        }
    }
}

/// The ids of the texts that belong to the field.
pub(super) fn described_by(field: &Field, shown: Shown<'_>) -> Option<String> {
    let hint = (!hints(field).is_empty()).then(|| format!("{}-hint", field.id()));
    let fault = is_wrong(field, shown).then(|| format!("{}-fault", field.id()));
    let ids: Vec<_> = hint.into_iter().chain(fault).collect();
    (!ids.is_empty()).then(|| ids.join(" "))
}

/// Whether something is wrong with it.
pub(super) fn is_wrong(field: &Field, shown: Shown<'_>) -> bool {
    shown.faults.of(&field.name).next().is_some()
}
