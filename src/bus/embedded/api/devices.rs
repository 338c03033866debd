//! Devices over HTTP: who calls, registering, reading, changing, removing (`spec/meshblu.md` 1.3 to 1.7).

use std::future::Future;
use std::pin::Pin;

use actix_web::dev::Payload;
use actix_web::http::StatusCode;
use actix_web::web::Data;
use actix_web::{Error, FromRequest, HttpRequest};
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::value::RawValue;
use serde_json::{Value, json};

use super::answer::{Answer, Text, done, found, shown};
use super::body::Body;
use super::limits::Registration;
use super::presented::{Presented, login};
use super::refusal::Refusal;
use super::request::{Shown, Target};
use super::server::Door;
use crate::bus::embedded::update::{Update, UpdateError};
use crate::bus::embedded::{BusError, EmbeddedBus};
use crate::bus::form;
use crate::memory::Held;
use crate::message::DeviceUuid;
use crate::store::{StoreError, Transaction};
use crate::telemetry::with_causes;

pub(super) async fn authenticate(door: Data<Door>, who: Presented) -> Answer {
    door.look(who.asking(), move |bus, view| who.itself(bus, view)).await?;
    Ok(done())
}

/// Checks the credentials in the address.
pub(super) async fn check(door: Data<Door>, target: Target, who: Presented, request: HttpRequest) -> Answer {
    let token = form::first(request.query_string(), "token");
    let presented = token.and_then(|token| login(target.0.as_str(), &token));
    let who = who.with(presented.ok_or(Refusal::Silent)?);
    match door.look(who.asking(), move |bus, view| who.itself(bus, view)).await {
        Err(BusError::Forbidden) => Err(Refusal::Silent),
        other => Ok(found(&json!({"uuid": other?.auth, "authentication": true}))),
    }
}

pub(super) async fn register(door: Data<Door>, who: Presented, body: Body) -> Answer {
    let by = door.limits.registration.clone();
    let document = body.or_empty();
    let answers = door.answers.clone();
    let asking = match &by {
        Registration::ByAnybody => door.proven_or_nobody(who.asking()).await?,
        Registration::ByDevices | Registration::By(_) => who.asking(),
    };
    let registered = door.change(asking, move |bus, transaction| {
        match &by {
            Registration::ByAnybody => {}
            Registration::ByDevices => drop(who.itself(bus, transaction)?),
            Registration::By(named) if named.contains(&who.itself(bus, transaction)?.auth) => {}
            Registration::By(_) => return Err(BusError::Forbidden),
        }
        let registered = document.spend(|document| bus.register(transaction, document))?;
        let mut document = shown(registered.document);
        document["token"] = json!(registered.token.as_str());
        Ok(answers.json(&document)?)
    });
    Ok(registered.await?.routed(StatusCode::CREATED))
}

pub(super) async fn whoami(door: Data<Door>, who: Presented) -> Answer {
    let answers = door.answers.clone();
    let itself = door.look(who.asking(), move |bus, view| {
        let document = bus.reading(view, &who.caller(bus, view)?).whoami()?;
        Ok(answers.json(&shown(document))?)
    });
    Ok(itself.await?.found())
}

pub(super) async fn read(door: Data<Door>, who: Presented, target: Option<Target>) -> Answer {
    Ok(unless_hidden(&door, who, target, shown).await?.found())
}

pub(super) async fn read_wrapped(door: Data<Door>, who: Presented, target: Option<Target>) -> Answer {
    Ok(unless_hidden(&door, who, target, |document| json!({"devices": [document]})).await?.found())
}

pub(super) async fn read_or_refuse(door: Data<Door>, who: Presented, target: Target) -> Answer {
    Ok(document(&door, who, target, shown).await?.found())
}

/// Old routes do not tell a refusal from a device that does not exist.
async fn unless_hidden(
    door: &Door,
    who: Presented,
    target: Option<Target>,
    form: fn(Value) -> Value,
) -> Result<Text, Refusal> {
    match document(door, who, target.ok_or(Refusal::Hidden)?, form).await {
        Err(BusError::Forbidden) => Err(Refusal::Hidden),
        other => Ok(other?),
    }
}

async fn document(
    door: &Door,
    who: Presented,
    Target(uuid): Target,
    form: fn(Value) -> Value,
) -> Result<Text, BusError> {
    let answers = door.answers.clone();
    let document = door.look(who.asking(), move |bus, view| {
        let document = bus.reading(view, &who.caller(bus, view)?).device(&uuid)?;
        Ok(answers.json(&form(document))?)
    });
    document.await
}

/// Sets the members of the body; of a body that is none, nothing.
pub(super) async fn set(door: Data<Door>, who: Presented, Target(uuid): Target, body: Body) -> Answer {
    let properties = body.or_empty();
    let set = door.change(who.asking(), move |bus, transaction| {
        let caller = who.caller(bus, transaction)?;
        properties.spend(|properties| match properties {
            Value::Object(properties) => bus.changing(transaction, &caller).set(&uuid, properties),
            _ => Err(BusError::InvalidRequest),
        })
    });
    set.await?;
    Ok(done())
}

pub(super) async fn update(door: Data<Door>, who: Presented, Target(uuid): Target, body: Body) -> Answer {
    let update = update_of(body.or_empty());
    let change = door.change(who.asking(), move |bus, transaction| {
        let caller = who.caller(bus, transaction)?;
        bus.changing(transaction, &caller).update(&uuid, &*update?).map(drop)
    });
    change.await?;
    Ok(done())
}

/// Answers the document as it was before.
pub(super) async fn find_and_update(
    door: Data<Door>,
    who: Presented,
    Target(uuid): Target,
    Modification { operators, shown: wanted }: Modification,
) -> Answer {
    let update = update_of(operators);
    let answers = door.answers.clone();
    let change = door.change(who.asking(), move |bus, transaction| {
        let caller = who.caller(bus, transaction)?;
        let projection = wanted.read()?;
        let before = bus.changing(transaction, &caller).find_and_update(&uuid, &*update?)?;
        let before = match projection {
            Some(projection) => projection.apply(&before),
            None => before,
        };
        Ok(answers.json(&shown(before))?)
    });
    Ok(change.await?.found())
}

fn update_of(operators: Held<Value>) -> Result<Held<Update>, UpdateError> {
    operators.map(|operators| Update::parse(&operators)).transpose()
}

/// What to change of a document, and what to show of it.
pub(super) struct Modification {
    operators: Held<Value>,
    shown: Shown,
}

impl FromRequest for Modification {
    type Error = Error;
    type Future = Pin<Box<dyn Future<Output = Result<Self, Error>>>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let parts = <(Body, Shown)>::from_request(request, payload);
        Box::pin(async move {
            let (body, shown) = parts.await?;
            Ok(Self { operators: body.or_empty(), shown })
        })
    }
}

/// Old clients make a device theirs with it.
pub(super) async fn claim(door: Data<Door>, who: Presented, Target(uuid): Target) -> Answer {
    let claim = door.change(who.asking(), move |bus, transaction| {
        let caller = who.caller(bus, transaction)?;
        bus.changing(transaction, &caller).claim(&uuid)
    });
    claim.await?;
    Ok(done())
}

pub(super) async fn unregister(door: Data<Door>, who: Presented, Target(uuid): Target) -> Answer {
    let answer = json!({"uuid": uuid});
    let asking = who.asking();
    let begin = move |bus: &EmbeddedBus, transaction: &Transaction<'_>| {
        let caller = who.caller(bus, transaction)?;
        bus.changing(transaction, &caller).unregister(&uuid)
    };
    if let Err(error) = door.change_in_pieces(asking, begin).await? {
        tracing::warn!(error = with_causes(&error), "what is left of a device is removed at the next start");
    }
    Ok(found(&answer))
}

/// The one property of a device that everybody may read.
pub(super) async fn public_key(door: Data<Door>, who: Presented, target: Option<Target>) -> Answer {
    let Target(uuid) = target.ok_or(Refusal::NoKey)?;
    let answers = door.answers.clone();
    let answer = door.look(who.asking().with(None), move |_, view| {
        let Some(text) = view.device_text(&uuid)? else { return Ok(None) };
        let key = Keyed::read(&text)?;
        Ok(Some(answers.json(&KeyOf { uuid: &uuid, key })?))
    });
    Ok(answer.await?.ok_or(Refusal::NoKey)?.found())
}

/// Of a document's text the key alone: what stands beside it costs whoever waits nothing but its bytes.
#[derive(Deserialize)]
struct Keyed<'a> {
    #[serde(borrow, default, rename = "publicKey", deserialize_with = "there")]
    key: Option<&'a RawValue>,
}

#[derive(Serialize)]
struct KeyOf<'a> {
    uuid: &'a DeviceUuid,
    #[serde(rename = "publicKey", skip_serializing_if = "Option::is_none")]
    key: Option<&'a RawValue>,
}

impl<'a> Keyed<'a> {
    fn read(text: &'a str) -> Result<Option<&'a RawValue>, StoreError> {
        Ok(serde_json::from_str::<Self>(text).map_err(|error| StoreError::unreadable(&error))?.key)
    }
}

/// A key that is `null` is one too.
fn there<'de: 'a, 'a, D: Deserializer<'de>>(deserializer: D) -> Result<Option<&'a RawValue>, D::Error> {
    Deserialize::deserialize(deserializer).map(Some)
}
