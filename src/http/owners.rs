//! The owner's API: who may use these credentials (`spec/endo.md` 2.10).

use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse};
use serde_json::{Value, json};

use super::presented;
use super::problem::{Kind, Problem};
use super::routes::Answer;
use super::server::FrontDoor;
use crate::credentials::{CredentialsDevices, CredentialsError, Owned, UserDeviceLook};
use crate::message::DeviceUuid;
use crate::store::Binding;

/// What the owner's routes work with.
pub struct Owners {
    /// The credentials.
    pub credentials: CredentialsDevices,
    /// What new user devices look like.
    pub look: UserDeviceLook,
}

/// A caller who is an owner of the credentials in the path.
struct Visit<'a> {
    owners: &'a Owners,
    caller: DeviceUuid,
    owned: Owned,
}

impl<'a> Visit<'a> {
    async fn of(request: &HttpRequest, door: &'a FrontDoor) -> Result<Self, Problem> {
        let owners =
            door.owners.as_ref().ok_or_else(|| Problem::new(Kind::NotFound, "There is nothing here"))?;
        let unknown = || Problem::new(Kind::NotAuthenticated, "The caller is not known to the bus");
        let login = presented::login(request.headers()).ok_or_else(unknown)?;
        if !owners.credentials.authenticate(&login).await.map_err(|error| failed(&error))? {
            return Err(unknown());
        }
        let device = DeviceUuid::from(request.match_info().query("uuid"));
        let owned = owners.credentials.owned_by(&login.uuid, device).await.map_err(|error| failed(&error))?;
        Ok(Self { owners, caller: login.uuid, owned })
    }
}

/// `GET /credentials/{uuid}`: the account's name, and what the service says of itself.
pub(super) async fn show(request: HttpRequest, door: Data<FrontDoor>) -> Answer {
    let visit = Visit::of(&request, &door).await?;
    let options = visit.owners.credentials.service_options(Some(&visit.owned)).await;
    let mut answer = json!({});
    if let Some(username) = visit.owned.username() {
        answer["username"] = username.into();
    }
    for (name, value) in options.map_err(|error| failed(&error))? {
        if answer.get(&name).is_none() {
            answer[name] = value;
        }
    }
    Ok(HttpResponse::Ok().json(answer))
}

/// `GET /credentials/{uuid}/user-devices`.
pub(super) async fn list(request: HttpRequest, door: Data<FrontDoor>) -> Answer {
    let visit = Visit::of(&request, &door).await?;
    let devices =
        visit.owners.credentials.user_devices(&visit.owned).await.map_err(|error| failed(&error))?;
    Ok(HttpResponse::Ok().json(devices.iter().map(|uuid| json!({"uuid": uuid})).collect::<Value>()))
}

/// `POST /credentials/{uuid}/user-devices`: a new device of the caller's, with its token.
pub(super) async fn add(request: HttpRequest, door: Data<FrontDoor>) -> Answer {
    let Visit { owners, caller, owned } = Visit::of(&request, &door).await?;
    let name = owned.username().map(str::to_owned);
    let new = owners.credentials.dress(&owners.look, (name, caller)).await.map_err(|error| failed(&error))?;
    let bound = owners.credentials.bind(owned.device().clone(), new).await.map_err(|error| failed(&error))?;
    let mut answer = bound.document;
    answer["token"] = bound.token.as_str().into();
    Ok(HttpResponse::Created().json(answer))
}

/// `DELETE /credentials/{uuid}/user-devices/{device}`: from the answer on, no message of the device opens anything.
pub(super) async fn cut_off(request: HttpRequest, door: Data<FrontDoor>) -> Answer {
    let Visit { owners, owned, .. } = Visit::of(&request, &door).await?;
    let user_device = DeviceUuid::from(request.match_info().query("device"));
    if user_device == *owned.device() {
        let text = "Cannot remove the credentials subscription to itself";
        return Err(Problem::new(Kind::NotAllowed, text));
    }
    let binding = Binding { credentials: owned.device().clone(), user_device };
    owners.credentials.revoke(binding).await.map_err(|error| failed(&error))?;
    Ok(HttpResponse::NoContent().finish())
}

fn failed(error: &CredentialsError) -> Problem {
    match error {
        CredentialsError::NoRecord => Problem::new(Kind::NotFound, "credentials device not found"),
        CredentialsError::Meshblu(error) => super::webhook::failed(error.failure()),
        error => {
            tracing::error!(error = error as &dyn std::error::Error, "an owner's request failed");
            Problem::new(Kind::Internal, "Failed to access credentials device")
        }
    }
}
