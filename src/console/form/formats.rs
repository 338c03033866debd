//! The formats of texts that the validator checks, as people are told of them.

/// A format of texts.
pub(super) struct Format {
    name: &'static str,
    /// What it is, with an example, as it follows a verb.
    what: &'static str,
    /// The keyboard for it, where it has one of its own.
    pub(super) mode: Option<&'static str>,
    /// Whether blanks around such a text mean nothing.
    pub(super) is_trimmed: bool,
}

static ALL: [Format; 18] = [
    Format::of("date-time", "a date and time with its zone, like 2026-03-01T09:30:00Z"),
    Format::of("date", "a date, like 2026-03-01"),
    Format::of("time", "a time with its zone, like 09:30:00Z"),
    Format::of("duration", "a duration as ISO 8601 writes it, like PT1H30M for an hour and a half"),
    Format::of("email", "an e-mail address, like name@example.org").typed("email"),
    Format::of("hostname", "the name of a host, like www.example.org").typed("url"),
    Format::of("ipv4", "an IPv4 address, like 192.0.2.1"),
    Format::of("ip-address", "an IPv4 address, like 192.0.2.1"),
    Format::of("ipv6", "an IPv6 address, like 2001:db8::1"),
    Format::of("uri", "a whole address, like https://example.org/page").typed("url"),
    Format::of("iri", "a whole address, like https://example.org/page").typed("url"),
    Format::of("uri-reference", "an address, whole or in part, like /page").typed("url"),
    Format::of("iri-reference", "an address, whole or in part, like /page").typed("url"),
    Format::of("uri-template", "an address with names in braces, like https://example.org/{name}"),
    Format::of("uuid", "a UUID, like 123e4567-e89b-12d3-a456-426614174000"),
    Format::of("json-pointer", "a JSON Pointer, like /list/0").exact(),
    Format::of("relative-json-pointer", "a relative JSON Pointer, like 1/name").exact(),
    Format::of("regex", "a regular expression, like ^[a-z]+$ for small letters").exact(),
];

impl Format {
    /// The format that a schema calls so, or whose name that is nearly.
    pub(super) fn named(name: &str) -> Option<&'static Self> {
        // These ask for nearly the same, and are checked by nobody.
        let name = match name {
            "url" => "uri",
            "idn-email" => "email",
            "idn-hostname" => "hostname",
            name => name,
        };
        ALL.iter().find(|format| format.name == name)
    }

    /// What to write.
    pub(super) fn wanted(&self) -> String {
        format!("Write {}.", self.what)
    }

    /// What the control takes.
    pub(super) fn hint(&self) -> String {
        let (first, rest) = self.what.split_at(1);
        format!("{}{rest}.", first.to_ascii_uppercase())
    }

    const fn of(name: &'static str, what: &'static str) -> Self {
        Self { name, what, mode: None, is_trimmed: true }
    }

    const fn typed(self, mode: &'static str) -> Self {
        Self { mode: Some(mode), ..self }
    }

    const fn exact(self) -> Self {
        Self { is_trimmed: false, ..self }
    }
}
