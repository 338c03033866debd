//! The old form as npm's `http-signature` understands it, both ways: the very library of the original.

use endo::ambient::Clock;
use serde_json::{Value, json};

use super::old_bus::legacy_signer;
use super::{DATE, Draft, NOW, SERVICE, recorded_pem, trusting_old_bus};
use crate::support::real;

#[test]
fn http_signature_verifies_what_we_sign() {
    if !real::on("http_signature_verifies_what_we_sign") {
        return;
    }
    // That library looks at the machine's clock.
    let signature = legacy_signer().sign(SERVICE, Clock::system().now());
    for (uuid, verdict) in [(SERVICE, true), ("other", false)] {
        let input = json!({
            "publicKeyPem": recorded_pem("meshbluPublicKeyPem"),
            "method": "POST",
            "path": "/v2/messages",
            "headers": {
                "date": signature.date,
                "x-meshblu-uuid": uuid,
                "authorization": signature.authorization,
            },
        });
        assert_eq!(real::node("verify-request.mjs", &input), json!({ "verified": verdict }), "{uuid}");
    }
}

#[test]
fn we_verify_what_http_signature_signs() {
    if !real::on("we_verify_what_http_signature_signs") {
        return;
    }
    for headers in [
        vec!["date", "X-MESHBLU-UUID"],
        vec!["(request-target)", "date", "content-type", "x-meshblu-uuid", "x-meshblu-route"],
    ] {
        for algorithm in ["rsa-sha256", "rsa-sha512"] {
            let mut draft = Draft::webhook();
            draft.set("Date", DATE);
            draft.set("Authorization", signed_by_node(&draft, &headers, algorithm));
            assert_eq!(draft.verdict_at(&trusting_old_bus(), NOW), Ok(()), "{headers:?} {algorithm}");
            draft.set("X-MESHBLU-UUID", "other");
            draft.verdict(&trusting_old_bus()).unwrap_err();
        }
    }
}

fn signed_by_node(draft: &Draft, headers: &[&str], algorithm: &str) -> String {
    let fields = draft.fields.iter().map(|(name, _)| (name.to_ascii_lowercase(), json!(draft.field(name))));
    let input = json!({
        "privateKeyPem": recorded_pem("meshbluPrivateKeyPem"),
        "method": draft.method,
        "path": draft.target,
        "headers": Value::Object(fields.collect()),
        "signed": headers,
        "algorithm": algorithm,
    });
    real::node("sign-request.mjs", &input)["authorization"].as_str().unwrap().to_owned()
}
