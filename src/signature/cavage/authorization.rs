//! The header `Authorization: Signature keyId="…",algorithm="…",headers="…",signature="…"`.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::signature::refusal::{Refusal, SyntaxError};
use crate::signature::rsa::Hash;

/// The field's name.
pub(super) const FIELD: &str = "authorization";

const MAX_BYTES: usize = 8 * 1024;
const MAX_PARAMETERS: usize = 16;
const MAX_COVERED: usize = 32;

/// What the header says. The `keyId` has to be there, and means nothing.
#[derive(Debug)]
pub(super) struct Authorization {
    pub(super) hash: Hash,
    /// The names of what is signed, in lower case and in order.
    pub(super) covered: Vec<String>,
    pub(super) signature: Vec<u8>,
}

/// The parameters of a header of this scheme; nothing for any other scheme.
pub(super) fn parameters(field: &[u8]) -> Option<&[u8]> {
    field.strip_prefix(b"Signature ")
}

pub(super) fn read(parameters: &[u8]) -> Result<Authorization, Refusal> {
    let parameters = Parameters::read(parameters).map_err(syntax)?;
    parameters.required("keyId")?;
    let algorithm = parameters.required("algorithm")?;
    let signature = parameters.required("signature")?;
    Ok(Authorization {
        hash: hash(algorithm)?,
        covered: covered(parameters.find("headers").unwrap_or_default()).map_err(syntax)?,
        signature: STANDARD.decode(signature).map_err(|_| syntax(SyntaxError::Malformed))?,
    })
}

fn syntax(cause: SyntaxError) -> Refusal {
    Refusal::Syntax { field: FIELD, cause }
}

/// SHA-1 is refused, though the original takes it.
fn hash(algorithm: &str) -> Result<Hash, Refusal> {
    if algorithm.eq_ignore_ascii_case("rsa-sha256") {
        Ok(Hash::Sha256)
    } else if algorithm.eq_ignore_ascii_case("rsa-sha512") {
        Ok(Hash::Sha512)
    } else {
        Err(Refusal::UnsupportedAlgorithm)
    }
}

fn covered(headers: &str) -> Result<Vec<String>, SyntaxError> {
    let headers = if headers.is_empty() { "date" } else { headers };
    let mut covered = Vec::new();
    for name in headers.split(' ').map(str::to_ascii_lowercase) {
        if name.is_empty() {
            return Err(SyntaxError::Malformed);
        }
        if covered.contains(&name) {
            return Err(SyntaxError::Doubled);
        }
        if covered.len() == MAX_COVERED {
            return Err(SyntaxError::TooLong);
        }
        covered.push(name);
    }
    Ok(covered)
}

/// Pairs of name and value; names differ from each other.
struct Parameters<'a>(Vec<(&'a str, &'a str)>);

impl<'a> Parameters<'a> {
    fn read(text: &'a [u8]) -> Result<Self, SyntaxError> {
        if text.len() > MAX_BYTES {
            return Err(SyntaxError::TooLong);
        }
        let mut rest = std::str::from_utf8(text).map_err(|_| SyntaxError::Malformed)?;
        let mut read = Self(Vec::new());
        while !rest.is_empty() {
            let ((name, value), after) = first_pair(rest).ok_or(SyntaxError::Malformed)?;
            read.add(name, value)?;
            rest = after;
        }
        Ok(read)
    }

    fn add(&mut self, name: &'a str, value: &'a str) -> Result<(), SyntaxError> {
        if self.find(name).is_some() {
            return Err(SyntaxError::Doubled);
        }
        if self.0.len() == MAX_PARAMETERS {
            return Err(SyntaxError::TooLong);
        }
        self.0.push((name, value));
        Ok(())
    }

    fn find(&self, name: &str) -> Option<&'a str> {
        self.0.iter().find(|(other, _)| *other == name).map(|(_, value)| *value)
    }

    fn required(&self, name: &'static str) -> Result<&'a str, Refusal> {
        self.find(name).filter(|value| !value.is_empty()).ok_or(Refusal::MissingParameter(name))
    }
}

/// The first `name="value"` and what follows its comma. A comma may end the whole.
fn first_pair(text: &str) -> Option<((&str, &str), &str)> {
    let (name, rest) = text.split_once("=\"")?;
    let (value, rest) = rest.split_once('"')?;
    let named = !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphabetic());
    let after = if rest.is_empty() { rest } else { rest.strip_prefix(',')? };
    named.then_some(((name, value), after))
}
