//! Settings from several places, the later place before the earlier.

use std::collections::BTreeMap;

use toml::{Table, Value};

use super::{Config, ConfigError, Effective, Origin};

/// One setting as one place gives it.
pub(super) struct Given {
    /// The setting.
    pub(super) name: String,
    /// A value that the setting takes.
    pub(super) value: Value,
    /// The place.
    pub(super) origin: Origin,
}

/// What was given so far; whoever comes later wins.
#[derive(Default)]
pub(super) struct Layers(BTreeMap<String, (Value, Origin)>);

impl Layers {
    /// Lays these over what is there.
    pub(super) fn lay(mut self, given: impl IntoIterator<Item = Given>) -> Self {
        self.0.extend(given.into_iter().map(|given| (given.name, (given.value, given.origin))));
        self
    }

    /// The configuration these make together with the defaults.
    pub(super) fn settle(self) -> Result<Effective, ConfigError> {
        let mut document = Table::new();
        let mut origins = BTreeMap::new();
        for (name, (value, origin)) in self.0 {
            place(&mut document, &name, value);
            origins.insert(name, origin);
        }
        let config: Config = document.try_into().map_err(ConfigError::Together)?;
        Ok(Effective { config, origins, notices: Vec::new() })
    }
}

fn place(document: &mut Table, name: &str, value: Value) {
    match name.split_once('.') {
        None => drop(document.insert(name.to_owned(), value)),
        Some((section, field)) => {
            let section = document.entry(section).or_insert_with(|| Table::new().into());
            if let Value::Table(section) = section {
                section.insert(field.to_owned(), value);
            }
        }
    }
}
