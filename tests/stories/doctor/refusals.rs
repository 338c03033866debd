//! Changes that the bus refuses, and lists of the service device that are none.

use endo::cli::Exit;
use serde_json::json;

use super::ward::{LIST, Patient, WEBHOOK, Ward, checks, webhook};
use crate::support::bus::Device;
use crate::support::meshblu::{FakeMeshblu, SERVICE, json_answer};
use crate::support::shell::{ended, stderr, stdout};

/// A Meshblu that refuses the first change, and the subscription.
async fn reluctant() -> (FakeMeshblu, Patient) {
    let meshblu = FakeMeshblu::start().await;
    let change = format!("PUT /v2/devices/{SERVICE}");
    meshblu
        .answer(&change, [json_answer(422, &json!({"error": "not that"})), json_answer(204, &json!(null))]);
    let subscriptions = format!("/v2/devices/{SERVICE}/subscriptions");
    meshblu.answer(&format!("GET {subscriptions}"), [json_answer(200, &json!([]))]);
    let device = Device { uuid: SERVICE.to_owned(), token: "canary-of-a-token".to_owned() };
    let patient = Patient::on(&meshblu.url(), &device);
    (meshblu, patient)
}

#[tokio::test]
async fn what_the_bus_refuses_is_named_and_the_rest_is_changed() {
    let (meshblu, patient) = reluctant().await;
    let output = patient.doctor(&["--fix", "--yes", "--json"]).await;
    assert!(ended(&output, Exit::Unwell), "{output:?}");
    let refusals: Vec<_> = checks(&output)
        .into_iter()
        .filter(|check| !check["refusal"].is_null())
        .map(|check| (check["name"].clone(), check["refusal"].clone()))
        .collect();
    let expected = [("discoverable", "not that"), ("self-subscription", "Not Found")];
    assert_eq!(refusals, expected.map(|(name, refusal)| (json!(name), json!(refusal))));
    let sent = meshblu.called();
    assert_eq!(sent.iter().filter(|call| call.starts_with("PUT ")).count(), 4, "{sent:?}");
    assert!(sent.iter().any(|call| call.starts_with("POST ") && call.ends_with("/message.received")));
    let dialogue = stderr(&output);
    assert_eq!(dialogue.matches("\nchanged\n").count(), 2, "{dialogue}");
    assert_eq!(dialogue.matches("\nnot changed: ").count(), 2, "{dialogue}");
}

#[tokio::test]
async fn the_report_says_why_a_change_was_refused_and_does_not_offer_it_again() {
    let (_meshblu, patient) = reluctant().await;
    let output = patient.doctor(&["--fix", "--yes"]).await;
    let report = stdout(&output);
    let change =
        "  change  update the service device: {\"$addToSet\":{\"discoverWhitelist\":\"*\"}}\n  refused ";
    assert!(report.contains(change), "{report}");
    assert_eq!(report.matches("  refused ").count(), 2, "{report}");
}

#[tokio::test]
async fn what_stands_in_the_place_of_a_list_becomes_one() {
    let ward = Ward::open().await;
    let ours = json!([webhook(WEBHOOK)]);
    for (harm, found) in [
        (json!({"discoverWhitelist": null}), "discoverable"),
        (json!({"discoverWhitelist": "u"}), "discoverable"),
        (json!({"discoverWhitelist": "*"}), "discoverable"),
        (json!({LIST: null}), "webhook"),
        (json!({LIST: webhook(WEBHOOK)}), "webhook"),
        (json!({"meshblu.forwarders.message": [webhook(WEBHOOK)]}), "webhook"),
        (json!({"meshblu.forwarders": null}), "webhook"),
        (json!({"meshblu.forwarders": "x"}), "webhook"),
    ] {
        ward.change(json!({"$set": harm})).await;
        assert_eq!(ward.patient.ails().await, [found], "{harm}");
        ward.patient.is_cured().await;
        let document = ward.document().await;
        let kept = if harm["discoverWhitelist"] == "u" { json!(["u", "*"]) } else { json!(["*"]) };
        assert!(!found.starts_with('d') || document["discoverWhitelist"] == kept, "{harm}");
        assert_eq!(ward.received().await, ours, "{harm}");
    }
    let other = webhook("https://other.example/elsewhere");
    ward.change(json!({"$set": {LIST: other}})).await;
    ward.patient.is_cured().await;
    assert_eq!(ward.received().await, json!([other, webhook(WEBHOOK)]));
}

#[tokio::test]
async fn a_device_of_version_2_gets_its_list_whatever_stands_there() {
    let ward = Ward::open().await;
    for whitelists in
        [json!(null), json!("x"), json!({"discover": null}), json!({"discover": {"view": null}})]
    {
        ward.change(json!({"$set": {"meshblu.version": "2.0.0", "meshblu.whitelists": whitelists}})).await;
        assert_eq!(ward.patient.ails().await, ["discoverable"], "{whitelists}");
        ward.patient.is_cured().await;
        let view = ward.document().await["meshblu"]["whitelists"]["discover"]["view"].clone();
        assert_eq!(view, json!([{"uuid": "*"}]), "{whitelists}");
    }
}
