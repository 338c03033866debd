//! `/console`: the accounts whose owner somebody is.

use actix_web::HttpRequest;
use actix_web::http::StatusCode;
use actix_web::web::Data;

use super::visit::{done, has_left, query};
use crate::ambient::Timestamp;
use crate::console::{self, Again, CredentialsCard, Done, Mine, strangers_text};
use crate::credentials::{CredentialsError, State};
use crate::http::page::page;
use crate::http::routes::Answer;
use crate::http::server::FrontDoor;
use crate::http::session::Session;

/// `GET /console`.
pub(in crate::http) async fn mine(request: HttpRequest, door: Data<FrontDoor>) -> Answer {
    let session = Session::of(&request, &door).await?;
    let entrance = door.entrance()?;
    let owned = entrance.credentials.of_owner(&session.owner).await?;
    let mut cards = Vec::new();
    for owned in &owned {
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
    let mine = Mine { api: &entrance.api, can_sign_in, cards: &cards, done: done.as_ref() };
    let markup = console::my_credentials(&session.viewer(), &mine);
    Ok(page(StatusCode::OK, markup))
}
