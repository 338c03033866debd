use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use endo::ambient::Random;
use endo::vault::{KeyError, KeyRing, PrivateKey};
use rsa::pkcs1::EncodeRsaPrivateKey;
use rsa::pkcs8::DecodePrivateKey;
use rsa::{RsaPrivateKey, pkcs8::EncodePrivateKey};

use super::{OTHER_KEY, original_key, other_key, vectors};

#[test]
fn every_form_the_original_takes_is_the_same_key() {
    let vectors = vectors();
    let pem = vectors["privateKeyPem"].as_str().unwrap();
    let kid = original_key().kid().to_owned();
    let forms = [
        pem.to_owned(),
        format!("\n  {pem}\n\n"),
        pem.replace("KEY-----\n", "KEY-----").replace('\n', " "),
        original_key().to_pem().to_string(),
        STANDARD.encode(original_key().to_pem().as_bytes()),
        vectors["privateKeyDerBase64"].as_str().unwrap().to_owned(),
        vectors["privateKeyOldEnvBase64"].as_str().unwrap().to_owned(),
    ];
    for form in forms {
        assert_eq!(PrivateKey::parse(&form, &Random::system()).unwrap().kid(), kid);
    }
}

/// Counted with jose's `calculateJwkThumbprint`.
#[test]
fn the_kid_is_the_thumbprint_of_rfc_7638() {
    assert_eq!(original_key().kid(), "FT4dzChrwAfGOei08TmLtNR-hTrrNvkEKPdCiLHNdCU");
}

#[test]
fn what_is_not_a_private_rsa_key_is_refused() {
    let vectors = vectors();
    let parse = |text: &str| PrivateKey::parse(text, &Random::system()).unwrap_err();
    assert!(matches!(parse(vectors["publicKeyPem"].as_str().unwrap()), KeyError::Public));
    assert!(matches!(parse(include_str!("../../fixtures/vault-ec-key.pem")), KeyError::Pkcs8(_)));
    assert!(matches!(
        parse("-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----"),
        KeyError::Pkcs8(_)
    ));
    assert!(matches!(parse("-----BEGIN PRIVATE KEY-----"), KeyError::Form));
    assert!(matches!(parse("-----"), KeyError::Form));
    for text in ["", "   ", "=", "no key at all", "\u{1f916}"] {
        assert!(matches!(parse(text), KeyError::Pkcs1(_)), "{text}");
    }
}

#[test]
fn pkcs8_der_without_its_fence_is_refused_as_the_original_refuses_it() {
    let der = RsaPrivateKey::from_pkcs8_pem(OTHER_KEY).unwrap().to_pkcs8_der().unwrap();
    assert!(matches!(
        PrivateKey::parse(&STANDARD.encode(der.as_bytes()), &Random::system()),
        Err(KeyError::Pkcs1(_))
    ));
}

#[test]
fn a_key_that_is_too_short_is_refused() {
    let small = include_str!("../../fixtures/vault-small-key.pem");
    assert!(matches!(PrivateKey::parse(small, &Random::system()), Err(KeyError::Size(1024))));
    for bits in [0, 1024, 2049, 8192] {
        assert!(matches!(PrivateKey::generate(bits, &Random::system()), Err(KeyError::Size(_))), "{bits}");
    }
}

#[test]
fn a_truncated_key_is_refused_at_every_length() {
    let pkcs1 = RsaPrivateKey::from_pkcs8_pem(OTHER_KEY).unwrap().to_pkcs1_der().unwrap();
    for length in (0..pkcs1.as_bytes().len()).step_by(97) {
        assert!(
            PrivateKey::parse(&STANDARD.encode(&pkcs1.as_bytes()[..length]), &Random::system()).is_err(),
            "{length}"
        );
    }
}

/// The numbers that only speed things up are reckoned anew, so a change to them changes nothing.
#[test]
fn a_key_with_a_changed_byte_is_refused_or_still_the_same_key() {
    let key = RsaPrivateKey::from_pkcs8_pem(OTHER_KEY).unwrap().to_pkcs1_der().unwrap();
    let mut refused = 0;
    for place in (0..key.as_bytes().len()).step_by(23) {
        let mut changed = key.as_bytes().to_vec();
        changed[place] ^= 0x55;
        match PrivateKey::parse(&STANDARD.encode(&changed), &Random::system()) {
            Ok(parsed) => assert_eq!(parsed.kid(), other_key().kid(), "{place}"),
            Err(_) => refused += 1,
        }
    }
    assert!(refused > 0);
}

#[test]
fn a_key_that_is_in_the_ring_twice_is_used_once() {
    let ring = KeyRing::new(original_key(), vec![other_key(), original_key()]);
    let kids: Vec<_> = ring.keys().map(PrivateKey::kid).collect();
    assert_eq!(kids, [original_key().kid(), other_key().kid()]);
}

#[test]
fn a_generated_key_can_be_written_down_and_read_again() {
    let key = PrivateKey::generate(2048, &Random::system()).unwrap();
    assert_eq!(PrivateKey::parse(&key.to_pem(), &Random::system()).unwrap().kid(), key.kid());
}

#[test]
fn a_printed_key_is_its_name() {
    let key = other_key();
    let printed = format!("{key:?}");
    assert_eq!(printed, format!("PrivateKey {{ kid: {:?}, .. }}", key.kid()));
}
