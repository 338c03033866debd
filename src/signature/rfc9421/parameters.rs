//! The parameters of a signature (RFC 9421, 2.3): what is covered, since when, by whose key.

use super::structured::{self, InnerList, Value};
use crate::signature::component::Component;
use crate::signature::refusal::{Refusal, SyntaxError};

/// Bytes that most parameters do not exceed.
const USUAL_LENGTH: usize = 512;
const KNOWN: [&str; 6] = ["created", "expires", "nonce", "alg", "keyid", "tag"];

/// What a signature says about itself.
#[derive(Debug)]
pub(super) struct Parameters {
    pub(super) components: Vec<Component>,
    /// In the order in which they are signed.
    values: Vec<(String, Value)>,
}

impl Parameters {
    pub(super) fn new(components: Vec<Component>, values: Vec<(&str, Value)>) -> Self {
        Self {
            components,
            values: values.into_iter().map(|(name, value)| (name.to_owned(), value)).collect(),
        }
    }

    /// Takes what was read, if all of it is known, and nothing is covered twice.
    pub(super) fn read(list: InnerList) -> Result<Self, Refusal> {
        if list.items.iter().any(|item| item.has_parameters)
            || list.parameters.iter().any(|(name, _)| !KNOWN.contains(&name.as_str()))
        {
            return Err(syntax(SyntaxError::UnknownParameter));
        }
        let values = list.parameters.into_iter().map(|(name, value)| Some((name, value?)));
        let values = values.collect::<Option<_>>().ok_or_else(|| syntax(SyntaxError::Malformed))?;
        let mut components = Vec::with_capacity(list.items.len());
        for item in list.items {
            let component = Component::parse(&item.text).ok_or(Refusal::UnsupportedComponent)?;
            if components.contains(&component) {
                return Err(syntax(SyntaxError::Doubled));
            }
            components.push(component);
        }
        Ok(Self { components, values })
    }

    /// Seconds since the epoch.
    pub(super) fn seconds(&self, name: &str) -> Result<Option<i64>, Refusal> {
        match self.find(name) {
            None => Ok(None),
            Some(Value::Integer(seconds)) => Ok(Some(*seconds)),
            Some(Value::Text(_)) => Err(syntax(SyntaxError::Malformed)),
        }
    }

    pub(super) fn text(&self, name: &str) -> Result<Option<&str>, Refusal> {
        match self.find(name) {
            None => Ok(None),
            Some(Value::Text(text)) => Ok(Some(text)),
            Some(Value::Integer(_)) => Err(syntax(SyntaxError::Malformed)),
        }
    }

    /// The value of `@signature-params`, which is also what stands behind the label in `Signature-Input`.
    pub(super) fn write(&self) -> String {
        let mut text = String::with_capacity(USUAL_LENGTH);
        for component in &self.components {
            text.push(if text.is_empty() { '(' } else { ' ' });
            structured::quote(&mut text, component.name());
        }
        text.push_str(if text.is_empty() { "()" } else { ")" });
        for (name, value) in &self.values {
            text.extend([";", name, "="]);
            match value {
                Value::Integer(number) => text.push_str(&number.to_string()),
                Value::Text(string) => structured::quote(&mut text, string),
            }
        }
        text
    }

    fn find(&self, name: &str) -> Option<&Value> {
        self.values.iter().find(|(other, _)| other == name).map(|(_, value)| value)
    }
}

fn syntax(cause: SyntaxError) -> Refusal {
    Refusal::Syntax { field: super::INPUT, cause }
}
