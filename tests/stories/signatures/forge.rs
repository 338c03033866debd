//! Signatures made without the code under test, so that anything can be signed correctly.

use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair as _};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use endo::signature::{Component, Ed25519PublicKey, Policy, Verifier};
use rsa::pkcs1::DecodeRsaPrivateKey;
use rsa::{Pkcs1v15Sign, RsaPrivateKey};
use sha2::{Digest, Sha256};

use super::{Draft, recorded_pem};

const KEY_ID: &str = "forger";

/// The `Authorization` of a draft whose `headers`, in lower case, the recorded bus signed.
pub(super) fn authorization(draft: &Draft, headers: &str) -> String {
    let mut text = Vec::new();
    for name in headers.split(' ') {
        let (_, value) = draft.fields.iter().find(|(other, _)| other.eq_ignore_ascii_case(name)).unwrap();
        text.extend([name.as_bytes(), b": ", value, b"\n"].concat());
    }
    text.pop();
    let key = RsaPrivateKey::from_pkcs1_pem(&recorded_pem("meshbluPrivateKeyPem")).unwrap();
    let signature = key.sign(Pkcs1v15Sign::new::<Sha256>(), &Sha256::digest(text)).unwrap();
    let signature = STANDARD.encode(signature);
    format!(r#"Signature keyId="k",algorithm="rsa-sha256",headers="{headers}",signature="{signature}""#)
}

/// Somebody who is trusted, and signs what we never would.
pub(super) struct Forger(Ed25519KeyPair);

impl Forger {
    pub(super) fn new() -> Self {
        Self(Ed25519KeyPair::from_seed_unchecked(&[7; 32]).unwrap())
    }

    /// Trusts the forger, who need sign nothing but the method.
    pub(super) fn verifier(&self) -> Verifier {
        let key = Ed25519PublicKey::from_bytes(self.0.public_key().as_ref().try_into().unwrap()).unwrap();
        let policy = Policy::new([Component::Method], std::time::Duration::from_secs(300));
        Verifier::new().trusting(KEY_ID, key, policy)
    }

    /// Signs `lines` of method and fields, under parameters that begin with the usual ones.
    pub(super) fn sign(&self, draft: &mut Draft, fields: &[&str], more: &str) {
        let mut base = format!("\"@method\": {}\n", draft.method);
        let mut covered = r#""@method""#.to_owned();
        for name in fields {
            base += &format!("\"{name}\": {}\n", draft.field(name));
            covered += &format!(" \"{name}\"");
        }
        let parameters = format!(r#"({covered});created=1768478400;keyid="{KEY_ID}"{more}"#);
        base += &format!("\"@signature-params\": {parameters}");
        let signature = STANDARD.encode(self.0.sign(base.as_bytes()));
        draft.set("Signature-Input", format!("sig={parameters}"));
        draft.set("Signature", format!("sig=:{signature}:"));
    }
}
