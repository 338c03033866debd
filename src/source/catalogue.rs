//! The catalogue of well-known providers, which is part of the program.

use super::provider::Provider;
use crate::config::closest;

const TEXT: &str = include_str!("providers.yaml");

/// The well-known providers.
#[derive(Debug)]
pub struct Catalogue(Vec<Provider>);

impl Catalogue {
    /// The catalogue of this program. Takes a millisecond or so: read it once.
    pub fn embedded() -> Self {
        Self(serde_saphyr::from_str(TEXT).expect("a story reads the catalogue that is embedded"))
    }

    /// Every provider, in the order of the file.
    pub fn iter(&self) -> impl Iterator<Item = &Provider> {
        self.0.iter()
    }

    /// The provider that settings call so.
    pub fn named(&self, name: &str) -> Option<&Provider> {
        self.iter().find(|provider| provider.name == name)
    }

    /// The name that was probably meant.
    pub(super) fn closest(&self, name: &str) -> Option<String> {
        closest(name, self.iter().map(|provider| &provider.name)).cloned()
    }
}
