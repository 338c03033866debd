//! Every route of the front door.

use actix_web::dev::{ResourceDef, Url};
use actix_web::http::Method;
use actix_web::http::header::{
    ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS, ACCESS_CONTROL_REQUEST_HEADERS, VARY,
};
use actix_web::web::{self, Data, ServiceConfig};
use actix_web::{HttpRequest, HttpResponse, Resource, Route, guard};
use percent_encoding::percent_decode_str;
use serde_json::json;

use super::endings;
use super::health::Health;
use super::owners;
use super::pages;
use super::problem::{Kind, Problem};
use super::server::FrontDoor;
use super::sign_in;
use super::webhook;
use crate::negotiation::media_quality;

pub(super) type Answer = Result<HttpResponse, Problem>;

/// Where a bus posts messages to.
pub const MESSAGES: &str = "/v2/messages";

/// Sets up the routes that need no proof of who is calling (`spec/endo.md` 2.3), and the answers where there is none.
pub(super) fn routes(config: &mut ServiceConfig) {
    // They are tried in this order: what comes most often comes first.
    config
        .service(by_bus(web::resource(MESSAGES)))
        .service(by_bus(resource(MESSAGES)))
        .service(postable("/v1/messages", web::post().to(webhook::by_device)))
        .service(resource("/healthcheck").to(healthcheck))
        .service(readable("/version", read().to(version)))
        .service(readable("/proofoflife", read().to(proof_of_life)))
        .service(readable("/livez", read().to(async || Health::live())))
        .service(readable("/readyz", read().to(ready)))
        .service(readable("/v1/form-schema", read().to(form_schema)))
        .service(readable("/v1/message-schema", read().to(message_schema)))
        .service(readable("/v1/response-schema", read().to(response_schema)))
        .service(readable("/schemas/{name}", read().to(static_schema)))
        .configure(owners_routes)
        .configure(page_routes)
        .default_service(web::to(nothing_here));
}

/// As every bus writes the path, it is compared letter by letter, which costs less than a pattern.
fn by_bus(resource: Resource) -> Resource {
    resource.name(MESSAGES).route(web::post().to(webhook::by_bus)).default_service(allowing("POST, OPTIONS"))
}

/// What the owners of credentials see and do (`spec/endo.md` 2.10).
fn owners_routes(config: &mut ServiceConfig) {
    config
        .service(
            resource("/credentials/{uuid}")
                .route(read().to(owners::show))
                .route(web::delete().to(endings::forget))
                .default_service(allowing("GET, HEAD, DELETE, OPTIONS")),
        )
        .service(
            resource("/credentials/{uuid}/user-devices")
                .route(read().to(owners::list))
                .route(web::post().to(owners::add))
                .route(web::delete().to(endings::cut_off_all))
                .default_service(allowing("GET, HEAD, POST, DELETE, OPTIONS")),
        )
        .service(
            resource("/credentials/{uuid}/user-devices/{device}")
                .route(web::delete().to(endings::cut_off))
                .default_service(allowing("DELETE, OPTIONS")),
        )
        .service(readable("/credentials/{uuid}/owners", read().to(owners::owners)))
        .service(
            resource("/credentials/{uuid}/owners/me")
                .route(web::delete().to(endings::leave))
                .default_service(allowing("DELETE, OPTIONS")),
        )
        .service(readable("/credentials/{uuid}/receipts", read().to(owners::receipts)));
}

/// What people's browsers see.
fn page_routes(config: &mut ServiceConfig) {
    config
        .service(readable("/", read().to(pages::start)))
        .service(readable("/console", read().to(pages::mine)))
        .service(readable("/console/receipts", read().to(pages::receipts)))
        .service(readable("/console/style.css", read().to(pages::style)))
        .service(readable("/console/credentials/{uuid}", read().to(pages::one)))
        .service(both(
            "/console/credentials/{uuid}/add-me",
            read().to(pages::to_home),
            web::post().to(pages::add_me),
        ))
        .service(asked("/console/credentials/{uuid}/cut-off-all"))
        .service(asked("/console/credentials/{uuid}/leave"))
        .service(asked("/console/credentials/{uuid}/forget"))
        .service(asked("/console/credentials/{uuid}/user-devices/{device}/cut-off"))
        .service(readable("/console/credentials/{uuid}/user-devices/{device}/jobs", read().to(pages::list)))
        .service(both(
            "/console/credentials/{uuid}/user-devices/{device}/jobs/{type}",
            read().to(pages::form),
            web::post().to(pages::send),
        ))
        .service(both("/sign-in", read().to(sign_in::show_ways_in), web::post().to(sign_in::enter_by_link)))
        .service(postable("/sign-out", web::post().to(sign_in::sign_out)))
        .service(readable("/auth/octoblu", read().to(sign_in::go_to_bus)))
        .service(readable("/auth/octoblu/callback", read().to(sign_in::back_from_bus)))
        .service(both("/auth/api", read().to(sign_in::begin_at_api), web::post().to(sign_in::take_at_api)))
        .service(both(
            "/auth/api/callback",
            read().to(sign_in::back_from_api),
            web::post().to(sign_in::forward_from_api),
        ));
}

/// A page that says what will end, and the end.
fn asked(template: &str) -> Resource {
    both(template, read().to(pages::ask), web::post().to(pages::end))
}

fn both(template: &str, reading: Route, posting: Route) -> Resource {
    let resource = resource(template).route(reading).route(posting);
    resource.default_service(allowing("GET, HEAD, POST, OPTIONS"))
}

fn readable(template: &str, route: Route) -> Resource {
    resource(template).route(route).default_service(allowing("GET, HEAD, OPTIONS"))
}

fn postable(template: &str, route: Route) -> Resource {
    resource(template).route(route).default_service(allowing("POST, OPTIONS"))
}

fn read() -> Route {
    web::route().guard(guard::Any(guard::Get()).or(guard::Head()))
}

fn resource(template: &str) -> Resource {
    web::resource(any_case(template)).name(template)
}

/// The pattern that takes the fixed parts of `template` in any case, and a slash at the end (`spec/endo.md` 2.2).
fn any_case(template: &str) -> String {
    let segments = template.split('/').enumerate().skip(1);
    let pattern = segments.map(|(at, segment)| match segment.starts_with('{') {
        true => format!("/{segment}"),
        false => format!("/{{fixed{at}:(?i){segment}}}"),
    });
    pattern.chain(["{end:/?}".to_owned()]).collect()
}

/// What stands before [`MESSAGES`] in a path that ends in it as the routes read it: in any case, with a slash at the end,
/// with escapes. Whatever is in front of this server takes that away.
pub fn before_messages(path: &str) -> Option<&str> {
    let (start, _) = path.strip_suffix('/').unwrap_or(path).rmatch_indices('/').nth(1)?;
    let (before, end) = path.split_at(start);
    let end = Url::new(end.parse().ok()?);
    ResourceDef::new(any_case(MESSAGES)).is_match(end.path()).then_some(before)
}

async fn healthcheck() -> HttpResponse {
    HttpResponse::Ok().json(json!({"online": true}))
}

async fn version(request: HttpRequest, door: Data<FrontDoor>) -> Answer {
    let quality = |media_type| media_quality(request.headers(), media_type);
    let mut response = HttpResponse::Ok();
    response.insert_header((VARY, "Accept"));
    match (quality("application/json"), quality("text/html")) {
        (0, 0) => {
            Err(Problem::new(Kind::NotAcceptable, "The version comes as JSON, or as text for text/html"))
        }
        (json, html) if json >= html => Ok(response.json(json!({"version": door.version}))),
        _ => {
            Ok(response.content_type("text/plain; charset=utf-8").body(format!("version: {}", door.version)))
        }
    }
}

async fn proof_of_life(door: Data<FrontDoor>) -> Answer {
    door.health.proof().await
}

async fn ready(door: Data<FrontDoor>) -> Answer {
    door.health.ready().await
}

async fn form_schema(request: HttpRequest, door: Data<FrontDoor>) -> Answer {
    door.documents.form.answer(&request)
}

async fn message_schema(request: HttpRequest, door: Data<FrontDoor>) -> Answer {
    door.documents.message.answer(&request)
}

async fn response_schema(request: HttpRequest, door: Data<FrontDoor>) -> Answer {
    door.documents.response.answer(&request)
}

async fn static_schema(request: HttpRequest, door: Data<FrontDoor>) -> Answer {
    let unknown = || Problem::new(Kind::NotFound, "Could not find a schema for that path");
    let name = percent_decode_str(request.match_info().query("name")).decode_utf8_lossy();
    door.documents.schema(&name).ok_or_else(unknown)?.answer(&request)
}

/// The answer to methods that a resource does not have.
fn allowing(methods: &'static str) -> Route {
    web::to(move |request: HttpRequest| async move {
        let text = "This cannot be done here; Allow tells what can";
        preflight(&request).ok_or_else(|| Problem::new(Kind::MethodNotAllowed, text).allowing(methods))
    })
}

async fn nothing_here(request: HttpRequest) -> Answer {
    preflight(&request).ok_or_else(Problem::nothing_here)
}

fn is_of_owners(path: &str) -> bool {
    path.split('/').nth(1).is_some_and(|first| first.eq_ignore_ascii_case("credentials"))
}

/// The answer to OPTIONS, on any path (`spec/endo.md` 2.2).
fn preflight(request: &HttpRequest) -> Option<HttpResponse> {
    if request.method() != Method::OPTIONS {
        return None;
    }
    let mut response = HttpResponse::NoContent();
    response.insert_header((ACCESS_CONTROL_ALLOW_METHODS, "GET,HEAD,PUT,PATCH,POST,DELETE"));
    response.insert_header((VARY, "Access-Control-Request-Headers"));
    // As the routes read it: with escapes.
    if is_of_owners(request.match_info().as_str()) {
        // Pages of others may say who asks in one way alone.
        response.insert_header((ACCESS_CONTROL_ALLOW_HEADERS, "Authorization"));
    } else if let Some(asked) = request.headers().get(ACCESS_CONTROL_REQUEST_HEADERS) {
        response.insert_header((ACCESS_CONTROL_ALLOW_HEADERS, asked.clone()));
    }
    Some(response.finish())
}
