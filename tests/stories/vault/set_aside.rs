//! What a record sets aside: grants, and what was noted token by token before.

use endo::ambient::Timestamp;
use endo::vault::{Clients, Contents, Format, Grant, SealedText, SecretText};
use serde_json::Value;

use super::{NOW, Stored, contents, device, vault};

/// What is told of a grant: its access token, its end, its refresh token, and the clients of both.
fn told(grant: &Grant) -> String {
    let Grant { access, ends_at, refresh, clients } = grant;
    let text = |token: &Option<SecretText>| token.as_ref().map_or("-", SecretText::expose).to_owned();
    let end = ends_at.map_or("-".to_owned(), |end| end.as_millis().to_string());
    let of = |client: &Option<String>| client.clone().unwrap_or("-".to_owned());
    let Clients { secret, refresh_token, are_of_two_sign_ins } = clients;
    let apart = if *are_of_two_sign_ins { " of two sign-ins" } else { "" };
    format!("{} {} {end} {} {}{apart}", text(access), of(secret), text(refresh), of(refresh_token))
}

#[test]
fn each_grant_is_kept_as_it_was() {
    let (secret, refresh_token) = (Some("first".to_owned()), Some("second".to_owned()));
    let clients = Clients { secret, refresh_token, are_of_two_sign_ins: true };
    let pair = Grant {
        access: Some(SecretText::from("access")),
        ends_at: Some(Timestamp::from_millis(7)),
        refresh: Some(SecretText::from("refresh")),
        clients,
    };
    let set_aside = [pair.part(true, false).unwrap(), pair.part(false, true).unwrap(), pair];
    for format in [Format::One, Format::Two] {
        let set_aside = set_aside.iter().map(Grant::copy).collect();
        let record = vault().seal(&device(), &Contents { set_aside, ..contents() }, format).unwrap();
        let opened = Stored::new(&record).open(&vault()).unwrap();
        let told: Vec<_> = opened.set_aside().iter().map(told).collect();
        assert_eq!(
            told,
            [
                "access first 7 - second",
                "- first - refresh second",
                "access first 7 refresh second of two sign-ins"
            ]
        );
    }
}

/// A record as it was sealed when each token was noted by itself: the first two without what kind it is, which may be either where
/// nobody knows when it ends.
#[test]
fn what_was_noted_token_by_token_is_read() {
    let recorded: Value = serde_json::from_str(include_str!("../../fixtures/record-set-aside.json")).unwrap();
    let [endo, signature] = ["endo", "endoSignature"].map(|name| recorded[name].as_str().unwrap());
    let opened = vault().open(&device(), SealedText { endo, signature }, NOW).unwrap();
    let told: Vec<_> = opened.set_aside().iter().map(told).collect();
    assert_eq!(
        told,
        [
            "of-no-kind-until-then - 1700000000000 - -",
            "of-no-kind first - of-no-kind first",
            "access-until-then first 1700000000000 - first",
            "access - - - -",
            "- second - refresh second",
        ]
    );
    assert_eq!(opened.set_aside()[1].tokens().count(), 1);
}
