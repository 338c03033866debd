//! What holds for every request: no bytes end the judge, what is signed verifies, what is changed does not.

use endo::signature::{LegacySigner, MessageSigner, Verifier};
use proptest::prelude::*;

use super::old_bus::{legacy_signer, signed as signed_by_old_bus};
use super::{Draft, NOW, signer, trusting, trusting_old_bus};

/// Text that is close to what the fields hold, so that it gets past the first look.
fn field_like() -> impl Strategy<Value = Vec<u8>> {
    let words = [
        "endo",
        "=",
        "(",
        ")",
        "\"",
        "\"@method\"",
        "\"date\"",
        ";",
        "created",
        "1768478400",
        "keyid",
        "alg",
        ":",
        "AAAA",
        ",",
        " ",
        "\\",
        "-",
        "Signature ",
        "keyId=\"k\"",
        "algorithm=\"rsa-sha256\"",
        "headers=\"date\"",
        "signature=\"AAAA\"",
        "sha-256",
        "\u{e9}",
        "\n",
    ];
    let word = prop_oneof![
        8 => proptest::sample::select(words.to_vec()).prop_map(|word| word.as_bytes().to_vec()),
        1 => proptest::collection::vec(any::<u8>(), 0..4),
    ];
    proptest::collection::vec(word, 0..24).prop_map(|words| words.concat())
}

fn any_field() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![field_like(), proptest::collection::vec(any::<u8>(), 0..64)]
}

/// A value that a field may have: no control characters, no blanks around it.
fn field_value() -> impl Strategy<Value = String> {
    "[!-~]([ -~]{0,30}[!-~])?"
}

fn both(signer: &MessageSigner) -> Verifier {
    let old = legacy_public();
    trusting(signer).trusting_old_bus(old, endo::signature::Policy::legacy_bus())
}

fn legacy_public() -> endo::signature::RsaPublicKey {
    endo::signature::RsaPublicKey::from_pem(&super::recorded_pem("meshbluPublicKeyPem")).unwrap()
}

proptest! {
    #[test]
    fn no_bytes_in_the_signature_fields_are_believed_or_end_the_judge(
        input in any_field(), signature in any_field(), authorization in any_field(), date in any_field(),
    ) {
        let mut draft = Draft::webhook();
        draft.set("Date", date);
        draft.set("Authorization", authorization);
        prop_assert!(draft.verdict(&trusting_old_bus()).is_err());
        draft.set("Signature-Input", input);
        draft.set("Signature", signature);
        prop_assert!(draft.verdict(&both(&signer())).is_err());
    }

    #[test]
    fn no_edit_of_a_real_signature_ends_the_judge(noise in any_field(), place in any::<prop::sample::Index>()) {
        let signer = signer();
        let mut ours = Draft::webhook();
        ours.sign(&signer);
        for field in ["signature-input", "signature", "content-digest"] {
            let mut edited = ours.clone();
            edited.set(field, spliced(ours.field(field), &noise, &place));
            let same = edited.field_bytes(field) == ours.field(field).as_bytes();
            prop_assert!(same || edited.verdict(&trusting(&signer)).is_err() || only_blanks(&noise));
        }
        let old = signed_by_old_bus();
        let mut edited = old.clone();
        edited.set("authorization", spliced(old.field("authorization"), &noise, &place));
        let _ = edited.verdict(&trusting_old_bus());
    }

    #[test]
    fn whatever_is_signed_is_believed(
        uuid in field_value(), route in field_value(), target in "/[!-\"$->@-~]{0,20}(\\?[!-~]{0,20})?",
        body in proptest::collection::vec(any::<u8>(), 0..200), more in proptest::option::of(field_value()),
    ) {
        let signer = signer();
        let mut draft = Draft { target, body, ..Draft::webhook() };
        draft.set("X-MESHBLU-UUID", uuid.as_str());
        draft.set("X-MESHBLU-ROUTE", route);
        if let Some(more) = more {
            draft.set("X-MESHBLU-FORWARDED-ROUTES", more);
        }
        draft.sign(&signer);
        let seen = draft.judged(&trusting(&signer), NOW, |verified| verified.uuid() == Some(uuid.as_str()));
        prop_assert_eq!(seen, Ok(true));
    }

    #[test]
    fn any_changed_byte_of_a_covered_part_is_refused(
        part in 0usize..8, place in any::<prop::sample::Index>(), change in 1u8..=255,
    ) {
        let signer = signer();
        let mut draft = Draft::webhook();
        draft.sign(&signer);
        let original = draft.clone();
        match part {
            0 => draft.body = changed(&draft.body, &place, change),
            1 => draft.method = text(changed(draft.method.as_bytes(), &place, change)),
            2 => draft.target = text(changed(draft.target.as_bytes(), &place, change)),
            3 => draft.authority = text(changed(draft.authority.as_bytes(), &place, change)),
            _ => {
                let (name, value) = draft.fields[part - 4].clone();
                draft.set(&name, changed(&value, &place, change));
            }
        }
        // The case of a host does not matter (RFC 9110, 4.2.3).
        let same_host = draft.authority.eq_ignore_ascii_case(&original.authority);
        prop_assume!(part != 3 || !same_host);
        prop_assert!(draft.verdict(&trusting(&signer)).is_err());
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(16))]

    #[test]
    fn whatever_owner_an_old_bus_signs_for_is_believed(owner in field_value()) {
        let signer: LegacySigner = legacy_signer();
        let mut draft = Draft::webhook();
        let signature = signer.sign(&owner, NOW);
        draft.set("Date", signature.date);
        draft.set("Authorization", signature.authorization);
        draft.set("X-MESHBLU-UUID", owner.as_str());
        let seen = draft.judged(&trusting_old_bus(), NOW, |verified| verified.uuid() == Some(owner.as_str()));
        prop_assert_eq!(seen, Ok(true));
        draft.set("X-MESHBLU-UUID", owner + "x");
        prop_assert!(draft.verdict(&trusting_old_bus()).is_err());
    }
}

fn changed(bytes: &[u8], place: &prop::sample::Index, change: u8) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    let place = place.index(bytes.len());
    bytes[place] ^= change;
    bytes
}

/// Bytes that are not UTF-8 become other bytes; they stay a change.
fn text(bytes: Vec<u8>) -> String {
    String::from_utf8_lossy(&bytes).into_owned()
}

fn spliced(text: &str, noise: &[u8], place: &prop::sample::Index) -> Vec<u8> {
    let (head, tail) = text.as_bytes().split_at(place.index(text.len() + 1));
    [head, noise, tail].concat()
}

fn only_blanks(noise: &[u8]) -> bool {
    noise.iter().all(u8::is_ascii_whitespace)
}
