//! Records and an independent implementation of JOSE, both ways.

use endo::message::DeviceUuid;
use endo::vault::{Contents, Format, ResourceOwnerId, disclose_to_handler};
use serde_json::{Value, json};

use super::{NOW, Stored, contents, device, original_key, vault, vectors};
use crate::support::real;

fn stored(record: &Value) -> Stored {
    let signature = record["endoSignature"].as_str().unwrap().to_owned();
    Stored { endo: record["endo"].to_string(), signature }
}

fn check_opened(record: &Stored, input: &Value) {
    let device = DeviceUuid::from(input["device"].as_str().unwrap());
    let opened = vault().open(&device, record.text(), NOW).unwrap();
    let mut expected = input["contents"].clone();
    let owners = expected.as_object_mut().unwrap().shift_remove("owners").unwrap();
    assert_eq!(json!(opened.owners()), owners);
    assert_eq!(json!(opened.hosts()), input["hosts"]);
    assert_eq!(json!(opened.generation()), input["generation"]);
    expected["secrets"].as_object_mut().unwrap().shift_remove("credentialsDeviceToken");
    assert_eq!(Value::from(disclose_to_handler(&opened).expose().clone()), expected);
    assert_eq!(opened.credentials_device_token().unwrap().expose(), "fixture-bus-token");
}

fn fixture() -> Value {
    serde_json::from_str(include_str!("../../fixtures/record-format2.json")).unwrap()
}

#[test]
fn ours_opens_a_record_that_jose_made() {
    let fixture = fixture();
    check_opened(&stored(&fixture), &fixture["input"]);
}

#[test]
fn ours_opens_a_record_that_jose_makes_now() {
    if !real::on("ours_opens_a_record_that_jose_makes_now") {
        return;
    }
    let mut input = fixture()["input"].clone();
    input["privateKeyPem"] = vectors()["privateKeyPem"].clone();
    check_opened(&stored(&real::node("seal-record.mjs", &input)), &input);
}

#[test]
fn jose_opens_a_record_that_ours_made() {
    if !real::on("jose_opens_a_record_that_ours_made") {
        return;
    }
    let contents = Contents {
        extras: serde_json::from_value(json!({"10": "ten", "2": "two", "text": "\u{e9}\u{1f916}\u{2028}"}))
            .unwrap(),
        ..Contents { id: ResourceOwnerId::Text("42".to_owned()), ..contents() }
    };
    let sealed = vault().seal(&device(), &contents, Format::Two).unwrap();
    let input = json!({
        "privateKeyPem": vectors()["privateKeyPem"], "endo": sealed.endo, "endoSignature": sealed.signature,
    });
    let opened = real::node("open-record.mjs", &input);
    assert_eq!(opened["kid"], original_key().kid());
    assert_eq!(opened["header"]["kid"], original_key().kid());
    assert_eq!(opened["header"]["device"], json!(device()));
    assert_eq!(opened["header"]["hosts"], json!(["api.github.com"]));
    let secrets = json!({
        "credentials": {"secret": "canary-access", "refreshToken": "canary-refresh"},
        "credentialsDeviceToken": "canary-bus",
    });
    let expected = json!({
        "id": "42", "username": "octocat", "10": "ten", "2": "two", "text": "\u{e9}\u{1f916}\u{2028}",
        "secrets": secrets, "owners": ["owner-1"],
    });
    assert_eq!(opened["contents"], expected);
}
