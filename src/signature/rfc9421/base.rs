//! The signature base (RFC 9421, 2.5): the very bytes that are signed.

use super::parameters::Parameters;
use crate::signature::request::{FieldError, Request};

/// One line a component, then the parameters themselves.
pub(super) fn base(request: &Request<'_>, parameters: &Parameters) -> Result<Vec<u8>, FieldError> {
    let mut base = Vec::new();
    for component in &parameters.components {
        base.extend_from_slice(format!("\"{component}\": ").as_bytes());
        base.extend_from_slice(&request.value(component)?);
        base.push(b'\n');
    }
    base.extend_from_slice(format!("\"@signature-params\": {}", parameters.write()).as_bytes());
    Ok(base)
}
