//! `/console`: the accounts whose owner somebody is.

use actix_web::HttpRequest;
use actix_web::http::StatusCode;
use actix_web::web::Data;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};

use super::visit::{done, has_left, query};
use crate::ambient::Timestamp;
use crate::console::{self, Again, CredentialsCard, Done, Mine, Turning, strangers_text};
use crate::credentials::{CredentialsError, State};
use crate::http::page::page;
use crate::http::routes::Answer;
use crate::http::server::FrontDoor;
use crate::http::session::Session;
use crate::message::DeviceUuid;

/// `GET /console`.
pub(in crate::http) async fn mine(request: HttpRequest, door: Data<FrontDoor>) -> Answer {
    let session = Session::of(&request, &door).await?;
    let entrance = door.entrance()?;
    let after = query(&request, "before");
    let after = (!after.is_empty()).then(|| DeviceUuid::from(after));
    let owned = entrance.credentials.of_owner(&session.owner, after.clone()).await?;
    let mut cards = Vec::new();
    for owned in &owned.shown {
        let summary = entrance.credentials.summary(owned.device()).await;
        let summary = summary.map_err(CredentialsError::from)?;
        cards.push(CredentialsCard {
            uuid: owned.device().to_string(),
            account: owned.username().and_then(strangers_text),
            state: State::of(&summary.standing, door.clock.now()),
            last_use: summary.last_use.map(Timestamp::iso_seconds),
        });
    }
    let left = query(&request, "left");
    let manages = cards.iter().any(|card| card.uuid == left);
    let done = match !manages && has_left(&entrance.credentials, &session, &left).await? {
        true => Some(Done::Left),
        false => done(&request, &entrance.credentials, &session).await?,
    };
    let can_sign_in = door.owners()?.ways().again != Again::Operator;
    let older = owned.next.as_ref().map(beyond);
    let turning = Turning { newest: after.map(|_| "/console"), older: older.as_deref() };
    let everybodys =
        entrance.credentials.everybodys_device_here(&session.owner).await.map_err(CredentialsError::from)?;
    let some_are_keyless =
        !entrance.credentials.keyless().all().await.map_err(CredentialsError::from)?.is_empty();
    let keyless = entrance.credentials.keyless().of(&session.owner).await.map_err(CredentialsError::from)?;
    let mine = Mine {
        some_are_keyless,
        keyless: &keyless,
        api: &entrance.api,
        can_sign_in,
        cards: &cards,
        viewer_is_everybodys: everybodys.is_some(),
        done: done.as_ref(),
        turning,
    };
    let markup = console::my_credentials(&session.viewer(), &mine);
    Ok(page(StatusCode::OK, markup))
}

/// Where the list goes on. What the bus calls a device is any text.
fn beyond(place: &DeviceUuid) -> String {
    format!("/console?before={}", utf8_percent_encode(place.as_str(), NON_ALPHANUMERIC))
}
