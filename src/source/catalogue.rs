//! The catalogue of well-known providers, which is part of the program.

use thiserror::Error;

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
    ///
    /// # Errors
    /// [`UnknownProvider`] where there is none.
    pub fn named(&self, name: &str) -> Result<&Provider, UnknownProvider> {
        self.iter().find(|provider| provider.name == name).ok_or_else(|| UnknownProvider {
            name: name.to_owned(),
            suggestion: closest(name, self.iter().map(|provider| &provider.name)).cloned(),
        })
    }

    /// The provider that the variables of an original gateway are named after, once or, as its generator did, twice:
    /// `SPOTIFY_SPOTIFY` (`spec/meshblu.md` 9.1). Neither case nor `_` and `-` matter.
    pub fn of_service(&self, service: &str) -> Option<&Provider> {
        let service = plain(service);
        self.iter().find(|provider| {
            let name = plain(&provider.name);
            service == name || service == name.repeat(2)
        })
    }
}

fn plain(name: &str) -> String {
    name.replace(['_', '-'], "").to_lowercase()
}

impl FromIterator<Provider> for Catalogue {
    fn from_iter<T: IntoIterator<Item = Provider>>(providers: T) -> Self {
        Self(providers.into_iter().collect())
    }
}

/// No provider of the catalogue has this name; the text is one sentence for the operator.
#[derive(Debug, Error)]
#[error("the catalogue has no provider `{name}`; {}", advice(suggestion.as_deref()))]
pub struct UnknownProvider {
    /// The name.
    name: String,
    /// The one that is probably meant.
    suggestion: Option<String>,
}

fn advice(suggestion: Option<&str>) -> String {
    let list = "`endo providers` lists them";
    suggestion.map_or_else(|| list.to_owned(), |name| format!("did you mean `{name}`? {list}"))
}
