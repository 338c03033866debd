//! `/auth/api`: how people come by credentials, by the way that the gateway has (`spec/endo.md` 2.6).

use actix_web::HttpRequest;
use actix_web::web::Data;

use super::api::Api;
use super::visitor::{Form, Visitor};
use super::wish::Wish;
use super::{key, nothing};
use crate::http::Body;
use crate::http::entrance::Way;
use crate::http::problem::{Kind, Problem};
use crate::http::routes::Answer;
use crate::http::server::FrontDoor;

/// `GET /auth/api`: to the API, or to the page that takes its place. `credentials` names those that are to be signed in
/// again, `next` the page to see then.
pub(in crate::http) async fn begin(request: HttpRequest, door: Data<FrontDoor>) -> Answer {
    let visitor = Visitor::of(&request, &door).await?;
    let (entrance, wish) = (door.entrance()?, Wish::of(&request));
    match (&entrance.way, &visitor) {
        (Way::SignIn(client), _) => Api::of(entrance, client)?.begin(&request, &visitor, wish).await,
        (Way::Nothing, Visitor::InBrowser(session)) => nothing::ask(&request, &door, session, &wish).await,
        (Way::Key, Visitor::InBrowser(session)) => key::ask(&door, session, &wish).await,
        (Way::Nothing | Way::Key, Visitor::Program(_)) => {
            let text = "Nobody is sent elsewhere to sign in here: POST what is to be kept to this address, by the same login";
            Err(Problem::new(Kind::MethodNotAllowed, text).allowing("POST, OPTIONS"))
        }
    }
}

/// `POST /auth/api`: goes on to the API, or keeps what was sent.
pub(in crate::http) async fn take(request: HttpRequest, body: Body, door: Data<FrontDoor>) -> Answer {
    let entrance = door.entrance()?;
    let form = Form::read(&request, &body, &door).await?;
    let wish = Wish::of(&request);
    match &entrance.way {
        Way::SignIn(client) => Api::of(entrance, client)?.go_on(&request, &form.visitor, wish).await,
        Way::Nothing => nothing::take(&request, &door, form, wish).await,
        Way::Key => key::take(&request, &door, form, wish).await,
    }
}
