//! The forms in which private keys are written down: what the original gateway takes (`spec/endo.md` 3).

use rsa::RsaPrivateKey;
use rsa::pkcs1::DecodeRsaPrivateKey;
use rsa::pkcs8::DecodePrivateKey;
use zeroize::Zeroizing;

use super::key::KeyError;
use super::node_base64;

const FENCE: &str = "-----";

/// Reads PEM (PKCS#1 or PKCS#8), base64 of such a PEM, or base64 of PKCS#1 DER.
pub(super) fn read(text: &str) -> Result<RsaPrivateKey, KeyError> {
    let text = text.trim();
    if is_pem(text) {
        return read_pem(text);
    }
    let bytes = node_base64::decode(text);
    match std::str::from_utf8(&bytes).map(str::trim) {
        Ok(inner) if is_pem(inner) => read_pem(inner),
        _ => RsaPrivateKey::from_pkcs1_der(&bytes).map_err(KeyError::Pkcs1),
    }
}

fn is_pem(text: &str) -> bool {
    text.starts_with(FENCE) && text.ends_with(FENCE)
}

/// Lines of any length are taken, as in environment variables that lost their line ends.
fn read_pem(text: &str) -> Result<RsaPrivateKey, KeyError> {
    let (label, body) = split_pem(text).ok_or(KeyError::Form)?;
    let der: Zeroizing<Vec<u8>> = node_base64::decode(body);
    match label {
        "RSA PRIVATE KEY" => RsaPrivateKey::from_pkcs1_der(&der).map_err(KeyError::Pkcs1),
        "PRIVATE KEY" => RsaPrivateKey::from_pkcs8_der(&der).map_err(KeyError::Pkcs8),
        "PUBLIC KEY" | "RSA PUBLIC KEY" => Err(KeyError::Public),
        _ => Err(KeyError::Form),
    }
}

fn split_pem(text: &str) -> Option<(&str, &str)> {
    let (label, rest) = text.strip_prefix("-----BEGIN ")?.split_once(FENCE)?;
    let (body, end) = rest.split_once("-----END ")?;
    (end.strip_suffix(FENCE)? == label).then_some((label, body))
}
