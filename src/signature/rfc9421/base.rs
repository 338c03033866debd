//! The signature base (RFC 9421, 2.5): the very bytes that are signed.

use super::parameters::Parameters;
use crate::signature::request::{FieldError, Request};

/// Bytes that most bases do not exceed; every one is made on the way of a message.
const USUAL_LENGTH: usize = 2048;

/// One line a component, then the parameters themselves.
pub(super) fn base(request: &Request<'_>, parameters: &Parameters) -> Result<Vec<u8>, FieldError> {
    let mut base = Vec::with_capacity(USUAL_LENGTH);
    for component in &parameters.components {
        let value = request.value(component)?;
        for part in [b"\"", component.name().as_bytes(), b"\": ", &value, b"\n"] {
            base.extend_from_slice(part);
        }
    }
    base.extend_from_slice(b"\"@signature-params\": ");
    base.extend_from_slice(parameters.write().as_bytes());
    Ok(base)
}
