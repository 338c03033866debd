//! Several signatures in one request (RFC 9421, 4.3): whoever passes it on may add its own to the bus's.

use endo::signature::{Refusal, SyntaxError};

use super::{Draft, NOW, SERVICE, signer, trusting};

/// What a proxy says of its own signature, with every kind of value and parameter that it may have.
const PROXY: &str = r#"proxy=("@method" "@authority" "signature";key="endo" "forwarded";bs "@query-param";name="a" "@query-param";name="b");created=1768478400;keyid="proxy-key";alg="rsa-v1_5-sha256";level=-1.25;last;at=@1768478400;raw=:AAAA:;kind=edge/1"#;

/// A request of ours through a proxy, whose own signature is no concern of ours.
fn through_a_proxy(join: impl Fn(&str, &str) -> String) -> (Draft, endo::signature::Verifier) {
    let signer = signer();
    let mut draft = Draft::webhook();
    draft.sign(&signer);
    draft.edit("signature-input", |ours| join(ours, PROXY));
    draft.edit("signature", |ours| join(ours, "proxy=:AAAA:"));
    (draft, trusting(&signer))
}

#[test]
fn the_signature_of_a_proxy_beside_the_bus_s_own_changes_nothing() {
    for join in [
        |ours: &str, proxy: &str| format!("{ours}, {proxy}"),
        |ours: &str, proxy: &str| format!("{proxy} ,\t{ours}"),
    ] {
        let (mut draft, verifier) = through_a_proxy(join);
        let believed = draft.judged(&verifier, NOW, |verified| {
            assert!(verified.covers_body());
            verified.uuid().map(str::to_owned)
        });
        assert_eq!(believed, Ok(Some(SERVICE.to_owned())));
        draft.set("X-MESHBLU-UUID", "other");
        assert_eq!(draft.verdict(&verifier), Err(Refusal::WrongSignature));
    }
}

#[test]
fn the_signature_of_a_proxy_may_stand_in_lines_of_its_own_and_in_another_order() {
    let (mut draft, verifier) = through_a_proxy(|ours, _| ours.to_owned());
    draft.add("signature-input", PROXY);
    let ours = draft.field("signature").to_owned();
    draft.set("signature", "proxy=:AAAA:");
    draft.add("signature", ours);
    assert_eq!(draft.verdict(&verifier), Ok(()));
}

#[test]
fn the_signature_of_a_proxy_alone_is_believed_by_nobody() {
    let (draft, verifier) = through_a_proxy(|_, proxy| proxy.to_owned());
    assert_eq!(draft.verdict(&verifier), Err(Refusal::UnknownKey));
}

#[test]
fn several_signatures_by_known_keys_are_refused_whichever_of_them_hold() {
    let signer = signer();
    let mut draft = Draft::webhook();
    draft.sign(&signer);
    let twice = |text: &str| format!("{text}, {}", text.replacen("endo=", "again=", 1));
    draft.edit("signature-input", twice);
    draft.edit("signature", twice);
    assert_eq!(draft.verdict(&trusting(&signer)), Err(Refusal::Several));
    draft.edit("signature", |text| format!("{}, again=:AAAA:", text.split(',').next().unwrap()));
    assert_eq!(draft.verdict(&trusting(&signer)), Err(Refusal::Several));
}

#[test]
fn signatures_and_descriptions_that_do_not_pair_are_refused() {
    for (input, signature) in
        [(PROXY, ""), ("", "proxy=:AAAA:"), (PROXY, "other=:AAAA:"), (PROXY, "proxy=:AAAA:, other=:AAAA:")]
    {
        let (mut draft, verifier) = through_a_proxy(|ours, _| ours.to_owned());
        for (name, more) in [("signature-input", input), ("signature", signature)] {
            if !more.is_empty() {
                draft.add(name, more);
            }
        }
        assert_eq!(draft.verdict(&verifier), Err(Refusal::LabelMismatch), "{input} {signature}");
    }
}

#[test]
fn a_label_that_is_there_twice_is_refused_in_one_line_and_in_two() {
    let doubled = |field| Err(Refusal::Syntax { field, cause: SyntaxError::Doubled });
    let (draft, verifier) = through_a_proxy(|ours, proxy| format!("{proxy}, {ours}, {proxy}"));
    assert_eq!(draft.verdict(&verifier), doubled("signature-input"));
    for name in ["signature-input", "signature"] {
        let (mut draft, verifier) = through_a_proxy(|ours, proxy| format!("{ours}, {proxy}"));
        let value = draft.field(name).to_owned();
        draft.add(name, value);
        assert_eq!(draft.verdict(&verifier), doubled(name));
    }
}

#[test]
fn what_breaks_the_grammar_beside_the_bus_s_own_is_refused() {
    for broken in [
        r#"proxy"#,
        r#"proxy=1"#,
        r#"proxy=("a" b)"#,
        r#"proxy=("a";=1)"#,
        r#"proxy=("a");x=?2"#,
        r#"proxy=("a");x=1.2345"#,
        r#"proxy=("a");x=1."#,
        r#"proxy=("a");x=@y"#,
        r#"proxy=("a");x=;y"#,
        r#"proxy=("a");x=(1)"#,
        r#"proxy=("a"),"#,
    ] {
        let (mut draft, verifier) = through_a_proxy(|ours, _| ours.to_owned());
        draft.edit("signature-input", |ours| format!("{ours}, {broken}"));
        draft.edit("signature", |ours| format!("{ours}, proxy=:AAAA:"));
        let malformed = Refusal::Syntax { field: "signature-input", cause: SyntaxError::Malformed };
        assert_eq!(draft.verdict(&verifier), Err(malformed), "{broken}");
    }
}
