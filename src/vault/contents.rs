//! What is sealed into a record, and what sealing gives.

use std::fmt;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use thiserror::Error;

use super::clients::{CLIENTS, Clients};
use super::grant::{Grant, SET_ASIDE};
use super::owner_id::{NotAResourceOwnerId, ResourceOwnerId};
use super::owners::Owners;
use super::secret::{SecretMap, SecretText};

/// Members of the sealed object that have a meaning of their own.
const RESERVED: [&str; 4] = ["id", "username", "secrets", "owners"];

/// The same within `secrets`.
const RESERVED_SECRETS: [&str; 4] = ["credentials", "credentialsDeviceToken", CLIENTS, SET_ASIDE];

/// Generations are numbers in JSON, exact up to here.
pub(super) const LAST_GENERATION: u64 = (1 << 53) - 1;

/// The form in which a record is stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Format {
    /// The original gateway's, `endo.version` 1.0.0 (`spec/endo.md` 2.8).
    One,
    /// Ours, `endo.version` 2.0.0: a compact JWE (RFC 7516) under a signature over canonical JSON.
    Two,
}

/// Everything that a record is to hold. Prints its `hosts`, `owners` and `generation` only.
pub struct Contents {
    /// The account at the API.
    pub id: ResourceOwnerId,
    /// The account's name, for people.
    pub username: Option<String>,
    /// The access token: `secrets.credentials.secret`.
    pub secret: SecretText,
    /// `secrets.credentials.refreshToken`.
    pub refresh_token: Option<SecretText>,
    /// By which client of the API these came.
    pub clients: Clients,
    /// Whatever else the source tells of the account; jobs may see it.
    pub extras: Map<String, Value>,
    /// Whatever else belongs into `secrets`; jobs do not see it.
    pub other_secrets: SecretMap,
    /// The bus token of the credentials device: `secrets.credentialsDeviceToken`.
    pub credentials_device_token: Option<SecretText>,
    /// What was given before and ends with these, the oldest first.
    pub set_aside: Vec<Grant>,
    /// Who may manage the credentials. Format 1 holds exactly one, as a signature only.
    pub owners: Owners,
    /// Where the secret may be sent. Format 1 does not hold it.
    pub hosts: Vec<String>,
    /// By what the gateway knows where the secret is from; one line. Format 1 does not hold it.
    pub source: Option<String>,
    /// Grows with every sealing. Format 1 does not hold it.
    pub generation: u64,
}

impl Contents {
    /// An account's access token and nothing else.
    pub fn new(id: ResourceOwnerId, secret: SecretText) -> Self {
        Self {
            id,
            username: None,
            secret,
            refresh_token: None,
            clients: Clients::default(),
            extras: Map::new(),
            other_secrets: SecretMap::default(),
            credentials_device_token: None,
            set_aside: Vec::new(),
            owners: Owners::default(),
            hosts: Vec::new(),
            source: None,
            generation: 0,
        }
    }

    /// Whether these can be sealed at all, checked before anything is signed.
    pub(super) fn check(&self) -> Result<(), SealError> {
        self.id.clone().checked()?;
        if self.generation > LAST_GENERATION {
            return Err(SealError::Generation);
        }
        let in_extras = RESERVED.into_iter().find(|&name| self.extras.contains_key(name));
        let secrets = self.other_secrets.expose();
        let in_secrets = RESERVED_SECRETS.into_iter().find(|&name| secrets.contains_key(name));
        in_extras.or(in_secrets).map_or(Ok(()), |name| Err(SealError::Reserved(name)))
    }

    /// The object that is encrypted, its members in the original's order (`spec/endo.md` 2.8).
    pub(super) fn document(&self) -> SecretMap {
        let mut members = Map::new();
        members.insert("id".to_owned(), self.id.to_value());
        if let Some(username) = &self.username {
            members.insert("username".to_owned(), username.as_str().into());
        }
        members.extend(self.extras.clone());
        members.insert("secrets".to_owned(), self.secrets().into());
        members.into()
    }

    fn secrets(&self) -> Map<String, Value> {
        let mut credentials = Map::new();
        credentials.insert("secret".to_owned(), self.secret.expose().into());
        if let Some(token) = &self.refresh_token {
            credentials.insert("refreshToken".to_owned(), token.expose().into());
        }
        let mut secrets = Map::new();
        secrets.insert("credentials".to_owned(), credentials.into());
        secrets.extend(self.other_secrets.expose().clone());
        if let Some(token) = &self.credentials_device_token {
            secrets.insert("credentialsDeviceToken".to_owned(), token.expose().into());
        }
        self.clients.put_in(&mut secrets);
        self.set_aside.iter().for_each(|grant| grant.add_to(&mut secrets));
        secrets
    }
}

impl fmt::Debug for Contents {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Contents")
            .field("owners", &self.owners)
            .field("hosts", &self.hosts)
            .field("generation", &self.generation)
            .finish_non_exhaustive()
    }
}

/// A record as it goes onto the credentials device.
#[derive(Clone, Debug, PartialEq)]
pub struct Sealed {
    /// The device's `endo` member; the order of its members matters in format 1.
    pub endo: Value,
    /// The device's `endoSignature` member.
    pub signature: String,
}

/// Why contents cannot be sealed. Holds nothing of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum SealError {
    /// The account's id is one that must not be signed.
    #[error("the resource owner's id cannot be signed")]
    ResourceOwnerId(#[from] NotAResourceOwnerId),
    /// Format 1 has room for one owner.
    #[error("a format 1 record has exactly one owner")]
    Owners,
    /// An extra member or secret would take the place of one with a meaning.
    #[error("`{0}` has a meaning of its own and cannot be an extra member of the credentials")]
    Reserved(&'static str),
    /// A generation that JSON cannot hold exactly.
    #[error("the generation is above 2^53 - 1")]
    Generation,
    /// More than a record may hold.
    #[error("the credentials are too large for a record")]
    TooLarge,
}
