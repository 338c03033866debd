//! Tokens over HTTP (`spec/meshblu.md` 1.8).

use actix_web::HttpRequest;
use actix_web::http::StatusCode;
use actix_web::web::Data;
use serde_json::{Value, json};
use zeroize::Zeroizing;

use super::answer::{Answer, done, found, shown};
use super::body::Body;
use super::presented::Presented;
use super::request::{Shown, Target, segment};
use super::server::Door;
use crate::bus::embedded::query::Query;
use crate::bus::embedded::{BusError, EmbeddedBus};
use crate::bus::form;
use crate::store::Transaction;

pub(super) async fn make(door: Data<Door>, who: Presented, Target(uuid): Target, body: Body) -> Answer {
    let metadata = body.members();
    let answers = door.answers.clone();
    let made = door.change(who.asking(), move |bus, transaction| {
        let caller = who.caller(bus, transaction)?;
        let token = bus.changing(transaction, &caller).make_token(&uuid, &metadata)?;
        let mut answer = metadata.spend(|metadata| shown(Value::Object(metadata)));
        answer["uuid"] = json!(uuid);
        answer["token"] = json!(token.as_str());
        Ok(answers.json(&answer)?)
    });
    Ok(made.await?.routed(StatusCode::CREATED))
}

pub(super) async fn reset(door: Data<Door>, who: Presented, Target(uuid): Target) -> Answer {
    let mut answer = json!({"uuid": uuid});
    let made = door.change(who.asking(), move |bus, transaction| {
        let caller = who.caller(bus, transaction)?;
        bus.changing(transaction, &caller).reset_token(&uuid)
    });
    answer["token"] = json!(made.await?.as_str());
    Ok(found(&answer))
}

pub(super) async fn revoke(
    door: Data<Door>,
    who: Presented,
    Target(uuid): Target,
    request: HttpRequest,
) -> Answer {
    let token = Zeroizing::new(segment(&request, "token").into_owned());
    let revocation = door.change(who.asking(), move |bus, transaction| {
        let caller = who.caller(bus, transaction)?;
        bus.changing(transaction, &caller).revoke_token(&uuid, &token)
    });
    revocation.await?;
    Ok(done())
}

/// Ends the tokens whose metadata hold what the address asks for: all of them once it is answered, or soon after the caller
/// hung up.
pub(super) async fn revoke_some(
    door: Data<Door>,
    who: Presented,
    Target(uuid): Target,
    request: HttpRequest,
) -> Answer {
    let wanted: Vec<_> = form::pairs(request.query_string()).collect();
    let asking = who.asking();
    let begin = move |bus: &EmbeddedBus, transaction: &Transaction<'_>| {
        let caller = who.caller(bus, transaction)?;
        bus.changing(transaction, &caller).revoke_marked(&uuid, wanted)
    };
    door.change_in_pieces(asking, begin).await?.map_err(BusError::from)?;
    Ok(done())
}

pub(super) async fn search(door: Data<Door>, who: Presented, projection: Shown, body: Body) -> Answer {
    let wanted = body.or_empty();
    let answers = door.answers.clone();
    let search = door.search(who.asking(), move |bus, view| {
        let caller = who.caller(bus, view)?;
        let (query, projection) = (Query::parse(&wanted)?, projection.read()?);
        let found = bus.reading(view, &caller).search_tokens(&query, projection.as_ref())?;
        Ok(answers.text(found.into_json())?)
    });
    Ok(search.await?.found())
}
