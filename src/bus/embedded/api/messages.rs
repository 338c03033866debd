//! Sending over HTTP (`spec/meshblu.md` 4.1).

use actix_web::web::Data;
use serde_json::{Value, json};

use super::answer::{Answer, done};
use super::body::Body;
use super::presented::Presented;
use super::server::Door;
use crate::memory::Held;

/// Answers once whatever the message leads to is on disk.
pub(super) async fn send(door: Data<Door>, who: Presented, body: Body) -> Answer {
    deliver(&door, who, body.or_empty()).await
}

/// Sends to whoever is subscribed to the caller's broadcasts.
pub(super) async fn broadcast(door: Data<Door>, who: Presented, body: Body) -> Answer {
    let message = body.members().map(|mut message| {
        message.insert("devices".to_owned(), json!(["*"]));
        Value::Object(message)
    });
    deliver(&door, who, message).await
}

async fn deliver(door: &Door, who: Presented, message: Held<Value>) -> Answer {
    let sending = door.change(who.asking(), move |bus, transaction| {
        let caller = who.caller(bus, transaction)?;
        bus.changing(transaction, &caller).send(&message)
    });
    sending.await?;
    Ok(done())
}
