//! Whose a secret and its account are: of the gateway's API, or of another.

use crate::credentials::records::opening::came_with_its_device;
use crate::credentials::{CredentialsError, Sealing};
use crate::store::StoredRecord;
use crate::vault::{Credentials, ResourceOwnerId};

impl Sealing {
    /// What sets the API of a record apart from the gateway's, for people; `None` where it is the gateway's own. What is
    /// sealed inside the record counts, where it was opened and says so; else what the store `noted` when it was sealed.
    pub(in crate::credentials) fn other_api<'a>(
        &self,
        noted: Option<&'a str>,
        opened: Option<&'a Credentials>,
    ) -> Option<&'a str> {
        self.realm.another(opened.and_then(Credentials::source).or(noted))
    }

    /// Whether a record is of this account: an id says little without the API that gave it.
    pub(super) fn is_of(&self, id: &ResourceOwnerId, record: &StoredRecord, opened: &Credentials) -> bool {
        opened.id() == Some(id) && self.other_api(record.source.as_deref(), Some(opened)).is_none()
    }

    /// What was `opened`, if it is of this account. A device that came with its record only says whose it is, so that one
    /// that does not open is passed over. What was sealed here may well be the account's: nothing is made in its place.
    pub(super) fn only_of(
        &self,
        id: &ResourceOwnerId,
        record: &StoredRecord,
        opened: Result<Credentials, CredentialsError>,
    ) -> Result<Option<Credentials>, CredentialsError> {
        match opened {
            Ok(opened) => Ok(Some(opened).filter(|opened| self.is_of(id, record, opened))),
            Err(CredentialsError::Record(_) | CredentialsError::TooManyFailures)
                if came_with_its_device(record) =>
            {
                Ok(None)
            }
            Err(error) => Err(error),
        }
    }
}
