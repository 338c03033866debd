//! Everything that signing in at one provider takes.

use std::collections::BTreeMap;

use super::bad_grants::BadGrants;
use crate::config;
use crate::egress::{HostList, Url};
use crate::source::provider::{
    ClientProof, Profile, Provider, Retry, Revocation, RevocationReach, RevocationWay, TokenBody,
};
use crate::source::settled::{SourceError, endpoint};
use crate::vault::SecretText;

/// Parameters of the authorization request that the client sets itself.
const OWN_PARAMETERS: [&str; 8] = [
    "response_type",
    "response_mode",
    "client_id",
    "redirect_uri",
    "scope",
    "state",
    "code_challenge",
    "code_challenge_method",
];
/// Members of opened credentials that have a meaning of their own.
const OWN_MEMBERS: [&str; 4] = ["id", "username", "secrets", "owners"];

/// Everything that signing in at one provider takes. Prints no secret.
#[derive(Debug)]
pub struct OAuth2 {
    /// The gateway's name at the provider.
    pub client_id: String,
    pub(super) client_secret: SecretText,
    pub(super) proof: ClientProof,
    pub(super) authorization: Url,
    pub(super) token: Url,
    pub(super) token_body: TokenBody,
    pub(super) bad_grants: BadGrants,
    pub(super) issuer: Option<String>,
    pub(super) scope: String,
    pub(super) parameters: BTreeMap<String, String>,
    /// Those of a sign-in that proves the account anew.
    pub(super) again: BTreeMap<String, String>,
    pub(super) revocation: Option<(RevocationWay, Url)>,
    pub(super) revocation_reach: RevocationReach,
    pub(super) profile: Profile,
    pub(super) profile_url: Option<Url>,
    /// Whether a refresh token may be sent again when nobody knows what came of it.
    pub retry: Retry,
    /// Where the provider sends browsers back to, if the settings say so.
    pub redirect_url: Option<String>,
}

/// The addresses of one provider: all from the catalogue or all from the settings, so that no secret of one provider
/// goes to another.
struct Addresses {
    authorization: Url,
    token: Url,
    revocation: Option<(RevocationWay, Url)>,
    profile: Option<Url>,
    issuer: Option<String>,
}

impl OAuth2 {
    /// What these settings say, beside what the provider's entry says; `None` without a client's name.
    ///
    /// # Errors
    /// [`SourceError`], one sentence for the operator.
    pub(in crate::source) fn settle(
        settings: &config::Source,
        provider: Option<&Provider>,
    ) -> Result<Option<Self>, SourceError> {
        let Some(client_id) = settings.client_id.clone() else { return Ok(None) };
        let secret = settings.client_secret.as_ref().ok_or(SourceError::Missing("source.client_secret"))?;
        let addresses = match provider {
            Some(_) if settings.authorization_url.is_some() && settings.token_url.is_none() => {
                return Err(SourceError::Beside {
                    setting: "source.authorization_url",
                    missing: "source.token_url",
                });
            }
            Some(provider) if settings.token_url.is_none() => Addresses::known(provider, &client_id)?,
            _ => Addresses::spelled_out(settings)?,
        };
        let scopes = match provider {
            Some(provider) if settings.scopes.is_empty() => &provider.scopes,
            _ => &settings.scopes,
        };
        let revocation = revocation(settings, addresses.revocation)?;
        let separator = settings.scope_separator.as_deref();
        let separator = separator.or(provider.map(|provider| &*provider.scope_separator)).unwrap_or(" ");
        Ok(Some(Self {
            scope: scopes.join(separator),
            client_secret: secret.expose().into(),
            proof: proof(settings, provider),
            authorization: addresses.authorization,
            token: addresses.token,
            token_body: provider.map(|provider| provider.token_body).unwrap_or_default(),
            bad_grants: BadGrants::settle(settings, provider)?,
            issuer: settings.issuer.clone().or(addresses.issuer),
            parameters: parameters(
                "source.parameters",
                &settings.parameters,
                provider.map(|provider| &provider.parameters),
            )?,
            again: parameters(
                "source.reauthentication",
                &settings.reauthentication,
                provider.map(|provider| &provider.again),
            )?,
            revocation_reach: reach_by(revocation.as_ref(), revocation_reach(settings, provider))?,
            revocation,
            profile: profile(settings, provider)?,
            profile_url: match &settings.profile_url {
                Some(url) => Some(endpoint("source.profile_url", url)?),
                None => addresses.profile,
            },
            retry: retry(settings, provider),
            redirect_url: settings.redirect_url.clone(),
            client_id,
        }))
    }

    /// Whether the provider can be told that a secret is over.
    pub fn can_revoke(&self) -> bool {
        self.revocation.is_some()
    }

    /// Whether it can be told so of an access token alone: it knows none that ran out, and a refresh token beside that lives on.
    pub fn revokes_by_access_alone(&self) -> bool {
        self.revocation.as_ref().is_some_and(|(way, _)| *way != RevocationWay::Rfc7009)
    }

    /// Whether it can be told so of one secret without ending newer ones of the same account.
    pub fn revokes_one_alone(&self) -> bool {
        self.can_revoke() && self.revocation_reach >= RevocationReach::SignIn
    }

    /// Whether it can be told so of an access token without ending the refresh token of the same sign-in.
    pub fn revokes_access_alone(&self) -> bool {
        self.can_revoke() && self.revocation_reach >= RevocationReach::Token
    }

    /// Who gives the secrets.
    pub fn token_endpoint(&self) -> &Url {
        &self.token
    }

    /// The origin that browsers are sent to, to sign in.
    pub fn browsers_go_to(&self) -> String {
        self.authorization.origin().ascii_serialization()
    }

    /// Where its requests may go.
    pub(super) fn hosts(&self) -> Vec<HostList> {
        let revocation = self.revocation.as_ref().map(|(_, url)| url);
        let urls = [Some(&self.token), revocation, self.profile_url.as_ref()];
        urls.into_iter().flatten().map(HostList::of).collect()
    }
}

impl Addresses {
    fn known(provider: &Provider, client_id: &str) -> Result<Self, SourceError> {
        let known = |url: &str| endpoint("source.provider", url);
        let revocation = provider.revocation.as_ref().map(|Revocation { way, url, .. }| {
            let id = percent_encoding::utf8_percent_encode(client_id, percent_encoding::NON_ALPHANUMERIC);
            Ok((*way, known(&url.replace("{client_id}", &id.to_string()))?))
        });
        Ok(Self {
            authorization: known(&provider.authorization)?,
            token: known(&provider.token)?,
            revocation: revocation.transpose()?,
            profile: provider.profile.url.as_deref().map(known).transpose()?,
            issuer: provider.issuer.clone(),
        })
    }

    fn spelled_out(settings: &config::Source) -> Result<Self, SourceError> {
        let needed = |setting: &'static str, url: &Option<String>| {
            endpoint(setting, url.as_deref().ok_or(SourceError::Missing(setting))?)
        };
        Ok(Self {
            authorization: needed("source.authorization_url", &settings.authorization_url)?,
            token: needed("source.token_url", &settings.token_url)?,
            revocation: None,
            profile: Some(needed("source.profile_url", &settings.profile_url)?),
            issuer: None,
        })
    }
}

/// How and where tokens are revoked. What is known of a provider's way is known of its own address alone.
fn revocation(
    settings: &config::Source,
    known: Option<(RevocationWay, Url)>,
) -> Result<Option<(RevocationWay, Url)>, SourceError> {
    let (way, url) = match (&settings.revocation_url, known) {
        (Some(url), _) => (RevocationWay::Rfc7009, endpoint("source.revocation_url", url)?),
        (None, Some(known)) => known,
        (None, None) if settings.revocation_way == config::RevocationWay::Provider => return Ok(None),
        (None, None) => {
            let (setting, missing) = ("source.revocation_way", "source.revocation_url");
            return Err(SourceError::Beside { setting, missing });
        }
    };
    let way = match settings.revocation_way {
        config::RevocationWay::Provider => way,
        config::RevocationWay::Rfc7009 => RevocationWay::Rfc7009,
        config::RevocationWay::Github => RevocationWay::Github,
        config::RevocationWay::Bearer => RevocationWay::Bearer,
    };
    Ok(Some((way, url)))
}

fn proof(settings: &config::Source, provider: Option<&Provider>) -> ClientProof {
    match settings.client_authentication {
        config::ClientAuthentication::Basic => ClientProof::Basic,
        config::ClientAuthentication::Post => ClientProof::Post,
        config::ClientAuthentication::Provider => {
            provider.map(|provider| provider.client_authentication).unwrap_or_default()
        }
    }
}

fn retry(settings: &config::Source, provider: Option<&Provider>) -> Retry {
    match settings.refresh_retry {
        config::RefreshRetry::Never => Retry::Never,
        config::RefreshRetry::Once => Retry::Once,
        config::RefreshRetry::Always => Retry::Always,
        config::RefreshRetry::Provider => provider.map(|provider| provider.refresh.retry).unwrap_or_default(),
    }
}

/// RFC 7009 leaves open whether a revocation ends one token, what came of one authorization or all that the account gave, so
/// nobody knows who does not say so. What is known of a provider is known of its own way alone.
fn revocation_reach(settings: &config::Source, provider: Option<&Provider>) -> RevocationReach {
    match settings.revocation_ends {
        config::RevocationEnds::Token => RevocationReach::Token,
        config::RevocationEnds::SignIn => RevocationReach::SignIn,
        config::RevocationEnds::Account => RevocationReach::Account,
        config::RevocationEnds::Provider if settings.revocation_url.is_some() => RevocationReach::Account,
        config::RevocationEnds::Provider => provider.map(Provider::revocation_reach).unwrap_or_default(),
    }
}

/// This reach, where a token that ends alone can be either: by a way that takes an access token alone no refresh token would end.
fn reach_by(
    way: Option<&(RevocationWay, Url)>,
    reach: RevocationReach,
) -> Result<RevocationReach, SourceError> {
    match (way, reach) {
        (Some((RevocationWay::Github | RevocationWay::Bearer, _)), RevocationReach::Token) => {
            let expected = "for this `source.revocation_way`, which takes access tokens alone: nothing would end the refresh tokens";
            Err(SourceError::Entry { setting: "source.revocation_ends", entry: "token".to_owned(), expected })
        }
        _ => Ok(reach),
    }
}

fn parameters(
    setting: &'static str,
    own: &[String],
    known: Option<&BTreeMap<String, String>>,
) -> Result<BTreeMap<String, String>, SourceError> {
    let mut all = known.cloned().unwrap_or_default();
    for (name, value) in pairs(setting, "name=value", own)? {
        if OWN_PARAMETERS.contains(&name) {
            let entry = name.to_owned();
            let expected = "a parameter that settings may set";
            return Err(SourceError::Entry { setting, entry, expected });
        }
        all.insert(name.to_owned(), value.to_owned());
    }
    Ok(all)
}

fn profile(settings: &config::Source, provider: Option<&Provider>) -> Result<Profile, SourceError> {
    const EXTRAS: &str = "source.profile_extras";
    let mut profile = provider.map(|provider| provider.profile.clone()).unwrap_or_default();
    // Only `Addresses` say where requests go.
    profile.url = None;
    if !settings.profile_id.is_empty() {
        profile.id.clone_from(&settings.profile_id);
    }
    if settings.profile_username.is_some() {
        profile.username.clone_from(&settings.profile_username);
    }
    for (name, pointer) in pairs(EXTRAS, "name=/pointer", &settings.profile_extras)? {
        profile.extras.insert(name.to_owned(), pointer.to_owned());
    }
    if profile.id.is_empty() {
        return Err(SourceError::Missing("source.profile_id"));
    }
    profile.id.iter().try_for_each(|text| pointer("source.profile_id", text))?;
    profile.username.as_deref().map_or(Ok(()), |text| pointer("source.profile_username", text))?;
    for (name, place) in &profile.extras {
        pointer(EXTRAS, place)?;
        if OWN_MEMBERS.contains(&name.as_str()) {
            let expected = "a name that is free";
            return Err(SourceError::Entry { setting: EXTRAS, entry: name.clone(), expected });
        }
    }
    Ok(profile)
}

fn pointer(setting: &'static str, text: &str) -> Result<(), SourceError> {
    let expected = "a JSON pointer such as /id";
    let wrong = || SourceError::Entry { setting, entry: text.to_owned(), expected };
    text.starts_with('/').then_some(()).ok_or_else(wrong)
}

fn pairs<'a>(
    setting: &'static str,
    expected: &'static str,
    entries: &'a [String],
) -> Result<Vec<(&'a str, &'a str)>, SourceError> {
    let wrong = |entry: &String| SourceError::Entry { setting, entry: entry.clone(), expected };
    let pair = |entry: &'a String| {
        entry.split_once('=').filter(|(name, _)| !name.is_empty()).ok_or_else(|| wrong(entry))
    };
    entries.iter().map(pair).collect()
}
