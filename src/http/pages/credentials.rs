//! `/console`: the accounts whose owner somebody is.

use actix_web::HttpRequest;
use actix_web::http::StatusCode;
use actix_web::web::Data;

use crate::console::{self, CredentialsCard};
use crate::http::owners::failed;
use crate::http::page::page;
use crate::http::routes::Answer;
use crate::http::server::FrontDoor;
use crate::http::session::Session;

/// `GET /console`.
pub(in crate::http) async fn mine(request: HttpRequest, door: Data<FrontDoor>) -> Answer {
    let session = Session::of(&request, &door).await?;
    let entrance = door.entrance()?;
    let owned = entrance.credentials.of_owner(&session.owner).await.map_err(|error| failed(&error))?;
    let card = |owned: &crate::credentials::Owned| CredentialsCard {
        uuid: owned.device().to_string(),
        account: owned.username().map(str::to_owned),
    };
    let cards: Vec<_> = owned.iter().map(card).collect();
    Ok(page(StatusCode::OK, console::my_credentials(&session.viewer(), &entrance.api, &cards)))
}
