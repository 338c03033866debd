//! For which API an original gateway is, where only the names of its variables tell.

use super::layers::Given;
use super::{ConfigError, Effective, Origin, Source, SourceKind};

/// What the catalogue of providers calls the API of a service whose variables are named so: `SPOTIFY`, or
/// `SPOTIFY_SPOTIFY`. `None` where it has no such API.
pub type ProviderOf = fn(&str) -> Option<String>;

/// What an original gateway has in variables that are named after it: the setting that each of them means, and its ending.
type Variables = [(&'static str, &'static str)];

/// What its client consists of. The name is the API's: secrets of it go there.
const CLIENT: &Variables = &[("source.client_id", "_CLIENT_ID"), ("source.client_secret", "_CLIENT_SECRET")];

/// Where it is reached. The name is the service's, which tells less of the API than that of a client does.
const ADDRESS: &Variables = &[("listen.public_url", "_SERVICE_URL")];

/// A variable of an original gateway that is named after a service.
pub(super) struct Named {
    service: String,
    origin: Origin,
}

/// The variables that tell which service it is: those of the client, or else that of its address, as far as nothing in
/// `over` sets what they set.
pub(super) fn named<'a>(originals: &[Given], over: impl Iterator<Item = &'a Given> + Clone) -> Vec<Named> {
    let counts = |given: &&Given| !over.clone().any(|over| over.name == given.name);
    let of = |variables: &Variables| {
        let given = originals.iter().filter(counts);
        given.filter_map(|given| Named::of(given, variables)).collect::<Vec<_>>()
    };
    Some(of(CLIENT)).filter(|clients| !clients.is_empty()).unwrap_or_else(|| of(ADDRESS))
}

/// Takes the provider that these are of, where nobody says which API it is: a secret goes where it is from, or nowhere.
///
/// # Errors
/// [`ConfigError::NoProvider`] where the catalogue does not have it, [`ConfigError::TwoServices`] where they are of two.
pub(super) fn settle(
    effective: &mut Effective,
    named: Vec<Named>,
    provider_of: Option<ProviderOf>,
) -> Result<(), ConfigError> {
    const SETTING: &str = "source.provider";
    if is_told(&effective.config.source) {
        return Ok(());
    }
    let mut all = Vec::new();
    for Named { service, origin } in named {
        match provider_of.and_then(|provider_of| provider_of(&service)) {
            Some(provider) => all.push((provider, origin)),
            None => return Err(ConfigError::NoProvider { told: origin }),
        }
    }
    let Some((provider, first)) = all.first().cloned() else { return Ok(()) };
    if let Some((_, second)) = all.into_iter().find(|(other, _)| *other != provider) {
        return Err(ConfigError::TwoServices { setting: SETTING.to_owned(), first, second });
    }
    effective.config.source.provider = Some(provider);
    effective.origins.insert(SETTING.to_owned(), first);
    Ok(())
}

/// Whether the settings say by themselves where secrets go.
fn is_told(source: &Source) -> bool {
    source.provider.is_some() || source.token_url.is_some() || source.kind != SourceKind::Oauth2User
}

impl Named {
    fn of(given: &Given, variables: &Variables) -> Option<Self> {
        let (_, ending) = variables.iter().find(|(setting, _)| *setting == given.name)?;
        let Origin::Environment(variable) = &given.origin else { return None };
        let service = variable.strip_prefix("ENDO_").and_then(|name| name.strip_suffix(ending));
        Some(Self { service: service.unwrap_or_default().to_owned(), origin: given.origin.clone() })
    }
}
