//! What a bus elsewhere tells of user devices, those included that another gateway made.

use std::collections::BTreeMap;
use std::pin::pin;
use std::time::Duration;

use futures_util::{StreamExt, stream};
use tokio::time::{Instant, timeout_at};

use super::operation::{DeviceRow, DeviceRows, OperationError};
use crate::credentials::{CredentialsError, UserDeviceEntry};
use crate::gateway::Gateway;
use crate::message::DeviceUuid;

/// For how many credentials the bus is asked at a time: each takes three calls, and hundreds are to be told of in time.
const AT_A_TIME: usize = 32;
/// How long whoever lists devices waits for what the bus tells of them.
const PATIENCE: Duration = Duration::from_secs(10);

/// These rows with what the bus tells of them, and the rights that it alone knows of. What it does not tell of some
/// credentials says nothing of the others.
pub(super) async fn completed(
    gateway: &Gateway,
    mut rows: Vec<DeviceRow>,
) -> Result<DeviceRows, OperationError> {
    if gateway.bus.meshblu().is_none() {
        return Ok(DeviceRows { rows, missing: None });
    }
    let end = Instant::now() + PATIENCE;
    let all = timeout_at(end, gateway.credentials.all_devices()).await;
    let (all, is_told) = match all {
        Ok(Ok(all)) => (all, true),
        Ok(Err(CredentialsError::Meshblu(_))) | Err(_) => (Vec::new(), false),
        Ok(Err(error)) => return Err(error.into()),
    };
    let known = rows.len();
    let untold = complete(gateway, &mut rows, Questions { of: all, end }).await?;
    // Of what the bus alone knows nobody can tell the age.
    rows[known..].sort_by(|one, other| (&one.credentials, &one.uuid).cmp(&(&other.credentials, &other.uuid)));
    let missing = match (is_told, untold) {
        (false, _) => Some("the bus does not say which credentials another gateway made".to_owned()),
        (true, 0) => None,
        (true, untold) => {
            Some(format!("the bus does not say which devices may use {untold} of the credentials"))
        }
    };
    Ok(DeviceRows { rows, missing })
}

/// What the bus is asked, and until when.
struct Questions {
    of: Vec<DeviceUuid>,
    end: Instant,
}

/// Answers of how many credentials the bus did not tell all.
async fn complete(
    gateway: &Gateway,
    rows: &mut Vec<DeviceRow>,
    questions: Questions,
) -> Result<usize, OperationError> {
    let mut known = BTreeMap::<DeviceUuid, Vec<DeviceUuid>>::new();
    for credentials in questions.of {
        known.entry(credentials).or_default();
    }
    for row in &*rows {
        known.entry(row.credentials.clone()).or_default().push(row.uuid.clone());
    }
    let mut untold = known.len();
    let asked = known.into_iter().map(|(credentials, uuids)| async move {
        let told = gateway.credentials.told_elsewhere(credentials.clone(), uuids).await;
        told.map(|told| (credentials, told))
    });
    let mut told = pin!(stream::iter(asked).buffer_unordered(AT_A_TIME));
    while let Ok(Some(told)) = timeout_at(questions.end, told.next()).await {
        let (credentials, told) = told?;
        untold -= usize::from(!told.lacks_some);
        for entry in told.entries {
            take_in(rows, &credentials, entry);
        }
    }
    Ok(untold)
}

fn take_in(rows: &mut Vec<DeviceRow>, credentials: &DeviceUuid, entry: UserDeviceEntry) {
    let owner = entry.owner.map(|owner| owner.to_string());
    let is_it = |row: &&mut DeviceRow| row.credentials == *credentials && row.uuid == entry.uuid;
    match rows.iter_mut().find(is_it) {
        Some(row) => {
            row.owner = owner.or(row.owner.take());
            row.name = entry.name;
        }
        None => rows.push(DeviceRow {
            uuid: entry.uuid,
            credentials: credentials.clone(),
            owner,
            name: entry.name,
            bound: None,
            revoked: None,
            unfinished: false,
            gone: false,
        }),
    }
}
