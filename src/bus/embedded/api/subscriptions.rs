//! Subscriptions over HTTP (`spec/meshblu.md` 4.6).

use actix_web::HttpRequest;
use actix_web::http::header::HeaderValue;
use actix_web::web::Data;
use serde_json::Value;

use super::answer::{Answer, STATUS, done};
use super::body::Body;
use super::presented::Presented;
use super::request::{Target, segment, uuid};
use super::server::Door;
use crate::bus::embedded::subscription::SubscriptionType;
use crate::bus::embedded::{BusError, EmbeddedBus};
use crate::message::DeviceUuid;
use crate::store::{StoredSubscription, Transaction};

pub(super) async fn list(door: Data<Door>, who: Presented, Target(subscriber): Target) -> Answer {
    let answers = door.answers.clone();
    let list = door.look(who.asking(), move |bus, view| {
        let caller = who.caller(bus, view)?;
        Ok(answers.json(&bus.reading(view, &caller).subscriptions(&subscriber)?)?)
    });
    Ok(list.await?.found())
}

/// Refused for a type that does not exist, once the caller is known. The status in the headers tells what is new.
pub(super) async fn make(door: Data<Door>, who: Presented, target: Target, request: HttpRequest) -> Answer {
    let subscription = named(&request, target.0);
    let creation = door.change(who.asking(), move |bus, transaction| {
        let caller = who.caller(bus, transaction)?;
        let subscription = subscription?;
        if SubscriptionType::parse(&subscription.kind).is_none() {
            return Err(BusError::Unprocessable);
        }
        bus.changing(transaction, &caller).subscribe(&subscription)
    });
    let is_new = creation.await?;
    let status = if is_new { "Created" } else { "Not Modified" };
    let mut answer = done();
    answer.headers_mut().insert(STATUS, HeaderValue::from_static(status));
    Ok(answer)
}

pub(super) async fn end(door: Data<Door>, who: Presented, target: Target, request: HttpRequest) -> Answer {
    let subscription = named(&request, target.0);
    let end = door.change(who.asking(), move |bus, transaction| {
        let caller = who.caller(bus, transaction)?;
        bus.changing(transaction, &caller).unsubscribe(&subscription?)
    });
    end.await?;
    Ok(done())
}

fn named(request: &HttpRequest, subscriber_uuid: DeviceUuid) -> Result<StoredSubscription, BusError> {
    let emitter_uuid = uuid(&segment(request, "emitter")).ok_or(BusError::Unprocessable)?;
    Ok(StoredSubscription { subscriber_uuid, emitter_uuid, kind: segment(request, "type").into_owned() })
}

/// Ends those that the body describes; without a body, all: none is left once it is answered, or soon after the caller hung
/// up.
pub(super) async fn end_some(
    door: Data<Door>,
    who: Presented,
    Target(subscriber): Target,
    body: Body,
) -> Answer {
    let filter = body.or_empty();
    let asking = who.asking();
    let asked = wanted(&filter, "emitterUuid").and_then(|emitter| Ok((emitter, wanted(&filter, "type")?)));
    drop(filter);
    let begin = move |bus: &EmbeddedBus, transaction: &Transaction<'_>| {
        let caller = who.caller(bus, transaction)?;
        let (emitter, kind) = asked?;
        bus.changing(transaction, &caller).unsubscribe_all(&subscriber, emitter, kind)
    };
    door.change_in_pieces(asking, begin).await?.map_err(BusError::from)?;
    Ok(done())
}

/// What is asked for by this member; what is no object has none, and a member that is no text must not count as absent and end
/// everything.
fn wanted(filter: &Value, member: &str) -> Result<Option<String>, BusError> {
    match filter.as_object().ok_or(BusError::InvalidRequest)?.get(member) {
        None => Ok(None),
        Some(Value::String(text)) => Ok(Some(text.clone())),
        Some(_) => Err(BusError::InvalidRequest),
    }
}
