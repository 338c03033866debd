//! The parts of a request that a signature can cover.

use std::fmt;

/// A part of a request that a signature can cover (RFC 9421, 2). Printed as RFC 9421 names it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Component {
    /// `@method`.
    Method,
    /// `@scheme`.
    Scheme,
    /// `@authority`: the host, with its port unless that is the scheme's own.
    Authority,
    /// `@path`.
    Path,
    /// `@query`, its `?` included.
    Query,
    /// `@request-target`: path and query as they stand on the request line.
    RequestTarget,
    /// `@target-uri`.
    TargetUri,
    /// A header field; its name in lower case.
    Field(String),
}

impl Component {
    /// The field of this name, in any case.
    pub fn field(name: &str) -> Self {
        Self::Field(name.to_ascii_lowercase())
    }

    /// What RFC 9421 names it.
    pub(super) fn name(&self) -> &str {
        match self {
            Self::Method => "@method",
            Self::Scheme => "@scheme",
            Self::Authority => "@authority",
            Self::Path => "@path",
            Self::Query => "@query",
            Self::RequestTarget => "@request-target",
            Self::TargetUri => "@target-uri",
            Self::Field(name) => name,
        }
    }

    /// The component that RFC 9421 names so; nothing where it is none that we know.
    pub(super) fn parse(identifier: &str) -> Option<Self> {
        Some(match identifier {
            "@method" => Self::Method,
            "@scheme" => Self::Scheme,
            "@authority" => Self::Authority,
            "@path" => Self::Path,
            "@query" => Self::Query,
            "@request-target" => Self::RequestTarget,
            "@target-uri" => Self::TargetUri,
            name if is_field_name(name) => Self::Field(name.to_owned()),
            _ => return None,
        })
    }
}

impl fmt::Display for Component {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A token (RFC 9110, 5.6.2) in lower case.
fn is_field_name(name: &str) -> bool {
    let of_token =
        |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"!#$%&'*+-.^_`|~".contains(&byte);
    !name.is_empty() && name.bytes().all(of_token)
}
