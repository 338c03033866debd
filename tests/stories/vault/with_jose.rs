//! Records and an independent implementation of JOSE, both ways.

use std::io::Write;
use std::process::{Command, Stdio};

use endo::message::DeviceUuid;
use endo::vault::{Contents, Format, ResourceOwnerId, disclose_to_handler};
use serde_json::{Value, json};

use super::{NOW, Stored, contents, device, original_key, vault, vectors};

/// Set by `scripts/test`, which installs what `tests/real/package.json` names.
const REAL: &str = "ENDO_TEST_REAL";

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

/// Runs a script of `tests/real` on `input`; what it prints is JSON.
fn node(script: &str, input: &Value) -> Value {
    let mut child = Command::new("node")
        .arg(format!("{}/tests/real/{script}", env!("CARGO_MANIFEST_DIR")))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(input.to_string().as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success(), "{script} failed");
    serde_json::from_slice(&output.stdout).unwrap()
}

/// Whether the tests with other programs are switched on; says so if not.
fn real(story: &str) -> bool {
    #[expect(clippy::disallowed_methods, reason = "it switches tests, not the program")]
    let on = std::env::var_os(REAL).is_some_and(|value| value == "1");
    if !on {
        eprintln!("{story}: did nothing, because {REAL} is not 1; scripts/test sets it");
    }
    on
}

#[test]
fn ours_opens_a_record_that_jose_made() {
    let fixture = fixture();
    check_opened(&stored(&fixture), &fixture["input"]);
}

#[test]
fn ours_opens_a_record_that_jose_makes_now() {
    if !real("ours_opens_a_record_that_jose_makes_now") {
        return;
    }
    let mut input = fixture()["input"].clone();
    input["privateKeyPem"] = vectors()["privateKeyPem"].clone();
    check_opened(&stored(&node("seal-record.mjs", &input)), &input);
}

#[test]
fn jose_opens_a_record_that_ours_made() {
    if !real("jose_opens_a_record_that_ours_made") {
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
    let opened = node("open-record.mjs", &input);
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
