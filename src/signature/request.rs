//! A request as it is signed or was received, and the value of each of its components.

use std::borrow::Cow;

use thiserror::Error;

use super::component::Component;

/// A request, before anything in it is believed.
#[derive(Clone, Copy)]
pub struct Request<'a> {
    /// `POST`.
    pub method: &'a str,
    /// `https` or `http`, as the sender sees it.
    pub scheme: &'a str,
    /// The `Host` header: `endo.example.com` or `endo.example.com:8080`.
    pub authority: &'a str,
    /// Path and query as they stand on the request line.
    pub target: &'a str,
    /// The header fields; names in any case, every line of its own.
    pub fields: &'a [(&'a str, &'a [u8])],
    /// The body, as it was received.
    pub body: &'a [u8],
}

/// What is wrong with a field that a signature covers.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum FieldError {
    /// It is not there.
    #[error("`{}` is missing", told(.0))]
    Missing(String),
    /// It is there more than once, so that readers could choose differently.
    #[error("`{}` is there more than once", told(.0))]
    Doubled(String),
    /// It holds a control character that would start a line of its own in what is signed.
    #[error("`{}` holds a line break or a NUL", told(.0))]
    Control(String),
}

/// What buses sign; a signature may say of anything else that it covers that, too.
const KNOWN: &[&str] = &[
    "@authority",
    "@method",
    "@path",
    "@query",
    "@request-target",
    "@scheme",
    "@target-uri",
    "authorization",
    "content-digest",
    "content-type",
    "date",
    "host",
    "signature",
    "signature-input",
    "x-meshblu-delivery-id",
    "x-meshblu-route",
    "x-meshblu-uuid",
];

/// What is said of a field that the sender may have named.
fn told(name: &str) -> &str {
    if KNOWN.contains(&name) { name } else { "…" }
}

impl<'a> Request<'a> {
    /// The value of the field, without blanks around it; nothing where it is absent.
    pub(super) fn optional(&self, name: &str) -> Result<Option<&'a [u8]>, FieldError> {
        let mut values = self.fields.iter().filter(|(other, _)| other.eq_ignore_ascii_case(name));
        match (values.next(), values.next()) {
            (None, _) => Ok(None),
            (Some((_, value)), None) => Ok(Some(value.trim_ascii())),
            (Some(_), Some(_)) => Err(FieldError::Doubled(name.to_owned())),
        }
    }

    /// The value of a field that has to be there once.
    pub(super) fn field(&self, name: &str) -> Result<&'a [u8], FieldError> {
        self.optional(name)?.ok_or_else(|| FieldError::Missing(name.to_owned()))
    }

    /// The value of a field that may come in several lines, which make one list (RFC 9110, 5.3).
    pub(super) fn lines(&self, name: &str) -> Result<Vec<u8>, FieldError> {
        let values = self.fields.iter().filter(|(other, _)| other.eq_ignore_ascii_case(name));
        let lines: Vec<_> = values.map(|(_, value)| value.trim_ascii()).collect();
        if lines.is_empty() { Err(FieldError::Missing(name.to_owned())) } else { Ok(lines.join(&b", "[..])) }
    }

    pub(super) fn has(&self, name: &str) -> bool {
        self.fields.iter().any(|(other, _)| other.eq_ignore_ascii_case(name))
    }

    /// The value of a component, as RFC 9421 defines it: one line.
    pub(super) fn value(&self, component: &Component) -> Result<Cow<'a, [u8]>, FieldError> {
        let value = match component {
            Component::Method => self.method.as_bytes().into(),
            Component::Scheme => self.scheme.to_ascii_lowercase().into_bytes().into(),
            Component::Authority => self.plain_authority().into_bytes().into(),
            Component::Path => self.path().as_bytes().into(),
            Component::Query => format!("?{}", self.query().unwrap_or_default()).into_bytes().into(),
            Component::RequestTarget => self.target.as_bytes().into(),
            Component::TargetUri => self.target_uri().into_bytes().into(),
            Component::Field(name) => Cow::Borrowed(self.field(name)?),
        };
        if value.iter().any(|byte| b"\r\n\0".contains(byte)) {
            return Err(FieldError::Control(component.to_string()));
        }
        Ok(value)
    }

    pub(super) fn query(&self) -> Option<&'a str> {
        self.target.split_once('?').map(|(_, query)| query)
    }

    fn path(&self) -> &'a str {
        let path = self.target.split('?').next().unwrap_or_default();
        if path.is_empty() { "/" } else { path }
    }

    fn plain_authority(&self) -> String {
        let authority = self.authority.to_ascii_lowercase();
        let default_port = if self.scheme.eq_ignore_ascii_case("https") { ":443" } else { ":80" };
        authority.strip_suffix(default_port).map(str::to_owned).unwrap_or(authority)
    }

    fn target_uri(&self) -> String {
        format!("{}://{}{}", self.scheme.to_ascii_lowercase(), self.plain_authority(), self.target)
    }
}
