//! The text that a signature of the old form covers: one line a part, in the order of its list.

use crate::signature::component::Component;
use crate::signature::request::{FieldError, Request};

/// The one name that is not a field's.
const REQUEST_TARGET: &str = "(request-target)";

/// The lines for these names, which are in lower case.
pub(super) fn text(request: &Request<'_>, names: &[String]) -> Result<Vec<u8>, FieldError> {
    let mut text = Vec::new();
    for name in names {
        if !text.is_empty() {
            text.push(b'\n');
        }
        text.extend_from_slice(name.as_bytes());
        text.extend_from_slice(b": ");
        text.extend_from_slice(&value(request, name)?);
    }
    Ok(text)
}

/// What a signature over these names vouches for.
pub(super) fn components(names: &[String]) -> Vec<Component> {
    let target = [Component::Method, Component::Path, Component::Query, Component::RequestTarget];
    let mut components = Vec::new();
    for name in names {
        match name.as_str() {
            REQUEST_TARGET => components.extend(target.clone()),
            field => components.push(Component::field(field)),
        }
    }
    components
}

fn value(request: &Request<'_>, name: &str) -> Result<Vec<u8>, FieldError> {
    if name != REQUEST_TARGET {
        return Ok(request.value(&Component::field(name))?.into_owned());
    }
    let mut value = request.value(&Component::Method)?.to_ascii_lowercase();
    value.push(b' ');
    value.extend_from_slice(&request.value(&Component::RequestTarget)?);
    Ok(value)
}
