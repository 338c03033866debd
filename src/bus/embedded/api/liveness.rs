//! What anybody may ask.

use actix_web::HttpResponse;
use actix_web::web::Data;
use serde_json::json;

use super::answer::Answer;
use super::server::Door;
use crate::store::Work;

pub(super) async fn online() -> HttpResponse {
    HttpResponse::Ok().json(json!({"online": true}))
}

pub(super) async fn status() -> HttpResponse {
    HttpResponse::Ok().json(json!({"meshblu": "online"}))
}

/// Well if the queue can be read.
pub(super) async fn proof(door: Data<Door>) -> Answer {
    door.bus.look(|_, view| Ok(view.waiting(Work::Job)?)).await?;
    Ok(online().await)
}

/// The bus signs no webhooks, so it has no key to check them with.
pub(super) async fn public_key() -> HttpResponse {
    HttpResponse::NoContent().finish()
}
