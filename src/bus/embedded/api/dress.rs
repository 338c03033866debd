//! What every request passes and every answer wears.

use actix_web::Error;
use actix_web::HttpResponse;
use actix_web::body::{BoxBody, EitherBody, MessageBody};
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::header::{
    ACCESS_CONTROL_ALLOW_CREDENTIALS, ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS,
    ACCESS_CONTROL_ALLOW_ORIGIN, ACCESS_CONTROL_REQUEST_HEADERS, CONTENT_SECURITY_POLICY, HeaderMap,
    HeaderName, HeaderValue, ORIGIN, VARY,
};
use actix_web::http::{Method, StatusCode};
use actix_web::middleware::Next;
use actix_web::web::Data;

use super::answer::CODE;
use super::server::Door;

const RESPONSE_ID: HeaderName = HeaderName::from_static("x-meshblu-response-id");

/// Bytes of one request's line and header. The server refuses more only where it does not come at once.
const MOST_HEAD: usize = 128 << 10;

/// Answers preflights, on any path, takes HEAD for a GET whose body is not sent, and gives every answer of the bus its
/// name.
pub(super) async fn dress<B: MessageBody + 'static>(
    mut request: ServiceRequest,
    next: Next<B>,
) -> Result<ServiceResponse<EitherBody<B, BoxBody>>, Error> {
    if head_bytes(&request) > MOST_HEAD {
        let refusal = HttpResponse::new(StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE);
        return Ok(request.into_response(refusal).map_into_right_body());
    }
    // A read without its body would never end, so what is read along has a HEAD of its own, or would begin a session that
    // nobody knows of.
    let endless = ["/subscribe", "/socket.io"].iter().any(|path| request.path().starts_with(path));
    if request.method() == Method::HEAD && !endless {
        request.head_mut().method = Method::GET;
    }
    let page = credentialed(&request);
    let mut response = if request.method() == Method::OPTIONS {
        let preflight = preflight(&request);
        request.into_response(preflight).map_into_right_body()
    } else {
        next.call(request).await?.map_into_left_body()
    };
    let routed = response.headers().contains_key(CODE);
    let name = routed.then(|| response_id(response.request().app_data::<Data<Door>>())).flatten();
    let headers = response.headers_mut();
    // Pages are for people: no other page reads them (RFC 9700, 2.6).
    if !headers.contains_key(CONTENT_SECURITY_POLICY) {
        allow_origin(headers, page);
    }
    if let Some(name) = name {
        headers.insert(RESPONSE_ID, name);
    }
    Ok(response)
}

fn head_bytes(request: &ServiceRequest) -> usize {
    let fields = request.headers().iter().map(|(name, value)| name.as_str().len() + value.len());
    request.uri().path_and_query().map_or(0, |target| target.as_str().len()) + fields.sum::<usize>()
}

/// The page that a firehose is for: its polls carry cookies, which `*` does not allow. No cookie means anything here.
fn credentialed(request: &ServiceRequest) -> Option<HeaderValue> {
    let polls = request.path().starts_with("/socket.io");
    request.headers().get(ORIGIN).filter(|_| polls).cloned()
}

fn allow_origin(headers: &mut HeaderMap, page: Option<HeaderValue>) {
    if page.is_some() {
        headers.insert(ACCESS_CONTROL_ALLOW_CREDENTIALS, HeaderValue::from_static("true"));
        headers.append(VARY, HeaderValue::from_static("Origin"));
    }
    headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, page.unwrap_or(HeaderValue::from_static("*")));
}

fn response_id(door: Option<&Data<Door>>) -> Option<HeaderValue> {
    HeaderValue::from_str(&door?.bus.random.uuid()).ok()
}

fn preflight(request: &ServiceRequest) -> HttpResponse {
    let mut response = HttpResponse::NoContent();
    response.insert_header((ACCESS_CONTROL_ALLOW_METHODS, "GET,HEAD,PUT,PATCH,POST,DELETE"));
    response.insert_header((VARY, "Access-Control-Request-Headers"));
    if let Some(asked) = request.headers().get(ACCESS_CONTROL_REQUEST_HEADERS) {
        response.insert_header((ACCESS_CONTROL_ALLOW_HEADERS, asked.clone()));
    }
    response.finish()
}
