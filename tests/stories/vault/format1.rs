use std::slice;

use endo::vault::{
    Contents, Credentials, Disclosed, Format, KeyRing, Owners, RecordError, ResourceOwnerId, SealError,
    SealedText, SecretMap, SecretText, disclose_to_handler, stringify,
};
use serde_json::{Map, Value, json};

use super::forge::Forge;
use super::{NOW, Stored, contents, device, original_key, other_key, vault, vault_with, vectors};

fn list(vectors: &Value, name: &str) -> Vec<Value> {
    vectors[name].as_array().unwrap().clone()
}

fn str_of<'a>(value: &'a Value, name: &str) -> &'a str {
    value[name].as_str().unwrap()
}

fn stored(device: &Value) -> Stored {
    let signature = device["endoSignature"].as_str().unwrap_or_default().to_owned();
    Stored { endo: device["endo"].to_string(), signature }
}

fn disclosed(credentials: &Credentials) -> Value {
    let disclosed: Disclosed = disclose_to_handler(credentials);
    Value::Object(disclosed.expose().clone())
}

#[test]
fn every_value_of_the_original_is_signed_as_the_original_signs_it() {
    let (key, vectors) = (original_key(), vectors());
    for case in list(&vectors, "cases") {
        assert_eq!(
            *stringify(&case["plaintext"]),
            str_of(&case, "signedAndEncryptedText"),
            "{}",
            case["name"]
        );
        assert_eq!(key.sign_value(&case["plaintext"]), str_of(&case, "signature"), "{}", case["name"]);
    }
    for case in list(&vectors, "negativeSignatures") {
        assert_eq!(case["verifies"], json!(false));
        assert_ne!(key.sign_value(&case["value"]), str_of(&case, "signature"), "{}", case["name"]);
    }
}

/// What the original encrypted is put into a record that is signed for it; only an object is credentials, so
/// everything else is refused after it was decrypted and verified.
#[test]
fn every_value_of_the_original_is_decrypted() {
    let (forge, vault, vectors) = (Forge::new(), vault(), vectors());
    for case in list(&vectors, "cases") {
        let clear = format!(
            r#"{{"credentialsDeviceUuid":"{}","encrypted":{}}}"#,
            device(),
            str_of(&case, "signedAndEncryptedText")
        );
        let endo = json!({"credentialsDeviceUuid": device(), "encrypted": case["encrypted"]}).to_string();
        let record = Stored { endo, signature: forge.sign(&clear) };
        match record.open(&vault) {
            Ok(credentials) => {
                let mut public = case["plaintext"].as_object().unwrap().clone();
                public.shift_remove("secrets");
                assert_eq!(credentials.public(), &public, "{}", case["name"]);
            }
            Err(error) => {
                assert_eq!(error, RecordError::Contents, "{}", case["name"]);
                assert!(!case["plaintext"].is_object(), "{}", case["name"]);
            }
        }
    }
}

#[test]
fn every_record_of_the_original_opens_or_is_refused_as_the_original_found() {
    let (vault, vectors) = (vault(), vectors());
    let mut opened = 0;
    for case in list(&vectors, "credentialsDevices") {
        let (device, expected) = (&case["device"], &case["expected"]);
        let result = vault.open(&str_of(device, "uuid").into(), stored(device).text(), NOW);
        assert_eq!(result.is_ok(), expected["isSignedCorrectly"] == json!(true), "{}", case["name"]);
        let Ok(credentials) = result else { continue };
        opened += 1;
        check_opened(&credentials, expected);
    }
    assert_eq!(opened, 6);
}

fn check_opened(credentials: &Credentials, expected: &Value) {
    let clear = &expected["decrypted"];
    let mut public = clear.as_object().unwrap().clone();
    public.shift_remove("secrets");
    assert_eq!(credentials.public(), &public);
    assert_eq!(credentials.id().map(ResourceOwnerId::to_value).as_ref(), clear.get("id"));
    assert_eq!(credentials.username(), clear["username"].as_str());
    let secrets = &clear["secrets"]["credentials"];
    assert_eq!(credentials.secret().expose(), secrets["secret"].as_str().unwrap_or_default());
    assert_eq!(credentials.refresh_token().map(SecretText::expose), secrets["refreshToken"].as_str());
    let token = credentials.credentials_device_token().map(SecretText::expose);
    assert_eq!(token, expected["credentialsDeviceToken"].as_str());
    let to_job = disclosed(credentials);
    assert_eq!(to_job.to_string(), expected["encryptedArgumentGivenToTheJob"].to_string());
    assert_eq!((credentials.hosts(), credentials.generation()), (None, 0));
    assert_eq!((credentials.owners(), credentials.format()), (&[][..], Format::One));
}

#[test]
fn each_refusal_names_its_condition() {
    let (vault, vectors) = (vault(), vectors());
    let refusals = [
        ("endo keys re-ordered by the store: signature no longer verifies", RecordError::Signature),
        ("credentialsDeviceUuid is not the device uuid", RecordError::WrongDevice),
        ("tampered authorizedKey", RecordError::Signature),
        ("tampered ciphertext (last block)", RecordError::Decryption),
        ("no endo.encrypted", RecordError::NotARecord),
        ("no endo", RecordError::NotARecord),
        ("no endoSignature", RecordError::Signature),
        ("endoSignature is not base64", RecordError::Signature),
    ];
    for (name, expected) in refusals {
        let case =
            list(&vectors, "credentialsDevices").into_iter().find(|case| case["name"] == name).unwrap();
        let uuid = str_of(&case["device"], "uuid").into();
        let error = vault.open(&uuid, stored(&case["device"]).text(), NOW).unwrap_err();
        assert_eq!(error, expected, "{name}");
    }
}

#[test]
fn sealing_gives_the_same_record_as_the_original() {
    let (vault, vectors) = (vault(), vectors());
    for index in [0, 2] {
        let case = &list(&vectors, "credentialsDevices")[index];
        let inputs = &case["inputs"];
        let device = str_of(inputs, "credentialsDeviceUuid").into();
        let sealed = vault.seal(&device, &original_contents(inputs), Format::One).unwrap();
        assert_eq!(sealed.signature, str_of(&case["device"], "endoSignature"));
        let mut endo = sealed.endo;
        endo["encrypted"] = case["device"]["endo"]["encrypted"].clone();
        assert_eq!(endo.to_string(), case["device"]["endo"].to_string());
    }
}

fn original_contents(inputs: &Value) -> Contents {
    let user = &inputs["user"];
    let mut extras: Map<String, Value> = user.as_object().unwrap().clone();
    extras.retain(|name, _| !["id", "username", "secrets"].contains(&name.as_str()));
    let credentials = &user["secrets"]["credentials"];
    Contents {
        username: Some(str_of(user, "username").to_owned()),
        refresh_token: Some(SecretText::from(str_of(credentials, "refreshToken"))),
        extras,
        credentials_device_token: Some(SecretText::from(str_of(inputs, "credentialsDeviceToken"))),
        owners: Owners::named([str_of(inputs, "authorizedUuid")]),
        ..Contents::new(
            ResourceOwnerId::try_from(&inputs["resourceOwnerId"]).unwrap(),
            SecretText::from(str_of(credentials, "secret")),
        )
    }
}

#[test]
fn the_keys_for_look_ups_are_those_the_original_stored_one_a_key_of_the_ring() {
    let vectors = vectors();
    let case = &list(&vectors, "credentialsDevices")[0];
    let (inputs, endo) = (&case["inputs"], &case["device"]["endo"]);
    let vault = vault_with(KeyRing::new(other_key(), vec![original_key()]));
    let id = ResourceOwnerId::try_from(&inputs["resourceOwnerId"]).unwrap();
    let sign = |value: &Value| other_key().sign_value(value);
    let id_keys = [sign(&inputs["resourceOwnerId"]), str_of(endo, "idKey").to_owned()];
    assert_eq!(vault.id_keys(&id).all(), id_keys);
    let owner_keys = [sign(&inputs["authorizedUuid"]), str_of(endo, "authorizedKey").to_owned()];
    assert_eq!(vault.authorized_keys(&str_of(inputs, "authorizedUuid").into()), owner_keys);
}

#[test]
fn a_record_opens_with_an_older_key_of_the_ring_and_not_without_it() {
    let record = Stored::new(&vault().seal(&device(), &contents(), Format::One).unwrap());
    let ring = KeyRing::new(other_key(), vec![original_key()]);
    assert_eq!(record.open(&vault_with(ring)).unwrap().secret().expose(), "canary-access");
    let error = record.open(&vault_with(KeyRing::new(other_key(), vec![]))).unwrap_err();
    assert_eq!(error, RecordError::Decryption);
}

#[test]
fn a_record_cut_anywhere_is_refused() {
    let (vault, sealed) = (vault(), vault().seal(&device(), &contents(), Format::One).unwrap());
    let encrypted = str_of(&sealed.endo, "encrypted").to_owned();
    for (length, expected) in [
        (0, RecordError::Truncated),
        (1, RecordError::Truncated),
        (encrypted.len() - 8, RecordError::Truncated),
    ] {
        let mut cut = sealed.clone();
        cut.endo["encrypted"] = json!(encrypted[..length]);
        assert_eq!(Stored::new(&cut).open(&vault).unwrap_err(), expected, "{length}");
    }
    let text = sealed.endo.to_string();
    for length in (0..text.len()).step_by(61) {
        let cut = SealedText { endo: &text[..length], signature: &sealed.signature };
        assert_eq!(vault.open(&device(), cut, NOW).unwrap_err(), RecordError::NotARecord, "{length}");
    }
}

#[test]
fn a_signature_is_read_as_leniently_as_node_reads_it() {
    let sealed = vault().seal(&device(), &contents(), Format::One).unwrap();
    let signature = sealed.signature.replace('+', "-").replace('/', "_").replace('=', "");
    let signature = format!("{} \n{}", &signature[..40], &signature[40..]);
    assert!(Stored { endo: sealed.endo.to_string(), signature }.open(&vault()).is_ok());
}

#[test]
fn texts_that_javascript_holds_and_rust_does_not_are_refused_without_harm() {
    let lone = r#"{"credentialsDeviceUuid":"credentials-device","encrypted":"AAAA","x":"\ud800"}"#;
    let deep = format!(r#"{{"credentialsDeviceUuid":{}{}}}"#, "[".repeat(100_000), "]".repeat(100_000));
    let huge = format!(r#"{{"x":"{}"}}"#, "x".repeat(1 << 20));
    let infinite = r#"{"credentialsDeviceUuid":"credentials-device","encrypted":"AAAA","x":1e999}"#;
    let cases = [
        (lone, RecordError::NotARecord),
        (&deep, RecordError::NotARecord),
        (&huge, RecordError::TooLarge),
        (infinite, RecordError::NotARecord),
        ("[]", RecordError::NotARecord),
        (r#"{"credentialsDeviceUuid":7}"#, RecordError::NotARecord),
        (r#"{"credentialsDeviceUuid":"credentials-device","version":"3.0.0"}"#, RecordError::Version),
        (r#"{"credentialsDeviceUuid":"credentials-device","version":1}"#, RecordError::Version),
    ];
    for (endo, expected) in cases {
        let sealed = SealedText { endo, signature: "" };
        assert_eq!(vault().open(&device(), sealed, NOW).unwrap_err(), expected);
    }
}

#[test]
fn more_blocks_than_a_record_may_have_cost_no_private_key_operation() {
    let vault = vault();
    let endo =
        json!({"credentialsDeviceUuid": device(), "encrypted": "A".repeat(129 * 256 / 3 * 4)}).to_string();
    let error = vault.open(&device(), SealedText { endo: &endo, signature: "" }, NOW).unwrap_err();
    assert_eq!((error, vault.private_key_operations()), (RecordError::TooLarge, 0));
}

#[test]
fn an_id_that_may_not_be_signed_is_refused_before_anything_is_signed() {
    let values =
        [json!({"a": 1}), json!([1]), json!(1.5), json!(null), json!(true), json!(9007199254740992u64)];
    for value in values {
        assert!(ResourceOwnerId::try_from(&value).is_err(), "{value}");
    }
    let vault = vault();
    let refused = Contents { id: ResourceOwnerId::Number(1 << 53), ..contents() };
    for format in [Format::One, Format::Two] {
        let error = vault.seal(&device(), &refused, format).unwrap_err();
        assert!(matches!(error, SealError::ResourceOwnerId(_)));
    }
    assert_eq!(vault.private_key_operations(), 0);
}

#[test]
fn a_signed_record_whose_id_is_an_object_is_refused() {
    let forge = Forge::new();
    let clear = r#"{"credentialsDeviceUuid":"credentials-device","encrypted":{"id":{"a":1}}}"#;
    let sealed = forge.encrypt1(r#"{"id":{"a":1}}"#);
    let endo = json!({"credentialsDeviceUuid": device(), "encrypted": sealed}).to_string();
    let error = Stored { endo, signature: forge.sign(clear) }.open(&vault()).unwrap_err();
    assert!(matches!(error, RecordError::ResourceOwnerId(_)));
}

#[test]
fn what_a_record_cannot_hold_is_refused_before_anything_is_signed() {
    let vault = vault();
    let seal = |contents: Contents| vault.seal(&device(), &contents, Format::One).unwrap_err();
    let two = Owners::named(["owner-1", "owner-2"]);
    assert_eq!(seal(Contents { owners: two, ..contents() }), SealError::Owners);
    assert_eq!(seal(Contents { owners: Owners::default(), ..contents() }), SealError::Owners);
    let with = |name: &str| Map::from_iter([(name.to_owned(), json!("x"))]);
    for name in ["id", "username", "secrets", "owners"] {
        assert!(matches!(seal(Contents { extras: with(name), ..contents() }), SealError::Reserved(_)));
    }
    for name in ["credentials", "credentialsDeviceToken"] {
        let other_secrets = SecretMap::from(with(name));
        assert!(matches!(seal(Contents { other_secrets, ..contents() }), SealError::Reserved(_)));
    }
    let extras = Map::from_iter([("bio".to_owned(), json!("x".repeat(1 << 20)))]);
    assert_eq!(seal(Contents { extras, ..contents() }), SealError::TooLarge);
    assert_eq!(vault.private_key_operations(), 0);
}

#[test]
fn nothing_that_holds_a_secret_prints_it() {
    let vault = vault();
    let other_secrets = SecretMap::from(Map::from_iter([("pem".to_owned(), json!("canary-pem"))]));
    let contents = Contents { other_secrets, ..contents() };
    let sealed = vault.seal(&device(), &contents, Format::One).unwrap();
    let record = Stored::new(&sealed);
    let credentials = record.open(&vault).unwrap();
    let prints = [
        format!("{contents:?} {:?} {:?}", contents.secret, contents.other_secrets),
        format!("{credentials:?} {:?} {:?}", credentials.secret(), credentials.refresh_token()),
        format!("{:?}", disclose_to_handler(&credentials)),
        format!("{vault:?} {sealed:?} {:?}", record.text()),
        format!("{:?}", slice::from_ref(&credentials)),
    ];
    for print in prints {
        assert!(!print.contains("canary"), "{print}");
    }
    assert!(disclosed(&credentials).to_string().contains("canary-pem"));
}
