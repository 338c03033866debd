//! From what was posted to a value of the schema's types, or what is wrong with it.

use serde_json::{Map, Number, Value};

use super::faults::Faults;
use super::field::{Choice, Field, Item, Kind, NumberKind, Part, TextKind};
use super::posted::Posted;
use super::range::Range;
use super::values::first_text;

/// Below it a number with a fraction or an exponent says which integer it is.
const MOST_EXACT: f64 = 9_007_199_254_740_992.0;

/// What was read of one field.
#[derive(Default)]
struct Read {
    /// Absent where nothing was said.
    value: Option<Value>,
    /// Whether somebody said something else than the form did at first.
    is_touched: bool,
    faults: Faults,
}

/// The value of `field`, absent where nothing was said; and what is wrong with it.
pub(super) fn read(field: &Field, posted: &Posted) -> (Option<Value>, Faults) {
    let read = field_of(field, posted);
    (read.value, read.faults)
}

fn field_of(field: &Field, posted: &Posted) -> Read {
    match &field.kind {
        Kind::Group(parts) => group(field, parts, posted),
        Kind::Fixed(value) => Read { value: Some(value.clone()), ..Read::default() },
        Kind::Flag => flag(field, posted),
        Kind::Several(choices) => several(field, choices, posted),
        _ => one_control(field, posted.one(&field.name).unwrap_or_default()),
    }
}

/// An object. One of which nobody said anything is not there if it need not be, and `null` if it may be that.
fn group(field: &Field, parts: &[Part], posted: &Posted) -> Read {
    let mut object = Map::new();
    let (mut faults, mut is_touched) = (Faults::default(), false);
    for member in parts.iter().filter_map(Part::field) {
        let read = field_of(member, posted);
        is_touched |= read.is_touched;
        faults.extend(read.faults);
        object.extend(read.value.map(|value| (member.key.clone(), value)));
    }
    let holds = is_needed(field) || is_touched || (field.has_default() && faults.is_empty());
    match holds {
        true => Read { value: Some(object.into()), is_touched, faults },
        false => Read { value: field.is_required.then_some(Value::Null), ..Read::default() },
    }
}

/// Whether something has to be said of it.
pub(super) fn is_needed(field: &Field) -> bool {
    field.is_required && !field.is_nullable
}

fn flag(field: &Field, posted: &Posted) -> Read {
    let is_ticked = posted.holds(&field.name, "true");
    let was_ticked = field.default == Some(Value::Bool(true));
    let faults = only(field, posted, &["true".to_owned()], "Tick this, or leave it empty.");
    let is_touched = is_ticked != was_ticked || !faults.is_empty();
    Read { value: Some(is_ticked.into()), is_touched, faults }
}

fn several(field: &Field, choices: &[Choice], posted: &Posted) -> Read {
    let ticked = choices.iter().filter(|choice| posted.holds(&field.name, &choice.posts()));
    let values: Vec<_> = ticked.map(|choice| choice.value.clone()).collect();
    let was = field.default.as_ref().and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    let is_changed = values.len() != was.len() || !values.iter().all(|value| was.contains(value));
    let is_said = is_needed(field) || !values.is_empty() || field.default.is_some();
    let unsaid = field.is_required.then_some(Value::Null);
    let posts: Vec<_> = choices.iter().map(Choice::posts).collect();
    let faults = only(field, posted, &posts, "Choose among these.");
    let is_touched = is_changed || !faults.is_empty();
    Read { value: if is_said { Some(values.into()) } else { unsaid }, is_touched, faults }
}

/// Boxes post nothing but what they stand for.
fn only(field: &Field, posted: &Posted, posts: &[String], sentence: &str) -> Faults {
    let mut faults = Faults::default();
    if posted.all(&field.name).any(|value| !value.is_empty() && posts.iter().all(|post| post != value)) {
        faults.add(&field.name, sentence);
    }
    faults
}

fn one_control(field: &Field, text: &str) -> Read {
    let is_touched = text != first_text(field);
    let is_blank = match field.kind {
        Kind::Text(kind) if !kind.is_trimmed() => text.is_empty(),
        _ => text.trim().is_empty(),
    };
    let mut faults = Faults::default();
    let value = if is_blank { blank(field) } else { said(field, text).map(Some) };
    let value = value.unwrap_or_else(|sentence| {
        faults.add(&field.name, sentence);
        None
    });
    Read { value, is_touched, faults }
}

/// A control that was left empty says nothing, unless the schema has a value that looks like that.
pub(super) fn blank(field: &Field) -> Result<Option<Value>, String> {
    match &field.kind {
        Kind::Text(_) if field.default.as_ref().is_some_and(|text| text == "") => Ok(Some("".into())),
        Kind::Text(kind) if kind.may_be_empty && field.is_required => Ok(Some("".into())),
        Kind::Lines(_) if is_needed(field) || field.default.is_some() => Ok(Some(Value::Array(Vec::new()))),
        _ if !field.is_required => Ok(None),
        Kind::Choice { .. } => Err("Choose one.".into()),
        _ if field.is_nullable => Ok(Some(Value::Null)),
        _ => Err("Fill this in: the job needs it.".into()),
    }
}

fn said(field: &Field, text: &str) -> Result<Value, String> {
    match &field.kind {
        Kind::Text(kind) => Ok(trimmed(*kind, text).into()),
        Kind::Number(kind) => number(*kind, text.trim()).map(Value::from),
        Kind::Choice { choices, .. } => {
            let chosen = choices.iter().find(|choice| choice.posts() == text);
            chosen.map(|choice| choice.value.clone()).ok_or_else(|| "Choose one of these.".into())
        }
        Kind::Lines(item) => lines(*item, text),
        _ => serde_json::from_str(text).map_err(|error| {
            format!(
                "Write JSON. What is here cannot be read beyond line {}, column {}.",
                error.line(),
                error.column()
            )
        }),
    }
}

fn trimmed(kind: TextKind, text: &str) -> &str {
    if kind.is_trimmed() { text.trim() } else { text }
}

fn lines(item: Item, text: &str) -> Result<Value, String> {
    let said = text.split('\n').filter(|line| !line.trim().is_empty()).enumerate();
    let value = |(index, line): (usize, &str)| {
        let kind = |is_whole| NumberKind { is_whole, range: Range::default() };
        let read = match item {
            Item::Text => Ok(line.into()),
            Item::Number => number(kind(false), line.trim()).map(Value::from),
            Item::Whole => number(kind(true), line.trim()).map(Value::from),
        };
        read.map_err(|sentence| format!("Value {}: {sentence}", index + 1))
    };
    said.map(value).collect::<Result<Vec<_>, _>>().map(Value::from)
}

/// As JSON writes numbers, or as people do.
fn number(kind: NumberKind, text: &str) -> Result<Number, String> {
    let written = serde_json::from_str::<Number>(text).ok();
    let number = written
        .or_else(|| text.parse::<i64>().ok().map(Number::from))
        .or_else(|| Number::from_f64(text.parse().ok()?));
    match number {
        None if kind.is_whole => Err("Write a whole number, like 12.".into()),
        None => Err("Write a number, like 12 or 0.5.".into()),
        Some(number) if kind.is_whole => whole(number),
        Some(number) => Ok(number),
    }
}

/// The integer, however it is written.
fn whole(number: Number) -> Result<Number, String> {
    let Some(written) = number.as_f64().filter(|_| number.is_f64()) else { return Ok(number) };
    if written.fract() != 0.0 {
        return Err("Write a whole number, without a fraction.".into());
    }
    // Beyond that it stands for several integers.
    let digits = (written.abs() < MOST_EXACT).then(|| format!("{written:.0}"));
    let digits = digits.and_then(|digits| digits.parse::<i64>().ok());
    digits.map(Number::from).ok_or_else(|| "Write a whole number that is not as long.".into())
}
