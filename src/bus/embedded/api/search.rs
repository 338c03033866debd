//! Searches over HTTP, in their three forms (`spec/meshblu.md` 1.6).

use std::future::Future;
use std::pin::Pin;

use actix_web::dev::Payload;
use actix_web::web::Data;
use actix_web::{Error, FromRequest, HttpRequest};
use serde_json::{Map, Value, json};

use super::answer::{Answer, Text};
use super::body::Body;
use super::presented::{Presented, login};
use super::refusal::Refusal;
use super::request::Shown;
use super::server::Door;
use crate::bus::embedded::BusError;
use crate::bus::embedded::query::Query;
use crate::bus::{Login, form};
use crate::memory::Held;

/// The query is the body.
pub(super) async fn search(door: Data<Door>, who: Presented, projection: Shown, body: Body) -> Answer {
    let asked = Asked { who, wanted: body.or_empty(), projection };
    Ok(devices(&door, asked, Form::List).await?.found())
}

/// The query is the address's; the answer a list.
pub(super) async fn version_2(door: Data<Door>, asked: Asked) -> Answer {
    Ok(devices(&door, asked, Form::List).await?.found())
}

/// The query is the address's; the answer an object.
pub(super) async fn version_1(door: Data<Door>, asked: Asked) -> Answer {
    Ok(devices(&door, asked, Form::Object).await?.found())
}

/// As version 1, but only what the caller owns.
pub(super) async fn mine(door: Data<Door>, asked: Asked) -> Answer {
    Ok(devices(&door, asked, Form::ObjectOfOwn).await.map_err(without_devices)?.found())
}

fn without_devices(error: BusError) -> Refusal {
    match error {
        BusError::Forbidden => Refusal::NoDevices,
        error => error.into(),
    }
}

/// How devices are answered that were found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Form {
    List,
    /// The list as a member.
    Object,
    /// The same of those alone that the caller owns.
    ObjectOfOwn,
}

async fn devices(door: &Door, asked: Asked, form: Form) -> Result<Text, BusError> {
    let answers = door.answers.clone();
    let Asked { who, mut wanted, projection } = asked;
    let search = door.search(who.asking(), move |bus, view| {
        let caller = who.caller(bus, view)?;
        if form == Form::ObjectOfOwn {
            wanted = wanted.map(|mut wanted| {
                wanted["owner"] = json!(caller.acting);
                wanted
            });
        }
        let (query, projection) = (Query::parse(&wanted)?, projection.read()?);
        let found = bus.reading(view, &caller).search(&query, projection.as_ref())?;
        Ok(answers.text(match form {
            Form::List => found.into_json(),
            Form::Object | Form::ObjectOfOwn => found.into_member("devices"),
        })?)
    });
    search.await
}

/// Who asks in an address, for what, and what of that is to be shown.
pub(super) struct Asked {
    who: Presented,
    wanted: Held<Value>,
    projection: Shown,
}

impl Asked {
    /// The query in the address, and in the body where the address says nothing; a uuid and a token in it are
    /// credentials.
    fn read(address: &str, mut who: Presented, projection: Shown, body: Body) -> Self {
        let wanted = body.members().map(|mut members| {
            members.extend(form::parse(address));
            if let Some(login) = shown_among(&mut members) {
                who = who.clone().with(login);
            }
            members.into_iter().map(|(name, value)| meant(name, value)).collect()
        });
        Self { who, wanted, projection }
    }
}

impl FromRequest for Asked {
    type Error = Error;
    type Future = Pin<Box<dyn Future<Output = Result<Self, Error>>>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let address = request.query_string().to_owned();
        let parts = <(Presented, Shown, Body)>::from_request(request, payload);
        Box::pin(async move {
            let (who, projection, body) = parts.await?;
            Ok(Self::read(&address, who, projection, body))
        })
    }
}

/// The credentials among these members. The token is no part of the query then, whatever it is.
fn shown_among(members: &mut Map<String, Value>) -> Option<Login> {
    let text = |name: &str| members.get(name).and_then(Value::as_str).map(str::to_owned);
    let (uuid, token) = text("uuid").zip(text("token"))?;
    members.shift_remove("token");
    login(&uuid, &token)
}

/// Texts stand for what they cannot say: `null` and nothing for an absent member, `true` for online.
fn meant(name: String, value: Value) -> (String, Value) {
    let value = match (name.as_str(), value.as_str()) {
        (_, Some("" | "null")) => json!({"$exists": false}),
        ("online", Some(text)) => json!(text == "true"),
        _ => value,
    };
    (name, value)
}
