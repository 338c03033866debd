//! Signatures that are truncated, doubled, re-ordered, too long, or say what nobody asked: each has its verdict.

use endo::signature::{Component, FieldError, Refusal, SyntaxError};

use super::forge::Forger;
use super::old_bus::signed as signed_by_old_bus;
use super::{Draft, NOW, signer, told, trusting, trusting_old_bus};

fn input(cause: SyntaxError) -> Refusal {
    Refusal::Syntax { field: "signature-input", cause }
}

fn signature(cause: SyntaxError) -> Refusal {
    Refusal::Syntax { field: "signature", cause }
}

fn authorization(cause: SyntaxError) -> Refusal {
    Refusal::Syntax { field: "authorization", cause }
}

/// The verdict on a request of ours after somebody edited one of its fields.
fn edited(field: &str, edit: impl FnOnce(&str) -> String) -> Refusal {
    let signer = signer();
    let mut draft = Draft::webhook();
    draft.sign(&signer);
    draft.edit(field, edit);
    draft.verdict(&trusting(&signer)).unwrap_err()
}

/// The verdict on a request of an old bus after somebody edited its `Authorization`.
fn edited_old(edit: impl FnOnce(&str) -> String) -> Refusal {
    let mut draft = signed_by_old_bus();
    draft.edit("authorization", edit);
    draft.verdict(&trusting_old_bus()).unwrap_err()
}

#[test]
fn every_truncation_of_a_signature_field_is_refused() {
    let signer = signer();
    let mut draft = Draft::webhook();
    draft.sign(&signer);
    for field in ["signature-input", "signature", "content-digest"] {
        let whole = draft.field(field).to_owned();
        for end in 0..whole.len() {
            let mut cut = draft.clone();
            cut.set(field, &whole.as_bytes()[..end]);
            cut.verdict(&trusting(&signer)).unwrap_err();
        }
    }
    let old = signed_by_old_bus();
    let whole = old.field("authorization").to_owned();
    for end in 0..whole.len() {
        let mut cut = old.clone();
        cut.set("authorization", &whole.as_bytes()[..end]);
        cut.verdict(&trusting_old_bus()).unwrap_err();
    }
}

#[test]
fn a_field_that_is_there_twice_is_refused() {
    let signer = signer();
    let mut draft = Draft::webhook();
    draft.sign(&signer);
    for name in ["content-digest", "x-meshblu-uuid", "x-meshblu-route"] {
        let mut doubled = draft.clone();
        doubled.add(name, draft.field(name));
        let verdict = doubled.verdict(&trusting(&signer));
        assert_eq!(verdict, Err(Refusal::Field(FieldError::Doubled(name.to_owned()))));
    }
    for name in ["authorization", "date", "x-meshblu-uuid"] {
        let mut doubled = signed_by_old_bus();
        let value = doubled.field(name).to_owned();
        doubled.add(name, value);
        let verdict = doubled.verdict(&trusting_old_bus());
        assert_eq!(verdict, Err(Refusal::Field(FieldError::Doubled(name.to_owned()))));
    }
}

#[test]
fn a_signed_field_that_went_missing_is_named() {
    let signer = signer();
    let mut draft = Draft::webhook();
    draft.sign(&signer);
    for name in ["signature", "content-digest", "content-type", "x-meshblu-uuid"] {
        let mut without = draft.clone();
        without.remove(name);
        let verdict = without.verdict(&trusting(&signer));
        assert_eq!(verdict, Err(Refusal::Field(FieldError::Missing(name.to_owned()))));
    }
}

#[test]
fn a_line_break_in_a_field_can_not_start_a_line_of_the_signed_text() {
    let forger = Forger::new();
    for value in ["a\n\"date\": b", "a\rb", "a\0b"] {
        let mut draft = Draft::webhook();
        draft.set("x-meshblu-uuid", value);
        forger.sign(&mut draft, &["x-meshblu-uuid"], "");
        let verdict = draft.verdict(&forger.verifier());
        assert_eq!(verdict, Err(Refusal::Field(FieldError::Control("x-meshblu-uuid".to_owned()))));
    }
}

#[test]
fn what_is_given_twice_within_a_field_is_refused() {
    let twice = |text: &str| format!("{text}, {text}");
    assert_eq!(edited("signature", twice), signature(SyntaxError::Doubled));
    assert_eq!(edited("signature-input", twice), input(SyntaxError::Doubled));
    for (once, doubled) in [
        (r#""@path""#, r#""@path" "@path""#),
        (";created=", ";created=1;created="),
        (";alg=", r#";keyid="x";alg="#),
    ] {
        let refusal = edited("signature-input", |text| text.replacen(once, doubled, 1));
        assert_eq!(refusal, input(SyntaxError::Doubled), "{doubled}");
    }
    let digests = |text: &str| format!("{text},{text}");
    assert!(matches!(edited("content-digest", digests), Refusal::WrongSignature));
    for (once, doubled) in [
        ("keyId=", r#"keyId="a",keyId="#),
        ("signature=", r#"signature="AAAA",signature="#),
        ("keyId=", r#"x="a",x="a",keyId="#),
        ("\"date ", "\"date date "),
    ] {
        let refusal = edited_old(|text| text.replacen(once, doubled, 1));
        assert_eq!(refusal, authorization(SyntaxError::Doubled), "{doubled}");
    }
}

#[test]
fn a_signature_under_another_label_is_refused() {
    let renamed = |text: &str| text.replacen("endo=", "other=", 1);
    assert_eq!(edited("signature", renamed), Refusal::LabelMismatch);
    assert_eq!(edited("signature-input", renamed), Refusal::LabelMismatch);
}

#[test]
fn parameters_in_another_order_are_another_text() {
    let reordered = |text: &str| {
        let (head, key_id) = text.rsplit_once(";keyid=").unwrap();
        let (head, algorithm) = head.rsplit_once(";alg=").unwrap();
        format!("{head};keyid={key_id};alg={algorithm}")
    };
    assert_eq!(edited("signature-input", reordered), Refusal::WrongSignature);
}

#[test]
fn a_sender_may_order_parameters_as_it_likes_and_write_more_blanks() {
    let forger = Forger::new();
    let mut draft = Draft::webhook();
    forger.sign(&mut draft, &[], r#";tag="t";nonce="n\"\\";alg="ed25519";expires=1768478401"#);
    assert_eq!(draft.verdict(&forger.verifier()), Ok(()));
    draft.edit("signature-input", |text| text.replace(r#"("@method")"#, r#"(  "@method" )"#));
    draft.edit("signature-input", |text| text.replace(";tag", "; tag"));
    assert_eq!(draft.verdict(&forger.verifier()), Ok(()));
}

#[test]
fn unknown_parameters_are_refused() {
    let forger = Forger::new();
    for more in [r#";colour="red""#, ";x=1", r#";key-id="x""#] {
        let mut draft = Draft::webhook();
        forger.sign(&mut draft, &[], more);
        assert_eq!(draft.verdict(&forger.verifier()), Err(input(SyntaxError::UnknownParameter)), "{more}");
    }
    for parameter in ["sf", "bs", "req", "tr", r#"key="a""#] {
        let named = format!("\"@path\";{parameter}");
        let refusal = edited("signature-input", |text| text.replacen(r#""@path""#, &named, 1));
        assert_eq!(refusal, input(SyntaxError::UnknownParameter), "{parameter}");
    }
}

#[test]
fn parameters_that_are_needed_have_to_be_there() {
    let without = |name: &'static str| {
        move |text: &str| {
            let start = text.find(&format!(";{name}=")).unwrap();
            let end = text[start + 1..].find(';').map_or(text.len(), |end| start + 1 + end);
            format!("{}{}", &text[..start], &text[end..])
        }
    };
    for name in ["created", "keyid"] {
        assert_eq!(edited("signature-input", without(name)), Refusal::MissingParameter(name));
    }
    for name in ["keyId", "algorithm", "signature"] {
        let refusal = edited_old(|text| text.replacen(&format!("{name}=\""), "other=\"", 1));
        assert_eq!(refusal, Refusal::MissingParameter(name));
    }
}

#[test]
fn parameters_of_the_wrong_kind_are_refused() {
    for (right, wrong) in [
        ("created=1768478400", "created=\"1768478400\""),
        ("expires=1768478700", "expires=\"x\""),
        ("alg=\"ed25519\"", "alg=1"),
        ("created=1768478400", "created"),
        ("created=1768478400", "created="),
        ("created=1768478400", "created=1768478400.5"),
        ("created=1768478400", "created=1234567890123456"),
        ("created=1768478400", "created=-"),
        ("created=1768478400", "created=?1"),
        ("created=1768478400", "created=@1768478400"),
        ("created=1768478400", "Created=1768478400"),
        ("alg=\"ed25519\"", "alg=ed25519"),
        ("alg=\"ed25519\"", "alg=\"ed\\25519\""),
        ("alg=\"ed25519\"", "alg=\"ed\u{e9}\""),
    ] {
        let refusal = edited("signature-input", |text| text.replacen(right, wrong, 1));
        assert_eq!(refusal, input(SyntaxError::Malformed), "{wrong}");
    }
}

#[test]
fn text_that_is_no_signature_field_is_refused() {
    for text in [
        "",
        " ",
        "endo",
        "endo=",
        "endo=()x",
        "endo=(\"@method\"",
        "=()",
        "1=()",
        "endo=(a)",
        "endo=(\"a\"\"b\")",
        "\u{1f511}",
    ] {
        assert_eq!(edited("signature-input", |_| text.to_owned()), input(SyntaxError::Malformed), "{text}");
    }
    for text in [
        "",
        "endo",
        "endo=x",
        "endo=::x",
        "endo=:AAAA",
        "endo=:A:",
        "endo=:AAA:",
        "endo=:!!!!:",
        "endo=:AAAA:,",
        "endo=:AAAA:;a=1",
    ] {
        assert_eq!(edited("signature", |_| text.to_owned()), signature(SyntaxError::Malformed), "{text}");
    }
    for (right, wrong) in [
        ("\",", "\", "),
        ("\",", "\";"),
        ("keyId", "key1"),
        ("keyId=\"", "keyId="),
        ("keyId=", "=\"\",keyId="),
        ("date X", "date  X"),
        ("signature=\"", "signature=\"!"),
        ("keyId=\"", "keyId=\"\u{e9}\",\u{e9}=\""),
    ] {
        let refusal = edited_old(|text| text.replacen(right, wrong, 1));
        assert_eq!(refusal, authorization(SyntaxError::Malformed), "{wrong}");
    }
    assert_eq!(edited_old(|text| text.replacen("Signature ", "signature ", 1)), Refusal::Unsigned);
    assert_eq!(edited_old(|text| text.replacen("Signature ", "Signature", 1)), Refusal::Unsigned);
}

#[test]
fn fields_without_end_are_refused_before_they_are_read() {
    let long = "x".repeat(9000);
    let key_id = |text: &str| text.replacen("keyid=\"", &format!("keyid=\"{long}"), 1);
    assert_eq!(edited("signature-input", key_id), input(SyntaxError::TooLong));
    let names: String = (0..33).map(|n| format!(" \"x-{n}\"")).collect();
    let many = |text: &str| text.replacen('(', &format!("({names} "), 1);
    assert_eq!(edited("signature-input", many), input(SyntaxError::TooLong));
    let signatures = |text: &str| {
        let more: String = (0..8).map(|n| format!(",x{n}=:AAAA:")).collect();
        text.to_owned() + &more
    };
    assert_eq!(edited("signature", signatures), signature(SyntaxError::TooLong));
    let old_long = |text: &str| text.replacen("keyId=\"", &format!("keyId=\"{long}"), 1);
    assert_eq!(edited_old(old_long), authorization(SyntaxError::TooLong));
    let old_names = |text: &str| {
        let names: String = (0..33).map(|n| format!("x-{n} ")).collect();
        text.replacen("headers=\"", &format!("headers=\"{names}"), 1)
    };
    assert_eq!(edited_old(old_names), authorization(SyntaxError::TooLong));
    let old_parameters = |text: &str| {
        let letters = ('a'..='z').map(|letter| format!("{letter}=\"\",")).collect::<String>();
        text.replacen("keyId", &format!("{letters}keyId"), 1)
    };
    assert_eq!(edited_old(old_parameters), authorization(SyntaxError::TooLong));
}

#[test]
fn keys_that_are_not_trusted_and_signatures_of_another_length_are_refused() {
    let (mine, other) = (signer(), signer());
    let mut draft = Draft::webhook();
    draft.sign(&other);
    assert_eq!(draft.verdict(&trusting(&mine)), Err(Refusal::UnknownKey));
    draft.edit("signature-input", |text| text.replace(other.key_id(), mine.key_id()));
    assert_eq!(draft.verdict(&trusting(&mine)), Err(Refusal::WrongSignature));
    for signature in ["", "AAAA", &"A".repeat(84), &"A".repeat(88), &"A".repeat(4000)] {
        let refusal = edited("signature", |_| format!("endo=:{signature}:"));
        assert_eq!(refusal, Refusal::WrongSignature);
    }
    for signature in ["AAAA", &"A".repeat(340), &"A".repeat(344), &"A".repeat(4000)] {
        let refusal = edited_old(|text| {
            let (head, _) = text.split_once("signature=").unwrap();
            format!("{head}signature=\"{signature}\"")
        });
        assert_eq!(refusal, Refusal::WrongSignature);
    }
}

#[test]
fn the_request_does_not_choose_the_algorithm() {
    for algorithm in ["hmac-sha256", "rsa-v1_5-sha256", "ED25519", "none", ""] {
        let replaced = |text: &str| text.replacen("ed25519", algorithm, 1);
        assert_eq!(edited("signature-input", replaced), Refusal::UnsupportedAlgorithm, "{algorithm}");
    }
    for algorithm in ["rsa-sha1", "rsa-sha384", "hmac-sha256", "ed25519", "none"] {
        let refusal = edited_old(|text| text.replacen("rsa-sha256", algorithm, 1));
        assert_eq!(refusal, Refusal::UnsupportedAlgorithm, "{algorithm}");
    }
    assert_eq!(edited_old(|text| text.replacen("rsa-sha256", "rsa-sha512", 1)), Refusal::WrongSignature);
}

#[test]
fn parts_that_nobody_knows_are_refused() {
    for part in ["@bogus", "@status", "@query-param", "@signature-params", "Date", "", "x y", "x:"] {
        let refusal = edited("signature-input", |text| text.replacen("\"@path\"", &format!("\"{part}\""), 1));
        assert_eq!(refusal, Refusal::UnsupportedComponent, "{part}");
    }
    for part in ["(created)", "(expires)", "request-line", "digest"] {
        let refusal = edited_old(|text| text.replacen("\"date ", &format!("\"{part} date "), 1));
        assert_eq!(refusal, Refusal::Field(FieldError::Missing(part.to_owned())));
    }
    let uncovered = edited_old(|text| text.replacen("date X-MESHBLU-UUID", "", 1));
    assert_eq!(uncovered, Refusal::Uncovered(Component::field("x-meshblu-uuid")));
}

#[test]
fn a_digest_in_a_wrong_form_is_refused_though_it_is_signed() {
    let forger = Forger::new();
    let right = "sha-256=:X48E9qOokqqrvdts8nOJRJN3OWDUoyWxBf7kbu9DBPE=:";
    let long =
        "sha-512=:WZDPaVn/7XgHaAy8pmojAkGWoRx2UFChF41A2svX+TaPm+AbwAgBWnrIiYllu7BNNyealdVLvRwEmTHWXvJwew==:";
    let malformed = Refusal::Syntax { field: "content-digest", cause: SyntaxError::Malformed };
    let doubled = Refusal::Syntax { field: "content-digest", cause: SyntaxError::Doubled };
    for (digest, verdict) in [
        (right.to_owned(), Ok(())),
        (long.to_owned(), Ok(())),
        (format!("md5=:AAAA:, {right} , {long}"), Ok(())),
        (long.replace("WZ", "WY"), Err(Refusal::WrongDigest)),
        (format!("{right}, {}", long.replace("WZ", "WY")), Err(Refusal::WrongDigest)),
        ("md5=:AAAA:".to_owned(), Err(Refusal::WrongDigest)),
        ("sha-256=::".to_owned(), Err(Refusal::WrongDigest)),
        ("sha-256=:X48E:".to_owned(), Err(Refusal::WrongDigest)),
        (right.replace("sha-256", "SHA-256"), Err(malformed.clone())),
        ("x".to_owned(), Err(malformed.clone())),
        (String::new(), Err(malformed)),
        (format!("{right}, {right}"), Err(doubled)),
    ] {
        let mut draft = Draft::webhook();
        draft.body = br#"{"hello": "world"}"#.to_vec();
        draft.set("content-digest", digest.as_str());
        forger.sign(&mut draft, &["content-digest"], "");
        assert_eq!(draft.verdict(&forger.verifier()), verdict, "{digest}");
    }
}

#[test]
fn a_digest_that_an_old_bus_signs_counts_too() {
    let mut draft = Draft::webhook();
    draft.set("Date", super::DATE);
    draft.set("Content-Digest", "sha-256=:X48E9qOokqqrvdts8nOJRJN3OWDUoyWxBf7kbu9DBPE=:");
    draft.set("Authorization", super::forge::authorization(&draft, "date x-meshblu-uuid content-digest"));
    assert_eq!(draft.verdict(&trusting_old_bus()), Err(Refusal::WrongDigest));
    draft.body = br#"{"hello": "world"}"#.to_vec();
    assert_eq!(draft.judged(&trusting_old_bus(), NOW, |verified| verified.covers_body()), Ok(true));
}

#[test]
fn a_refusal_says_nothing_of_the_request_s_values() {
    let secret = "value-of-the-sender";
    for refusal in [
        edited("signature", |text| format!("{text}{secret}")),
        edited("signature-input", |text| text.replacen("keyid=\"", &format!("keyid=\"{secret}"), 1)),
        edited("x-meshblu-uuid", |_| secret.to_owned()),
        edited_old(|text| text.replacen("rsa-sha256", secret, 1)),
        edited_old(|text| format!("{text},{secret}")),
    ] {
        assert!(!told(&refusal).contains(secret), "{refusal}");
    }
}
