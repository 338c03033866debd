//! The controls of fields, and how to use them.

use maud::{Markup, html};
use serde_json::Value;

use super::field::{Choice, Field, Item, Kind, TextKind};
use super::html::{Shown, described_by, is_wrong};
use super::reading::blank;
use super::values::first_text;

/// The control, or the controls, of a field that is no group.
pub(super) fn control(field: &Field, shown: Shown<'_>, is_required: bool) -> Markup {
    let state = State {
        id: field.id(),
        described_by: described_by(field, shown),
        invalid: is_wrong(field, shown).then_some("true"),
        // Browsers post nothing at all where a required control is empty.
        is_required: is_required && blank(field).is_err(),
    };
    match &field.kind {
        Kind::Text(kind) if kind.has_lines => area(field, shown, &state),
        Kind::Lines(_) | Kind::Json => area(field, shown, &state),
        Kind::Text(kind) => line(field, shown, &state, Line::of(*kind)),
        Kind::Number(kind) => {
            let mode = if kind.is_whole && kind.range.is_without_sign() { "numeric" } else { "text" };
            line(
                field,
                shown,
                &state,
                Line { kind: "text", mode: Some(mode), is_kept: true, completes: false },
            )
        }
        Kind::Flag => flag(field, shown, &state),
        Kind::Choice { choices, as_radios: false } => select(field, choices, shown, &state),
        Kind::Choice { choices, .. } => radios(field, choices, shown, is_required),
        Kind::Several(choices) => boxes(field, choices, shown),
        Kind::Fixed(_) | Kind::Group(_) => html! {},
    }
}

/// What it means to leave the control empty, where that says something.
pub(super) fn when_empty(field: &Field) -> Option<String> {
    let is_null = blank(field) == Ok(Some(Value::Null));
    is_null.then(|| "Leave it empty to say null.".into())
}

/// How to write what the control takes, in a sentence; none where it is plain.
pub(super) fn how(field: &Field) -> Option<String> {
    Some(match &field.kind {
        Kind::Text(kind) if kind.is_secret => {
            "Hidden, and never shown again: not even here when something is wrong.".into()
        }
        Kind::Text(kind) => kind.format?.hint(),
        Kind::Number(kind) => format!("A {}.", kind.wanted()?),
        Kind::Lines(Item::Text) => "One a line. Empty lines are left out.".into(),
        Kind::Lines(Item::Whole) => "Whole numbers, one a line.".into(),
        Kind::Lines(Item::Number) => "Numbers, one a line.".into(),
        Kind::Json => "As JSON: texts in double quotes, like \"a text\" or {\"a\": 1}.".into(),
        _ => return None,
    })
}

struct State {
    id: String,
    described_by: Option<String>,
    invalid: Option<&'static str>,
    is_required: bool,
}

/// The ways of a control for one line.
struct Line {
    kind: &'static str,
    mode: Option<&'static str>,
    is_kept: bool,
    completes: bool,
}

impl Line {
    fn of(kind: TextKind) -> Self {
        let (input, mode) = match kind.is_secret {
            true => ("password", None),
            // Types of browsers that keep no invalid text would lose what somebody wrote.
            false => ("text", kind.format.and_then(|format| format.mode)),
        };
        Self { kind: input, mode, is_kept: !kind.is_secret, completes: !kind.is_secret }
    }
}

fn line(field: &Field, shown: Shown<'_>, state: &State, line: Line) -> Markup {
    let value = text(field, shown).filter(|_| line.is_kept || shown.posted.is_none());
    html! {
        input type=(line.kind) id=(state.id) name=(field.name) value=[value] placeholder=[&field.placeholder]
            inputmode=[line.mode] autocomplete=[(!line.completes).then_some("off")] spellcheck="false" autocapitalize="none"
            required[state.is_required] aria-describedby=[&state.described_by] aria-invalid=[state.invalid];
    }
}

fn area(field: &Field, shown: Shown<'_>, state: &State) -> Markup {
    let text = text(field, shown).unwrap_or_default();
    let rows = text.lines().count().clamp(3, 16);
    let is_code = matches!(field.kind, Kind::Json);
    html! {
        // Browsers leave out the first line's end.
        textarea id=(state.id) name=(field.name) rows=(rows) placeholder=[&field.placeholder] class=[is_code.then_some("code")]
            spellcheck="false" autocapitalize="none"
            required[state.is_required] aria-describedby=[&state.described_by] aria-invalid=[state.invalid] { "\n" (text) }
    }
}

fn flag(field: &Field, shown: Shown<'_>, state: &State) -> Markup {
    html! {
        input type="checkbox" id=(state.id) name=(field.name) value="true" checked[is_chosen(field, &Value::Bool(true), shown)]
            aria-describedby=[&state.described_by] aria-invalid=[state.invalid];
    }
}

fn select(field: &Field, choices: &[Choice], shown: Shown<'_>, state: &State) -> Markup {
    html! {
        select id=(state.id) name=(field.name) required[state.is_required]
            aria-describedby=[&state.described_by] aria-invalid=[state.invalid] {
            option value="" { (nothing(state.is_required)) }
            @for choice in choices {
                option value=(choice.posts()) selected[is_chosen(field, &choice.value, shown)] { (choice.title) }
            }
        }
    }
}

fn radios(field: &Field, choices: &[Choice], shown: Shown<'_>, is_required: bool) -> Markup {
    let is_any = choices.iter().any(|choice| is_chosen(field, &choice.value, shown));
    html! {
        @for (index, choice) in choices.iter().enumerate() {
            label.option {
                input type="radio" id={ (field.id()) "-" (index) } name=(field.name) value=(choice.posts())
                    required[is_required] checked[is_chosen(field, &choice.value, shown)];
                span { (choice.title) }
            }
        }
        @if !is_required {
            label.option { input type="radio" name=(field.name) value="" checked[!is_any]; span { (nothing(false)) } }
        }
    }
}

fn boxes(field: &Field, choices: &[Choice], shown: Shown<'_>) -> Markup {
    html! {
        @for (index, choice) in choices.iter().enumerate() {
            label.option {
                input type="checkbox" id={ (field.id()) "-" (index) } name=(field.name) value=(choice.posts())
                    checked[is_chosen(field, &choice.value, shown)];
                span { (choice.title) }
            }
        }
    }
}

fn nothing(is_required: bool) -> &'static str {
    if is_required { "Choose one" } else { "Say nothing" }
}

fn text(field: &Field, shown: Shown<'_>) -> Option<String> {
    match shown.posted {
        None => Some(first_text(field)).filter(|text| !text.is_empty()),
        Some(posted) => posted.one(&field.name).map(str::to_owned),
    }
}

fn is_chosen(field: &Field, value: &Value, shown: Shown<'_>) -> bool {
    match (shown.posted, &field.kind, &field.default) {
        (Some(posted), ..) => posted.holds(&field.name, &value.to_string()),
        (None, Kind::Several(_), Some(Value::Array(values))) => values.contains(value),
        (None, _, default) => default.as_ref() == Some(value),
    }
}
