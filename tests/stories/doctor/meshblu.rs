//! On a Meshblu: every defect of the service device, found and mended.

use endo::cli::Exit;
use serde_json::json;

use super::ward::{LIST, PUBLIC, WEBHOOK, Ward, checks, webhook};
use crate::support::shell::{ended, stderr, stdout};

#[tokio::test]
async fn a_device_that_was_just_registered_lacks_everything_and_gets_it() {
    let ward = Ward::fresh().await;
    let lacking = ["discoverable", "options schema", "options", "self-subscription", "webhook"];
    assert_eq!(ward.patient.ails().await, lacking);
    let output = ward.patient.doctor(&["--fix", "--yes"]).await;
    assert!(ended(&output, Exit::Unwell), "{output:?}");
    assert!(stderr(&output).ends_with("endo: 1 of the checks found something wrong\n"), "{output:?}");
    assert_eq!(ward.patient.ails().await, ["options"]);
    let document = ward.document().await;
    assert_eq!(document["discoverWhitelist"], json!(["u", "*"]));
    assert_eq!(document["meshblu"]["forwarders"]["version"], "2.0.0");
    assert_eq!(document["meshblu"]["forwarders"]["message"]["received"], json!([webhook(WEBHOOK)]));
    assert_eq!(document["optionsSchema"]["properties"]["imageUrl"]["type"], "string");
}

#[tokio::test]
async fn the_report_says_what_why_and_what_would_change_and_no_secret() {
    let ward = Ward::fresh().await;
    let output = ward.patient.doctor(&[]).await;
    assert!(ended(&output, Exit::Unwell));
    let report = stdout(&output);
    for line in [
        "wrong discoverable       not everybody may read the service device",
        "  change  update the service device: {\"$addToSet\":{\"discoverWhitelist\":\"*\"}}",
        "\"options.callbackUrl\":\"https://endo.example/auth/octoblu/callback\"}}'; it asks for the token",
        "-     manager and app",
        "  why     a device gets nothing unless it is subscribed to itself",
    ] {
        assert!(report.contains(line), "{line}\n{report}");
    }
    assert!(!report.contains(&ward.service.token) && !stderr(&output).contains(&ward.service.token));
    assert!(stderr(&output).contains("`endo doctor --fix` can change 4"), "{output:?}");
    assert_eq!(ward.document().await["discoverWhitelist"], json!(["u"]));
}

#[tokio::test]
async fn every_single_defect_is_found_and_mended() {
    let ward = Ward::open().await;
    let unsigned = json!({"type": "webhook", "url": WEBHOOK, "method": "POST"});
    let forwarders =
        json!({"version": "2.0.0", "message": {"received": [webhook(WEBHOOK), webhook(WEBHOOK)]}});
    let mut named = webhook(WEBHOOK);
    named["name"] = json!("endo");
    for (update, found) in [
        (json!({"$pull": {"discoverWhitelist": "*"}}), &["discoverable"][..]),
        (json!({"$unset": {"discoverWhitelist": true}}), &["discoverable"]),
        (json!({"$set": {"optionsSchema.properties.name.type": "number"}}), &["options schema"]),
        (json!({"$pull": {LIST: {"type": "webhook"}}}), &["webhook"]),
        (json!({"$unset": {"meshblu.forwarders.version": true}}), &["webhook"]),
        (json!({"$push": {LIST: unsigned}}), &["webhook entries"]),
        (json!({"$set": {"meshblu.forwarders": forwarders}}), &["webhook entries"]),
    ] {
        ward.change(update).await;
        assert_eq!(ward.patient.ails().await, found);
        ward.patient.is_cured().await;
        let received = ward.document().await["meshblu"]["forwarders"]["message"]["received"].clone();
        // Of two that are the same, one that differs stays: so there was one all the time.
        assert!(received == json!([webhook(WEBHOOK)]) || received == json!([named]), "{received}");
    }
    ward.forget_itself().await;
    assert_eq!(ward.patient.ails().await, ["self-subscription"]);
    ward.patient.is_cured().await;
}

#[tokio::test]
async fn a_webhook_with_a_key_more_is_well() {
    let ward = Ward::open().await;
    let mut named = webhook(WEBHOOK);
    named["name"] = json!("my endo");
    ward.change(json!({"$set": {LIST: [named]}})).await;
    assert_eq!(ward.patient.ails().await, [""; 0]);
}

#[tokio::test]
async fn what_is_wrong_with_a_webhook_goes_after_the_right_one_came() {
    let ward = Ward::open().await;
    let unsigned = json!({"type": "webhook", "url": WEBHOOK, "method": "POST"});
    for (entries, steps) in [
        (json!([unsigned]), &["$addToSet", "$pullAll"][..]),
        (json!([unsigned, webhook(WEBHOOK)]), &["$pullAll"]),
        (json!([webhook(WEBHOOK), webhook(WEBHOOK)]), &["$addToSet", "$pullAll"]),
    ] {
        ward.change(json!({"$set": {LIST: entries}})).await;
        let found = checks(&ward.patient.doctor(&["--json"]).await);
        let entries = found.iter().find(|check| check["name"] == "webhook entries").unwrap();
        let updates = entries["change"]["updates"].as_array().unwrap();
        let operators: Vec<_> =
            updates.iter().flat_map(|update| update.as_object().unwrap().keys()).collect();
        assert_eq!(operators, steps);
        ward.patient.is_cured().await;
    }
}

#[tokio::test]
async fn a_callback_that_leads_to_another_service_is_found_and_mended() {
    let ward = Ward::open().await;
    let other = "https://u:canary@other.example/auth/octoblu/callback";
    ward.change(json!({"$set": {"options.callbackUrl": other}})).await;
    assert_eq!(ward.patient.ails().await, ["options"]);
    let output = ward.patient.doctor(&[]).await;
    assert!(stdout(&output).contains("it leads to other.example\n"), "{output:?}");
    assert!(!stdout(&output).contains("canary"));
    ward.patient.is_cured().await;
    let callback = ward.document().await["options"]["callbackUrl"].clone();
    assert_eq!(callback, "https://endo.example/auth/octoblu/callback");
}

#[tokio::test]
async fn a_service_device_of_version_2_is_made_readable_in_its_own_way() {
    let ward = Ward::open().await;
    let ours = json!([{"uuid": "u"}]);
    let whitelists = json!({"discover": {"view": ours}});
    ward.change(json!({"$set": {"meshblu.version": "2.0.0", "meshblu.whitelists": whitelists}})).await;
    assert_eq!(ward.patient.ails().await, ["discoverable"]);
    ward.patient.is_cured().await;
    let view = ward.document().await["meshblu"]["whitelists"]["discover"]["view"].clone();
    assert_eq!(view, json!([{"uuid": "u"}, {"uuid": "*"}]));
}

#[tokio::test]
async fn a_gateway_that_reads_for_itself_has_its_webhook_taken_away() {
    let ward = Ward::open().await;
    let patient = ward.patient.clone().set("ENDO_BUS_INTAKE", "firehose");
    assert_eq!(patient.ails().await, ["webhook"]);
    patient.is_cured().await;
    let document = ward.document().await;
    assert_eq!(document["meshblu"]["forwarders"]["message"]["received"], json!([]));
}

#[tokio::test]
async fn what_only_the_operator_can_do_is_found_and_nothing_is_changed() {
    let ward = Ward::open().await;
    let before = ward.document().await;
    let url = "ENDO_LISTEN_PUBLIC_URL";
    for (patient, found) in [
        (ward.patient.clone().without(url), &["public url"][..]),
        (ward.patient.clone().set("ENDO_BUS_ACCEPT_LEGACY_SIGNATURES", "true"), &["signatures"]),
    ] {
        assert_eq!(patient.ails().await, found);
        assert!(ended(&patient.doctor(&["--fix", "--yes"]).await, Exit::Unwell));
    }
    let output = ward.patient.clone().set(url, "http://endo.example").doctor(&[]).await;
    assert!(stdout(&output).contains("wrong public url         listen.public_url is http: "), "{output:?}");
    assert_eq!(ward.document().await, before);
}

#[tokio::test]
async fn another_gateway_that_shares_the_service_device_is_named() {
    let ward = Ward::open().await;
    ward.change(json!({"$push": {LIST: webhook("https://u:canary@other.example:8443/v2/messages?canary")}}))
        .await;
    assert_eq!(ward.patient.ails().await, ["one gateway"]);
    let output = ward.patient.doctor(&["--fix", "--yes"]).await;
    assert!(stdout(&output).contains("posted to other gateways too: other.example:8443\n"), "{output:?}");
    assert!(!stdout(&output).contains("canary"));
}

#[tokio::test]
async fn a_webhook_for_something_else_is_nobody_s_business() {
    let ward = Ward::open().await;
    ward.change(json!({"$push": {LIST: webhook(&format!("{PUBLIC}/elsewhere"))}})).await;
    assert_eq!(ward.patient.ails().await, [""; 0]);
}
