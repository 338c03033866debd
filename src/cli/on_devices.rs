//! What the command line asks about user devices, done on the gateway that has the data directory.

use super::elsewhere;
use super::operation::{DeviceRow, DeviceRows, OperationError};
use super::perform::read;
use crate::ambient::Timestamp;
use crate::credentials::{Cut, Revoker};
use crate::gateway::Gateway;
use crate::message::DeviceUuid;
use crate::store::{Binding, NotedBinding, View};

/// The devices that have, had or are to have a right.
pub(super) async fn list(gateway: &Gateway) -> Result<DeviceRows, OperationError> {
    let rows = read(gateway, all_device_rows).await?;
    elsewhere::completed(gateway, rows).await
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
        bound: bound_at.map(Timestamp::iso_seconds),
        revoked: ended_at.map(Timestamp::iso_seconds),
        unfinished: false,
        gone: ended_at.is_none() && is_here && document.is_none(),
    })
}

/// The devices that have, had or are to have a right, as far as that is known here.
fn all_device_rows(view: &View<'_>) -> Result<Vec<DeviceRow>, OperationError> {
    let mut rows = device_rows(view, |_| true)?;
    rows.extend(view.half_made()?.into_iter().map(|half| DeviceRow {
        uuid: half.binding.user_device,
        credentials: half.binding.credentials,
        owner: Some(half.owner.to_string()),
        name: None,
        bound: Some(half.made_at.iso_seconds()),
        revoked: None,
        unfinished: true,
        gone: false,
    }));
    Ok(rows)
}

/// Cuts a device off from all credentials that it may use; answers the rights it had.
pub(super) async fn revoke(gateway: &Gateway, uuid: DeviceUuid) -> Result<DeviceRows, OperationError> {
    let wanted = uuid.clone();
    let of_device = move |view: &View<'_>| device_rows(view, |binding| binding.user_device == wanted);
    // What is known here ends before anybody elsewhere is asked.
    cut_off(gateway, read(gateway, of_device.clone()).await?).await?;
    let known = read(gateway, of_device.clone()).await?;
    let DeviceRows { rows, missing } = elsewhere::completed(gateway, known).await?;
    cut_off(gateway, rows.into_iter().filter(|row| row.uuid == uuid)).await?;
    gateway.credentials.catch_up().await?;
    match (read(gateway, of_device).await?, missing) {
        (rows, None) if rows.is_empty() => Err(OperationError::UnknownDevice(uuid)),
        (rows, missing) => Ok(DeviceRows { rows, missing }),
    }
}

async fn cut_off(gateway: &Gateway, rows: impl IntoIterator<Item = DeviceRow>) -> Result<(), OperationError> {
    for row in rows.into_iter().filter(|row| row.revoked.is_none()) {
        let owned = gateway.credentials.held(row.credentials).await?;
        gateway.credentials.cut_off(&owned, Cut::One(row.uuid), &Revoker::Operator).await?;
    }
    Ok(())
}
