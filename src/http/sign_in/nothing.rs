//! Credentials for which nothing is asked but who somebody is on the bus.

use std::time::Duration;

use actix_web::HttpRequest;
use actix_web::http::StatusCode;

use super::NextPage;
use super::finish::{Kept, finish};
use super::gone;
use super::keeping::{BroughtAccount, keep};
use super::visitor::Form;
use super::wish::Wish;
use crate::console;
use crate::credentials::Again;
use crate::http::page::{page, see_other};
use crate::http::routes::Answer;
use crate::http::server::FrontDoor;
use crate::http::session::Session;
use crate::vault::{ResourceOwnerId, SecretText};

/// The page with the button. To sign in again is to do so at the bus.
pub(super) async fn ask(request: &HttpRequest, door: &FrontDoor, session: &Session, wish: &Wish) -> Answer {
    let entrance = door.entrance()?;
    if !gone::is_there(entrance, wish).await? {
        return gone::show(request, entrance, Some(session));
    }
    let age = proof_age(door);
    let is_old = !age.is_zero() && door.clock.now().since(session.began_at) >= age;
    if wish.credentials.is_some() && is_old && entrance.bus.is_some() {
        return Ok(see_other(&NextPage::parse(&wish.path()).after("/auth/octoblu")));
    }
    let markup = console::no_account(&session.viewer(), &entrance.api, &wish.path());
    Ok(page(StatusCode::OK, markup))
}

/// How old a proof may be that lets an owner end something.
fn proof_age(door: &FrontDoor) -> Duration {
    door.owners().map(|owners| owners.proof_age).unwrap_or_default()
}

/// Keeps credentials without a secret: that somebody is who they are on the bus is the proof.
pub(super) async fn take(request: &HttpRequest, door: &FrontDoor, form: Form, wish: Wish) -> Answer {
    let (Form { visitor, .. }, Wish { credentials, next }) = (form, wish);
    let (login, proved_at) = (visitor.login().clone(), Some(visitor.proved_at(door.clock.now())));
    let id = ResourceOwnerId::Text(login.uuid.to_string());
    let account = visitor.account(id, None, SecretText::default());
    let again = credentials.map(|device| Again { device, present: None });
    let device = keep(door, BroughtAccount { account, login, arrival: None, again }).await?;
    finish(request, door, Kept { visitor: &visitor, device, proved_at }, next.as_ref()).await
}
