//! By which client of the API the tokens in a record came, inside its seal.

use endo::vault::{
    Clients, Contents, Credentials, Format, Grant, KeyRing, Management, Replacement, SealError, SealedText,
    SecretMap, SecretText, disclose_to_handler,
};
use serde_json::{Map, json};

use super::{NOW, Stored, contents, device, original_key, other_key, vault, vault_with, vectors};

fn clients(secret: &str, refresh_token: &str) -> Clients {
    let refresh_token = Some(refresh_token.to_owned());
    Clients { refresh_token, ..Clients::both(Some(secret.to_owned())) }
}

fn aside(client: Option<&str>) -> Grant {
    Grant::access(&SecretText::from("canary-aside"), None, client.map(str::to_owned))
}

#[test]
fn a_record_of_either_format_says_it_and_keeps_it_under_another_key() {
    for format in [Format::One, Format::Two] {
        let said = Clients { are_of_two_sign_ins: true, ..clients("first", "second") };
        let set_aside = vec![aside(Some("third")), aside(None)];
        let contents = Contents { clients: said.clone(), set_aside, ..contents() };
        let old = Stored::new(&vault().seal(&device(), &contents, format).unwrap());
        let rotated = vault_with(KeyRing::new(other_key(), vec![original_key()]));
        let owners = Some(contents.owners.clone());
        let new =
            Management { owners, format, hosts: Vec::new(), source: None, generation: 4, set_aside: None };
        let moved = Stored::new(&rotated.rekey(&device(), old.text(), &new).unwrap());
        for record in [&old, &moved] {
            assert!(!record.endo.contains("second"), "it is sealed");
            let opened = record.open(&rotated).unwrap();
            assert_eq!(opened.clients(), &said);
            let asides: Vec<_> =
                opened.set_aside().iter().map(|aside| aside.clients.secret.as_deref()).collect();
            assert_eq!(asides, [Some("third"), None]);
            let disclosed = serde_json::Value::from(disclose_to_handler(&opened).expose().clone());
            let secrets =
                json!({"credentials": {"secret": "canary-access", "refreshToken": "canary-refresh"}});
            assert_eq!(disclosed["secrets"], secrets, "handlers get what the original's jobs got");
        }
    }
}

#[test]
fn what_takes_the_place_of_a_secret_is_of_its_own_client_and_what_is_set_aside_of_the_one_before() {
    let said = Clients { are_of_two_sign_ins: true, ..clients("first", "second") };
    let old = Contents { clients: said, ..contents() };
    let old = Stored::new(&vault().seal(&device(), &old, Format::Two).unwrap());
    let renewed = |opened: &Credentials| Replacement {
        secret: SecretText::from("new"),
        refresh_token: Some(SecretText::from("new-refresh")),
        clients: Clients::both(Some("second".to_owned())),
        set_aside: opened.in_use(None).and_then(|grant| grant.part(true, false)).into_iter().collect(),
        source: None,
        generation: 4,
    };
    let new = Stored::new(&vault().reseal(&device(), old.text(), renewed).unwrap());
    let opened = new.open(&vault()).unwrap();
    assert_eq!(opened.clients(), &clients("second", "second"));
    assert_eq!(opened.set_aside()[0].clients.secret.as_deref(), Some("first"));
}

#[test]
fn the_original_s_records_say_of_no_client() {
    for case in vectors()["credentialsDevices"].as_array().unwrap() {
        let document = &case["device"];
        let device = document["uuid"].as_str().unwrap().into();
        let endo = document["endo"].to_string();
        let signature = document["endoSignature"].as_str().unwrap_or_default();
        let Ok(opened) = vault().open(&device, SealedText { endo: &endo, signature }, NOW) else { continue };
        assert_eq!(opened.clients(), &Clients::default());
    }
    let plain = Stored::new(&vault().seal(&device(), &contents(), Format::One).unwrap());
    let opened = plain.open(&vault()).unwrap();
    assert_eq!(opened.clients(), &Clients::default());
}

#[test]
fn no_other_secret_takes_its_place() {
    let other_secrets = SecretMap::from(Map::from_iter([("clients".to_owned(), json!({"secret": "third"}))]));
    let refused = vault().seal(&device(), &Contents { other_secrets, ..contents() }, Format::Two);
    assert_eq!(refused.unwrap_err(), SealError::Reserved("clients"));
}
