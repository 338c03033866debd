//! The same credentials in a record under the newest key, for those who may manage them now.

use serde_json::json;
use thiserror::Error;

use super::contents::{Format, SealError, Sealed};
use super::credentials::Credentials;
use super::format1;
use super::format2::{self, Purpose};
use super::grant::{Grant, set_aside};
use super::owners::Owners;
use super::record::{RecordError, SealedRecord, SealedText};
use super::strongroom::Vault;
use crate::message::DeviceUuid;

/// What a record says beside the secret that is in use.
#[derive(Debug)]
pub struct Management {
    /// Who may manage them, where that is new or the old record does not say.
    pub owners: Option<Owners>,
    /// The form of the record. Format 1 holds one of them and nothing of what follows.
    pub format: Format,
    /// Where the secret may be sent, where the old record does not say.
    pub hosts: Vec<String>,
    /// Where the secret is from, where the old record does not say.
    pub source: Option<String>,
    /// Grows with every sealing.
    pub generation: u64,
    /// What is set aside beside the secret, where that is not what the old record holds.
    pub set_aside: Option<Vec<Grant>>,
}

/// Why a record cannot be sealed under the newest key. Holds nothing of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum RekeyError {
    /// The old record does not open.
    #[error(transparent)]
    Record(#[from] RecordError),
    /// The new one cannot be made.
    #[error(transparent)]
    Seal(#[from] SealError),
    /// The old record names its owner only by a signature, and nobody said who may manage it.
    #[error("the record names its owner only by a signature")]
    UnknownOwner,
    /// The old record names no account that could be found again.
    #[error("the record names no account")]
    NoAccount,
}

/// The key that a record needs to be opened, and whether that is all it needs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Need {
    /// Its format.
    pub format: Format,
    /// The key's name; `None` where no key of the ring fits.
    pub kid: Option<String>,
    /// What a record that no key of the ring fits says is its key's name; nobody vouches for it. Format 1 says none.
    pub missing: Option<String>,
    /// Whether it names everybody who may manage it; else some are known by a signature alone. Format 1 names nobody.
    pub names_owners: bool,
    /// The names of other keys that made signatures by which its account and its owners find it: whoever seals another
    /// secret in it leaves them as they are. Of format 1 they are not looked for: it may have owners beside it.
    pub found_by: Vec<String>,
}

impl Need {
    /// Whether the record needs the key of this name, where another seals.
    pub fn is_of(&self, kid: &str) -> bool {
        let may_be_any = self.format == Format::One;
        may_be_any || self.kid.as_deref() == Some(kid) || self.found_by.iter().any(|other| other == kid)
    }

    /// Whether the key of this name is all that it needs, and shows nobody whom it does not name.
    pub fn is_met_by(&self, kid: &str) -> bool {
        self.names_owners && self.kid.as_deref() == Some(kid) && self.found_by.is_empty()
    }
}

impl Vault {
    /// What the record that was read from `device` holds, sealed with the first key. Everything that jobs can
    /// see stays. Costs milliseconds: call it on a blocking thread.
    ///
    /// # Errors
    /// [`RekeyError`]; nothing is signed then.
    pub fn rekey(
        &self,
        device: &DeviceUuid,
        sealed: SealedText<'_>,
        new: &Management,
    ) -> Result<Sealed, RekeyError> {
        let ring = self.ring();
        let opened = SealedRecord::read(device, sealed)?.open(&ring)?;
        let credentials = Credentials::read(&opened)?;
        let (named, unnamed) = (credentials.owners().to_vec(), credentials.unnamed_owners().to_vec());
        let owners = match new.owners.clone() {
            Some(owners) if owners.last().is_some() => owners,
            None if !named.is_empty() => Owners { named, unnamed },
            _ => return Err(RekeyError::UnknownOwner),
        };
        let id = credentials.id().ok_or(RekeyError::NoAccount)?;
        let mut document = opened.document()?;
        if let Some(grants) = &new.set_aside {
            set_aside(&mut document, grants).ok_or(RecordError::Contents)?;
        }
        if new.format == Format::One {
            let head = format1::head(ring.first(), device, id, &owners)?;
            return Ok(format1::seal_like(ring.first(), head, &document)?);
        }
        document.expose_mut().insert("owners".to_owned(), json!(owners.named));
        let hosts = credentials.hosts().unwrap_or(&new.hosts);
        let source = credentials.source().or(new.source.as_deref());
        let purpose = Purpose { device, hosts, source, generation: new.generation };
        let head = format2::head(ring.first(), device, id, &owners);
        Ok(format2::seal_like(ring.first(), head, &purpose, &document)?)
    }

    /// Which key a record needs. Reads it for format 2; for format 1 it may cost a private-key operation a key: call it
    /// on a blocking thread.
    ///
    /// # Errors
    /// [`RecordError`] where it is no record of `device`.
    pub fn need(&self, device: &DeviceUuid, sealed: SealedText<'_>) -> Result<Need, RecordError> {
        SealedRecord::read(device, sealed)?.need(&self.ring())
    }

    /// [`Need::missing`] alone, which costs no operation with a key.
    pub fn missing_key(&self, device: &DeviceUuid, sealed: SealedText<'_>) -> Option<String> {
        SealedRecord::read(device, sealed).ok()?.missing_key(&self.ring())
    }
}
