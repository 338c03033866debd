//! Keeping what somebody proved: the secret on its credentials device, and the proof itself.

use actix_web::http::header::REFERRER_POLICY;
use actix_web::{HttpRequest, HttpResponse};
use serde_json::{Map, Value, json};

use super::give_back::give_up;
use crate::ambient::Timestamp;
use crate::credentials::{Account, CredentialsError, Life};
use crate::http::owners::failed;
use crate::http::page::{is_browser, see_other};
use crate::http::problem::{Kind, Problem};
use crate::http::server::FrontDoor;
use crate::message::DeviceUuid;
use crate::vault::{ResourceOwnerId, SecretText};

/// An account that somebody proved control of, and the secret that opens it. Prints no secret.
#[derive(Debug)]
pub(super) struct Proven {
    pub(super) id: ResourceOwnerId,
    pub(super) username: Option<String>,
    pub(super) secret: SecretText,
    pub(super) refresh_token: Option<SecretText>,
    pub(super) life: Option<Life>,
    pub(super) extras: Map<String, Value>,
}

/// Keeps the secret for `owner`, and when the proof was given, if it is one. Credentials that are signed in again have to be
/// those of the very account; else nothing is changed.
pub(super) async fn keep(
    door: &FrontDoor,
    (owner, again): (DeviceUuid, Option<DeviceUuid>),
    (proven, proved_at): (Proven, Option<Timestamp>),
) -> Result<DeviceUuid, Problem> {
    let entrance = door.entrance()?;
    if let Some(device) = &again
        && !entrance.credentials.is_of_account(device, &proven.id).await.map_err(|error| failed(&error))?
    {
        give_up(entrance, &proven).await;
        let name = proven.username.as_deref().unwrap_or("another account");
        return Err(Problem::new(
            Kind::NotAllowed,
            format!(
                "You signed in at {} as {name}, which is not the account of these credentials; nothing was changed. Sign out \
                 there first, or choose the other account",
                entrance.api
            ),
        ));
    }
    let account = Account {
        id: proven.id,
        username: proven.username,
        secret: proven.secret,
        refresh_token: proven.refresh_token,
        life: proven.life,
        extras: proven.extras,
        owner: owner.clone(),
    };
    let kept = match again {
        Some(device) => entrance.credentials.keep_again(account, device).await,
        None => entrance.credentials.keep(account).await,
    };
    let device = kept.map_err(|error| not_kept(&error))?;
    if let Some(proved_at) = proved_at {
        let noted = entrance.credentials.note_proof((owner, device.clone()), proved_at).await;
        noted.map_err(|error| not_kept(&error))?;
    }
    Ok(device)
}

fn not_kept(error: &CredentialsError) -> Problem {
    tracing::error!(error = error as &dyn std::error::Error, "a secret could not be kept");
    Problem::new(
        Kind::Unavailable,
        "Your sign-in worked, but its secret could not be kept; begin again in a moment",
    )
}

/// Browsers see the page that they came from, or the credentials; programs are told their name.
pub(super) fn kept(request: &HttpRequest, (device, next): (&DeviceUuid, Option<&str>)) -> HttpResponse {
    if is_browser(request.headers()) {
        let home = format!("/console/credentials/{device}");
        return see_other(next.unwrap_or(&home));
    }
    HttpResponse::Created().insert_header((REFERRER_POLICY, "no-referrer")).json(json!({"uuid": device}))
}
