//! What the command line asks about keys, done on the gateway that has the data directory.

use std::collections::BTreeMap;

use futures_util::{StreamExt, TryStreamExt, stream};

use super::operation::{KeyRow, Migrated, NewKey, OperationError};
use super::perform::{failed, read};
use crate::credentials::Rekeyed;
use crate::gateway::Gateway;
use crate::message::DeviceUuid;
use crate::vault::{Need, SealedText};

/// How many records are looked at for one answer, each of which is a sign of progress: on a bus elsewhere fewer, for each
/// takes it several calls.
const FOR_ONE_ANSWER: usize = 16;
const FOR_ONE_ANSWER_ELSEWHERE: usize = 4;
/// How many are sealed anew at a time.
const SEALED_AT_A_TIME: usize = 4;
/// How many are only looked at at a time.
const SEEN_AT_A_TIME: usize = 32;
/// The most sealed copies that are looked at.
const COPIES: usize = 10_000;

/// Every key, the one that seals first, with the records that need it; those that are not here last.
pub(super) async fn list(gateway: &Gateway) -> Result<Vec<KeyRow>, OperationError> {
    let ring = gateway.vault.ring();
    let mut rows: Vec<_> = ring.keys().map(|key| KeyRow::of(Some(key.kid().to_owned()))).collect();
    for (at, row) in rows.iter_mut().enumerate() {
        row.seals = at == 0;
        row.file = row.kid.as_deref().and_then(|kid| gateway.key_file(kid));
    }
    let mut missing = BTreeMap::new();
    for (device, need) in all_needs(gateway).await? {
        let needed = needed(&need, &mut rows, &mut missing);
        needed.for_each(|row| row.needed_by.push(device.clone()));
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
        let Some(need) = tokio::task::spawn_blocking(need).await.map_err(failed)? else { continue };
        needed(&need, &mut rows, &mut missing).for_each(|row| row.copies += 1);
    }
    rows.extend(missing.into_values());
    Ok(rows)
}

/// The keys that are needed: of those that are here, and the one that is not.
fn needed<'a>(
    need: &Need,
    here: &'a mut [KeyRow],
    missing: &'a mut BTreeMap<Option<String>, KeyRow>,
) -> impl Iterator<Item = &'a mut KeyRow> {
    let name = &need.missing;
    let absent = need.kid.is_none().then(|| {
        let row = || KeyRow { missing: true, ..KeyRow::of(name.clone()) };
        missing.entry(name.clone()).or_insert_with(row)
    });
    here.iter_mut().filter(|row| needs(need, row)).chain(absent)
}

impl KeyRow {
    /// A key of this name, of which nothing is known yet.
    fn of(kid: Option<String>) -> Self {
        Self { kid, file: None, seals: false, missing: false, needed_by: Vec::new(), copies: 0 }
    }
}

/// Makes a new key that seals.
pub(super) async fn rotate(gateway: &Gateway) -> Result<NewKey, OperationError> {
    let kid = gateway.rotate_key().await.map_err(failed)?;
    Ok(NewKey { file: gateway.key_file(&kid), kid })
}

/// Which key the record of each credentials device needs that has one.
async fn all_needs(gateway: &Gateway) -> Result<Vec<(DeviceUuid, Need)>, OperationError> {
    let all = gateway.credentials.all_devices().await?.into_iter();
    let needs = all.map(|device| async move {
        let need = gateway.credentials.need(&device).await?;
        Ok::<_, OperationError>(need.map(|need| (device, need)))
    });
    let needs: Vec<_> = stream::iter(needs).buffered(SEEN_AT_A_TIME).try_collect().await?;
    Ok(needs.into_iter().flatten().collect())
}

/// Of the newest key only what is sealed with it counts.
fn needs(need: &Need, key: &KeyRow) -> bool {
    if key.seals { need.kid == key.kid } else { key.kid.as_deref().is_some_and(|kid| need.is_of(kid)) }
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
    let (count, last) = (all.len(), all.last().cloned());
    let rest = all.into_iter().filter(|device| after.as_ref().is_none_or(|after| device > after));
    let most = if gateway.bus.meshblu().is_some() { FOR_ONE_ANSWER_ELSEWHERE } else { FOR_ONE_ANSWER };
    let now: Vec<_> = rest.take(most).collect();
    let next = now.last().cloned().filter(|next| last.as_ref() != Some(next));
    let mut migrated =
        Migrated { all: count, seen: now.len(), sealed: 0, kept: Vec::new(), closed: Vec::new(), next };
    let rekeyed = now.into_iter().map(|device| async move {
        let rekeyed = gateway.credentials.rekey(&device).await;
        (device, rekeyed)
    });
    let rekeyed: Vec<_> = stream::iter(rekeyed).buffered(SEALED_AT_A_TIME).collect().await;
    for (device, rekeyed) in rekeyed {
        match rekeyed? {
            Rekeyed::Done => migrated.sealed += 1,
            Rekeyed::Kept(why) => migrated.kept.push((device, why.to_owned())),
            Rekeyed::Keyless => migrated.closed.push(device),
            Rekeyed::Before | Rekeyed::Nothing => {}
        }
    }
    gateway.credentials.catch_up().await?;
    Ok(migrated)
}
