//! The API of this gateway as its settings and the catalogue together say.

use std::sync::Arc;

use thiserror::Error;

use super::catalogue::{Catalogue, UnknownProvider};
use super::oauth2::{OAuth2, OAuthClient};
use super::provider::Provider;
use super::realm::Realm;
use crate::config::{self, SourceKind};
use crate::egress::{Egress, HostList, Url};
use crate::legible::{self, BadName};

/// The API that the credentials are for, and how they come about.
#[derive(Debug)]
pub struct Source {
    /// Its entry in the catalogue, where the settings name one.
    pub provider: Option<String>,
    /// What its operator should know of it, where the settings make use of its entry.
    pub note: Option<String>,
    /// What device types call it.
    pub name: String,
    /// What people call it.
    pub title: String,
    /// Where addresses without a host lead.
    pub base_url: Url,
    /// Where secrets may go: `host` or `host:port`.
    pub hosts: Vec<String>,
    /// How a credential is obtained.
    pub way: Way,
    /// By what records know that their secrets are from here.
    pub realm: Realm,
}

/// How a credential is obtained.
#[derive(Debug)]
pub enum Way {
    /// By signing in at the API; without a client that is registered there, nobody can.
    OAuth2User(Option<Arc<OAuth2>>),
    /// There is no account at an API: the bus uuid is the identity.
    Passthru,
    /// A key that its owner types into a page.
    Static,
}

/// Settings that say of no API what it takes to use it; the text is one sentence for the operator.
#[derive(Debug, Error)]
pub enum SourceError {
    /// No provider of the catalogue has this name.
    #[error("`source.provider`: {0}")]
    Provider(UnknownProvider),
    /// A setting is missing that the others need.
    #[error("`{0}` is missing; without it the other settings of `source` cannot be used")]
    Missing(&'static str),
    /// Of addresses that go together one is set, and another is not.
    #[error(
        "`{setting}` is set and `{missing}` is not: both come from the catalogue, or both from the settings, so that no \
         secret goes to the wrong provider"
    )]
    Beside {
        /// The setting that is there.
        setting: &'static str,
        /// The one that is missing.
        missing: &'static str,
    },
    /// An address is not one that secrets may be sent to.
    #[error("`{0}` must be a URL with https, or with http on this machine")]
    Address(&'static str),
    /// The API cannot be called so.
    #[error("`source.name`: {0}")]
    Name(BadName),
    /// An entry of a list is not written as it must be.
    #[error("`{setting}`: {entry:?} is not {expected}")]
    Entry {
        /// The setting.
        setting: &'static str,
        /// The entry.
        entry: String,
        /// What it should be.
        expected: &'static str,
    },
}

impl Source {
    /// What these settings say, with everything that they leave to the catalogue.
    ///
    /// # Errors
    /// [`SourceError`], one sentence for the operator.
    pub fn settle(settings: &config::Source, catalogue: &Catalogue) -> Result<Self, SourceError> {
        settings.name.as_deref().map_or(Ok(()), check_name)?;
        let provider = provider(settings, catalogue)?;
        let (base_url, hosts) = api(settings, provider)?;
        let way = match settings.kind {
            SourceKind::Oauth2User => Way::OAuth2User(OAuth2::settle(settings, provider)?.map(Arc::new)),
            SourceKind::Passthru => Way::Passthru,
            SourceKind::Static => Way::Static,
        };
        let known = provider.map(|provider| (provider.name.clone(), provider.title.clone()));
        let (name, title) = match (&settings.name, known) {
            (Some(name), known) => (name.clone(), known.map_or_else(|| name.clone(), |(_, title)| title)),
            (None, Some(known)) => known,
            (None, None) if settings.kind == SourceKind::Passthru => ("passthru".into(), "Passthru".into()),
            (None, None) => return Err(SourceError::Missing("source.name")),
        };
        let realm = match &way {
            Way::OAuth2User(oauth2) => {
                Realm::at(&base_url, oauth2.as_ref().map(|oauth2| oauth2.token_endpoint()))
            }
            Way::Passthru => Realm::of_bus(&base_url),
            Way::Static => Realm::typed(&base_url),
        };
        // Of the provider that is taken where nothing is set nobody wants to know before it is used.
        let is_meant = settings.provider.is_some() || matches!(&way, Way::OAuth2User(Some(_)));
        let note = provider.filter(|_| is_meant).and_then(|provider| provider.note.clone());
        let provider = settings.provider.clone();
        Ok(Self { provider, note, name, title, base_url, hosts, way, realm })
    }

    /// Whether it is the API that the catalogue calls so: by its entry there, or by the name that the settings give it.
    pub fn is(&self, provider: &str) -> bool {
        self.provider.as_deref() == Some(provider) || self.name == provider
    }

    /// Who speaks to the provider, where anybody can.
    pub fn oauth2_client(&self, egress: &Egress) -> Option<OAuthClient> {
        match &self.way {
            Way::OAuth2User(oauth2) => {
                oauth2.as_ref().map(|oauth2| OAuthClient::new(egress.clone(), Arc::clone(oauth2)))
            }
            Way::Passthru | Way::Static => None,
        }
    }

    /// Whether an owner can bring another secret when one is over.
    pub fn has_sign_in(&self) -> bool {
        match &self.way {
            Way::OAuth2User(oauth2) => oauth2.is_some(),
            Way::Static => true,
            Way::Passthru => false,
        }
    }

    /// What signing in at the provider takes, where anybody can.
    pub fn oauth2(&self) -> Option<&OAuth2> {
        match &self.way {
            Way::OAuth2User(oauth2) => oauth2.as_deref(),
            Way::Passthru | Way::Static => None,
        }
    }
}

/// It stays as it is written: device types carry it, and those that are stored do already.
fn check_name(name: &str) -> Result<(), SourceError> {
    let seen = legible::check(name).map_err(BadName::from);
    seen.and_then(|()| legible::given(name)).map(drop).map_err(SourceError::Name)
}

/// The provider that the settings name; `github` where they name none and spell out none either.
fn provider<'a>(
    settings: &config::Source,
    catalogue: &'a Catalogue,
) -> Result<Option<&'a Provider>, SourceError> {
    let spelled_out = settings.token_url.is_some() || settings.kind != SourceKind::Oauth2User;
    let name = match &settings.provider {
        Some(name) => name.as_str(),
        None if spelled_out => return Ok(None),
        None => "github",
    };
    catalogue.named(name).map(Some).map_err(SourceError::Provider)
}

/// The API's address, and the hosts its secrets may go to.
fn api(settings: &config::Source, provider: Option<&Provider>) -> Result<(Url, Vec<String>), SourceError> {
    const SETTING: &str = "source.base_url";
    let parse = |text: &str| endpoint(SETTING, text);
    let (base_url, hosts) = match (&settings.base_url, provider) {
        (Some(text), _) => {
            let url = parse(text)?;
            let host = url.host_str().ok_or(SourceError::Address(SETTING))?.to_owned();
            let hosts = vec![url.port().map_or_else(|| host.clone(), |port| format!("{host}:{port}"))];
            (url, hosts)
        }
        (None, Some(provider)) => (parse(&provider.api.base_url)?, provider.api.hosts.clone()),
        // No API is called: addresses lead to this machine, and none of them is on the list.
        (None, None) if settings.kind == SourceKind::Passthru => (parse("http://localhost")?, Vec::new()),
        (None, None) => return Err(SourceError::Missing(SETTING)),
    };
    Ok((base_url, if settings.hosts.is_empty() { hosts } else { settings.hosts.clone() }))
}

/// An address that secrets may be sent to.
pub(super) fn endpoint(setting: &'static str, text: &str) -> Result<Url, SourceError> {
    let url = Url::parse(text).map_err(|_| SourceError::Address(setting))?;
    let usable = HostList::of(&url).allows(&url) && url.fragment().is_none();
    usable.then_some(url).ok_or(SourceError::Address(setting))
}
