//! Of what a stranger said, the words of a list are left.

use endo::message::{DeliveryId, DeviceUuid};
use endo::redaction::{Plain, Redaction};
use endo::signature::FieldError;
use proptest::prelude::*;

use crate::support::quoted::{TOKEN, forms};

fn plain(text: &str) -> String {
    Plain::of(text, &Redaction::default()).as_str().to_owned()
}

/// What is left of the answer of somebody who was told this secret.
fn answer(secret: &str, text: &str) -> String {
    Plain::of(text, &Redaction::of([secret])).as_str().to_owned()
}

#[test]
fn what_is_said_in_words_of_the_list_stays_as_it_is() {
    for said in [
        "",
        "no",
        "Bad credentials",
        "invalid_grant",
        "INVALID_GRANT",
        "invalid-request",
        "The client is not authorized.",
        "The refresh token is invalid or has expired",
        "The refresh_token (or code) was used; see the documentation.",
        "redirect_uri_mismatch",
        "rate limit exceeded, try again later!",
        "Unauthorized",
        "AccessDenied: the user may not read events",
        "Resource not accessible",
        "invalid peer certificate: UnknownIssuer",
        "error sending request: client error (Connect): tcp connect error: Connection refused (os error)",
        "Invalid Response Code",
        "the OAuth client of GitHub",
    ] {
        assert_eq!(plain(said), said);
    }
}

#[test]
fn everything_else_is_left_out() {
    for (said, left) in [
        ("the token gho_x7 of octocat", "the token …"),
        ("the token gho_x7 of the octocat", "the token … of the …"),
        ("AADSTS70008: the grant has expired. Trace ID: 5b8e9d2a-01", "… the grant has expired …"),
        ("the owner is bob@example.com who asks for the token", "the owner is … for the token"),
        ("<b>error</b>\n\"value\" ‘not’ [valid] {a & b}", "… error … value not valid …"),
        ("retry after 60 seconds", "retry after … seconds"),
        ("you sent 12 34 56 of it", "you sent …"),
        ("see https://api.example.com:8443/token", "see https api … token"),
        ("this grant is zurückgewiesen", "this grant is …"),
        ("the token.-…-.-- is invalid", "the token is invalid"),
        ("the token is tOkEn", "the token is …"),
        ("xXxXxXxX", "…"),
        (&*"aB".repeat(100_000), "…"),
        (&*format!("{}invalid token", "x y 7 ".repeat(1000)), "… invalid token"),
        (&*"x".repeat(10_000), "…"),
    ] {
        assert_eq!(plain(said), left, "{said}");
    }
    let long = plain(&"token ".repeat(10_000));
    assert!(long.ends_with("token …") && (180..=200).contains(&long.len()), "{long}");
}

#[test]
fn no_print_has_a_word_of_it() {
    let plain = Plain::of("invalid client", &Redaction::default());
    assert!(plain.has_words());
    assert_eq!(format!("{plain:?}"), "…");
    for said in ["", "gho_x7", "gho_x7, 12"] {
        assert!(!Plain::of(said, &Redaction::default()).has_words(), "{said}");
    }
}

#[test]
fn no_form_of_a_secret_is_left_by_whomever_it_is_quoted() {
    for form in forms(TOKEN) {
        let said = format!("The access token {form} is invalid or has expired");
        assert_eq!(plain(&said), "The access token … is invalid or has expired", "{form}");
    }
}

#[test]
fn a_secret_that_is_spelled_out_is_not_left() {
    let letters = |name: fn(char) -> String| TOKEN.chars().map(name).collect::<Vec<_>>();
    let by_itself = letters(|letter| letter.to_string());
    let named = letters(|letter| match letter {
        'A'..='Z' => format!("capital {letter}"),
        'a'..='z' => format!("small {letter}"),
        '0'..='9' => ["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"]
            [letter as usize - '0' as usize]
            .to_owned(),
        _ => "dash".to_owned(),
    });
    let in_words = "kilo then Kilo then six, alpha bravo, double u, oh, capital queue";
    for spelled in
        [by_itself.join(" "), by_itself.join(" then "), named.join(" "), named.join(", "), in_words.into()]
    {
        assert_eq!(plain(&format!("The token is: {spelled}")), "The token is …", "{spelled}");
    }
}

#[test]
fn pieces_of_a_secret_are_not_left() {
    for length in 1..=8 {
        let pieces = TOKEN.as_bytes().chunks(length).map(|piece| String::from_utf8_lossy(piece).into_owned());
        let backwards = |piece: &String| piece.chars().rev().collect::<String>();
        let pieces: Vec<_> = pieces.collect();
        let turned: Vec<_> = pieces.iter().map(backwards).collect();
        for said in [pieces.join(" "), pieces.join(". "), turned.join(" "), pieces.join(" and so ")] {
            let left = plain(&format!("The token begins with {said}"));
            assert_eq!(left.replace(" and so", "").replace(" …", ""), "The token", "{said}");
        }
    }
    // Those of letters alone look like words.
    for piece in ["Zqxrk", "tmwvbn", "lpdsfhy", "cjwgohzq", "Abcdefgh"] {
        assert_eq!(plain(&format!("The token {piece} is invalid")), "The token … is invalid");
    }
}

#[test]
fn a_secret_that_is_made_of_words_of_the_list_is_not_left() {
    let secret = "invalid-client-secret-token";
    let told = "invalid client secret token";
    let backwards = |text: &str| text.chars().rev().collect::<String>();
    for said in [
        secret.to_owned(),
        secret.replace('-', "_"),
        secret.replace('-', "."),
        secret.replace('-', " / "),
        secret.replace('-', " then "),
        secret.replace('-', " is not "),
        "InvalidClientSecretToken".to_owned(),
        "invalidClientSecretToken".to_owned(),
        secret.to_uppercase(),
        "token_secret_client_invalid".to_owned(),
        backwards(secret),
        "invalid; the next is client".to_owned(),
    ] {
        let left = answer(secret, &format!("It was {said} for you")).to_lowercase();
        let is_left = |word: &str| left.contains(word) || left.contains(&backwards(word));
        assert!(!told.split(' ').any(is_left), "{said}: {left}");
        assert!(left.starts_with("it was …") && left.ends_with("… for you"), "{said}: {left}");
    }
    assert_eq!(answer(&backwards(secret), "you sent invalid_client"), "you sent …");
    assert_eq!(answer("9open7code1user4name3", "It was open code user name for you"), "It was … for you");
    // Eight letters in a row that are parts of words.
    assert_eq!(answer("x8-tokenrefus-77", "a broken refusal, the token refused it now"), "… broken … it now");
    assert_eq!(answer("9xampleredirectory", "the example redirect is wrong"), "… is wrong");
    assert_eq!(answer(secret, "The request has expired"), "The request has expired");
    assert_eq!(answer(TOKEN, "invalid_client_secret_token"), "invalid_client_secret_token");
}

#[test]
fn as_much_of_a_secret_as_tells_it_from_words_is_left_out_at_the_end() {
    assert_eq!(answer("canary-of-ours-which-is-long", "you sent canary-of-o"), "you sent …");
    assert_eq!(answer("canary-of-ours-which-is-long", "you sent it"), "you sent it");
}

#[test]
fn what_is_wrong_with_a_field_is_told_by_a_name_that_is_known() {
    let told = |name: &str| FieldError::Missing(name.to_owned()).to_string();
    assert_eq!(told("x-meshblu-uuid"), "`x-meshblu-uuid` is missing");
    assert_eq!(told("@path"), "`@path` is missing");
    assert_eq!(told("x-token-of-client"), "`…` is missing");
}

#[test]
fn names_are_logged_by_a_hash_unless_a_bus_made_them() {
    let uuid = "3f0e6d54-9c8b-4d2a-8f1e-0a1b2c3d4e5f";
    // printf %s endo:NAME | sha256sum | cut -c-16
    assert_eq!(DeliveryId::from(uuid).fingerprint(), "da19bd493a4b05b7");
    assert_eq!(DeviceUuid::from(uuid).fingerprint(), "da19bd493a4b05b7");
    assert_eq!(DeviceUuid::from(uuid).logged(), uuid);
    for other in ["", "canary", "3f0e6d549c8b4d2a8f1e0a1b2c3d4e5f", "3f0e6d54-9c8b-4d2a-8f1e-0a1b2c3d4e5g"] {
        let device = DeviceUuid::from(other);
        assert_eq!(device.logged(), device.fingerprint());
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn whatever_is_said_it_is_short_and_harmless(said in "\\PC{0,300}|[a-zA-Z0-9 /+=:-]{0,300}|((is|to|The|token)[ _]){0,90}") {
        for plain in [plain(&said), answer("to-the", &said)] {
            prop_assert!(plain.len() <= 200, "{}", plain);
            let harmless = |c: char| c.is_ascii_alphabetic() || " .,;:!?()/_-…".contains(c);
            prop_assert!(plain.chars().all(harmless), "{}", plain);
        }
    }
}
