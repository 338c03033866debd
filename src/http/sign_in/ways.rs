//! `/auth/api`: how people come by credentials, by the way that the gateway has (`spec/endo.md` 2.6).

use actix_web::HttpRequest;
use actix_web::web::Data;

use super::api::Api;
use super::traveller::Traveller;
use super::visitor::Visitor;
use super::wish::Wish;
use super::{key, nothing};
use crate::http::Body;
use crate::http::entrance::{Entrance, Way};
use crate::http::problem::{Kind, Problem};
use crate::http::routes::Answer;
use crate::http::server::FrontDoor;
use crate::http::session::Session;

/// `GET /auth/api`: to the API, or to the page that takes its place. `credentials` names those that are to be signed in
/// again, `next` the page to see then.
pub(in crate::http) async fn begin(request: HttpRequest, door: Data<FrontDoor>) -> Answer {
    if let Some(program) = Traveller::program(&request, &door).await? {
        return begin_by_program(&request, door.entrance()?, &program).await;
    }
    let session = Session::of(&request, &door).await?;
    let (entrance, wish) = (door.entrance()?, Wish::of(&request));
    match &entrance.way {
        Way::SignIn(client) => Api::of(entrance, client)?.begin(&request, &session, wish).await,
        Way::Nothing => nothing::ask(&request, &door, &session, &wish).await,
        Way::Key => key::ask(&door, &session, &wish).await,
    }
}

/// The same by a program's login, where there is an API to sign in at.
async fn begin_by_program(request: &HttpRequest, entrance: &Entrance, program: &Traveller) -> Answer {
    match &entrance.way {
        Way::SignIn(client) => Api::of(entrance, client)?.begin_by_program(request, program).await,
        Way::Nothing | Way::Key => {
            let text = "Nobody is sent elsewhere to sign in here: POST what is to be kept to this address, by the same login";
            Err(Problem::new(Kind::MethodNotAllowed, text).allowing("POST, OPTIONS"))
        }
    }
}

/// `POST /auth/api`: goes on to the API, or keeps what was sent.
pub(in crate::http) async fn take(request: HttpRequest, body: Body, door: Data<FrontDoor>) -> Answer {
    let entrance = door.entrance()?;
    let visitor = Visitor::of(&request, &body, &door).await?;
    let wish = Wish::of(&request);
    match &entrance.way {
        Way::SignIn(client) => {
            Api::of(entrance, client)?.go_on(&request, visitor.session.as_ref(), wish).await
        }
        Way::Nothing => nothing::take(&request, &door, visitor, wish).await,
        Way::Key => key::take(&request, &door, visitor, wish).await,
    }
}
