//! Keys: the forms that are read, those that are not, and what they print.

use endo::ambient::Random;
use endo::signature::{
    Ed25519PrivateKey, Ed25519PublicKey, KeyError, LegacySigner, MessageSigner, RsaPrivateKey, RsaPublicKey,
};
use rsa::pkcs1::DecodeRsaPrivateKey;
use rsa::pkcs1::EncodeRsaPublicKey;
use rsa::pkcs8::{DecodePrivateKey, DecodePublicKey, EncodePublicKey, LineEnding};

use super::{DATE, Draft, NOW, SERVICE, recorded_pem, told};

const SMALL: &str = include_str!("../../fixtures/vault-small-key.pem");
const EC: &str = include_str!("../../fixtures/vault-ec-key.pem");

fn spki() -> String {
    recorded_pem("meshbluPublicKeyPem")
}

fn small_key() -> rsa::RsaPrivateKey {
    rsa::RsaPrivateKey::from_pkcs8_pem(SMALL).or_else(|_| rsa::RsaPrivateKey::from_pkcs1_pem(SMALL)).unwrap()
}

#[test]
fn a_bus_may_publish_its_key_in_either_form() {
    let pkcs1 =
        rsa::RsaPublicKey::from_public_key_pem(&spki()).unwrap().to_pkcs1_pem(LineEnding::LF).unwrap();
    assert!(pkcs1.starts_with("-----BEGIN RSA PUBLIC KEY-----"));
    for pem in [spki(), pkcs1.clone(), pkcs1.replace('\n', "\r\n"), format!("\n  {} \n", spki())] {
        let key = RsaPublicKey::from_pem(&pem).unwrap();
        assert_eq!(key.to_pem(), spki());
    }
}

#[test]
fn a_private_key_is_read_in_either_form_and_signs_the_same() {
    let pkcs1 = recorded_pem("meshbluPrivateKeyPem");
    let key = RsaPrivateKey::from_pem(&pkcs1).unwrap();
    let pkcs8 = key.to_pem();
    assert!(pkcs8.starts_with("-----BEGIN PRIVATE KEY-----\n"));
    let again = RsaPrivateKey::from_pem(&pkcs8).unwrap();
    assert_eq!(again.public().to_pem(), spki());
    assert_eq!(LegacySigner::new(again).sign(SERVICE, NOW), LegacySigner::new(key).sign(SERVICE, NOW));
}

#[test]
fn a_new_rsa_key_signs_what_its_public_half_verifies() {
    let key = RsaPrivateKey::generate().unwrap();
    let public = RsaPublicKey::from_pem(&key.public().to_pem()).unwrap();
    let verifier =
        endo::signature::Verifier::new().trusting_old_bus(public, endo::signature::Policy::legacy_bus());
    let mut draft = Draft::webhook();
    let signature = LegacySigner::new(key).sign(SERVICE, NOW);
    assert_eq!(signature.date, DATE);
    draft.set("Date", signature.date);
    draft.set("Authorization", signature.authorization);
    assert_eq!(draft.verdict(&verifier), Ok(()));
}

#[test]
fn an_rsa_key_below_2048_bits_is_refused() {
    let small = small_key().to_public_key();
    let forms =
        [small.to_public_key_pem(LineEnding::LF).unwrap(), small.to_pkcs1_pem(LineEnding::LF).unwrap()];
    for pem in forms {
        assert!(matches!(RsaPublicKey::from_pem(&pem), Err(KeyError::Weak(bits)) if bits < 2048));
    }
    RsaPrivateKey::from_pem(SMALL).unwrap_err();
}

#[test]
fn an_ed25519_key_is_read_as_32_bytes_and_as_pem() {
    let key = Ed25519PrivateKey::generate(&Random::system());
    let pem = key.public().to_pem();
    let again = Ed25519PublicKey::from_pem(&pem).unwrap();
    let der = Ed25519PrivateKey::from_pem(&key.to_pem()).unwrap();
    assert_eq!(again.to_pem(), der.public().to_pem());
    let raw = base64_of(&pem)[12..].try_into().unwrap();
    assert_eq!(Ed25519PublicKey::from_bytes(&raw).unwrap().to_pem(), pem);
}

/// The contents of a PEM block.
fn base64_of(pem: &str) -> Vec<u8> {
    use base64::Engine as _;
    let lines: String = pem.lines().filter(|line| !line.starts_with('-')).collect();
    base64::engine::general_purpose::STANDARD.decode(lines).unwrap()
}

#[test]
fn the_thumbprint_is_that_of_rfc_8037() {
    // RFC 8037, A.1 and A.3.
    let pem = "-----BEGIN PRIVATE KEY-----\nMC4CAQAwBQYDK2VwBCIEIJ1hsZ3v/VpguoRK9JLsLMREScVpezJpGXA7rAMcrn9g\n-----END PRIVATE KEY-----";
    let key = Ed25519PrivateKey::from_pem(pem).unwrap();
    assert_eq!(key.thumbprint(), "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k");
    assert_eq!(MessageSigner::new(key).key_id(), "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k");
}

#[test]
fn what_is_no_key_of_the_kind_is_refused() {
    let ed25519 = Ed25519PrivateKey::generate(&Random::system());
    let rsa = recorded_pem("meshbluPrivateKeyPem");
    let truncated = spki().replace("IDAQAB", "").replace("OQ", "");
    for pem in ["", "x", "-----BEGIN PUBLIC KEY-----", &rsa, &ed25519.public().to_pem(), &truncated] {
        RsaPublicKey::from_pem(pem).unwrap_err();
    }
    for pem in ["", "x", EC, &spki(), &ed25519.to_pem(), &rsa.replace("MIIEp", "MIIEq")] {
        RsaPrivateKey::from_pem(pem).unwrap_err();
    }
    for pem in ["", "x", EC, &rsa, &ed25519.public().to_pem()] {
        Ed25519PrivateKey::from_pem(pem).unwrap_err();
    }
    let raw =
        "-----BEGIN PUBLIC KEY-----\nAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\n-----END PUBLIC KEY-----";
    for pem in ["", "x", raw, &spki(), &ed25519.to_pem()] {
        Ed25519PublicKey::from_pem(pem).unwrap_err();
    }
}

#[test]
fn a_block_that_ends_as_another_than_it_began_is_refused() {
    for pem in [
        spki().replace("END PUBLIC KEY", "END PRIVATE KEY"),
        spki().replace("-----END PUBLIC KEY-----", ""),
        format!("{}{}", spki(), spki()),
        spki().replace("MIIB", "!!!!"),
    ] {
        assert!(matches!(RsaPublicKey::from_pem(&pem), Err(KeyError::Form { .. })), "{pem}");
    }
}

#[test]
fn keys_and_errors_print_nothing_secret() {
    let pem = recorded_pem("meshbluPrivateKeyPem");
    let rsa = RsaPrivateKey::from_pem(&pem).unwrap();
    assert_eq!(format!("{rsa:?}"), "RsaPrivateKey { public: RsaPublicKey { bits: 2048, .. }, .. }");
    let legacy = LegacySigner::new(rsa);
    assert!(!format!("{legacy:?}").contains("MII"));
    let ed25519 = Ed25519PrivateKey::generate(&Random::system());
    let expected = format!("Ed25519PrivateKey({:?})", ed25519.thumbprint());
    assert_eq!(format!("{ed25519:?}"), expected);
    let broken = pem.replace("MIIEp", "MIIEq");
    let told = told(&RsaPrivateKey::from_pem(&broken).unwrap_err());
    let lines: Vec<_> = pem.lines().filter(|line| !line.starts_with('-')).collect();
    assert!(lines.iter().all(|line| !told.contains(line)), "{told}");
}
