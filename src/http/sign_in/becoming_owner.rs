//! Who becomes an owner: nobody whom everybody on the bus can be.

use crate::bus::{BusProvider, Login};
use crate::credentials::EverybodysDevice;
use crate::http::entrance::Entrance;
use crate::http::problem::{Kind, Problem};
use crate::vault::ResourceOwnerId;

/// Whoever owns the credentials of this account, or becomes an owner of them, by a device that is theirs alone.
///
/// # Errors
/// 403 where everybody has the device in their hands, unless it is an owner already: then nothing becomes anybody's by this.
pub(super) async fn may_own(entrance: &Entrance, login: &Login, id: &ResourceOwnerId) -> Result<(), Problem> {
    let credentials = &entrance.credentials;
    let Some(device) = credentials.everybodys_device(login).await? else { return Ok(()) };
    match credentials.manages(&login.uuid, id).await? {
        true => Ok(()),
        false => Err(refused(entrance, login, &device)),
    }
}

/// The same before somebody is sent to the API for nothing: whoever owns something may be there to prove it.
///
/// # Errors
/// As [`may_own`].
pub(super) async fn may_begin(entrance: &Entrance, login: &Login) -> Result<(), Problem> {
    let credentials = &entrance.credentials;
    let Some(device) = credentials.everybodys_device(login).await? else { return Ok(()) };
    match credentials.first_of_owner(&login.uuid, |_| true).await? {
        Some(_) => Ok(()),
        None => Err(refused(entrance, login, &device)),
    }
}

fn refused(
    entrance: &Entrance,
    Login { uuid, .. }: &Login,
    EverybodysDevice { lists, closing }: &EverybodysDevice,
) -> Problem {
    let page = match &entrance.bus {
        Some(BusProvider::Embedded(..)) => "sign out, and in with the bus again, whose page closes it; or ",
        _ => "",
    };
    let text = format!(
        "Everybody on the bus may change your device {uuid}, make tokens of it, or act as it (by {}), so that anybody would own \
         these credentials; nothing was kept. Close it first: {page}send the bus PUT /v2/devices/{uuid} with {closing}, and end \
         tokens of it that are not yours. Then begin again",
        lists.join(", ")
    );
    Problem::new(Kind::NotAllowed, text)
}
