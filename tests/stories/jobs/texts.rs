//! What the sender of an invalid message reads.

use serde_json::Value;

use super::*;

const TEXTS: &str = include_str!("../../fixtures/validation-texts.json");

/// Cases in which our answer is not that of version 1.2.0 of the original's library, each with its reason.
const DIFFERENCES: [(&str, &str); 3] = [
    ("wrong jobType", "the default job takes any job type, and without one the answer is 404"),
    ("additionalProperties false", "nothing but metadata and data of a message is looked at"),
    ("minLength counts characters", "a robot is one character, as its later versions have it, too"),
];

fn errors(registry: &Registry, instance: &Value) -> Vec<String> {
    match registry.check(&message(instance.clone())) {
        Ok(_) => Vec::new(),
        Err(reply) => serde_json::from_value(reply.data.unwrap()["errors"].clone()).unwrap(),
    }
}

/// A registry whose one job is the default one, so that no message is turned away before its validation.
fn default_echo_with(message: &Value) -> Registry {
    let directory = JobDirectory { message: leaked(message), ..directory("say-hello") };
    let options = RegistryOptions { default_job_type: Some("SayHello".into()), ..options() };
    Registry::load(vec![built_in(directory, Echo)], &[], options).unwrap().0
}

fn recorded(case: &Value) -> Vec<String> {
    let texts = case.get("errors").unwrap_or_else(|| &case["errorsByVersion"]["1.2.0"]);
    serde_json::from_value(texts.clone()).unwrap()
}

#[test]
fn every_recorded_text_is_matched_but_for_the_listed_differences() {
    let texts: Value = serde_json::from_str(TEXTS).unwrap();
    let mut differing = Vec::new();
    for case in texts["cases"].as_array().unwrap() {
        let name = case["name"].as_str().unwrap();
        let registry = default_echo_with(&case["schema"]);
        let (ours, theirs) = (errors(&registry, &case["instance"]), recorded(case));
        if ours != theirs {
            let listed = DIFFERENCES.iter().any(|(difference, _)| *difference == name);
            assert!(listed, "{name}: ours {ours:?}, theirs {theirs:?}");
            differing.push(name.to_owned());
        }
    }
    differing.sort_unstable();
    let mut listed = DIFFERENCES.map(|(name, _)| name.to_owned());
    listed.sort_unstable();
    assert_eq!(differing, listed, "a listed difference is none any more");
}
