//! A record with another secret: everything else of it stays.

use endo::vault::{
    Clients, Format, KeyRing, RecordError, Replacement, ResealError, SealError, SealedText, SecretText,
    disclose_to_handler,
};
use serde_json::{Value, json};

use super::{NOW, Stored, contents, device, original_key, other_key, vault, vault_with, vectors};

fn replacement(refresh: Option<&str>, generation: u64) -> Replacement {
    let refresh_token = refresh.map(SecretText::from);
    Replacement {
        secret: SecretText::from("new-access"),
        refresh_token,
        clients: Clients::both(Some("second".to_owned())),
        set_aside: Vec::new(),
        source: None,
        generation,
    }
}

/// What a record says outside of what is encrypted and signed.
fn outside(endo: &str) -> Value {
    let mut endo: Value = serde_json::from_str(endo).unwrap();
    endo.as_object_mut().unwrap().shift_remove("encrypted");
    endo
}

#[test]
fn every_recorded_record_keeps_all_but_its_secret() {
    for case in vectors()["credentialsDevices"].as_array().unwrap() {
        let document = &case["device"];
        let device = document["uuid"].as_str().unwrap().into();
        let (endo, signature) =
            (document["endo"].to_string(), document["endoSignature"].as_str().unwrap_or_default());
        let old = SealedText { endo: &endo, signature };
        let Ok(before) = vault().open(&device, old, NOW) else { continue };
        let sealed = match vault().reseal(&device, old, |_| replacement(Some("new-refresh"), 7)) {
            Ok(sealed) => sealed,
            // There is no secret that another could take the place of.
            Err(error) => {
                assert_eq!(error, ResealError::Record(RecordError::Contents));
                assert!(before.secret().expose().is_empty());
                continue;
            }
        };
        let new = Stored::new(&sealed);
        assert_eq!(outside(&new.endo), outside(&endo), "the owner's key, the account's, and the version");
        let order = |text: &str| serde_json::from_str::<serde_json::Map<String, Value>>(text).unwrap();
        assert!(order(&new.endo).keys().eq(order(&endo).keys()), "the order is part of the signature");
        let after = vault().open(&device, new.text(), NOW).unwrap();
        assert_eq!(
            (after.secret().expose(), after.refresh_token().unwrap().expose()),
            ("new-access", "new-refresh")
        );
        let token = |of: &endo::vault::Credentials| {
            of.credentials_device_token().map(|text| text.expose().to_owned())
        };
        assert_eq!((after.public(), token(&after)), (before.public(), token(&before)));
        assert_eq!((after.format(), after.generation()), (Format::One, 0));
        let secrets = |of| {
            disclose_to_handler(of).expose()["secrets"]
                .as_object()
                .unwrap()
                .keys()
                .cloned()
                .collect::<Vec<_>>()
        };
        assert_eq!(secrets(&after), secrets(&before));
    }
}

#[test]
fn a_record_of_format_2_keeps_its_owners_and_hosts_and_counts_on() {
    let mut contents = contents();
    contents.owners.named.push("owner-2".into());
    contents.extras.insert("plan".to_owned(), json!({"name": "free"}));
    let old = Stored::new(&vault().seal(&device(), &contents, Format::Two).unwrap());
    let new = Stored::new(&vault().reseal(&device(), old.text(), |_| replacement(None, 9)).unwrap());
    let (mut before, after) = (outside(&old.endo), outside(&new.endo));
    before["generation"] = json!(9);
    assert_eq!(after, before);
    let opened = new.open(&vault()).unwrap();
    assert_eq!((opened.secret().expose(), opened.generation()), ("new-access", 9));
    assert!(opened.refresh_token().is_none());
    assert_eq!(opened.owners(), contents.owners.named);
    assert_eq!(opened.hosts(), Some(&*contents.hosts));
    assert_eq!(opened.public()["plan"], json!({"name": "free"}));
    assert_eq!(opened.credentials_device_token().unwrap().expose(), "canary-bus");
}

#[test]
fn a_new_first_key_seals_and_the_keys_of_owner_and_account_stay() {
    let rotated = vault_with(KeyRing::new(other_key(), vec![original_key()]));
    let alone = vault_with(KeyRing::new(other_key(), vec![]));
    for format in [Format::One, Format::Two] {
        let old = Stored::new(&vault().seal(&device(), &contents(), format).unwrap());
        let new = Stored::new(&rotated.reseal(&device(), old.text(), |_| replacement(None, 3)).unwrap());
        assert_eq!(outside(&new.endo), outside(&old.endo));
        assert_eq!(new.open(&alone).unwrap().secret().expose(), "new-access");
    }
}

#[test]
fn what_does_not_open_is_not_sealed_anew() {
    let old = Stored::new(&vault().seal(&device(), &contents(), Format::Two).unwrap());
    let foreign = vault_with(KeyRing::new(other_key(), vec![]));
    let refused = foreign.reseal(&device(), old.text(), |_| replacement(None, 4));
    assert_eq!(refused.unwrap_err(), ResealError::Record(RecordError::Signature));
    let elsewhere = vault().reseal(&"another".into(), old.text(), |_| replacement(None, 4));
    assert_eq!(elsewhere.unwrap_err(), ResealError::Record(RecordError::WrongDevice));
    let uncountable = vault().reseal(&device(), old.text(), |_| replacement(None, 1 << 53));
    assert_eq!(uncountable.unwrap_err(), ResealError::Seal(SealError::Generation));
    assert_eq!(format!("{:?}", replacement(Some("x"), 4)).matches("[redacted]").count(), 2);
}
