//! What a schema refuses, as sentences for people.

use crate::job::Fault;

/// What is wrong with a field, as a sentence that says what to do where it can.
pub(super) fn sentence(fault: &Fault) -> String {
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
