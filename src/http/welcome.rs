//! What every request passes on its way in and every answer on its way out.

use std::panic::AssertUnwindSafe;

use actix_web::body::{BoxBody, MessageBody};
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::error::InternalError;
use actix_web::http::header::{self, HeaderMap, HeaderName, HeaderValue};
use actix_web::http::{Method, StatusCode};
use actix_web::middleware::Next;
use actix_web::{Error, HttpResponse, web};
use futures_util::FutureExt;

use super::admission::admit;
use super::limits::Limits;
use super::page::{found, page, see_other};
use super::problem::{Kind, Problem};
use super::server::FrontDoor;
use super::sign_in::NextPage;
use crate::ambient::{Clock, Timestamp};
use crate::console::{self, Failure};
use crate::negotiation::is_browser;

const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// One request, as the log will tell of it.
struct Visit {
    trace_id: String,
    method: Method,
    /// Where a browser is to come back to once its user is signed in; nothing where a program asks.
    browser: Option<NextPage>,
    began: Timestamp,
    clock: Clock,
}

/// Admits a request, has it answered, and gives the answer its trace id, its headers and its line in the log.
pub(super) async fn welcome<B: MessageBody + 'static>(
    mut request: ServiceRequest,
    next: Next<B>,
) -> Result<ServiceResponse<BoxBody>, Error> {
    let door = door_of(&request);
    let mount = door.entrance().map(|entrance| entrance.mount.clone()).unwrap_or_default();
    mount.enter(&mut request);
    let visit = Visit::new(&request);
    match answer(request, next).await {
        Ok(answer) => {
            let (request, response) = answer.into_parts();
            let response = visit.finish(response, request.match_name().unwrap_or("unmatched"));
            Ok(ServiceResponse::new(request, mount.leave(response)))
        }
        Err(error) => {
            tracing::error!(trace.id = visit.trace_id, "a request's handler panicked");
            let response = visit.finish(HttpResponse::from_error(error), "unknown");
            Err(InternalError::from_response("the handler panicked", mount.leave(response)).into())
        }
    }
}

async fn answer<B: MessageBody + 'static>(
    request: ServiceRequest,
    next: Next<B>,
) -> Result<ServiceResponse<BoxBody>, Error> {
    let limits = request.app_data::<Limits>().copied().unwrap_or_default();
    if let Err(problem) = admit(&request, &limits) {
        return Ok(request.error_response(problem));
    }
    match AssertUnwindSafe(next.call(request)).catch_unwind().await {
        Ok(answer) => answer.map(ServiceResponse::map_into_boxed_body),
        Err(_) => Err(internal().into()),
    }
}

/// Anybody may make up a method, of any letters.
fn told(method: &Method) -> &str {
    match *method {
        Method::GET
        | Method::HEAD
        | Method::POST
        | Method::PUT
        | Method::PATCH
        | Method::DELETE
        | Method::OPTIONS => method.as_str(),
        _ => "…",
    }
}

fn door_of(request: &ServiceRequest) -> web::Data<FrontDoor> {
    let door = request.app_data::<web::Data<FrontDoor>>();
    door.expect("the server hands the door to every request").clone()
}

impl Visit {
    fn new(request: &ServiceRequest) -> Self {
        let door = door_of(request);
        let clock = door.clock.clone();
        let target = request.uri().path_and_query().map_or("/", |target| target.as_str());
        let is_browser = door.console.is_some() && is_browser(request.headers());
        Self {
            trace_id: door.random.uuid(),
            method: request.method().clone(),
            browser: is_browser.then(|| NextPage::parse(target)),
            began: clock.now(),
            clock,
        }
    }

    fn finish(&self, response: HttpResponse, route: &str) -> HttpResponse {
        let mut response = self.explain(response);
        let trace_id = HeaderValue::from_str(&self.trace_id).expect("a uuid is a header value");
        response.headers_mut().insert(REQUEST_ID, trace_id);
        dress(response.headers_mut());
        let took = self.clock.now().since(self.began);
        tracing::info!(
            http.method = told(&self.method),
            http.route = route,
            http.status = response.status().as_u16(),
            duration_ms = u64::try_from(took.as_millis()).unwrap_or(u64::MAX),
            trace.id = self.trace_id,
            "answered a request"
        );
        response
    }

    /// Whatever an error was before, it leaves as a problem.
    fn explain(&self, response: HttpResponse) -> HttpResponse {
        let is_error = response.status().is_client_error() || response.status().is_server_error();
        // A page says itself what is wrong.
        if !is_error || response.headers().contains_key(header::CONTENT_SECURITY_POLICY) {
            return response;
        }
        let unknown = from_status(response.status());
        let problem = response.error().and_then(Error::as_error::<Problem>).unwrap_or(&unknown);
        match &self.browser {
            None => problem.to_response(Some(&self.trace_id)),
            Some(next) => self.show(problem, next),
        }
    }

    /// A problem as people see it. Who is not signed in is sent to do so.
    fn show(&self, problem: &Problem, next: &NextPage) -> HttpResponse {
        if problem.kind() == Kind::NotAuthenticated {
            return match self.method {
                Method::GET | Method::HEAD => found(&next.after("/sign-in")),
                // Whatever takes a form shows a page, too: the one with the button.
                _ => see_other(&next.after("/sign-in?over")),
            };
        }
        let (title, detail) = for_people(problem);
        let failure = Failure {
            title,
            detail: &detail,
            begin_again: problem.begin_again(),
            trace_id: Some(&self.trace_id),
        };
        page(problem.kind().status(), console::failure(&failure))
    }
}

/// A problem's title and words where programs are told of what people do not see.
fn for_people(problem: &Problem) -> (&'static str, String) {
    match problem.kind() {
        Kind::MethodNotAllowed => (
            "This cannot be done here",
            "Nothing was done: a form was sent to an address that takes none, or one that takes forms alone was opened. Begin \
             at the start"
                .to_owned(),
        ),
        Kind::MessageFailed(_) => (
            "The bus failed",
            format!(
                "The bus did not do what this page needs: {problem}. Load the page again in a moment; if that does not help, ask \
                 the operator to look at the bus"
            ),
        ),
        Kind::BodyTooLarge => (
            "This is too much at once",
            "Nothing was done: what you sent is more than this gateway takes. Go back, shorten what you filled in, and send it \
             again; if all of it is needed, ask the operator to raise `http.body_bytes`"
                .to_owned(),
        ),
        kind => (kind.title(), problem.to_string()),
    }
}

fn from_status(status: StatusCode) -> Problem {
    match status.is_client_error() {
        true => Problem::new(Kind::MalformedRequest, "The request could not be read"),
        false => internal(),
    }
}

fn internal() -> Problem {
    Problem::new(Kind::Internal, "The gateway failed to answer; the trace id finds the cause in its log")
}

fn dress(headers: &mut HeaderMap) {
    // Pages, and the ways between them, are for nobody's scripts.
    if !headers.contains_key(header::REFERRER_POLICY) {
        headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("*"));
        headers.insert(header::ACCESS_CONTROL_EXPOSE_HEADERS, HeaderValue::from_static("Link, Location"));
    }
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    if !headers.contains_key(header::CACHE_CONTROL) {
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    }
}
