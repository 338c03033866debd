//! The catalogue of well-known providers, which is part of the program.

use super::provider::Provider;

const TEXT: &str = include_str!("providers.yaml");

/// Below this likeness, from 0 to 1, a suggestion would be a guess.
const ALIKE: f64 = 0.6;

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
        let likeness = |known: &str| strsim::normalized_damerau_levenshtein(name, known);
        let alike = self.iter().map(|provider| (likeness(&provider.name), &provider.name));
        let alike = alike.filter(|(likeness, _)| *likeness >= ALIKE);
        alike.max_by(|(a, _), (b, _)| a.total_cmp(b)).map(|(_, name)| name.clone())
    }
}
