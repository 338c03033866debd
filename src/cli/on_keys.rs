//! What the command line asks about keys, done on the gateway that has the data directory.

use super::operation::{KeyRow, Migrated, OperationError};
use super::perform::{failed, read};
use crate::credentials::Rekeyed;
use crate::gateway::Gateway;
use crate::message::DeviceUuid;
use crate::vault::{Need, SealedText};

/// How many records are looked at in one go: little enough for whoever waits for the answer.
const AT_ONCE: usize = 16;
/// The most sealed copies that are looked at.
const COPIES: usize = 10_000;

/// Every key, the one that seals first, with the records that need it.
pub(super) async fn list(gateway: &Gateway) -> Result<Vec<KeyRow>, OperationError> {
    let ring = gateway.vault.ring();
    let row = |(at, kid): (usize, &str)| KeyRow {
        kid: kid.to_owned(),
        seals: at == 0,
        needed_by: Vec::new(),
        copies: 0,
    };
    let mut rows: Vec<_> = ring.keys().map(|key| key.kid()).enumerate().map(row).collect();
    for device in gateway.credentials.all_devices().await? {
        if let Some(need) = gateway.credentials.need(&device).await? {
            rows.iter_mut()
                .filter(|row| needs(&need, row))
                .for_each(|row| row.needed_by.push(device.clone()));
        }
    }
    for copy in read(gateway, |view| Ok(view.revocations(COPIES)?)).await? {
        // What is damaged needs no key.
        let seq = copy.seq;
        let sealed = read(gateway, move |view| Ok(view.sealed_copy(seq).ok().flatten())).await?;
        let Some(record) = sealed else { continue };
        let vault = gateway.vault.clone();
        let need = move || {
            let sealed = SealedText { endo: &record.endo, signature: &record.signature };
            vault.need(&copy.credentials, sealed).ok()
        };
        let need = tokio::task::spawn_blocking(need).await.map_err(failed)?;
        let needed = rows.iter_mut().filter(|row| need.as_ref().is_some_and(|need| needs(need, row)));
        needed.for_each(|row| row.copies += 1);
    }
    Ok(rows)
}

/// Of the newest key only what is sealed with it counts.
fn needs(need: &Need, key: &KeyRow) -> bool {
    if key.seals { need.kid.as_ref() == Some(&key.kid) } else { need.is_of(&key.kid) }
}

/// Seals the next records anew; what is done already is passed over, so that it can be broken off at any time.
pub(super) async fn migrate(
    gateway: &Gateway,
    after: Option<DeviceUuid>,
) -> Result<Migrated, OperationError> {
    if after.is_none() {
        gateway.begin_migration().await.map_err(failed)?;
    }
    let all = gateway.credentials.all_devices().await?;
    let rest: Vec<_> =
        all.iter().filter(|device| after.as_ref().is_none_or(|after| *device > after)).collect();
    let now: Vec<_> = rest.iter().take(AT_ONCE).collect();
    let mut migrated = Migrated {
        all: all.len(),
        seen: now.len(),
        sealed: 0,
        kept: Vec::new(),
        next: now.last().filter(|_| rest.len() > now.len()).map(|last| (**last).clone()),
    };
    for device in now {
        match gateway.credentials.rekey(device).await? {
            Rekeyed::Done => migrated.sealed += 1,
            Rekeyed::Kept(why) => migrated.kept.push(((**device).clone(), why.to_owned())),
            Rekeyed::Before | Rekeyed::Nothing => {}
        }
    }
    gateway.credentials.catch_up().await?;
    Ok(migrated)
}
