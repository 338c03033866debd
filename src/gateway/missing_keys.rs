//! Keys that records here were sealed with, and that are not here any more.

use std::collections::BTreeMap;
use std::sync::Arc;

use tokio::sync::watch;

use super::Gateway;
use crate::store::{Store, StoreError};
use crate::telemetry::with_causes;
use crate::vault::{SealedText, Vault};

impl Gateway {
    /// Tells the log, once, which keys the records of the database name that are not here. Records of format 1 name none; to
    /// look whether any key opens those costs too much for each start.
    pub(super) fn warn_of_missing_keys(
        &self,
        mut stopped: watch::Receiver<bool>,
    ) -> impl Future<Output = ()> + use<> {
        let (store, vault) = (self.store.clone(), Arc::clone(&self.vault));
        async move {
            tokio::select! {
                missing = missing(&store, vault) => tell(missing),
                _ = stopped.wait_for(|stop| *stop) => {}
            }
        }
    }
}

/// How many records each of them sealed.
async fn missing(store: &Store, vault: Arc<Vault>) -> Result<BTreeMap<String, usize>, StoreError> {
    store
        .search(move |view| {
            let mut missing = BTreeMap::<String, usize>::new();
            view.each_record(|device, record| {
                let sealed = SealedText { endo: &record.endo, signature: &record.signature };
                if let Some(kid) = vault.missing_key(&device, sealed) {
                    *missing.entry(kid).or_default() += 1;
                }
            })?;
            Ok(missing)
        })
        .await
}

fn tell(missing: Result<BTreeMap<String, usize>, StoreError>) {
    match missing {
        Ok(missing) => missing.into_iter().for_each(|(key, records)| {
            tracing::warn!(
                key,
                records,
                "records were sealed with a key that is not here, and stay closed without it: put its file back \
                 (`endo keys ls` says which records those are)"
            );
        }),
        Err(error) => {
            tracing::warn!(error = with_causes(&error), "nobody looked whether the keys of all records are here");
        }
    }
}
