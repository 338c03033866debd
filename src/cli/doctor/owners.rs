//! Whether whoever owns credentials is somebody alone, and each account has one place.

use std::collections::{BTreeMap, BTreeSet};

use futures_util::{StreamExt, TryStreamExt, stream};

use super::finding::{Change, Check};
use crate::cli::operation::OperationError;
use crate::cli::perform::failed;
use crate::credentials::Owned;
use crate::gateway::Gateway;
use crate::message::DeviceUuid;

const OWNERS: &str = "devices of owners";
const WHY_CLOSED: &str =
    "whoever likes makes a token of such a device, or acts as it, and manages the credentials that it owns";
const ACCOUNTS: &str = "accounts";
const WHY_ONE: &str = "what uses one of them gets nothing of what a sign-in brings to the other";
const TAKE_ONE: &str = "choose for each account the one that stays, have what uses the others use that, and end the others by \
                        `endo credentials forget UUID`";
/// How many records are opened at a time.
const AT_A_TIME: usize = 32;

/// Judges what every record that opens says of its account and its owners, and their lists; nothing to judge where a bus
/// elsewhere has the devices.
///
/// # Errors
/// [`OperationError`] where records or devices cannot be read.
pub(super) async fn accounts_and_owners(gateway: &Gateway) -> Result<Vec<Check>, OperationError> {
    if gateway.bus.embedded().is_none() {
        return Ok(Vec::new());
    }
    let all = gateway.credentials.all_devices().await?;
    let held = stream::iter(all.into_iter().map(|device| gateway.credentials.held(device)));
    let held: Vec<_> = held.buffered(AT_A_TIME).try_collect().await?;
    Ok(vec![accounts(&held), devices_of_owners(gateway, &held).await?])
}

fn accounts(held: &[Owned]) -> Check {
    let mut places = BTreeMap::<String, Vec<&str>>::new();
    for owned in held.iter().filter(|owned| owned.elsewhere().is_none()) {
        if let Some(id) = owned.id() {
            places.entry(id.to_value().to_string()).or_default().push(owned.device().as_str());
        }
    }
    places.retain(|_, devices| devices.len() > 1);
    if places.is_empty() {
        return Check::well(ACCOUNTS, "each has one credentials device");
    }
    let named: Vec<_> = places.iter().map(|(id, devices)| format!("{id} ({})", devices.join(", "))).collect();
    let wrong = format!("accounts with several credentials devices: {}", named.join(", "));
    Check::wrong(ACCOUNTS, wrong, WHY_ONE, Change::operator(TAKE_ONE))
}

async fn devices_of_owners(gateway: &Gateway, held: &[Owned]) -> Result<Check, OperationError> {
    let owners: BTreeSet<&DeviceUuid> = held.iter().flat_map(Owned::owners).collect();
    let mut open = Vec::new();
    for owner in owners {
        if let Some(device) = gateway.credentials.everybodys_device_here(owner).await.map_err(failed)? {
            open.push((owner, device.lists.join(", ")));
        }
    }
    if open.is_empty() {
        return Ok(Check::well(OWNERS, "nobody but themselves is who owns credentials here"));
    }
    let named: Vec<_> = open.iter().map(|(owner, lists)| format!("{owner} (by {lists})")).collect();
    let wrong = format!("owners that everybody on the bus can be: {}", named.join(", "));
    let change = Change::CloseDevices(open.into_iter().map(|(owner, _)| owner.clone()).collect());
    Ok(Check::wrong(OWNERS, wrong, WHY_CLOSED, change))
}
