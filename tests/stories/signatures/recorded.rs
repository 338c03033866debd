//! The requests recorded from the original, and what this program answers to each.

use endo::signature::{Refusal, Verifier};
use serde_json::Value;

use super::{Draft, NOW, SERVICE, recorded, signer, trusting, trusting_old_bus};

fn draft(request: &Value) -> Draft {
    let text = |name: &str| request[name].as_str().unwrap().to_owned();
    let mut draft = Draft { method: text("method"), target: text("path"), ..Draft::webhook() };
    draft.fields.clear();
    for (name, value) in request["headers"].as_object().unwrap() {
        draft.add(name, value.as_str().unwrap());
    }
    draft.body = text("body").into_bytes();
    draft
}

/// The status the gateway answers: it also asks that the request is for itself.
fn status(draft: &Draft, verifier: &Verifier) -> i64 {
    let mine = draft.judged(verifier, NOW, |verified| verified.uuid() == Some(SERVICE));
    if mine == Ok(true) { 201 } else { 401 }
}

#[test]
fn every_recorded_request_gets_the_verdict_that_the_record_gives_it() {
    let recorded = recorded();
    let vectors = recorded["vectors"].as_array().unwrap();
    assert_eq!(vectors.len(), 41);
    for vector in vectors {
        let draft = draft(&vector["request"]);
        let ours = &vector["ours"];
        assert_eq!(status(&draft, &trusting_old_bus()), ours["legacy_on"], "{}", vector["name"]);
        assert_eq!(status(&draft, &trusting(&signer())), ours["legacy_off"], "{}", vector["name"]);
    }
}

#[test]
fn no_request_changes_the_verdict_on_the_next() {
    let verifier = trusting_old_bus();
    let recorded = recorded();
    let sequences = recorded["sequences"].as_array().unwrap();
    assert_eq!(sequences.len(), 3);
    for step in sequences.iter().flat_map(|sequence| sequence["steps"].as_array().unwrap()) {
        let plain = step["name"] == "plain date request";
        let status = status(&draft(&step["request"]), &verifier);
        assert_eq!(status, if plain { 201 } else { 401 }, "{}", step["name"]);
    }
}

#[test]
fn a_fresh_x_date_does_not_revive_an_old_request() {
    let mut old = draft(&recorded()["vectors"][0]["request"]);
    old.add("X-Date", "Thu, 15 Jan 2026 13:00:00 GMT");
    let hour_later = NOW.plus(std::time::Duration::from_secs(3600));
    assert_eq!(old.verdict(&trusting_old_bus()), Ok(()));
    assert_eq!(old.verdict_at(&trusting_old_bus(), hour_later), Err(Refusal::TooOld));
}

#[test]
fn where_no_old_bus_is_trusted_its_requests_are_told_apart_from_unsigned_ones() {
    let ours = trusting(&signer());
    assert_eq!(draft(&recorded()["vectors"][0]["request"]).verdict(&ours), Err(Refusal::LegacyRefused));
    let basic = draft(&recorded()["vectors"][25]["request"]);
    for verifier in [ours, trusting_old_bus()] {
        assert_eq!(basic.verdict(&verifier), Err(Refusal::Unsigned));
        assert_eq!(Draft::webhook().verdict(&verifier), Err(Refusal::Unsigned));
    }
}

#[test]
fn where_nobody_is_trusted_the_old_form_is_told_of_whatever_a_proxy_added() {
    let mut proxied = draft(&recorded()["vectors"][0]["request"]);
    proxied.add("Signature-Input", r#"proxy=("@method");created=1;keyid="proxy""#);
    proxied.add("Signature", "proxy=:AAAA:");
    assert_eq!(proxied.verdict(&endo::signature::Verifier::new()), Err(Refusal::LegacyRefused));
}
