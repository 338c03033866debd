//! Messages that a bus elsewhere posts (`spec/endo.md` 2.5): verified as raw bytes, then read, then received.

use std::sync::atomic::{AtomicBool, Ordering};

use actix_web::http::StatusCode;
use actix_web::http::header::{CONTENT_TYPE, HeaderMap};
use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse};
use serde_json::{Map, Value};

use super::body::Body;
use super::presented;
use super::problem::{Kind, Problem};
use super::routes::Answer;
use super::server::FrontDoor;
use crate::bus::meshblu::Meshblu;
use crate::bus::{Login, form};
use crate::dispatch::{Arrival, NotReceived, Reception, Verdict};
use crate::message::{DeliveryId, Failure, Route};
use crate::signature::{Refusal, Request, Verified, Verifier};

/// The longest name of a delivery, in bytes.
const LONGEST_ID: usize = 200;

/// Where the messages of a bus elsewhere come in.
pub struct Webhook {
    verifier: Verifier,
    bus: Meshblu,
    reception: Reception,
    named_the_setting: AtomicBool,
}

impl Webhook {
    /// Messages that `verifier` believes, or that a credentials device of `bus` brings itself, go to `reception`.
    pub fn new(verifier: Verifier, bus: Meshblu, reception: Reception) -> Self {
        Self { verifier, bus, reception, named_the_setting: AtomicBool::new(false) }
    }

    fn refused(&self, refusal: &Refusal) -> Problem {
        let error = refusal as &dyn std::error::Error;
        if matches!(refusal, Refusal::LegacyRefused) && !self.named_the_setting.swap(true, Ordering::Relaxed)
        {
            tracing::warn!(
                error,
                "a webhook was refused; bus.accept_legacy_signatures = true accepts its kind"
            );
        } else {
            tracing::warn!(error, "a webhook was refused");
        }
        Problem::new(Kind::NotAuthenticated, "HTTP Signature authentication required")
    }

    async fn receive(&self, arrival: Arrival) -> Answer {
        match self.reception.receive(arrival).await {
            Ok(Verdict::Replied) => {
                Ok(HttpResponse::Created().content_type("text/plain; charset=utf-8").body("Created"))
            }
            Ok(Verdict::Failed(failure)) => Err(failed(failure)),
            Err(NotReceived::BadRoute(_)) => Err(bad_route()),
            Err(error @ (NotReceived::Store(_) | NotReceived::Stopping)) => {
                tracing::error!(error = &error as &dyn std::error::Error, "a message was not received");
                Err(Problem::new(Kind::Unavailable, "The message cannot be taken now"))
            }
        }
    }
}

/// `POST /v2/messages`: the bus speaks for itself, by its signature.
pub(super) async fn by_bus(request: HttpRequest, body: Body, door: Data<FrontDoor>) -> Answer {
    let webhook = door.webhook.as_ref().ok_or_else(embedded)?;
    let arrival = {
        let fields: Vec<_> =
            request.headers().iter().map(|(name, value)| (name.as_str(), value.as_bytes())).collect();
        let verified = webhook
            .verifier
            .verify(&presented_request(&request, (&fields, &body.0)), door.clock.now())
            .map_err(|refusal| webhook.refused(&refusal))?;
        meant_for_us(&verified, webhook.bus.service().uuid.as_str())?;
        arrival(request.headers(), &verified, None)?
    };
    webhook.receive(arrival).await
}

/// `POST /v1/messages`: the credentials device brings its message itself, with a token of its own.
pub(super) async fn by_device(request: HttpRequest, body: Body, door: Data<FrontDoor>) -> Answer {
    let webhook = door.webhook.as_ref().ok_or_else(embedded)?;
    let unknown = || Problem::new(Kind::NotAuthenticated, "The caller is not known to the bus");
    let login = presented::login(request.headers()).ok_or_else(unknown)?;
    let known = webhook.bus.authenticate(&login).await.map_err(|error| {
        tracing::warn!(error = &error as &dyn std::error::Error, "a caller could not be authenticated");
        failed(error.failure())
    })?;
    if !known {
        return Err(unknown());
    }
    let route = route(request.headers())?;
    let parties = route.parties(&webhook.bus.service().uuid).map_err(|_| bad_route())?;
    if parties.credentials != login.uuid {
        return Err(Problem::new(Kind::NotAllowed, "The route does not end in the caller"));
    }
    let body = message(request.headers(), &body.0)?;
    webhook.receive(Arrival { route, body, id: None, caller: Some(login) }).await
}

fn embedded() -> Problem {
    Problem::new(Kind::NotFound, "The bus of this gateway is its own, and posts nothing")
}

fn presented_request<'a>(
    request: &'a HttpRequest,
    (fields, body): (&'a [(&'a str, &'a [u8])], &'a [u8]),
) -> Request<'a> {
    let header = |name: &str| request.headers().get(name).and_then(|value| value.to_str().ok());
    Request {
        method: request.method().as_str(),
        scheme: "http",
        authority: header("host").unwrap_or_default(),
        target: request.uri().path_and_query().map_or("/", |target| target.as_str()),
        fields,
        body,
    }
}

fn meant_for_us(verified: &Verified<'_>, service: &str) -> Result<(), Problem> {
    match verified.uuid() {
        Some(uuid) if uuid == service => Ok(()),
        other => {
            let got = other.unwrap_or("undefined");
            let text = format!("x-meshblu-uuid should be {service}, but was {got}");
            Err(Problem::new(Kind::NotAuthenticated, text))
        }
    }
}

/// Where the signature covers the body, the name that it covers too decides what is a repeat.
fn arrival(headers: &HeaderMap, verified: &Verified<'_>, caller: Option<Login>) -> Result<Arrival, Problem> {
    let id = verified.delivery_id().filter(|id| verified.covers_body() && id.len() <= LONGEST_ID);
    Ok(Arrival {
        route: route(headers)?,
        body: message(headers, verified.body())?,
        id: id.map(DeliveryId::from),
        caller,
    })
}

/// Absent, empty, or JSON that is no list of hops: 422, as the original's. Not JSON: the request is broken.
fn route(headers: &HeaderMap) -> Result<Route, Problem> {
    let mut given = headers.get_all("x-meshblu-route");
    let text = given.next().map(|value| value.as_bytes()).unwrap_or_default();
    if given.next().is_some() {
        return Err(malformed("x-meshblu-route is there more than once"));
    }
    if text.is_empty() {
        return Err(bad_route());
    }
    let value: Value = serde_json::from_slice(text).map_err(|_| malformed("x-meshblu-route is not JSON"))?;
    serde_json::from_value(value).map_err(|_| bad_route())
}

/// The message as JSON text. Nothing but an object is one.
fn message(headers: &HeaderMap, body: &[u8]) -> Result<String, Problem> {
    let content_type = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    if content_type.starts_with("application/x-www-form-urlencoded") {
        let text = std::str::from_utf8(body).map_err(|_| malformed("The body is not UTF-8"))?;
        return Ok(Value::Object(form::parse(text)).to_string());
    }
    serde_json::from_slice::<Map<String, Value>>(body)
        .map_err(|_| malformed("The body is not a JSON object"))?;
    std::str::from_utf8(body).map(str::to_owned).map_err(|_| malformed("The body is not UTF-8"))
}

pub(super) fn failed(failure: Failure) -> Problem {
    let status = failure.status().and_then(|status| StatusCode::from_u16(status).ok());
    let status = status.filter(|status| status.is_client_error() || status.is_server_error());
    Problem::new(Kind::MessageFailed(status.unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)), failure.message)
}

fn bad_route() -> Problem {
    Problem::new(Kind::BadRoute, "Bad route")
}

fn malformed(detail: &'static str) -> Problem {
    Problem::new(Kind::MalformedRequest, detail)
}
