//! A service on a Meshblu whose private key is missing or no good: everything else is looked at and mended as ever.

use std::fs;

use endo::cli::Exit;

use super::ward::Ward;
use crate::support::shell::{ended, stdout};

#[tokio::test]
async fn without_a_private_key_everything_else_is_looked_at_and_mended_and_no_key_is_made() {
    let ward = Ward::fresh().await;
    let key = ward.patient.shell.data().join("records.pem");
    let well = fs::read_to_string(&key).unwrap();
    fs::remove_file(&key).unwrap();
    let ailing = ["discoverable", "options schema", "options", "self-subscription", "webhook"];
    let found = ward.patient.ails().await;
    assert_eq!((found[0].as_str(), &found[1..]), ("private key", &ailing.map(str::to_owned)[..]));

    let output = ward.patient.doctor(&["--fix", "--yes"]).await;
    assert!(ended(&output, Exit::Unwell), "{output:?}");
    assert!(stdout(&output).contains("The doctor makes none, which would open nothing"), "{output:?}");
    assert_eq!(ward.patient.ails().await, ["private key", "options"]);
    assert!(!key.exists());

    fs::write(&key, "canary-of-a-key").unwrap();
    assert_eq!(ward.patient.ails().await, ["private key", "options"]);
    fs::write(&key, well).unwrap();
    assert_eq!(ward.patient.ails().await, ["options"]);
}

#[tokio::test]
async fn without_a_key_and_a_device_of_its_own_both_are_missed() {
    let ward = Ward::fresh().await;
    fs::remove_file(ward.patient.shell.data().join("records.pem")).unwrap();
    let patient = ward.patient.clone().without("ENDO_BUS_UUID");
    assert_eq!(patient.ails().await, ["private key", "identity"]);
    let output = patient.doctor(&["--fix", "--yes"]).await;
    assert!(stdout(&output).contains("The doctor registers none"), "{output:?}");
}
