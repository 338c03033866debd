//! The words of schemas as sentences for people, and where in a form they belong.

use serde_json::Value;

use super::field::Field;

/// What one of the registry's texts (`spec/endo.md` 2.11) says, as a sentence that says what to do where it can.
pub(super) fn sentence(words: &str) -> String {
    let known = [
        (
            "does not conform to the \"date-time\" format",
            "Write a date and time with its zone, like 2026-03-01T09:30:00Z.",
        ),
        ("does not conform to the \"date\" format", "Write a date, like 2026-03-01."),
        ("does not conform to the \"email\" format", "Write an e-mail address, like name@example.org."),
        ("does not conform to the \"uri\" format", "Write a whole address, like https://example.org/page."),
        ("contains duplicate item", "Write each value only once."),
    ];
    if let Some((_, sentence)) = known.iter().find(|(known, _)| words == *known) {
        return (*sentence).to_owned();
    }
    let limits = [
        ("must have a minimum value of ", "Write a number that is at least "),
        ("must have a maximum value of ", "Write a number that is at most "),
        ("must have a value greater than ", "Write a number greater than "),
        ("must have a value less than ", "Write a number less than "),
        ("is not one of enum values: ", "Choose one of these: "),
        ("does not meet minimum length of ", "This is too short. The least is "),
        ("does not meet maximum length of ", "This is too long. The most is "),
        ("does not match pattern ", "Write it so that it matches this pattern: "),
    ];
    let limit =
        limits.iter().find_map(|(known, ours)| Some(format!("{ours}{}.", words.strip_prefix(known)?)));
    limit.unwrap_or_else(|| format!("The job does not take this: it {words}."))
}

/// Which of the fields a text is about, and what it says of it: the deepest one whose path it begins with.
pub(super) fn place<'a>(root: &'a Field, text: &'a str) -> Option<(&'a Field, &'a str)> {
    let mut found: Option<(&Field, &str, usize)> = None;
    root.visit(&mut |field| {
        let path = path(&field.name);
        let Some(rest) = text.strip_prefix(&path) else { return };
        let is_whole = rest.starts_with([' ', '.', '[']);
        if is_whole && found.is_none_or(|(.., length)| path.len() > length) {
            found = Some((field, rest, path.len()));
        }
    });
    let (field, rest, _) = found?;
    Some((field, rest.trim_start()))
}

/// The member that a text finds missing.
pub(super) fn missing(words: &str) -> Option<String> {
    let quoted = words.strip_prefix("requires property ")?;
    serde_json::from_str(quoted).ok()
}

/// How the registry's texts write the place of the value of that name.
fn path(name: &str) -> String {
    let keys = name.split('/').skip(1).map(|step| step.replace("~1", "/").replace("~0", "~"));
    keys.fold("message".to_owned(), |path, key| path + &step(&key))
}

fn step(key: &str) -> String {
    if !key.is_empty() && key.bytes().all(|byte| byte.is_ascii_digit()) {
        return format!("[{key}]");
    }
    if key.contains(|c: char| matches!(c, '.' | '[' | ']') || c.is_whitespace()) {
        return format!("[{}]", Value::from(key));
    }
    format!(".{key}")
}
