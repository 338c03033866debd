use endo::vault::{
    Contents, Format, KeyRing, Owners, RecordError, ResourceOwnerId, SealError, disclose_to_handler,
};
use serde_json::{Map, Value, json};

use super::forge::{Forge, header, plain_contents};
use super::{NOW, Stored, contents, device, original_key, other_key, vault, vault_with};

fn sealed() -> Stored {
    Stored::new(&vault().seal(&device(), &contents(), Format::Two).unwrap())
}

fn endo_of(record: &Stored) -> Value {
    serde_json::from_str(&record.endo).unwrap()
}

fn refusal(record: &Stored) -> RecordError {
    record.open(&vault()).unwrap_err()
}

#[test]
fn a_record_says_what_was_sealed_into_it() {
    let owners = Owners::named(["owner-1", "owner-2"]);
    let contents = Contents { owners: owners.clone(), ..contents() };
    let vault = vault();
    let record = Stored::new(&vault.seal(&device(), &contents, Format::Two).unwrap());
    let credentials = record.open(&vault).unwrap();
    assert_eq!(credentials.id(), Some(&ResourceOwnerId::Number(42)));
    assert_eq!(credentials.username(), Some("octocat"));
    assert_eq!(Value::from(credentials.public().clone()), json!({"id": 42, "username": "octocat"}));
    assert_eq!(credentials.secret().expose(), "canary-access");
    assert_eq!(credentials.refresh_token().unwrap().expose(), "canary-refresh");
    assert_eq!(credentials.credentials_device_token().unwrap().expose(), "canary-bus");
    assert_eq!(credentials.owners(), owners.named);
    assert_eq!(credentials.hosts(), Some(&["api.github.com".to_owned()][..]));
    assert_eq!((credentials.generation(), credentials.format()), (3, Format::Two));
    let to_handler = Value::from(disclose_to_handler(&credentials).expose().clone());
    let secrets = json!({"credentials": {"secret": "canary-access", "refreshToken": "canary-refresh"}});
    assert_eq!(to_handler, json!({"id": 42, "username": "octocat", "secrets": secrets}));
}

#[test]
fn a_record_is_found_by_its_account_and_by_each_of_its_owners() {
    let vault = vault();
    let contents = Contents { owners: Owners::named(["owner-1", "owner-2"]), ..contents() };
    let endo = vault.seal(&device(), &contents, Format::Two).unwrap().endo;
    assert_eq!(endo["version"], "2.0.0");
    assert_eq!(endo["generation"], 3);
    assert_eq!(endo["idKey"], vault.id_keys(&contents.id).newest());
    let owner_keys: Vec<_> =
        contents.owners.named.iter().map(|owner| vault.authorized_keys(owner).remove(0)).collect();
    assert_eq!(endo["authorizedKey"], json!(owner_keys));
}

#[test]
fn members_in_another_order_still_verify() {
    let record = sealed();
    let reversed: Map<String, Value> =
        endo_of(&record).as_object().unwrap().clone().into_iter().rev().collect();
    let reversed = Stored { endo: Value::from(reversed).to_string(), signature: record.signature };
    assert_ne!(reversed.endo, record.endo);
    assert_eq!(reversed.open(&vault()).unwrap().secret().expose(), "canary-access");
}

#[test]
fn a_change_to_any_member_breaks_the_signature_and_nothing_is_decrypted() {
    let (record, vault) = (sealed(), vault());
    for name in ["authorizedKey", "idKey", "generation", "encrypted", "extra"] {
        let mut endo = endo_of(&record);
        endo[name] = json!("changed");
        let changed = Stored { endo: endo.to_string(), signature: record.signature.clone() };
        assert_eq!(changed.open(&vault).unwrap_err(), RecordError::Signature, "{name}");
    }
    assert_eq!(vault.private_key_operations(), 0);
}

#[test]
fn a_record_cut_anywhere_is_refused() {
    let record = sealed();
    let encrypted = endo_of(&record)["encrypted"].as_str().unwrap().to_owned();
    for length in (0..encrypted.len()).step_by(40) {
        let mut endo = endo_of(&record);
        endo["encrypted"] = json!(encrypted[..length]);
        let cut = Stored { endo: endo.to_string(), signature: record.signature.clone() };
        assert_eq!(refusal(&cut), RecordError::Signature, "{length}");
    }
}

#[test]
fn a_signed_record_with_a_part_cut_short_is_refused() {
    let forge = Forge::new();
    let whole = forge.jwe(&header().to_string(), &plain_contents());
    let parts: Vec<&str> = whole.split('.').collect();
    let with = |index: usize, part: &str| {
        let mut parts = parts.clone();
        parts[index] = part;
        refusal(&forge.record(&parts.join(".")))
    };
    for (index, expected) in [
        (0, RecordError::Header),
        (1, RecordError::Truncated),
        (2, RecordError::Truncated),
        (3, RecordError::Decryption),
        (4, RecordError::Truncated),
    ] {
        assert_eq!(with(index, ""), expected, "part {index} empty");
        assert_eq!(with(index, &parts[index][..4]), expected, "part {index} cut");
    }
    for count in 0..5 {
        assert_eq!(refusal(&forge.record(&parts[..count].join("."))), RecordError::Truncated);
    }
    assert_eq!(refusal(&forge.record(&format!("{whole}.AAAA"))), RecordError::Truncated);
    assert_eq!(refusal(&forge.record(&whole.replace('.', "=."))), RecordError::Truncated);
    assert!(forge.record(&whole).open(&vault()).is_ok());
}

#[test]
fn only_our_algorithms_are_accepted() {
    let forge = Forge::new();
    for changes in [
        json!({"alg": "RSA-OAEP"}),
        json!({"alg": "RSA1_5"}),
        json!({"alg": "dir"}),
        json!({"alg": "none"}),
        json!({"alg": "rsa-oaep-256"}),
        json!({"enc": "A128GCM"}),
        json!({"enc": "A256CBC-HS512"}),
    ] {
        assert_eq!(refusal(&forge.with_header(changes.clone())), RecordError::Algorithm, "{changes}");
    }
}

#[test]
fn a_header_has_our_members_and_no_others() {
    let forge = Forge::new();
    for changes in [
        json!({"zip": "DEF"}),
        json!({"crit": ["exp"]}),
        json!({"jku": "https://a.test/"}),
        json!({"alg": null}),
        json!({"kid": null}),
        json!({"kid": 7}),
        json!({"device": null}),
    ] {
        assert_eq!(refusal(&forge.with_header(changes.clone())), RecordError::Header, "{changes}");
    }
    assert_eq!(refusal(&forge.with_header(json!({"kid": other_key().kid()}))), RecordError::UnknownKey);
    for hosts in [json!(null), json!("a.test"), json!([1])] {
        assert_eq!(refusal(&forge.with_header(json!({"hosts": hosts}))), RecordError::Hosts, "{hosts}");
    }
    for text in ["", "[]", "{", "{\"alg\":"] {
        assert_eq!(
            refusal(&forge.record(&forge.jwe(text, &plain_contents()))),
            RecordError::Header,
            "{text}"
        );
    }
}

#[test]
fn a_record_is_good_on_its_own_device_only() {
    let (record, elsewhere) = (sealed(), "another-device".into());
    assert_eq!(vault().open(&elsewhere, record.text(), NOW).unwrap_err(), RecordError::WrongDevice);
    let mut moved = endo_of(&record);
    moved["credentialsDeviceUuid"] = json!("another-device");
    let moved = Stored { endo: moved.to_string(), signature: record.signature };
    assert_eq!(vault().open(&elsewhere, moved.text(), NOW).unwrap_err(), RecordError::Signature);
    let inside = Forge::new().with_header(json!({"device": "another-device"}));
    assert_eq!(refusal(&inside), RecordError::WrongDevice);
}

/// Whoever has the public key can make a JWE with a wider list, but not sign it.
#[test]
fn a_wider_host_list_is_refused() {
    let (record, forge) = (sealed(), Forge::new());
    let mut wide = header();
    wide["hosts"] = json!(["api.github.com", "evil.test"]);
    let mut endo = endo_of(&record);
    endo["encrypted"] = json!(forge.jwe(&wide.to_string(), &plain_contents()));
    assert_eq!(
        refusal(&Stored { endo: endo.to_string(), signature: record.signature.clone() }),
        RecordError::Signature
    );
    let encrypted = endo_of(&record)["encrypted"].as_str().unwrap().to_owned();
    let swapped = forge.jwe(&wide.to_string(), &plain_contents());
    let head = swapped.split('.').next().unwrap();
    let rest = encrypted.split_once('.').unwrap().1;
    assert_eq!(refusal(&forge.record(&format!("{head}.{rest}"))), RecordError::Decryption);
}

#[test]
fn a_signature_of_a_key_outside_the_ring_is_refused() {
    let other = vault_with(KeyRing::new(other_key(), vec![]));
    let record = Stored::new(&other.seal(&device(), &contents(), Format::Two).unwrap());
    assert_eq!(refusal(&record), RecordError::Signature);
    assert_eq!(sealed().open(&other).unwrap_err(), RecordError::Signature);
    let both = vault_with(KeyRing::new(original_key(), vec![other_key()]));
    assert!(record.open(&both).is_ok());
}

#[test]
fn an_older_record_in_place_of_a_newer_one_shows_by_its_generation() {
    let vault = vault();
    let seal =
        |generation| vault.seal(&device(), &Contents { generation, ..contents() }, Format::Two).unwrap();
    let (older, newer) = (Stored::new(&seal(4)), Stored::new(&seal(5)));
    assert_eq!(newer.open(&vault).unwrap().generation(), 5);
    assert_eq!(older.open(&vault).unwrap().generation(), 4);
}

#[test]
fn a_generation_that_is_no_exact_whole_number_is_refused() {
    let forge = Forge::new();
    let encrypted = forge.jwe(&header().to_string(), &plain_contents());
    for generation in [json!(null), json!(-1), json!(1.5), json!("1"), json!(1u64 << 53)] {
        let endo = json!({
            "credentialsDeviceUuid": device(), "version": "2.0.0", "generation": generation, "encrypted": encrypted,
        });
        assert_eq!(refusal(&forge.signed(&endo)), RecordError::Generation, "{generation}");
    }
    let contents = Contents { generation: 1 << 53, ..contents() };
    assert_eq!(vault().seal(&device(), &contents, Format::Two).unwrap_err(), SealError::Generation);
}

#[test]
fn signed_contents_that_are_no_credentials_are_refused() {
    let forge = Forge::new();
    let with = |contents: Value| refusal(&forge.record(&forge.jwe(&header().to_string(), &contents)));
    for contents in [json!("text"), json!([]), json!({"id": 1}), json!({"id": 1, "owners": [7]})] {
        assert_eq!(with(contents.clone()), RecordError::Contents, "{contents}");
    }
    let with_object = with(json!({"id": {"a": 1}, "owners": []}));
    assert!(matches!(with_object, RecordError::ResourceOwnerId(_)));
}

#[test]
fn contents_too_large_for_a_record_are_refused() {
    let extras = Map::from_iter([("bio".to_owned(), json!("x".repeat(1 << 20)))]);
    let contents = Contents { extras, ..contents() };
    assert_eq!(vault().seal(&device(), &contents, Format::Two).unwrap_err(), SealError::TooLarge);
}
