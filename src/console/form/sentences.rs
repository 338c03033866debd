//! What a schema refuses, as sentences for people.

use super::field::Kind;
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
    match (fault.keyword.as_str(), argument.as_str()) {
        ("format", "date-time") => {
            "Write a date and time with its zone, like 2026-03-01T09:30:00Z.".to_owned()
        }
        ("format", "date") => "Write a date, like 2026-03-01.".to_owned(),
        ("format", "email") => "Write an e-mail address, like name@example.org.".to_owned(),
        ("format", "uri") => "Write a whole address, like https://example.org/page.".to_owned(),
        ("uniqueItems", _) => "Write each value only once.".to_owned(),
        ("minimum", _) => format!("Write a number that is at least {argument}."),
        ("maximum", _) => format!("Write a number that is at most {argument}."),
        ("exclusiveMinimum", _) => format!("Write a number greater than {argument}."),
        ("exclusiveMaximum", _) => format!("Write a number less than {argument}."),
        ("enum", _) => format!("Choose one of these: {argument}."),
        ("minLength" | "minItems", _) => format!("This is too short. The least is {argument}."),
        ("maxLength" | "maxItems", _) => format!("This is too long. The most is {argument}."),
        ("pattern", _) => format!("Write it so that it matches this pattern: {argument}."),
        _ => format!("The job does not take this: it {}.", fault.words),
    }
}
