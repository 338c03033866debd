//! Messages that a bus elsewhere posts (`spec/endo.md` 2.5): verified as raw bytes, then read, then received.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use actix_web::http::header::{CONTENT_TYPE, HeaderMap, HeaderName, RETRY_AFTER};
use actix_web::web::{Data, Payload};
use actix_web::{HttpRequest, HttpResponse};
use serde_json::Value;

use super::admission::body_too_large;
use super::body::Body;
use super::presented;
use super::problem::{Kind, Problem};
use super::routes::Answer;
use super::server::FrontDoor;
use super::webhook_verifier::WebhookVerifier;
use crate::ambient::Timestamp;
use crate::bus::meshblu::Meshblu;
use crate::bus::{Brought, form};
use crate::dispatch::{Arrival, Authenticated, NotReceived, Reception, Seated, Verdict};
use crate::message::{BadRoute, DeliveryId, DeviceUuid, Route};
use crate::signature::{Component, Refusal, Request, Verified};
use crate::telemetry::with_causes;

const DELIVERY_ID: &str = "x-meshblu-delivery-id";
const DELIVERY: HeaderName = HeaderName::from_static(Brought::HEADER);
const ENDED: &str = Brought::Ended.as_str();
const OPEN: &str = Brought::Open.as_str();
const PREFER: &str = "prefer";
/// When those may come again for whom there was no place, in seconds.
const CROWDED_FOR: &str = "5";
/// The longest name of a delivery, in bytes.
const LONGEST_ID: usize = 200;

/// Where the messages of a bus elsewhere come in.
pub struct Webhook {
    verifier: WebhookVerifier,
    bus: Meshblu,
    reception: Reception,
    scheme: &'static str,
    named_the_setting: AtomicBool,
}

impl Webhook {
    /// Messages that `verifier` believes, or that a credentials device of `bus` brings itself, go to `reception`.
    /// `scheme` is that of the address where they are sent: whatever ends TLS before this server does not tell.
    pub fn new(verifier: WebhookVerifier, scheme: &'static str, bus: Meshblu, reception: Reception) -> Self {
        Self { verifier, bus, reception, scheme, named_the_setting: AtomicBool::new(false) }
    }

    fn refused(&self, refusal: &Refusal) -> Problem {
        let error = with_causes(refusal);
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
            .with_header(DELIVERY, OPEN)
    }

    async fn receive(&self, arrival: Arrival) -> Answer {
        match self.reception.receive(arrival).await {
            Ok(Verdict::Replied) => Ok(created()),
            Ok(Verdict::Accepted) => Ok(accepted()),
            Ok(Verdict::Failed(failure)) => Err(Problem::from(failure).with_header(DELIVERY, ENDED)),
            Ok(Verdict::NotTaken(failure)) => Err(Problem::from(failure).with_header(DELIVERY, OPEN)),
            Err(error) => Err(not_received(error)),
        }
    }

    /// What the bus vouches for by its signature.
    async fn signed(&self, request: &HttpRequest, body: Body, now: Timestamp) -> Result<Arrival, Problem> {
        let fields: Vec<_> =
            request.headers().iter().map(|(name, value)| (name.as_str(), value.as_bytes())).collect();
        let presented = presented_request(request, self.scheme, &fields, &body.0);
        let verdict = self.verifier.verify(&presented, now).await;
        let verified = verdict.map_err(|refusal| self.refused(&refusal))?;
        meant_for_us(&verified, self.bus.service().uuid.as_str())?;
        arrival(request.headers(), &verified)
    }

    /// The device that somebody shows a login of, if the bus takes it.
    async fn authenticate(&self, seated: Seated) -> Result<Authenticated, Problem> {
        let known = seated.authenticate(&self.bus).await.map_err(|error| {
            tracing::warn!(error = with_causes(&error), "a caller could not be authenticated");
            Problem::from(error.failure()).with_header(DELIVERY, OPEN)
        })?;
        known.ok_or_else(presented::unknown)
    }
}

/// `POST /v2/messages`: the bus speaks for itself, by its signature.
pub(super) async fn by_bus(request: HttpRequest, body: Body, door: Data<FrontDoor>) -> Answer {
    let webhook = door.webhook.as_ref().ok_or_else(embedded)?;
    let arrival = webhook.signed(&request, body, door.clock.now()).await?;
    webhook.receive(arrival).await
}

/// `POST /v1/messages`: the credentials device brings its message itself, with a token of its own. Of whom the gateway knows
/// nothing, the bus is asked nothing and no body is read before there is a place for them: anybody may come, and a bus may be
/// slow about any. Whoever shows a login that it does not take is told that alone, as by the original.
pub(super) async fn by_device(request: HttpRequest, payload: Payload, door: Data<FrontDoor>) -> Answer {
    let webhook = door.webhook.as_ref().ok_or_else(embedded)?;
    let headers = request.headers();
    let login = presented::login(headers).ok_or_else(presented::unknown)?;
    let seated = webhook.reception.seat(login, route(headers)).await.map_err(not_received)?;
    let admitted = webhook.authenticate(seated).await?.admit().map_err(not_received)?;
    let id = name_by(admitted.device(), headers)?;
    let body = {
        let read = Body::read(&request, payload).await?;
        as_json(headers, text(&read.0)?)
    };
    webhook.receive(admitted.bring(body, id, preferred_wait(headers))).await
}

fn created() -> HttpResponse {
    let mut response = HttpResponse::Created();
    response.content_type("text/plain; charset=utf-8").insert_header((DELIVERY, ENDED)).body("Created")
}

fn accepted() -> HttpResponse {
    HttpResponse::Accepted().content_type("text/plain; charset=utf-8").body("Accepted")
}

fn embedded() -> Problem {
    Problem::new(Kind::NotFound, "No messages are posted to this gateway: it gets them in another way")
}

fn presented_request<'a>(
    request: &'a HttpRequest,
    scheme: &'a str,
    fields: &'a [(&'a str, &'a [u8])],
    body: &'a [u8],
) -> Request<'a> {
    let header = |name: &str| request.headers().get(name).and_then(|value| value.to_str().ok());
    Request {
        method: request.method().as_str(),
        scheme,
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

/// Where the signature covers the body, the name that it covers too decides what is a repeat, and the body is JSON,
/// whatever a header says that anybody on the way could have changed.
fn arrival(headers: &HeaderMap, verified: &Verified<'_>) -> Result<Arrival, Problem> {
    let (route, text) = (route(headers).map_err(not_received)?, text(verified.body())?);
    let (id, body) = match verified.covers_body() {
        true => (name(verified)?, unmarked(text).to_owned()),
        false => (None, as_json(headers, text)),
    };
    Ok(Arrival::new(route, body, id, preferred_wait(headers)))
}

/// The delivery's name, if it is signed. One that cannot be found again is refused: every attempt would run.
fn name(verified: &Verified<'_>) -> Result<Option<DeliveryId>, Problem> {
    match verified.delivery_id() {
        None if !verified.covers(&Component::field(DELIVERY_ID)) => Ok(None),
        id => name_that_can_be_found(id).map(DeliveryId::from).map(Some),
    }
}

/// The name under which a device brings its message, if it has one. Nobody but the device vouches for it, so it is a name
/// among the device's own: what others bring has others.
fn name_by(device: &DeviceUuid, headers: &HeaderMap) -> Result<Option<DeliveryId>, Problem> {
    let Some(id) = headers.get(DELIVERY_ID) else { return Ok(None) };
    let id = name_that_can_be_found(id.to_str().ok())?;
    Ok(Some(format!("{device}/{id}").into()))
}

fn name_that_can_be_found(id: Option<&str>) -> Result<&str, Problem> {
    id.filter(|id| (1..=LONGEST_ID).contains(&id.len()))
        .ok_or_else(|| malformed("x-meshblu-delivery-id is not a text of 1 to 200 bytes"))
}

/// How long the caller wants to wait before it is told that the message is taken, not what came of it: `Prefer:
/// respond-async, wait=10` (RFC 7240).
fn preferred_wait(headers: &HeaderMap) -> Option<Duration> {
    let lines = headers.get_all(PREFER).filter_map(|line| line.to_str().ok());
    let preferences: Vec<_> = lines.flat_map(|line| line.split(',')).map(preference).collect();
    let value = |name| {
        preferences.iter().find(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, value)| *value)
    };
    value("respond-async")?;
    value("wait")?.parse().ok().map(Duration::from_secs)
}

/// One preference, without its parameters: its name and its value, which is empty where there is none.
fn preference(text: &str) -> (&str, &str) {
    let preference = text.split(';').next().unwrap_or_default();
    let (name, value) = preference.split_once('=').unwrap_or((preference, ""));
    (name.trim(), value.trim().trim_matches('"'))
}

/// Absent, empty, or JSON that is no list of hops: 422, as the original's. Not JSON: the request is broken.
fn route(headers: &HeaderMap) -> Result<Route, NotReceived> {
    let mut given = headers.get_all("x-meshblu-route");
    let text = given.next().map(|value| value.as_bytes()).unwrap_or_default();
    if given.next().is_some() {
        return Err(NotReceived::UnreadableRoute("x-meshblu-route is there more than once"));
    }
    if text.is_empty() {
        return Err(BadRoute.into());
    }
    serde_json::from_slice(text).map_err(|_| match serde_json::from_slice::<Value>(text) {
        Ok(_) => BadRoute.into(),
        Err(_) => NotReceived::UnreadableRoute("x-meshblu-route is not JSON"),
    })
}

fn text(body: &[u8]) -> Result<&str, Problem> {
    std::str::from_utf8(body).map_err(|_| malformed("The body is not UTF-8"))
}

/// The body as JSON text, also where it is a form, as the original takes it.
fn as_json(headers: &HeaderMap, text: &str) -> String {
    let content_type = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    match content_type.starts_with("application/x-www-form-urlencoded") {
        true => Value::Object(form::parse(text)).to_string(),
        false => unmarked(text).to_owned(),
    }
}

/// JSON text without the mark that some texts begin with, which is no part of it; nothing at all is an empty object.
fn unmarked(text: &str) -> &str {
    match text.trim_start_matches('\u{feff}') {
        "" => "{}",
        text => text,
    }
}

/// Nothing was done; what is no message is a broken request, as for the original.
fn not_received(error: NotReceived) -> Problem {
    match error {
        NotReceived::BadRoute(_) => Problem::new(Kind::BadRoute, "Bad route"),
        NotReceived::UnreadableRoute(why) => malformed(why),
        NotReceived::OfAnother => Problem::new(Kind::NotAllowed, "The route does not end in the caller"),
        NotReceived::Malformed => malformed("The body is neither a JSON object nor a list"),
        NotReceived::Crowded => Problem::new(Kind::Unavailable, "Too many devices bring messages now")
            .with_header(RETRY_AFTER, CROWDED_FOR)
            .with_header(DELIVERY, OPEN),
        NotReceived::TooLarge => body_too_large(),
        NotReceived::Full => {
            Problem::new(Kind::Unavailable, "What is worked on leaves no room for the message now")
                .with_header(RETRY_AFTER, CROWDED_FOR)
                .with_header(DELIVERY, OPEN)
        }
        NotReceived::Store(_) | NotReceived::LetGo | NotReceived::Stopping => {
            tracing::error!(error = with_causes(&error), "a message was not received");
            Problem::new(Kind::Unavailable, "The message cannot be taken now").with_header(DELIVERY, OPEN)
        }
    }
}

fn malformed(detail: &'static str) -> Problem {
    Problem::new(Kind::MalformedRequest, detail)
}
