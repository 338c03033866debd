//! Who could manage what is forgotten: they see its receipts, also when no key is left that sealed it.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::credentials::{CredentialsDevices, CredentialsError};
use crate::store::{ForgottenOwner, SignedOwners, StoreError, StoredRecord, Transaction, View};
use crate::vault::{OwnerDigest, Owners, Vault};

/// Those who manage what is about to be forgotten.
pub(in crate::credentials) struct LastOwners {
    pub(in crate::credentials) digests: Vec<ForgottenOwner>,
    /// What was read to know them.
    read: BTreeSet<String>,
}

impl LastOwners {
    /// Reads who they are; `shown` is their record, where there is one already. Costs as much as verifying signatures.
    fn read(vault: &Vault, owners: &Owners, shown: Option<&StoredRecord>) -> Self {
        let named = owners.named.iter().map(|owner| OwnerDigest::of(owner).bytes()).collect();
        let mut last = Self { digests: named, read: BTreeSet::new() };
        last.take_up(vault, owners.unnamed.iter().cloned());
        last.take_up(vault, shown.into_iter().flat_map(keys_in));
        last
    }

    /// With those whom `record` names: it may be newer than the one that was shown, and costs nothing where it is not.
    pub(in crate::credentials) fn with_those_of(mut self, vault: &Vault, record: &StoredRecord) -> Self {
        self.take_up(vault, keys_in(record));
        self
    }

    fn take_up(&mut self, vault: &Vault, owner_keys: impl IntoIterator<Item = String>) {
        for owner_key in owner_keys {
            if self.read.insert(owner_key.clone()) {
                self.digests.extend(vault.owner_digest(&owner_key).map(OwnerDigest::bytes));
            }
        }
    }
}

impl CredentialsDevices {
    /// Those who manage what is about to be forgotten.
    pub(in crate::credentials) async fn last_owners(
        &self,
        owners: Owners,
        shown: Option<StoredRecord>,
    ) -> Result<LastOwners, CredentialsError> {
        let vault = self.vault.clone();
        let reading =
            tokio::task::spawn_blocking(move || LastOwners::read(&vault, &owners, shown.as_ref())).await;
        reading.map_err(|_| CredentialsError::Interrupted)
    }

    /// Reads whom the signatures name that databases of before kept of what is forgotten. Those of keys that are not here
    /// stay, for one may come back.
    ///
    /// # Errors
    /// What the store reports.
    pub(in crate::credentials) async fn read_signed_owners(&self) -> Result<(), StoreError> {
        let signed = self.store.read::<_, StoreError, _>(|view: &View<'_>| view.signed_owners_of_forgotten());
        let signed = signed.await?;
        if signed.is_empty() {
            return Ok(());
        }
        let vault = self.vault.clone();
        let read = move || signed.into_iter().map(|signed| ReadOwners::read(&vault, signed)).collect();
        let reading = tokio::task::spawn_blocking(read).await;
        let all: Vec<ReadOwners> = reading.expect("signatures are verified without a panic");
        let note = move |transaction: &Transaction<'_>| {
            for ReadOwners { digests, left } in &all {
                transaction.add_forgotten_owners(&left.credentials, digests)?;
                transaction.leave_signed(left)?;
            }
            Ok(())
        };
        self.store.write(note).await
    }
}

/// What signatures of before came to.
struct ReadOwners {
    digests: Vec<ForgottenOwner>,
    left: SignedOwners,
}

impl ReadOwners {
    fn read(vault: &Vault, signed: SignedOwners) -> Self {
        let owner_keys: Vec<String> = serde_json::from_str(&signed.owner_keys).unwrap_or_default();
        let mut digests = Vec::new();
        let mut unread = Vec::new();
        for owner_key in owner_keys {
            match vault.owner_digest(&owner_key) {
                Some(digest) => digests.push(digest.bytes()),
                None => unread.push(owner_key),
            }
        }
        let owner_keys = Value::from(unread).to_string();
        Self { digests, left: SignedOwners { owner_keys, ..signed } }
    }
}

/// What the record's `authorizedKey` holds.
fn keys_in(record: &StoredRecord) -> Vec<String> {
    let endo: Value = serde_json::from_str(&record.endo).unwrap_or_default();
    let text = |key: &Value| key.as_str().map(str::to_owned);
    match &endo["authorizedKey"] {
        Value::Array(keys) => keys.iter().filter_map(text).collect(),
        key => text(key).into_iter().collect(),
    }
}
