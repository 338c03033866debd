//! A Meshblu that is not there, is something else, or does not know the gateway.

use std::net::TcpListener;

use endo::cli::Exit;
use serde_json::json;

use super::ward::{Patient, Ward};
use crate::support::bus::Device;
use crate::support::fake_api::Answer;
use crate::support::meshblu::{FakeMeshblu, SERVICE, json_answer};
use crate::support::shell::{ended, stderr, stdout};

fn service() -> Device {
    Device { uuid: SERVICE.to_owned(), token: "canary-of-a-token".to_owned() }
}

async fn finds(patient: &Patient, text: &str) {
    let output = patient.doctor(&[]).await;
    assert!(ended(&output, Exit::Unwell), "{output:?}");
    assert!(stdout(&output).contains(text), "{text}: {output:?}");
    assert!(!stdout(&output).contains("canary") && !stderr(&output).contains("canary"), "{output:?}");
}

#[tokio::test]
async fn a_bus_that_is_not_there_is_a_finding() {
    let address = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    finds(&Patient::on(&format!("http://{address}"), &service()), "does not help: the bus does not answer")
        .await;
}

#[tokio::test]
async fn pages_for_people_are_no_bus() {
    let meshblu = FakeMeshblu::start().await;
    let page = "<html>canary</html>";
    meshblu.answer("GET /v2/whoami", [Answer::new(200, &["content-type: text/html"], page)]);
    finds(&Patient::on(&meshblu.url(), &service()), "is no Meshblu").await;
}

#[tokio::test]
async fn a_wrong_token_is_a_finding() {
    let ward = Ward::fresh().await;
    let patient = ward.patient.clone().set("ENDO_BUS_TOKEN", "canary-of-a-token");
    finds(&patient, "does not accept bus.uuid").await;
}

#[tokio::test]
async fn missing_settings_are_findings_with_the_document_to_register() {
    for setting in ["ENDO_BUS_UUID", "ENDO_BUS_TOKEN"] {
        finds(&Patient::on("http://127.0.0.1:9", &service()).without(setting), "device:oauth").await;
    }
    let patient = Patient::on("http://127.0.0.1:9", &service());
    std::fs::remove_file(patient.shell.data().join("records.pem")).unwrap();
    finds(&patient, "wrong private key").await;
    for key in ["canary", include_str!("../../fixtures/vault-small-key.pem")] {
        let patient = Patient::on("http://127.0.0.1:9", &service()).set("ENDO_RECORDS_PRIVATE_KEY", key);
        finds(&patient, "wrong private key").await;
    }
}

#[tokio::test]
async fn a_bus_of_old_needs_one_setting_more() {
    let meshblu = FakeMeshblu::start().await;
    let subscriptions = format!("GET /v2/devices/{SERVICE}/subscriptions");
    meshblu.answer(&subscriptions, [json_answer(200, &json!([]))]);
    let patient = Patient::on(&meshblu.url(), &service());
    finds(&patient, "set bus.accept_legacy_signatures to true").await;
    let patient = patient.set("ENDO_BUS_ACCEPT_LEGACY_SIGNATURES", "true");
    finds(&patient, "mind that the old form covers date and device alone").await;
    meshblu.answer("GET /publickey", [json_answer(200, &json!({}))]);
    finds(&patient, "the bus names no key by which its signatures can be verified").await;
}

#[tokio::test]
async fn a_clock_that_is_far_off_is_a_finding() {
    let meshblu = FakeMeshblu::start().await;
    let subscriptions = format!("GET /v2/devices/{SERVICE}/subscriptions");
    meshblu.answer(&subscriptions, [json_answer(200, &json!([]))]);
    let headers = ["content-type: application/json", "date: Sun, 06 Nov 1994 08:49:37 GMT"];
    meshblu.answer("GET /v2/whoami", [Answer::new(200, &headers, json!({"uuid": SERVICE}).to_string())]);
    finds(&Patient::on(&meshblu.url(), &service()), "the clocks of the bus and of this machine are").await;
}
