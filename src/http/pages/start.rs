//! Where browsers arrive.

use actix_web::HttpRequest;
use actix_web::web::Data;

use crate::http::page::found;
use crate::http::problem::{Kind, Problem};
use crate::http::routes::Answer;
use crate::http::server::FrontDoor;
use crate::http::session::Session;
use crate::negotiation::is_browser;

/// `GET /`: browsers are sent to their credentials, or to sign in; programs are told that this takes a person.
pub(in crate::http) async fn start(request: HttpRequest, door: Data<FrontDoor>) -> Answer {
    if !is_browser(request.headers()) {
        return Err(Problem::new(Kind::NotAuthenticated, "Sign in with a browser, at /auth/octoblu"));
    }
    let is_signed_in = Session::find(&request, &door).await?.is_some();
    Ok(found(if is_signed_in { "/console" } else { "/sign-in" }))
}
