//! Sealing a record anew with another secret: everything else of it stays as it is, who may manage it above all.

use serde_json::Map;
use thiserror::Error;

use super::clients::Clients;
use super::contents::{Format, SealError, Sealed};
use super::credentials::Credentials;
use super::format2::Purpose;
use super::grant::{Grant, set_aside};
use super::record::{RecordError, SealedRecord, SealedText};
use super::secret::{SecretMap, SecretText};
use super::strongroom::Vault;
use super::{format1, format2};
use crate::message::DeviceUuid;

/// The secret that takes the place of the one in a record. Prints no secret.
#[derive(Debug)]
pub struct Replacement {
    /// The access token: `secrets.credentials.secret`.
    pub secret: SecretText,
    /// `secrets.credentials.refreshToken`; without it the new record has none.
    pub refresh_token: Option<SecretText>,
    /// By which client of the API these came.
    pub clients: Clients,
    /// What is set aside beside it, the oldest first; nothing else of what the old record set aside stays.
    pub set_aside: Vec<Grant>,
    /// Where the secret is from, where the old record does not say. Format 1 does not hold it.
    pub source: Option<String>,
    /// Format 1 does not hold it.
    pub generation: u64,
}

/// Why a record cannot be sealed anew. Holds nothing of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum ResealError {
    /// The old record does not open.
    #[error(transparent)]
    Record(#[from] RecordError),
    /// The new one cannot be made.
    #[error(transparent)]
    Seal(#[from] SealError),
}

impl Vault {
    /// The record that was read from `device`, with another secret in it, which follows from what it holds, sealed with the
    /// first key. Its format, what it says of account and owners, its hosts and every other member stay. Costs milliseconds:
    /// call it on a blocking thread.
    ///
    /// # Errors
    /// [`ResealError`]; nothing is signed then.
    pub fn reseal(
        &self,
        device: &DeviceUuid,
        sealed: SealedText<'_>,
        new: impl FnOnce(&Credentials) -> Replacement,
    ) -> Result<Sealed, ResealError> {
        let record = SealedRecord::read(device, sealed)?;
        let endo = record.endo.clone();
        let ring = self.ring();
        let opened = record.open(&ring)?;
        let new = new(&Credentials::read(&opened)?);
        let mut document = opened.document()?;
        set_aside(&mut document, &new.set_aside).ok_or(RecordError::Contents)?;
        replace(&mut document, &new).ok_or(RecordError::Contents)?;
        Ok(match opened.terms.format {
            Format::One => format1::seal_like(ring.first(), endo, &document)?,
            Format::Two => {
                let hosts = opened.terms.hosts.unwrap_or_default();
                let source = opened.terms.source.as_deref().or(new.source.as_deref());
                let purpose = Purpose { device, hosts: &hosts, source, generation: new.generation };
                format2::seal_like(ring.first(), endo, &purpose, &document)?
            }
        })
    }
}

/// `None` where the old record holds no secret that another could take the place of.
fn replace(document: &mut SecretMap, new: &Replacement) -> Option<()> {
    let secrets = document.expose_mut().get_mut("secrets")?.as_object_mut()?;
    new.clients.put_in(secrets);
    let members = secrets.get_mut("credentials")?.as_object_mut()?;
    let mut put = |name: &str, text: Option<&SecretText>| {
        let old = match text {
            Some(text) => members.insert(name.to_owned(), text.expose().into()),
            None => members.shift_remove(name),
        };
        // Wiped as it ends.
        drop(SecretMap::from(Map::from_iter(old.map(|old| (String::new(), old)))));
    };
    put("secret", Some(&new.secret));
    put("refreshToken", new.refresh_token.as_ref());
    Some(())
}
