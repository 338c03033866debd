//! Signing as an old bus does.

use std::time::Duration;

use endo::signature::{LegacySigner, Policy, RsaPrivateKey, Verifier};

use super::{DATE, Draft, NOW, SERVICE, recorded, recorded_pem, trusting_old_bus};

pub(super) fn legacy_signer() -> LegacySigner {
    LegacySigner::new(RsaPrivateKey::from_pem(&recorded_pem("meshbluPrivateKeyPem")).unwrap())
}

pub(super) fn signed() -> Draft {
    let mut draft = Draft::webhook();
    let signature = legacy_signer().sign(SERVICE, NOW);
    draft.set("Date", signature.date);
    draft.set("Authorization", signature.authorization);
    draft
}

#[test]
fn the_headers_are_those_of_the_original_to_the_byte() {
    let signature = legacy_signer().sign(SERVICE, NOW);
    assert_eq!(signature.date, DATE);
    let original = &recorded()["vectors"][0]["request"]["headers"]["Authorization"];
    assert_eq!(signature.authorization, original.as_str().unwrap());
}

#[test]
fn what_is_signed_as_an_old_bus_does_is_believed() {
    let seen = signed().judged(&trusting_old_bus(), NOW, |verified| {
        assert_eq!(verified.body(), super::BODY);
        assert_eq!(verified.uuid(), Some(SERVICE));
        assert_eq!((verified.delivery_id(), verified.key_id()), (None, None));
        assert!(!verified.covers_body());
    });
    assert_eq!(seen, Ok(()));
}

#[test]
fn an_owner_gets_one_signature_a_second_and_another_in_the_next() {
    let signer = legacy_signer();
    let first = signer.sign(SERVICE, NOW);
    assert_eq!(signer.sign(SERVICE, NOW.plus(Duration::from_millis(999))), first);
    assert_ne!(signer.sign("another", NOW).authorization, first.authorization);
    let next = signer.sign(SERVICE, NOW.plus(Duration::from_secs(1)));
    assert_eq!(next.date, "Thu, 15 Jan 2026 12:00:01 GMT");
    assert_ne!(next.authorization, first.authorization);
    assert_eq!(signer.sign(SERVICE, NOW), first);
}

#[test]
fn each_owner_has_its_own_signature() {
    let signer = legacy_signer();
    for owner in ["one", "two"] {
        let mut draft = signed();
        let signature = signer.sign(owner, NOW);
        draft.set("Authorization", signature.authorization);
        draft.verdict(&trusting_old_bus()).unwrap_err();
        draft.set("X-MESHBLU-UUID", owner);
        assert_eq!(draft.verdict(&trusting_old_bus()), Ok(()));
    }
}

#[test]
fn a_request_with_both_signatures_is_judged_by_the_stronger_one_alone() {
    let ours = super::signer();
    let key = RsaPrivateKey::from_pem(&recorded_pem("meshbluPrivateKeyPem")).unwrap();
    let both = super::trusting(&ours).trusting_old_bus(key.public().clone(), Policy::legacy_bus());
    let mut draft = signed();
    draft.sign(&ours);
    assert_eq!(draft.judged(&both, NOW, |verified| verified.covers_body()), Ok(true));
    assert_eq!(draft.judged(&trusting_old_bus(), NOW, |verified| verified.covers_body()), Ok(false));
    draft.body.push(b' ');
    draft.verdict(&both).unwrap_err();
    assert_eq!(draft.verdict(&trusting_old_bus()), Ok(()));
    draft.verdict(&Verifier::new()).unwrap_err();
}
