//! What the command line asks about user devices, done on the gateway that has the data directory.

use std::collections::BTreeMap;

use super::operation::{DeviceRow, OperationError};
use super::perform::read;
use crate::ambient::Timestamp;
use crate::credentials::{Cut, Revoker};
use crate::gateway::Gateway;
use crate::message::DeviceUuid;
use crate::store::{Binding, NotedBinding, View};

/// The devices that have, had or are to have a right.
pub(super) async fn list(gateway: &Gateway) -> Result<Vec<DeviceRow>, OperationError> {
    let mut rows = read(gateway, all_device_rows).await?;
    if gateway.bus.meshblu().is_some() {
        describe(gateway, &mut rows).await?;
    }
    Ok(rows)
}

/// What only the bus knows of the devices, which it tells the credentials devices that they use.
async fn describe(gateway: &Gateway, rows: &mut [DeviceRow]) -> Result<(), OperationError> {
    let mut of_credentials = BTreeMap::<DeviceUuid, Vec<DeviceUuid>>::new();
    for row in &*rows {
        of_credentials.entry(row.credentials.clone()).or_default().push(row.uuid.clone());
    }
    for (credentials, uuids) in of_credentials {
        let entries = gateway.credentials.entries_elsewhere(credentials.clone(), uuids).await?;
        // Who does not answer for one does not answer for the others.
        if entries.iter().any(|entry| !entry.is_told) {
            break;
        }
        for entry in entries {
            let is_it = |row: &&mut DeviceRow| row.credentials == credentials && row.uuid == entry.uuid;
            if let Some(row) = rows.iter_mut().find(is_it) {
                row.owner = entry.owner.map(|owner| owner.to_string()).or(row.owner.take());
                row.name = entry.name;
            }
        }
    }
    Ok(())
}

fn device_rows(view: &View<'_>, wanted: impl Fn(&Binding) -> bool) -> Result<Vec<DeviceRow>, OperationError> {
    let bindings = view.bindings()?.into_iter().filter(|noted| wanted(&noted.binding));
    bindings.map(|noted| device_row(view, noted)).collect()
}

fn device_row(view: &View<'_>, noted: NotedBinding) -> Result<DeviceRow, OperationError> {
    let NotedBinding { binding, bound_at, ended_at } = noted;
    // The bus in this process keeps its devices, and the gateway's own credentials devices among them, here.
    let is_here = view.device(&binding.credentials)?.is_some();
    let document = view.device(&binding.user_device)?;
    let text = |key: &str| Some(document.as_ref()?.get(key)?.as_str()?.to_owned());
    Ok(DeviceRow {
        owner: text("owner"),
        name: text("name"),
        uuid: binding.user_device,
        credentials: binding.credentials,
        bound: bound_at.iso_seconds(),
        revoked: ended_at.map(Timestamp::iso_seconds),
        unfinished: false,
        gone: ended_at.is_none() && is_here && document.is_none(),
    })
}

/// The devices that have, had or are to have a right.
fn all_device_rows(view: &View<'_>) -> Result<Vec<DeviceRow>, OperationError> {
    let mut rows = device_rows(view, |_| true)?;
    rows.extend(view.half_made()?.into_iter().map(|half| DeviceRow {
        uuid: half.binding.user_device,
        credentials: half.binding.credentials,
        owner: Some(half.owner.to_string()),
        name: None,
        bound: half.made_at.iso_seconds(),
        revoked: None,
        unfinished: true,
        gone: false,
    }));
    Ok(rows)
}

/// Cuts a device off from all credentials that it may use; answers the rights it had.
pub(super) async fn revoke(gateway: &Gateway, uuid: DeviceUuid) -> Result<Vec<DeviceRow>, OperationError> {
    let wanted = uuid.clone();
    let of_device = move |view: &View<'_>| device_rows(view, |binding| binding.user_device == wanted);
    let rows = read(gateway, of_device.clone()).await?;
    if rows.is_empty() {
        return Err(OperationError::UnknownDevice(uuid));
    }
    for row in rows {
        let owned = gateway.credentials.held(row.credentials).await?;
        gateway.credentials.cut_off(&owned, Cut::One(row.uuid), &Revoker::Operator).await?;
    }
    gateway.credentials.catch_up().await?;
    read(gateway, of_device).await
}
