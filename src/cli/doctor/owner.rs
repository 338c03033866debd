//! Whether the bus knows the first owner.

use super::finding::{Change, Check};
use crate::cli::operation::OperationError;
use crate::cli::perform::failed;
use crate::gateway::{Gateway, OwnerStanding};

const NAME: &str = "first owner";
const WHY: &str = "the link that `endo serve` prints signs them in, `endo send` sends in their name, and what is made here without \
                   --owner is theirs";
const NO_FILE: &str = "put owner.json back from a backup; without one stop the gateway, move away what is there of it, and start the \
                       gateway: it makes a new first owner. That one manages no credentials until they sign in at the API as the \
                       account itself";

/// Judges what `owner.json` says; nothing to judge where a bus elsewhere has the devices.
///
/// # Errors
/// [`OperationError`] where the bus cannot be read.
pub(super) async fn first_owner(gateway: &Gateway) -> Result<Option<Check>, OperationError> {
    let standing = gateway.owner_standing().await.map_err(failed)?;
    Ok(standing.map(|standing| match standing {
        OwnerStanding::Known => Check::well(NAME, "the bus takes the token in owner.json"),
        OwnerStanding::NoFile => Check::wrong(NAME, "there is no owner.json", WHY, Change::operator(NO_FILE)),
        OwnerStanding::Unreadable(why) => {
            Check::wrong(NAME, format!("owner.json says nothing: {why}"), WHY, Change::operator(NO_FILE))
        }
        OwnerStanding::WrongToken(uuid) => {
            let wrong = format!("the bus does not take the token of {uuid} in owner.json, as where it was reset");
            Check::wrong(NAME, wrong, WHY, Change::OwnerToken)
        }
        OwnerStanding::Gone(uuid) => {
            let wrong = format!("the device {uuid} in owner.json is gone from the bus");
            let change = "stop the gateway, move owner.json away, and start it: it makes a new first owner. That one manages no \
                          credentials until they sign in at the API as the account itself";
            Check::wrong(NAME, wrong, WHY, Change::operator(change))
        }
    }))
}
