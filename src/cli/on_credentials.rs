//! What the command line asks about credentials, done on the gateway that has the data directory.

use std::future::ready;

use futures_util::{StreamExt, TryStreamExt, stream};

use super::operation::{AtStake, CredentialsRow, OperationError, Shown, UserRow, WhichReceipts};
use super::perform::{CHOICES, read};
use crate::ambient::Timestamp;
use crate::credentials::{
    CredentialsError, Cut, Health, Owned, Receipt, Receipts, Revoker, State, Summary, UserDeviceEntry,
};
use crate::gateway::Gateway;
use crate::message::DeviceUuid;
use crate::vault::Format;

/// How many records are opened, and how many credentials a bus elsewhere is asked for, at a time: each takes that bus
/// several calls.
const AT_A_TIME: usize = 32;

/// Every account whose secret is kept.
pub(super) async fn list(gateway: &Gateway) -> Result<Vec<CredentialsRow>, OperationError> {
    let all = gateway.credentials.all_devices().await?;
    let rows = stream::iter(all.into_iter().map(|device| listed(gateway, device))).buffered(AT_A_TIME);
    let rows: Vec<_> = rows.try_collect().await?;
    Ok(rows.into_iter().flatten().collect())
}

/// `None` where nothing is kept.
async fn listed(gateway: &Gateway, device: DeviceUuid) -> Result<Option<CredentialsRow>, OperationError> {
    if gateway.credentials.need(&device).await?.is_none() {
        return Ok(None);
    }
    let owned = gateway.credentials.held(device).await?;
    let devices = gateway.credentials.user_devices(&owned).await?;
    row(gateway, &owned, devices.len()).await.map(Some)
}

/// Everything about one, but for the secret and the receipts.
pub(super) async fn show(gateway: &Gateway, device: DeviceUuid) -> Result<Shown, OperationError> {
    let owned = kept(gateway, device).await?;
    let entries = gateway.credentials.user_device_entries(&owned).await?;
    Ok(Shown {
        row: row(gateway, &owned, entries.len()).await?,
        user_devices: entries.into_iter().map(UserRow::from).collect(),
        receipts: Vec::new(),
    })
}

/// What ends with a secret. It can be forgotten on a bus that does not list who uses it, and so it is asked for there too.
pub(super) async fn at_stake(gateway: &Gateway, device: DeviceUuid) -> Result<AtStake, OperationError> {
    let owned = kept(gateway, device).await?;
    let devices = gateway.credentials.user_devices(&owned).await;
    Ok(AtStake {
        account: owned.id().map(|id| id.to_value()),
        username: owned.username().map(str::to_owned),
        devices: devices.ok().map(|devices| devices.len()),
    })
}

/// Forgets a secret. What follows from that is done by a gateway that runs, or asked for: [`caught_up`].
pub(super) async fn forget(gateway: &Gateway, device: DeviceUuid) -> Result<Receipt, OperationError> {
    let owned = kept(gateway, device.clone()).await?;
    gateway.credentials.forget(&owned, &Revoker::Operator).await.map_err(|error| match error {
        CredentialsError::NoRecord => OperationError::UnknownCredentials(device),
        error => error.into(),
    })
}

/// The receipt of this number, once the API and the bus were told, where they answer.
pub(super) async fn caught_up(gateway: &Gateway, id: i64) -> Result<Option<Receipt>, OperationError> {
    gateway.credentials.catch_up().await?;
    Ok(gateway.credentials.receipt(id).await?)
}

/// Cuts off all that use some credentials; nothing to tell where none does.
pub(super) async fn cut_off_all(
    gateway: &Gateway,
    device: DeviceUuid,
) -> Result<Option<Receipt>, OperationError> {
    let owned = kept(gateway, device).await?;
    let receipt = gateway.credentials.cut_off(&owned, Cut::All, &Revoker::Operator).await?;
    gateway.credentials.catch_up().await?;
    match receipt {
        Some(receipt) => Ok(Some(gateway.credentials.receipt(receipt.id).await?.unwrap_or(receipt))),
        None => Ok(None),
    }
}

/// What was ended, of these credentials or of all; forgotten ones have receipts too.
pub(super) async fn receipts(
    gateway: &Gateway,
    WhichReceipts { of, before }: WhichReceipts,
) -> Result<Receipts, OperationError> {
    let receipts = gateway.credentials.receipts(of.clone(), before).await?;
    match of.filter(|_| receipts.shown.is_empty() && before.is_none()) {
        Some(device) => kept(gateway, device).await.map(|_| receipts),
        None => Ok(receipts),
    }
}

/// That nothing is kept by what was `named`, which may be an account's name.
pub(super) async fn unknown(gateway: &Gateway, named: DeviceUuid) -> OperationError {
    match called(gateway, named.as_str()).await {
        Ok(devices) if !devices.is_empty() => {
            OperationError::NameOfAccount { name: named.to_string(), devices }
        }
        // The first reason is the one to tell.
        _ => OperationError::UnknownCredentials(named),
    }
}

/// Who keeps the credentials of accounts of that name; some of them, where they are many.
async fn called(gateway: &Gateway, name: &str) -> Result<Vec<DeviceUuid>, OperationError> {
    let all = gateway.credentials.all_devices().await?;
    let held =
        stream::iter(all.into_iter().map(|device| gateway.credentials.held(device))).buffered(AT_A_TIME);
    let called = held.try_filter(|owned| ready(owned.username() == Some(name)));
    Ok(called.map_ok(|owned| owned.device().clone()).take(CHOICES).try_collect().await?)
}

async fn kept(gateway: &Gateway, device: DeviceUuid) -> Result<Owned, OperationError> {
    match gateway.credentials.need(&device).await? {
        Some(_) => Ok(gateway.credentials.held(device).await?),
        None => {
            let wanted = device.clone();
            match read(gateway, move |view| Ok(view.is_forgotten(&wanted)?)).await? {
                true => Err(OperationError::Forgotten(device)),
                false => Err(OperationError::UnknownCredentials(device)),
            }
        }
    }
}

async fn row(gateway: &Gateway, owned: &Owned, devices: usize) -> Result<CredentialsRow, OperationError> {
    let device = owned.device().clone();
    let need = gateway.credentials.need(&device).await?;
    let Summary { standing, last_use } = gateway.credentials.summary(&device).await?;
    let key = need.as_ref().and_then(|need| need.kid.clone());
    let state = match (&key, owned.elsewhere(), &standing.health) {
        (None, ..) => "Unreadable: no key here opens it".to_owned(),
        (_, Some(source), _) => format!("{} ({source})", State::OtherApi),
        (.., health) => match (State::of(&standing, gateway.ambient.clock.now()), health) {
            (state, Health::Dead { reason }) => format!("{state}: {reason}"),
            (state, _) => state.to_string(),
        },
    };
    Ok(CredentialsRow {
        uuid: owned.device().clone(),
        account: owned.id().map(|id| id.to_value()),
        username: owned.username().map(str::to_owned),
        owners: owned.owners().to_vec(),
        unnamed_owners: owned.unnamed_owners().len(),
        format: need.map(|need| if need.format == Format::One { 1 } else { 2 }),
        key,
        state,
        devices,
        last_use: last_use.map(Timestamp::iso_seconds),
    })
}

impl From<UserDeviceEntry> for UserRow {
    fn from(entry: UserDeviceEntry) -> Self {
        Self {
            uuid: entry.uuid,
            name: entry.name,
            owner: entry.owner,
            bound: entry.bound_at.map(|time| time.iso_seconds()),
            last_message: entry.last_use.heard_at.map(|time| time.iso_seconds()),
            last_use: entry.last_use.used_at.map(|time| time.iso_seconds()),
            errors: entry.errors,
        }
    }
}
