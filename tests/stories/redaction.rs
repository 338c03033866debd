//! Secrets are found in what somebody says, in whatever form it is quoted.

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD, URL_SAFE, URL_SAFE_NO_PAD};
use endo::redaction::Redaction;
use proptest::prelude::*;
use serde_json::{Value, json};

use crate::support::quoted::{TOKEN, forms};

/// It is quoted in another way by each who quotes it.
const SECRET: &str = "canary+\"of/ours\" ~100%25 ünd?";

fn clean(secret: &str, text: &str) -> String {
    Redaction::of([secret]).clean_text(text.to_owned())
}

fn hexadecimal(secret: &str) -> String {
    secret.bytes().map(|byte| format!("{byte:02x}")).collect()
}

fn percent_encoded(secret: &str, is_kept: impl Fn(u8) -> bool) -> String {
    let encode = |byte: u8| if is_kept(byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") };
    secret.bytes().map(encode).collect()
}

fn as_in_a_form(secret: &str) -> String {
    percent_encoded(secret, |byte| byte.is_ascii_alphanumeric() || b"*-._ ".contains(&byte)).replace(' ', "+")
}

/// As the servers of many languages escape it.
fn escaped(secret: &str) -> String {
    let unit = |unit: u16| format!("\\u{unit:04x}");
    let escape = |character: char| match character {
        '"' | '/' => format!("\\{character}"),
        _ if character.is_ascii() => character.to_string(),
        _ => character.encode_utf16(&mut [0; 2]).iter().map(|code| unit(*code)).collect(),
    };
    secret.chars().map(escape).collect()
}

#[test]
fn a_secret_is_found_however_it_is_quoted() {
    let unreserved = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
    let whole = percent_encoded(SECRET, |_| false);
    let as_in_forms = as_in_a_form(SECRET);
    for form in [
        SECRET.to_owned(),
        hexadecimal(SECRET),
        hexadecimal(SECRET).to_uppercase(),
        whole.to_lowercase(),
        whole,
        as_in_forms.to_lowercase(),
        as_in_forms,
        percent_encoded(SECRET, unreserved),
        percent_encoded(SECRET, |byte| unreserved(byte) || b"+/?!'()*".contains(&byte)),
        json!(SECRET).to_string().trim_matches('"').to_owned(),
        escaped(SECRET),
        percent_encoded(&STANDARD.encode(SECRET), unreserved),
        STANDARD.encode(SECRET).replace('/', "\\/"),
    ] {
        let said = clean(SECRET, &format!("you sent \"{form}\", and {form}!"));
        assert!(said.starts_with("you sent \"[redacted]"), "{form}: {said}");
        assert_eq!(said.matches("[redacted]").count(), 2, "{form}: {said}");
        assert!(said.len() < 50, "{form}: {said}");
    }
}

#[test]
fn a_secret_is_found_at_every_place_of_what_is_in_base64() {
    for (before, after) in ["", "i", "id", "id:", "an-id:"].into_iter().flat_map(|it| [(it, ""), (it, "ab")])
    {
        for engine in [STANDARD, STANDARD_NO_PAD, URL_SAFE, URL_SAFE_NO_PAD] {
            // The second is what a client proves itself by (RFC 6749, 2.3.1).
            for secret in [SECRET.to_owned(), as_in_a_form(SECRET)] {
                let encoded = engine.encode(format!("{before}{secret}{after}"));
                let said = clean(SECRET, &format!("Authorization: Basic {encoded}"));
                let left = said.strip_prefix("Authorization: Basic ").unwrap().replace("[redacted]", "");
                assert!(said.contains("[redacted]"), "{encoded}: {said}");
                // No letter of it is whole.
                assert!(
                    left.trim_matches('=').len() <= (before.len() + after.len()) * 2 + 4,
                    "{encoded}: {left}"
                );
            }
        }
    }
}

#[test]
fn what_is_divided_or_escaped_twice_is_found_where_somebody_says_something() {
    for form in forms(TOKEN) {
        let said = clean(TOKEN, &format!("The token {form}, of octocat - it is: 60 days old"));
        assert_eq!(said, "The token [redacted], of octocat - it is: 60 days old", "{form}");
        // Where it was cut there is no whole escape.
        for length in (form.len() / 2 + 20..form.len()).step_by(7) {
            let said = clean(TOKEN, &format!("The token {}", &form[..length]));
            let left = said.strip_prefix("The token [redacted]").unwrap_or_else(|| panic!("{said}"));
            assert!(left.len() < 6, "{said}");
        }
    }
    for said in ["dead beef: 12-34", "%2541 and &#65; or \\x41", "gho_ Zq7", "Z2hv X1px"] {
        assert_eq!(clean(TOKEN, said), said);
    }
}

#[test]
fn what_divides_data_is_left_there() {
    let data = json!(forms("canary-of-ours").into_iter().map(|form| format!("{form}.")).collect::<Vec<_>>());
    let divided = json!(["canary of-ours", "canary:of:ours", "Canary-of-ours"]);
    let redaction = Redaction::of(["canary-of-ours"]);
    assert_eq!(redaction.clean(divided.clone()), divided);
    assert!(redaction.clean(data.clone()) != data);
}

#[test]
fn what_was_cut_in_the_middle_of_a_secret_ends_before_it() {
    let secret = "canary-of-ours-which-is-long";
    for end in ["", "...", "…"] {
        let shortest = if end.is_empty() { secret.len() / 2 } else { 8 };
        for length in shortest..secret.len() {
            let said = clean(secret, &format!("you sent {}{end}", &secret[..length]));
            assert_eq!(said, format!("you sent [redacted]{end}"));
        }
        let basic = STANDARD.encode(format!("id:{secret}"));
        let said = clean(secret, &format!("you sent Basic {}{end}", &basic[..30]));
        assert_eq!(said, format!("you sent Basic aWQ6[redacted]{end}"));
    }
    for other in ["a canary", "a canary.", "a canary sings", "canary-of-theirs", "cana...", "cana", ""] {
        assert_eq!(clean(secret, other), other);
    }
}

#[test]
fn what_a_secret_begins_with_may_be_in_data() {
    let redaction = Redaction::of(["bob@example.com:pw"]);
    let data = json!({"email": "bob@example.com", "see": "https://example.com/bob@example.com"});
    assert_eq!(redaction.clean(data.clone()), data);
    assert_eq!(redaction.clean(json!("bob@exam...")), json!("[redacted]..."));
}

#[test]
fn a_secret_of_digits_is_found_as_a_number() {
    let redaction = Redaction::of(["4815162342108642", "1234"]);
    let data = json!([4_815_162_342_108_642_u64, 4_815_162_342_108_643_u64, 1234, "1234"]);
    assert_eq!(redaction.clean(data), json!(["[redacted]", 4_815_162_342_108_643_u64, 1234, "[redacted]"]));
}

#[test]
fn a_secret_of_a_few_bytes_is_a_word_of_its_own() {
    let said = "Bearer r-2, r-22, or-2 and über-2: no r-2";
    assert_eq!(clean("r-2", said), "Bearer [redacted], r-22, or-2 and über-2: no [redacted]");
    let words = "the key of monkeys, a2V5, 6b6579 and data";
    assert_eq!(clean("key", words), "the [redacted] of monkeys, a2V5, 6b6579 and data");
    for secret in ["", "u", "da"] {
        assert_eq!(clean(secret, words), words);
    }
}

#[test]
fn all_texts_of_a_value_are_clean_and_nothing_else_of_it_is_changed() {
    let redaction = Redaction::of(["first-of-ours", "first-of-ours-and-longer"]);
    let said = json!({
        "z": [1.50, null, "of first-of-ours-and-longer", {"first%2Dof%2Dours": true}], "first-of-ours": {"a": "b"}, "m": "%zz\\",
    });
    let expected =
        r#"{"z":[1.5,null,"of [redacted]",{"[redacted]":true}],"[redacted]":{"a":"b"},"m":"%zz\\"}"#;
    assert_eq!(redaction.clean(said).to_string(), expected);
    let others = json!({"z": ["%", "\\u00", "\\ud800\\u0041", "+", "%4", "é%C3", "…"], "a": {}});
    assert_eq!(redaction.clean(others.clone()).to_string(), others.to_string());
    assert_eq!(format!("{redaction:?}"), "[redacted]");
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn whatever_is_said_nothing_breaks_and_no_secret_is_left(
        secret in "[ -~]{8,40}|\\PC{8,12}",
        (before, after) in ("\\PC{0,10}[%+\\\\a-f0-9]{0,4}", "[%+\\\\a-f0-9]{0,4}\\PC{0,10}"),
    ) {
        for quoted in [secret.clone(), percent_encoded(&secret, |_| false), hexadecimal(&secret)] {
            let said = clean(&secret, &format!("{before} {quoted} {after}"));
            prop_assert!(!said.contains(&quoted), "{}", said);
            // No text is too short to be looked through that has room for it.
            let alone = Redaction::of([secret.as_str()]).clean(Value::from(quoted.clone()));
            prop_assert_eq!(alone, Value::from("[redacted]"));
        }
        let value = Value::from(before.clone());
        prop_assert_eq!(Redaction::of([]).clean(value.clone()), value);
    }
}
