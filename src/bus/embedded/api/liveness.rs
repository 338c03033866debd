//! What anybody may ask.

use actix_web::HttpResponse;
use actix_web::web::Data;
use serde_json::json;

use super::answer::{Answer, found};
use super::server::Door;
use crate::store::Work;

pub(super) async fn online() -> HttpResponse {
    HttpResponse::Ok().json(json!({"online": true}))
}

pub(super) async fn status() -> HttpResponse {
    HttpResponse::Ok().json(json!({"meshblu": "online"}))
}

/// Well if the queue can be read, whoever else waits to read.
pub(super) async fn proof(door: Data<Door>) -> Answer {
    door.bus.look(|_, view| Ok(view.waiting_for(Work::Job)?)).await?;
    Ok(online().await)
}

/// What checks the webhooks that the bus signs in the form of old.
pub(super) async fn public_key(door: Data<Door>) -> HttpResponse {
    found(&door.bus.signers.public_key())
}

/// What checks those that it signs by RFC 9421.
pub(super) async fn key_set(door: Data<Door>) -> HttpResponse {
    HttpResponse::Ok().content_type("application/jwk-set+json").body(door.bus.signers.key_set().to_string())
}
