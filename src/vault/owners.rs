//! Who may manage credentials, and what shows it of those whom their record has no room for.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use super::canonical::canonicalize;
use super::credentials::Credentials;
use super::json_text::stringify;
use super::node_base64;
use super::owner_id::ResourceOwnerId;
use super::strongroom::Vault;
use crate::message::DeviceUuid;

/// What a note is for: no record says this of itself, and so neither passes for the other.
const PURPOSE: &str = "owner beside a record";

/// Everybody who proved control of an account.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Owners {
    /// Those whose names are known.
    pub named: Vec<DeviceUuid>,
    /// What an `authorizedKey` held of the others: a signature by which their owners alone are found again.
    pub unnamed: Vec<String>,
}

/// One of them, as noted beside a record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Owner {
    /// By name.
    Named(DeviceUuid),
    /// By what an `authorizedKey` held.
    Unnamed(String),
}

impl Owners {
    /// This one, and nobody else.
    pub fn only(owner: Owner) -> Self {
        let mut owners = Self::default();
        owners.take_up(owner);
        owners
    }

    /// These, and nobody else.
    pub fn named<T: Into<DeviceUuid>>(owners: impl IntoIterator<Item = T>) -> Self {
        Self { named: owners.into_iter().map(Into::into).collect(), unnamed: Vec::new() }
    }

    /// With this one among them.
    #[must_use]
    pub fn with(mut self, owner: &DeviceUuid) -> Self {
        if !self.named.contains(owner) {
            self.named.push(owner.clone());
        }
        self
    }

    /// Each of them.
    pub fn each(&self) -> impl Iterator<Item = Owner> {
        let named = self.named.iter().cloned().map(Owner::Named);
        named.chain(self.unnamed.iter().cloned().map(Owner::Unnamed))
    }

    /// The last of those whose names are known; else of the others.
    pub fn last(&self) -> Option<Owner> {
        let named = self.named.last().cloned().map(Owner::Named);
        named.or_else(|| self.unnamed.last().cloned().map(Owner::Unnamed))
    }

    fn take_up(&mut self, owner: Owner) {
        match owner {
            Owner::Named(owner) if !self.named.contains(&owner) => self.named.push(owner),
            Owner::Unnamed(key) if !self.unnamed.contains(&key) => self.unnamed.push(key),
            Owner::Named(_) | Owner::Unnamed(_) => {}
        }
    }
}

impl Vault {
    /// What shows that `owner` proved control of this account, whose credentials `device` keeps: as good as the signature
    /// in a record, and of use for no other device and account. A private-key operation.
    pub fn sign_owner(&self, device: &DeviceUuid, id: &ResourceOwnerId, owner: &Owner) -> String {
        STANDARD.encode(self.ring().first().sign(note(device, id, owner).as_bytes()))
    }

    /// Everybody who may manage opened credentials: whom their record names, and those of whom a note beside it shows the
    /// same. A record of format 2 names them all, and nothing beside it counts. Verifies signatures: call it on a blocking
    /// thread.
    pub fn owners(
        &self,
        device: &DeviceUuid,
        opened: &Credentials,
        beside: impl IntoIterator<Item = (Owner, String)>,
    ) -> Owners {
        let unnamed = opened.unnamed_owners().to_vec();
        let mut owners = Owners { named: opened.owners().to_vec(), unnamed };
        let ring = self.ring();
        for (owner, signature) in beside {
            let Some(id) = opened.id().filter(|_| opened.has_room_for_one_owner()) else { break };
            let text = note(device, id, &owner);
            if ring.verifies(text.as_bytes(), &node_base64::decode(&signature)) {
                owners.take_up(owner);
            }
        }
        let named = owners.named.clone();
        self.name(owners, &named)
    }

    /// The same owners, with the names of those who are among `candidates`. Verifies signatures: call it on a blocking
    /// thread.
    #[must_use]
    pub fn name(&self, owners: Owners, candidates: &[DeviceUuid]) -> Owners {
        let Owners { mut named, mut unnamed } = owners;
        let ring = self.ring();
        unnamed.retain(|key| {
            let is_theirs = |owner: &&DeviceUuid| {
                let value = Value::from(owner.as_str());
                ring.verifies(stringify(&value).as_bytes(), &node_base64::decode(key))
            };
            let Some(owner) = candidates.iter().find(is_theirs) else { return true };
            if !named.contains(owner) {
                named.push(owner.clone());
            }
            false
        });
        Owners { named, unnamed }
    }
}

/// The canonical text that a note signs.
fn note(device: &DeviceUuid, id: &ResourceOwnerId, owner: &Owner) -> String {
    let mut note = json!({"purpose": PURPOSE, "credentialsDeviceUuid": device, "id": id.to_value()});
    match owner {
        Owner::Named(owner) => note["owner"] = json!(owner),
        Owner::Unnamed(key) => note["authorizedKey"] = json!(key),
    }
    canonicalize(&note).to_string()
}
