//! Dates of old buses: HTTP dates to the letter, within the window, whatever else is signed correctly.

use std::time::Duration;

use endo::signature::{Component, Policy, Refusal, RsaPublicKey, Verifier};

use super::{Draft, counts_for_three_hundred_seconds, recorded_pem, trusting_old_bus};

/// A request whose signature is right, with any text as its date.
fn dated(date: &str) -> Draft {
    let mut draft = Draft::webhook();
    draft.set("Date", date);
    draft.set("Authorization", super::forge::authorization(&draft, "date x-meshblu-uuid"));
    draft
}

#[test]
fn all_three_forms_of_an_http_date_are_read() {
    for date in
        ["Thu, 15 Jan 2026 12:00:00 GMT", "Thursday, 15-Jan-26 12:00:00 GMT", "Thu Jan 15 12:00:00 2026"]
    {
        assert_eq!(dated(date).verdict(&trusting_old_bus()), Ok(()), "{date}");
    }
}

#[test]
fn a_date_in_any_other_form_is_refused_though_it_is_signed() {
    for date in [
        "",
        "x",
        "yesterday-ish",
        "0",
        "1768478400",
        "1768478400000",
        "NaN",
        "2026-01-15T12:00:00.000Z",
        "2026-01-15T12:00:00Z",
        "2026-01-15 12:00:00",
        "15 Jan 2026 12:00:00 GMT",
        "Thu, 15 Jan 2026 12:00:00",
        "Thu, 15 Jan 2026 12:00:00 UTC",
        "Thu, 15 Jan 2026 12:00:00 +0000",
        "Thu, 15 Jan 2026 13:00:00 +0100",
        "Thu, 15 Jan 2026 12:00:00 gmt",
        "thu, 15 jan 2026 12:00:00 GMT",
        "Thu, 15 January 2026 12:00:00 GMT",
        "Thu,  15 Jan 2026 12:00:00 GMT",
        "Thu, 15 Jan 2026  12:00:00 GMT",
        "Thu, 15 Jan 2026 12:00 GMT",
        "Thu, 15 Jan 2026 12:00:00.000 GMT",
        "Thu, 15 Jan 2026 12:00:00 GMT GMT",
        "Thu, 15 Jan 26 12:00:00 GMT",
        "Thu, 15 Jan 12026 12:00:00 GMT",
        "Fri, 15 Jan 2026 12:00:00 GMT",
        "Thu, 32 Jan 2026 12:00:00 GMT",
        "Sun, 29 Feb 2026 12:00:00 GMT",
        "Thu, 15 Jan 2026 25:00:00 GMT",
        "Thu, 15 Jan 2026 12:60:00 GMT",
        "Thu, 15 Jan 2026 12:00:61 GMT",
        "Thu, +15 Jan 2026 12:00:00 GMT",
        "Thu Jan 15 2026 12:00:00 GMT+0000 (Coordinated Universal Time)",
        "Thu, 15 Jan 2026 12:00:00 GMT, Thu, 15 Jan 2026 12:00:00 GMT",
    ] {
        assert_eq!(dated(date).verdict(&trusting_old_bus()), Err(Refusal::NotADate), "{date}");
    }
}

#[test]
fn a_date_that_is_not_text_is_refused() {
    let mut draft = dated("Thu, 15 Jan 2026 12:00:00 GMT");
    draft.set("Date", [0xff, 0xfe]);
    assert_eq!(draft.verdict(&trusting_old_bus()), Err(Refusal::NotADate));
}

#[test]
fn the_window_ends_after_exactly_three_hundred_seconds_on_both_sides() {
    counts_for_three_hundred_seconds(&dated("Thu, 15 Jan 2026 12:00:00 GMT"), &trusting_old_bus());
}

#[test]
fn a_year_far_away_is_out_of_the_window() {
    for (date, refusal) in [
        ("Thu, 01 Jan 1970 00:00:00 GMT", Refusal::TooOld),
        ("Mon, 01 Jan 0001 00:00:00 GMT", Refusal::TooOld),
        ("Fri, 31 Dec 9999 23:59:59 GMT", Refusal::TooNew),
    ] {
        assert_eq!(dated(date).verdict(&trusting_old_bus()), Err(refusal), "{date}");
    }
}

#[test]
fn an_old_bus_has_to_sign_the_date_whatever_its_policy_asks() {
    let key = RsaPublicKey::from_pem(&recorded_pem("meshbluPublicKeyPem")).unwrap();
    let lax = Verifier::new().trusting_old_bus(key, Policy::new([], Duration::from_secs(300)));
    let mut draft = dated("Thu, 15 Jan 2026 12:00:00 GMT");
    assert_eq!(draft.verdict(&lax), Ok(()));
    draft.set("Authorization", super::forge::authorization(&draft, "x-meshblu-uuid"));
    assert_eq!(draft.verdict(&lax), Err(Refusal::Uncovered(Component::field("date"))));
}
