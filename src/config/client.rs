//! For which API the client of an original gateway is, where only the names of its variables tell.

use super::layers::Given;
use super::{ConfigError, Effective, Origin, Source, SourceKind};

/// What the catalogue of providers calls the API of a service whose variables are named so: `SPOTIFY`, or
/// `SPOTIFY_SPOTIFY`. `None` where it has no such API.
pub type ProviderOf = fn(&str) -> Option<String>;

/// What a client consists of, and how the variables end that an original gateway had it in.
const PARTS: [(&str, &str); 2] =
    [("source.client_id", "_CLIENT_ID"), ("source.client_secret", "_CLIENT_SECRET")];

/// Where an original gateway has a part of its client.
pub(super) struct Client {
    /// What its variable is named after.
    service: String,
    origin: Origin,
}

/// Where those parts of a client stand that nothing in `over` sets.
pub(super) fn clients<'a>(originals: &[Given], over: impl Iterator<Item = &'a Given> + Clone) -> Vec<Client> {
    let counts = |given: &&Given| !over.clone().any(|over| over.name == given.name);
    originals.iter().filter(counts).filter_map(Client::of).collect()
}

/// Takes the provider that these clients are of, where nobody says which API it is: a secret goes where it is from, or
/// nowhere.
///
/// # Errors
/// [`ConfigError::NoProvider`] where the catalogue does not have it, [`ConfigError::TwoServices`] where they are of two.
pub(super) fn settle(
    effective: &mut Effective,
    clients: Vec<Client>,
    provider_of: Option<ProviderOf>,
) -> Result<(), ConfigError> {
    const SETTING: &str = "source.provider";
    if is_told(&effective.config.source) {
        return Ok(());
    }
    let mut all = Vec::new();
    for Client { service, origin } in clients {
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

impl Client {
    fn of(given: &Given) -> Option<Self> {
        let (_, ending) = PARTS.iter().find(|(setting, _)| *setting == given.name)?;
        let Origin::Environment(variable) = &given.origin else { return None };
        let service = variable.strip_prefix("ENDO_").and_then(|name| name.strip_suffix(ending));
        Some(Self { service: service.unwrap_or_default().to_owned(), origin: given.origin.clone() })
    }
}
