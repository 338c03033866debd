//! From what an operator wrote to a value that its setting takes.

use std::fmt;
use std::net::SocketAddr;

use toml::Value;
use tracing_subscriber::EnvFilter;
use tracing_subscriber::filter::LevelFilter;

use super::catalogue::{Kind, Setting};
use super::{ConfigError, Origin};

/// How much of a wrong value is repeated to the operator, in characters.
const SHOWN: usize = 60;

/// The value that `text` is for this setting: TOML, or plain text where the setting takes text.
pub(super) fn parse(setting: &Setting, text: &str, origin: &Origin) -> Result<Value, ConfigError> {
    let value = match setting.kind {
        Kind::Number { .. } | Kind::Switch => toml_value(text).unwrap_or_else(|| text.into()),
        Kind::List | Kind::Uuids | Kind::OneOrMore if text.trim_start().starts_with('[') => {
            toml_value(text).unwrap_or_else(|| text.into())
        }
        Kind::List | Kind::Uuids | Kind::OneOrMore => {
            text.split(',').map(str::trim).filter(|item| !item.is_empty()).collect::<Vec<_>>().into()
        }
        _ => text.into(),
    };
    check(setting, &value, origin)?;
    Ok(value)
}

/// Refuses a value that the setting does not take.
pub(super) fn check(setting: &Setting, value: &Value, origin: &Origin) -> Result<(), ConfigError> {
    if setting.kind.takes(value) {
        return Ok(());
    }
    Err(ConfigError::Value {
        origin: origin.clone(),
        name: setting.name.clone(),
        expected: setting.kind.to_string(),
        found: (!setting.secret && !may_hold_a_secret(value)).then(|| shown(value)),
    })
}

/// As the address of a server does before an `@` and behind a `?`.
fn may_hold_a_secret(value: &Value) -> bool {
    value.as_str().is_some_and(|text| text.contains("://") && text.contains(['@', '?']))
}

fn toml_value(text: &str) -> Option<Value> {
    let mut table: toml::Table = toml::from_str(&format!("value = {text}")).ok()?;
    (table.len() == 1).then(|| table.remove("value")).flatten()
}

fn shown(value: &Value) -> String {
    let text = value.to_string();
    match text.char_indices().nth(SHOWN) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text,
    }
}

impl Kind {
    fn takes(&self, value: &Value) -> bool {
        match (self, value) {
            (Self::Text, Value::String(text)) => !text.is_empty(),
            (Self::Switch, Value::Boolean(_)) => true,
            (Self::Address, Value::String(text)) => text.parse::<SocketAddr>().is_ok(),
            (Self::Url, Value::String(text)) => is_http_url(text),
            (Self::LogFilter, Value::String(text)) => is_log_filter(text),
            (Self::Choice(words), Value::String(text)) => words.contains(text),
            (Self::Number { least, most }, Value::Integer(number)) => (least..=most).contains(&number),
            (Self::OneOrMore, Value::String(text)) => !text.is_empty(),
            (Self::List | Self::OneOrMore, Value::Array(items)) => items.iter().all(Value::is_str),
            (Self::Uuids, Value::Array(items)) => items.iter().all(|item| item.as_str().is_some_and(is_uuid)),
            _ => false,
        }
    }
}

fn is_http_url(text: &str) -> bool {
    // The one refuses what no URL may hold, the other a port that is none.
    text.parse::<reqwest::Url>().is_ok()
        && text.parse::<http::Uri>().is_ok_and(|url| {
            matches!(url.scheme_str(), Some("http" | "https"))
                && url.authority().is_some_and(|authority| !authority.as_str().contains('@'))
                && url.query().is_none()
        })
}

/// In the usual form (RFC 9562, 4), in which letters may be capitals.
fn is_uuid(text: &str) -> bool {
    let parts: Vec<_> = text.split('-').collect();
    let is_hex = |part: &&str| part.bytes().all(|byte| byte.is_ascii_hexdigit());
    parts.iter().map(|part| part.len()).eq([8, 4, 4, 4, 12]) && parts.iter().all(is_hex)
}

/// A bare word that is no level would be taken for the name of a part, and silence all others; a part without any text for
/// `error`.
fn is_log_filter(text: &str) -> bool {
    let known = |part: &str| {
        part.contains(['=', '[']) || !part.trim().is_empty() && part.trim().parse::<LevelFilter>().is_ok()
    };
    text.split(',').all(known) && EnvFilter::builder().parse(text).is_ok()
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text => f.write_str("text that is not empty"),
            Self::Address => f.write_str("an IP address with a port, such as 127.0.0.1:8080"),
            Self::Url => {
                f.write_str("an http or https URL without user and query, such as https://api.github.com")
            }
            Self::LogFilter => f.write_str("a level such as info, or levels such as info,endo::bus=debug"),
            Self::Choice(words) if words.len() == 1 => write!(f, "\"{}\"", words[0]),
            Self::Choice(words) => write!(f, "one of \"{}\"", words.join("\", \"")),
            Self::Switch => f.write_str("true or false"),
            Self::Number { least, most: i64::MAX } => write!(f, "a whole number of at least {least}"),
            Self::Number { least, most } => write!(f, "a whole number from {least} to {most}"),
            Self::List => f.write_str("a list of texts"),
            Self::Uuids => {
                f.write_str("a list of uuids of devices, such as 9b2f1c04-5a6d-4f3e-8c7b-0d1e2f3a4b5c")
            }
            Self::OneOrMore => f.write_str("text that is not empty, or a list of texts"),
        }
    }
}
