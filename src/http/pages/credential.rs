//! One account's credentials: who uses them, and another device for them.

use actix_web::http::StatusCode;
use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse};

use super::visit::{Visit, done};
use crate::console::{self, Credential, NewDevice, Owner, RefusedName};
use crate::credentials::{CredentialsError, State};
use crate::http::Body;
use crate::http::naming::named;
use crate::http::page::{page, see_other};
use crate::http::problem::Problem;
use crate::http::routes::Answer;
use crate::http::server::FrontDoor;
use crate::http::session::{Incoming, Sending};
use crate::message::DeviceUuid;

/// `GET /console/credentials/{uuid}`.
pub(in crate::http) async fn one(request: HttpRequest, door: Data<FrontDoor>) -> Answer {
    let visit = Visit::of(&request, &door).await?;
    let done = done(&request, &visit.owners.credentials, &visit.session).await?;
    let credential = Credential { done, ..credential(&visit, &door).await? };
    Ok(page(StatusCode::OK, console::credential(&visit.viewer(), &credential)))
}

/// What the page shows where nothing was done.
async fn credential(visit: &Visit<'_>, door: &FrontDoor) -> Result<Credential, Problem> {
    let (devices, are_errors_all) = visit.user_devices_with_errors().await?;
    let standing = visit.owners.credentials.standing(visit.owned.device()).await;
    let standing = standing.map_err(CredentialsError::from)?;
    let gone = visit.owners.credentials.gone_owners(&visit.owned).await?;
    let owner = |uuid: &DeviceUuid| Owner { uuid: uuid.to_string(), is_gone: gone.contains(uuid) };
    let everybodys = visit.owners.credentials.everybodys_device_here(&visit.session.owner).await;
    Ok(Credential {
        shown: visit.shown(),
        owners: visit.owned.owners().iter().map(owner).collect(),
        unnamed_owners: visit.owned.unnamed_owners().len(),
        has_one_owner: visit.owned.has_one_owner(&gone),
        devices,
        are_errors_all,
        state: State::of(&standing, door.clock.now()),
        viewer_is_everybodys: everybodys.map_err(CredentialsError::from)?.is_some(),
        done: None,
        refused: None,
    })
}

/// `GET /console/credentials/{uuid}/add-me`: whoever asks again for a page that is shown once sees the credentials.
pub(in crate::http) async fn to_home(request: HttpRequest, door: Data<FrontDoor>) -> Answer {
    let visit = Visit::of(&request, &door).await?;
    Ok(see_other(&format!("/console/credentials/{}", visit.owned.device())))
}

/// `POST /console/credentials/{uuid}/add-me`: a device of the viewer's. Its token is on the answer and nowhere else, so
/// the answer is the page itself.
pub(in crate::http) async fn add_me(request: HttpRequest, body: Body, door: Data<FrontDoor>) -> Answer {
    let visit = Visit::of(&request, &door).await?;
    let already_added = |device: Option<String>| {
        let markup = console::already_added(&visit.viewer(), &visit.shown(), device.as_deref());
        Ok(page(StatusCode::CONFLICT, markup))
    };
    let fields = match visit.session.receive(&door, &request, &body).await? {
        Incoming::Ours(fields) => fields,
        Incoming::Before(device) => return already_added(device),
    };
    let typed = fields.one("name");
    let name = match name(typed, &visit) {
        Ok(name) => name,
        Err(why) => {
            let refused = Some(RefusedName { typed: typed.to_owned(), why });
            let credential = Credential { refused, ..credential(&visit, &door).await? };
            let markup = console::credential(&visit.viewer(), &credential);
            return Ok(page(StatusCode::UNPROCESSABLE_ENTITY, markup));
        }
    };
    match visit.session.sending(&door, &request, &body).await? {
        Sending::First(form) => form.settle(add(&visit, name).await).await,
        Sending::Again(device) => already_added(device),
    }
}

/// What a new device is called: as was typed, or else like the account; or why it cannot be called so.
fn name(typed: &str, visit: &Visit<'_>) -> Result<Option<String>, String> {
    if typed.trim().is_empty() {
        return Ok(visit.owned.username().map(str::to_owned));
    }
    named(typed).map(Some)
}

/// Adds the device; answers the page, and its name.
async fn add(visit: &Visit<'_>, name: Option<String>) -> Result<(HttpResponse, Option<String>), Problem> {
    let (credentials, look) = (&visit.owners.credentials, &visit.owners.look);
    let new = credentials.dress_for(look, name, visit.session.login.clone()).await?;
    let bound = credentials.bind(visit.owned.device().clone(), new).await?;
    let device = NewDevice { uuid: bound.uuid.as_str(), token: &bound.token };
    let markup = console::new_device(&visit.viewer(), &visit.shown(), &device);
    Ok((page(StatusCode::CREATED, markup), Some(bound.uuid.to_string())))
}
