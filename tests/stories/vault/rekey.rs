//! The same credentials under a newer key.

use endo::vault::{
    Clients, Contents, Format, KeyRing, Management, Need, Owners, RekeyError, Replacement, ResourceOwnerId,
    SealedText, SecretMap, SecretText,
};
use serde_json::{Map, Value, json};

use super::{Stored, contents, device, original_key, other_key, vault, vault_with};

fn replacement() -> Replacement {
    let secret = SecretText::from("new-access");
    Replacement {
        secret,
        refresh_token: None,
        clients: Clients::default(),
        set_aside: Vec::new(),
        source: None,
        generation: 6,
    }
}

fn management(owners: Option<Vec<&str>>) -> Management {
    let owners = owners.map(Owners::named);
    Management {
        owners,
        format: Format::Two,
        hosts: vec!["api.test".to_owned()],
        source: None,
        generation: 7,
        set_aside: None,
    }
}

#[test]
fn a_record_of_either_format_moves_to_the_newest_key_with_all_it_holds() {
    let mut held = contents();
    held.extras =
        Map::from_iter([("z".to_owned(), json!([1.5, {"a": null}])), ("plan".to_owned(), json!("free"))]);
    held.other_secrets = SecretMap::from(Map::from_iter([("session".to_owned(), json!("canary-more"))]));
    for format in [Format::One, Format::Two] {
        let old = Stored::new(&vault().seal(&device(), &held, format).unwrap());
        let newer = vault_with(KeyRing::new(other_key(), vec![original_key()]));
        let owners = (format == Format::One).then(|| vec!["owner-1"]);
        let moved = newer.rekey(&device(), old.text(), &management(owners)).unwrap();
        let alone = vault_with(KeyRing::new(other_key(), vec![]));
        let (before, after) = (old.open(&vault()).unwrap(), Stored::new(&moved).open(&alone).unwrap());
        assert_eq!((after.format(), after.generation()), (Format::Two, 7));
        assert_eq!(after.public(), before.public());
        assert_eq!(after.secret().expose(), before.secret().expose());
        assert_eq!(after.refresh_token().unwrap().expose(), before.refresh_token().unwrap().expose());
        let disclosed = |opened| endo::vault::disclose_to_handler(opened).expose().clone();
        assert_eq!(Value::from(disclosed(&after)), Value::from(disclosed(&before)));
        assert_eq!(after.owners(), ["owner-1".into()]);
        let hosts = if format == Format::One { "api.test" } else { "api.github.com" };
        assert_eq!(after.hosts().unwrap(), [hosts], "a record's own hosts stay");
        let keys: Value = serde_json::from_str(&moved.endo.to_string()).unwrap();
        assert_eq!(keys["idKey"], json!(alone.id_keys(&held.id).newest()));
        assert_eq!(keys["authorizedKey"], json!(alone.authorized_keys(&"owner-1".into())));
        let token = |opened: &endo::vault::Credentials| {
            opened.credentials_device_token().unwrap().expose().to_owned()
        };
        assert_eq!(token(&after), token(&before));
    }
}

#[test]
fn a_record_whose_owner_is_only_a_signature_needs_somebody_to_say_who_that_is() {
    let old = Stored::new(&vault().seal(&device(), &contents(), Format::One).unwrap());
    let refused = vault().rekey(&device(), old.text(), &management(None));
    assert_eq!(refused, Err(RekeyError::UnknownOwner));
}

#[test]
fn owners_can_change_and_nothing_else_with_them() {
    let held = Contents { owners: Owners::named(["owner-1", "owner-2"]), ..contents() };
    let old = Stored::new(&vault().seal(&device(), &held, Format::Two).unwrap());
    let moved = vault().rekey(&device(), old.text(), &management(Some(vec!["owner-2"]))).unwrap();
    let after = Stored::new(&moved).open(&vault()).unwrap();
    assert_eq!(after.owners(), ["owner-2".into()]);
    assert_eq!(after.secret().expose(), held.secret.expose());
}

#[test]
fn which_key_a_record_needs_is_told_without_opening_it() {
    let ring = || KeyRing::new(other_key(), vec![original_key()]);
    for (format, names_owners) in [(Format::One, false), (Format::Two, true)] {
        for key in [original_key, other_key] {
            let sealing = vault_with(KeyRing::new(key(), vec![]));
            let record = Stored::new(&sealing.seal(&device(), &contents(), format).unwrap());
            let kid = Some(key().kid().to_owned());
            assert_eq!(
                vault_with(ring()).need(&device(), record.text()),
                Ok(Need { format, kid, missing: None, names_owners, found_by: Vec::new() })
            );
        }
        let record = Stored::new(&vault().seal(&device(), &contents(), format).unwrap());
        let stranger = vault_with(KeyRing::new(other_key(), vec![]));
        let missing = (format == Format::Two).then(|| original_key().kid().to_owned());
        assert_eq!(stranger.missing_key(&device(), record.text()), missing);
        assert_eq!(
            stranger.need(&device(), record.text()),
            Ok(Need { format, kid: None, missing, names_owners, found_by: Vec::new() })
        );
    }
    assert!(vault().need(&device(), SealedText { endo: "{}", signature: "" }).is_err());
}

#[test]
fn a_record_with_another_secret_needs_the_key_by_which_it_is_found_until_it_moves() {
    let old = Stored::new(&vault().seal(&device(), &contents(), Format::Two).unwrap());
    let rotated = vault_with(KeyRing::new(other_key(), vec![original_key()]));
    let renewed = Stored::new(&rotated.reseal(&device(), old.text(), |_| replacement()).unwrap());
    let need = rotated.need(&device(), renewed.text()).unwrap();
    let [newest, older] = [other_key(), original_key()].map(|key| key.kid().to_owned());
    assert_eq!((need.kid.as_ref(), &need.found_by), (Some(&newest), &vec![older.clone()]));
    assert!(need.is_of(&older) && !need.is_met_by(&newest));
    let moved = Stored::new(&rotated.rekey(&device(), renewed.text(), &management(None)).unwrap());
    let need = rotated.need(&device(), moved.text()).unwrap();
    assert!(!need.is_of(&older) && need.is_met_by(&newest));
}

#[test]
fn a_key_that_is_put_first_seals_and_the_others_still_open() {
    let vault = vault();
    let old = Stored::new(&vault.seal(&device(), &contents(), Format::Two).unwrap());
    vault.put_first(other_key());
    assert_eq!(vault.ring().first().kid(), other_key().kid());
    old.open(&vault).unwrap();
    let account = Contents::new(ResourceOwnerId::Number(1), SecretText::from("canary"));
    let new = Stored::new(&vault.seal(&device(), &account, Format::Two).unwrap());
    new.open(&vault_with(KeyRing::new(other_key(), vec![]))).unwrap();
    vault.put_first(original_key());
    assert_eq!(vault.ring().keys().count(), 2);
}
