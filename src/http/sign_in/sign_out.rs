//! The way out.

use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse};

use super::give_back::give_back;
use crate::http::Body;
use crate::http::page::see_other;
use crate::http::routes::Answer;
use crate::http::server::FrontDoor;
use crate::http::session::{Browser, Session, set_cookies, unavailable};

/// `POST /sign-out`: ends the session, what was begun in it, what the bus granted for it, and what the page of the bus in
/// this process knows of its owner; where it is over, that is done.
pub(in crate::http) async fn sign_out(request: HttpRequest, body: Body, door: Data<FrontDoor>) -> Answer {
    let Some(session) = Session::find(&request, &door).await? else { return Ok(see_other("/sign-in?out")) };
    session.read_form(&request, &body)?;
    let entrance = door.entrance()?;
    let granted = entrance.sessions.end(&session.pass).await.map_err(|error| unavailable(&error))?;
    give_back(entrance, granted).await;
    let mut answer: HttpResponse = see_other("/sign-in?out");
    set_cookies(&mut answer, Browser::of(&request).forget_all());
    Ok(answer)
}
