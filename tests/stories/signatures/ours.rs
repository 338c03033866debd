//! Our own signatures, by RFC 9421: what they cover, and that everything they cover counts.

use std::time::Duration;

use endo::signature::{Component, Ed25519PublicKey, Policy, Refusal, Verifier};

use super::{BODY, Draft, NOW, SERVICE, counts_for_three_hundred_seconds, signer, trusting};

#[test]
fn what_we_sign_we_believe_to_the_last_part() {
    let signer = signer();
    let mut draft = Draft::webhook();
    draft.sign(&signer);
    let seen = draft.judged(&trusting(&signer), NOW, |verified| {
        assert_eq!(verified.body(), BODY);
        assert!(verified.covers_body());
        assert!(verified.covers(&Component::Path));
        assert_eq!(verified.uuid(), Some(SERVICE));
        assert_eq!(verified.delivery_id(), Some("delivery-1"));
        assert_eq!(verified.signed("x-meshblu-route"), Some(draft.field("x-meshblu-route")));
        assert_eq!(verified.signed("signature"), None);
        assert_eq!(verified.key_id(), Some(signer.key_id()));
    });
    assert_eq!(seen, Ok(()));
}

#[test]
fn the_headers_are_what_rfc_9421_and_rfc_9530_ask_for() {
    let signer = signer();
    let mut draft = Draft::webhook();
    draft.target += "?a=b";
    draft.body = br#"{"hello": "world"}"#.to_vec();
    draft.sign(&signer);
    // RFC 9530, B.1.
    assert_eq!(draft.field("content-digest"), "sha-256=:X48E9qOokqqrvdts8nOJRJN3OWDUoyWxBf7kbu9DBPE=:");
    let key_id = signer.key_id();
    let input = format!(
        r#"endo=("@method" "@authority" "@path" "@query" "content-type" "x-meshblu-uuid" "x-meshblu-route" "x-meshblu-delivery-id" "content-digest");created=1768478400;expires=1768478700;alg="ed25519";keyid="{key_id}""#
    );
    assert_eq!(draft.field("signature-input"), input);
    assert!(draft.field("signature").starts_with("endo=:"));
}

#[test]
fn the_specimen_of_rfc_9421_verifies() {
    // RFC 9421, B.1.4, B.2 and B.2.6.
    let key = Ed25519PublicKey::from_pem(
        "-----BEGIN PUBLIC KEY-----\nMCowBQYDK2VwAyEAJrQLj5P/89iXES9+vFgrIy29clF9CC/oPPsw3c5D0bs=\n-----END PUBLIC KEY-----",
    )
    .unwrap();
    let policy = Policy::new([Component::Method], Duration::from_secs(300));
    let verifier = Verifier::new().trusting("test-key-ed25519", key, policy);
    let mut draft = Draft::webhook();
    draft.fields.clear();
    draft.authority = "example.com".to_owned();
    draft.target = "/foo?param=Value&Pet=dog".to_owned();
    draft.add("Date", "Tue, 20 Apr 2021 02:07:55 GMT");
    draft.add("Content-Type", "application/json");
    draft.add("Content-Length", "18");
    draft.add(
        "Signature-Input",
        r#"sig-b26=("date" "@method" "@path" "@authority" "content-type" "content-length");created=1618884473;keyid="test-key-ed25519""#,
    );
    draft.add(
        "Signature",
        "sig-b26=:wqcAqbmYJ2ji2glfAMaRy4gruYYnx2nEFN2HN6jrnDnQCK1u02Gb04v9EDgwUPiu4A0w6vuQv5lIp5WPpBKRCw==:",
    );
    let then = endo::ambient::Timestamp::from_millis(1_618_884_473_000);
    assert_eq!(draft.judged(&verifier, then, |verified| verified.covers_body()), Ok(false));
    assert_eq!(draft.verdict_at(&verifier, NOW), Err(Refusal::TooOld));
    draft.set("Content-Length", "19");
    assert_eq!(draft.verdict_at(&verifier, then), Err(Refusal::WrongSignature));
}

type Change = fn(&mut Draft);

#[test]
fn any_change_to_what_is_covered_is_refused() {
    let signer = signer();
    let changes: [(&str, Change); 11] = [
        ("method", |draft| draft.method = "PUT".to_owned()),
        ("host", |draft| draft.authority = "other.example.com".to_owned()),
        ("port", |draft| draft.authority += ":8080"),
        ("path", |draft| draft.target = "/v1/messages".to_owned()),
        ("uuid", |draft| draft.set("x-meshblu-uuid", "other")),
        ("route", |draft| draft.set("x-meshblu-route", "[]")),
        ("delivery", |draft| draft.set("x-meshblu-delivery-id", "delivery-2")),
        ("type", |draft| draft.set("content-type", "text/plain")),
        ("created", |draft| {
            draft.edit("signature-input", |input| input.replace("created=17684784", "created=17684785"))
        }),
        ("digest", |draft| {
            draft.set("content-digest", "sha-256=:47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=:")
        }),
        ("order", |draft| {
            draft.edit("signature-input", |input| {
                input.replace(r#""@method" "@authority""#, r#""@authority" "@method""#)
            });
        }),
    ];
    for (what, change) in changes {
        let mut draft = Draft::webhook();
        draft.sign(&signer);
        assert_eq!(draft.verdict(&trusting(&signer)), Ok(()));
        change(&mut draft);
        let verdict = draft.verdict(&trusting(&signer));
        assert_eq!(verdict, Err(Refusal::WrongSignature), "{what}");
    }
}

#[test]
fn another_body_under_the_signed_digest_is_refused() {
    let signer = signer();
    for body in [&b""[..], b"{}", &BODY[1..], &[BODY, b" "].concat()] {
        let mut draft = Draft::webhook();
        draft.sign(&signer);
        draft.body = body.to_vec();
        assert_eq!(draft.verdict(&trusting(&signer)), Err(Refusal::WrongDigest));
    }
}

#[test]
fn the_case_of_the_host_and_its_usual_port_do_not_matter() {
    let signer = signer();
    let mut draft = Draft::webhook();
    draft.sign(&signer);
    for (scheme, authority) in
        [("https", "ENDO.Example.com"), ("https", "endo.example.com:443"), ("http", "endo.example.com:80")]
    {
        (draft.scheme, draft.authority) = (scheme.to_owned(), authority.to_owned());
        assert_eq!(draft.verdict(&trusting(&signer)), Ok(()), "{authority}");
    }
    draft.authority = "endo.example.com:443".to_owned();
    assert_eq!(draft.verdict(&trusting(&signer)), Err(Refusal::WrongSignature));
}

#[test]
fn a_query_is_signed_where_there_is_one() {
    let signer = signer();
    let mut draft = Draft::webhook();
    draft.target = "/hook?room=1".to_owned();
    draft.sign(&signer);
    assert_eq!(draft.verdict(&trusting(&signer)), Ok(()));
    for target in ["/hook?room=2", "/hook", "/hook?", "/hook?room=1&x"] {
        draft.target = target.to_owned();
        assert_eq!(draft.verdict(&trusting(&signer)), Err(Refusal::WrongSignature), "{target}");
    }
}

#[test]
fn each_part_that_the_policy_names_has_to_be_signed() {
    let signer = signer();
    for name in ["x-meshblu-uuid", "x-meshblu-route", "x-meshblu-delivery-id"] {
        let mut draft = Draft::webhook();
        let value = draft.field(name).to_owned();
        draft.remove(name);
        draft.sign(&signer);
        draft.set(name, value);
        let verdict = draft.verdict(&trusting(&signer));
        assert_eq!(verdict, Err(Refusal::Uncovered(Component::field(name))));
    }
}

#[test]
fn a_policy_can_ask_for_more() {
    let signer = signer();
    let policy = Policy::new([Component::TargetUri], Duration::from_secs(1));
    let strict = Verifier::new().trusting(signer.key_id(), signer.key().public(), policy);
    let mut draft = Draft::webhook();
    draft.sign(&signer);
    assert_eq!(draft.verdict(&strict), Err(Refusal::Uncovered(Component::TargetUri)));
}

#[test]
fn each_sender_is_held_to_its_own_policy() {
    let (bus, handler) = (signer(), signer());
    let policy = Policy::new([Component::Method], Duration::from_secs(300));
    let verifier = trusting(&bus).trusting(handler.key_id(), handler.key().public(), policy);
    let mut draft = Draft::webhook();
    draft.remove("x-meshblu-uuid");
    draft.sign(&handler);
    let from_handler = draft.judged(&verifier, NOW, |verified| verified.key_id() == Some(handler.key_id()));
    assert_eq!(from_handler, Ok(true));
    draft.sign(&bus);
    draft.verdict(&verifier).unwrap_err();
}

#[test]
fn a_signature_ends_with_its_window_and_with_its_own_end() {
    let signer = signer();
    let mut draft = Draft::webhook();
    draft.sign(&signer);
    counts_for_three_hundred_seconds(&draft, &trusting(&signer));
    let window = Duration::from_secs(300);
    let beyond = window + Duration::from_millis(1);
    let patient = Policy::new([Component::Method], 10 * window);
    let verifier = Verifier::new().trusting(signer.key_id(), signer.key().public(), patient);
    assert_eq!(draft.verdict_at(&verifier, NOW.plus(window)), Ok(()));
    assert_eq!(draft.verdict_at(&verifier, NOW.plus(beyond)), Err(Refusal::TooOld));
}

#[test]
fn what_could_be_read_in_two_ways_is_not_signed() {
    let signer = signer();
    let mut draft = Draft::webhook();
    draft.add("x-meshblu-uuid", "other");
    draft.seen(|request| signer.sign(request, NOW).unwrap_err());
    let mut draft = Draft::webhook();
    draft.set("x-meshblu-route", "[]\n\"@method\": PUT");
    draft.seen(|request| signer.sign(request, NOW).unwrap_err());
}
