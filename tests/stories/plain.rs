//! Of what a stranger said, plain words are left.

use endo::redaction::{Plain, Redaction};
use endo::signature::FieldError;
use proptest::prelude::*;

use crate::support::quoted::{TOKEN, forms};

fn plain(text: &str) -> String {
    Plain::of(text).as_str().to_owned()
}

#[test]
fn what_is_said_in_words_stays_as_it_is() {
    for said in [
        "",
        "no",
        "Bad credentials",
        "invalid_grant",
        "INVALID_GRANT",
        "The refresh token is invalid or has expired",
        "The refresh_token (or code) was used; see https://example.com/docs/oauth.",
        "redirect_uri_mismatch",
        "rate limit exceeded, retry after 60 seconds",
        "401 Unauthorized",
        "page 3 of 12",
        "you sent Bearer [redacted], which may not read events: AccessDenied",
        "Resource not accessible by integration",
        "invalid peer certificate: UnknownIssuer",
        "error sending request: client error (Connect): tcp connect error: Connection refused (os error 111)",
        "Invalid Response Code 422",
    ] {
        assert_eq!(plain(said), said);
    }
}

#[test]
fn everything_else_is_left_out() {
    for (said, left) in [
        ("the token gho_x7 of octocat", "the token … of octocat"),
        ("AADSTS70008: the grant has expired. Trace ID: 5b8e9d2a-01", "… the grant has expired. Trace …"),
        ("it is bob@example.com who asks", "… who asks"),
        ("<b>no</b>\n\"quoted\" ‘words’", "b no /b quoted words"),
        ("retry after 60000 seconds", "retry after … seconds"),
        ("you sent 12 34 56 of it", "you sent …"),
        ("you sent c a n a r y there", "you sent …"),
        ("you sent 6768 6f5f then", "you sent …"),
        ("this grant is zurückgewiesen", "this grant is …"),
        ("xXxXxXxX", "…"),
        (&*"x".repeat(10_000), "…"),
    ] {
        assert_eq!(plain(said), left, "{said}");
    }
    let long = plain(&"word ".repeat(10_000));
    assert!(long.ends_with("word …") && (190..=200).contains(&long.len()), "{long}");
}

#[test]
fn no_form_of_a_secret_is_left_by_whomever_it_is_quoted() {
    for form in forms(TOKEN) {
        let said = format!("The access token {form} is invalid or has expired");
        assert_eq!(plain(&said), "The access token … is invalid or has expired", "{form}");
    }
}

#[test]
fn as_much_of_a_secret_as_tells_it_from_words_is_left_out_at_the_end() {
    let sent = Redaction::of(["canary-of-ours-which-is-long"]);
    let said = |text: &str| Plain::of_answer(text, &sent).as_str().to_owned();
    assert_eq!(said("you sent canary-of-o"), "you sent [redacted]");
    assert_eq!(said("you sent canary-"), "you sent canary-");
}

#[test]
fn what_is_wrong_with_a_field_is_told_by_its_plain_name() {
    let told = |name: &str| FieldError::Missing(name.to_owned()).to_string();
    assert_eq!(told("x-meshblu-uuid"), "`x-meshblu-uuid` is missing");
    assert_eq!(told("x-676f"), "`…` is missing");
}

#[test]
fn a_host_is_told_by_its_labels() {
    for (host, told) in [
        ("api.github.com", "api.github.com"),
        ("127.0.0.1", "127.0.0.1"),
        ("gho7x9.evil.example", "….evil.example"),
        ("6768.6f5f.example", "….….example"),
    ] {
        assert_eq!(Plain::of_host(host).as_str(), told);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn whatever_is_said_it_is_short_and_harmless(said in "\\PC{0,300}|[a-zA-Z0-9 /+=:-]{0,300}") {
        let plain = plain(&said);
        prop_assert!(plain.len() <= 200, "{}", plain);
        let harmless = |c: char| c.is_ascii_alphanumeric() || " .,;:!?()[]{}=/_-…".contains(c);
        prop_assert!(plain.chars().all(harmless), "{}", plain);
    }
}
