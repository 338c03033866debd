//! Opened credentials: alive for one job, wiped when it ends.

use std::fmt;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use zeroize::Zeroizing;

use super::clients::{CLIENTS, Clients};
use super::contents::Format;
use super::grant::Grant;
use super::owner_id::ResourceOwnerId;
use super::record::RecordError;
use super::secret::{SecretMap, SecretText};
use crate::ambient::Timestamp;
use crate::message::DeviceUuid;

/// What a record says about its contents outside of them. Not secret.
#[derive(Clone, Serialize, Deserialize)]
pub(super) struct Terms {
    pub(super) format: Format,
    pub(super) hosts: Option<Vec<String>>,
    pub(super) source: Option<String>,
    pub(super) generation: u64,
    /// What `endo.authorizedKey` holds.
    pub(super) owner_keys: Vec<String>,
}

/// A record after decryption, not yet read.
pub(super) struct Opened {
    pub(super) terms: Terms,
    pub(super) contents: Zeroizing<Vec<u8>>,
}

impl Opened {
    /// The decrypted object.
    pub(super) fn document(&self) -> Result<SecretMap, RecordError> {
        let members: Map<String, Value> =
            serde_json::from_slice(&self.contents).map_err(|_| RecordError::Contents)?;
        Ok(members.into())
    }
}

/// Opened credentials. Neither `Clone` nor `Serialize`, wiped on drop, `[redacted]` in every print.
pub struct Credentials {
    document: SecretMap,
    public: Map<String, Value>,
    id: Option<ResourceOwnerId>,
    secret: SecretText,
    refresh_token: Option<SecretText>,
    clients: Clients,
    credentials_device_token: Option<SecretText>,
    set_aside: Vec<Grant>,
    owners: Vec<DeviceUuid>,
    terms: Terms,
}

impl Credentials {
    /// Who owns the credentials at the API. Only records that the original's sign-in did not make lack it.
    pub fn id(&self) -> Option<&ResourceOwnerId> {
        self.id.as_ref()
    }

    /// The account's name, for people.
    pub fn username(&self) -> Option<&str> {
        self.public.get("username")?.as_str()
    }

    /// The part that jobs may see: `id`, `username` and extras, never `secrets`.
    pub fn public(&self) -> &Map<String, Value> {
        &self.public
    }

    /// The access token; empty where the record holds none.
    pub fn secret(&self) -> &SecretText {
        &self.secret
    }

    /// The token that buys the next access token.
    pub fn refresh_token(&self) -> Option<&SecretText> {
        self.refresh_token.as_ref()
    }

    /// What is in use, whose access token ends by itself then, where that is known; `None` where the record holds nothing.
    pub fn in_use(&self, ends_at: Option<Timestamp>) -> Option<Grant> {
        let access = Some(self.secret.copy()).filter(|access| !access.expose().is_empty());
        let refresh = self.refresh_token.as_ref().map(SecretText::copy);
        Grant { access, ends_at, refresh, clients: self.clients.clone() }.part(true, true)
    }

    /// By which client of the API these tokens came, as far as the record says.
    pub fn clients(&self) -> &Clients {
        &self.clients
    }

    /// The bus token of the credentials device.
    pub fn credentials_device_token(&self) -> Option<&SecretText> {
        self.credentials_device_token.as_ref()
    }

    /// What was given before, which nobody uses any more and which ends with what is in use; the oldest first.
    pub fn set_aside(&self) -> &[Grant] {
        &self.set_aside
    }

    /// Who may manage the credentials, as far as the record names them; empty for format 1, which holds only a signature of
    /// its owner.
    pub fn owners(&self) -> &[DeviceUuid] {
        &self.owners
    }

    /// What the record holds of owners whom it does not name: a signature each.
    pub fn unnamed_owners(&self) -> &[String] {
        // Those that it names come first.
        self.terms.owner_keys.get(self.owners.len()..).unwrap_or_default()
    }

    /// Whether the record has room for one owner alone.
    pub fn has_room_for_one_owner(&self) -> bool {
        self.terms.format == Format::One
    }

    /// Where the secret may be sent. `None` for format 1, which leaves that to the source.
    pub fn hosts(&self) -> Option<&[String]> {
        self.terms.hosts.as_deref()
    }

    /// By what the gateway knows where the secret is from. `None` for format 1, and for records of old.
    pub fn source(&self) -> Option<&str> {
        self.terms.source.as_deref()
    }

    /// Grows with every sealing; 0 for format 1, which does not count, unless its keeper does.
    pub fn generation(&self) -> u64 {
        self.terms.generation
    }

    /// The same, of a record that its keeper counts too: format 1 does not.
    #[must_use]
    pub fn counted(mut self, generation: u64) -> Self {
        self.terms.generation = self.terms.generation.max(generation);
        self
    }

    /// The form in which the record was stored.
    pub fn format(&self) -> Format {
        self.terms.format
    }

    /// Reads what decryption gave.
    pub(super) fn read(opened: &Opened) -> Result<Self, RecordError> {
        let mut document = opened.document()?;
        let owners = match opened.terms.format {
            Format::One => Vec::new(),
            Format::Two => take_owners(&mut document)?,
        };
        let members = document.expose();
        let secrets = members.get("secrets").unwrap_or(&Value::Null);
        let credentials = &secrets["credentials"];
        Ok(Self {
            public: members
                .iter()
                .filter(|(name, _)| *name != "secrets")
                .map(|(name, value)| (name.clone(), value.clone()))
                .collect(),
            id: members.get("id").map(ResourceOwnerId::try_from).transpose()?,
            secret: secret_text(&credentials["secret"]).unwrap_or_default(),
            refresh_token: secret_text(&credentials["refreshToken"]),
            clients: Clients::read(secrets.get(CLIENTS)),
            credentials_device_token: secret_text(&secrets["credentialsDeviceToken"]),
            set_aside: Grant::all_in(secrets),
            owners,
            terms: opened.terms.clone(),
            document,
        })
    }

    /// The whole decrypted object, for the one exit.
    pub(super) fn document(&self) -> &Map<String, Value> {
        self.document.expose()
    }
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Credentials([redacted])")
    }
}

fn secret_text(value: &Value) -> Option<SecretText> {
    value.as_str().map(SecretText::from)
}

/// Owners are the gateway's own note inside a format 2 record; neither jobs nor handlers see them.
fn take_owners(document: &mut SecretMap) -> Result<Vec<DeviceUuid>, RecordError> {
    let owners = document.expose_mut().shift_remove("owners").ok_or(RecordError::Contents)?;
    serde_json::from_value(owners).map_err(|_| RecordError::Contents)
}
