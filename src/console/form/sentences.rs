//! What a schema refuses, as sentences for people.

use super::field::Kind;
use super::formats::Format;
use super::range::Range;
use crate::job::Fault;

const LIMITS: [&str; 4] = ["minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum"];

/// That a field must not be empty, in any case or because the one with this title is not.
pub(super) fn needed(beside: Option<&str>) -> String {
    match beside {
        None => "Fill this in: the job needs it.".to_owned(),
        Some(title) => format!("Fill this in too: the job needs it beside “{title}”."),
    }
}

/// What is wrong with a field of that kind, as a sentence that says what to do where it can.
pub(super) fn sentence(kind: &Kind, fault: &Fault) -> String {
    if let Kind::Number(number) = kind
        && number.range != Range::default()
        && LIMITS.contains(&fault.keyword.as_str())
        && let Some(wanted) = number.wanted()
    {
        return format!("Write a {wanted}.");
    }
    let argument = &fault.argument;
    let format = Format::named(argument).filter(|_| fault.keyword == "format");
    if let Some(told) = format.map(Format::wanted).or_else(|| count(kind, fault)) {
        return told;
    }
    match (fault.keyword.as_str(), argument.as_str()) {
        ("uniqueItems", _) => "Write each value only once.".to_owned(),
        ("minimum", _) => format!("Write a number that is at least {argument}."),
        ("maximum", _) => format!("Write a number that is at most {argument}."),
        ("exclusiveMinimum", _) => format!("Write a number greater than {argument}."),
        ("exclusiveMaximum", _) => format!("Write a number less than {argument}."),
        ("enum", _) => format!("Choose one of these: {argument}."),
        ("minLength", _) => format!("This is too short. The least is {argument}."),
        ("maxLength", _) => format!("This is too long. The most is {argument}."),
        ("pattern", _) => format!("Write it so that it matches the pattern “{argument}”."),
        ("type", _) if !fault.choices.is_empty() => format!("Write {}.", types(&fault.choices)),
        ("oneOf" | "anyOf", _) => fits_none(fault),
        ("allOf", _) => "This does not fit all that the job asks for here.".to_owned(),
        ("not" | "disallow", _) => "The job takes anything here but what this is.".to_owned(),
        _ => format!("The job does not take this: it {}.", fault.words),
    }
}

/// That the values of a field are too few or too many, in the words of its control.
fn count(kind: &Kind, fault: &Fault) -> Option<String> {
    let bound = match fault.keyword.as_str() {
        "minItems" => "at least",
        "maxItems" => "at most",
        _ => return None,
    };
    let count = &fault.argument;
    let values = if count == "1" { "value" } else { "values" };
    Some(match kind {
        Kind::Several(_) => format!("Tick {bound} {count} of these."),
        Kind::Lines(_) => format!("Write {bound} {count} {values}, one a line."),
        _ => format!("Write a list of {bound} {count} {values}."),
    })
}

/// The same of a value within the field, which has no control of its own.
pub(super) fn sentence_within(place: &str, fault: &Fault) -> String {
    format!("At {}: {}", path(place), sentence(&Kind::Json, fault))
}

/// What a schema calls types, for people.
fn types(names: &[String]) -> String {
    let word = |name: &str| match name {
        "string" => "a text in quotation marks".to_owned(),
        "integer" => "a whole number".to_owned(),
        "number" => "a number".to_owned(),
        "boolean" => "true or false".to_owned(),
        "array" => "a list in square brackets".to_owned(),
        "object" => "an object in braces".to_owned(),
        other => other.to_owned(),
    };
    names.iter().map(|name| word(name)).collect::<Vec<_>>().join(", or ")
}

/// Several schemas stand for choice, and this is none of them, or more than one. They are named where all have a title.
fn fits_none(fault: &Fault) -> String {
    let named = match fault.choices.as_slice() {
        [] => String::new(),
        titles => format!(": {}", titles.join(", ")),
    };
    match fault.keyword.as_str() {
        "oneOf" => {
            format!("This has to fit one of the forms that the job takes here, and no more than one{named}.")
        }
        _ => format!("This has to fit one of the forms that the job takes here{named}."),
    }
}

/// A JSON pointer (RFC 6901) as people write places: `.list[1].name`.
fn path(pointer: &str) -> String {
    let step = |step: &str| match step.bytes().all(|byte| byte.is_ascii_digit()) {
        true => format!("[{step}]"),
        false => format!(".{}", step.replace("~1", "/").replace("~0", "~")),
    };
    pointer.split('/').skip(1).map(step).collect()
}
