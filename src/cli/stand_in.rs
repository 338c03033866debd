//! A stand-in for GitHub's API, for trying things out without a GitHub token.
//!
//! It knows one user, `octocat`; a user named `broken` makes it answer 500, and anybody else is not found.

use std::io;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::thread;

use actix_web::dev::{ServerHandle, ServiceRequest, ServiceResponse};
use actix_web::http::{StatusCode, header};
use actix_web::middleware::{Next, from_fn};
use actix_web::web::{self, Data};
use actix_web::{App, HttpResponse, HttpServer, body::MessageBody};
use serde_json::json;
use subtle::ConstantTimeEq;
use tokio::sync::oneshot;
use zeroize::Zeroizing;

const EVENTS: &str = include_str!("stand_in/events.json");
const REPOS: &str = include_str!("stand_in/repos.json");

/// A running stand-in for GitHub's API, on a loopback port of its own.
pub struct StandIn {
    address: SocketAddr,
    server: ServerHandle,
}

/// The token the stand-in takes.
struct ExpectedToken(Zeroizing<String>);

impl StandIn {
    /// Starts a stand-in that takes this token and no other.
    ///
    /// # Errors
    /// When no loopback port or thread is to be had.
    pub async fn start(expected_token: impl Into<String>) -> io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        let address = listener.local_addr()?;
        let token = Data::new(ExpectedToken(Zeroizing::new(expected_token.into())));
        let (started, handle) = oneshot::channel();
        thread::Builder::new().name("stand-in".to_owned()).spawn(move || run(listener, token, started))?;
        let server = handle.await.map_err(|_| io::Error::other("the stand-in did not start"))??;
        Ok(Self { address, server })
    }

    /// Where it is: the base URL to give to jobs.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Ends it.
    pub async fn stop(self) {
        self.server.stop(false).await;
    }
}

fn run(
    listener: TcpListener,
    token: Data<ExpectedToken>,
    started: oneshot::Sender<io::Result<ServerHandle>>,
) {
    actix_web::rt::System::new().block_on(async move {
        let app = move || {
            App::new()
                .app_data(token.clone())
                .wrap(from_fn(authenticate))
                .route("/users/{user}/events", web::get().to(events))
                .route("/users/{user}/repos", web::get().to(repos))
                .default_service(web::to(async || error(StatusCode::NOT_FOUND, "Not Found")))
        };
        let server = HttpServer::new(app).workers(1).disable_signals().listen(listener).map(HttpServer::run);
        match server {
            Ok(server) => {
                let told = started.send(Ok(server.handle()));
                if told.is_ok() {
                    // How it ended no longer matters to anybody.
                    let _ = server.await;
                }
            }
            Err(cause) => drop(started.send(Err(cause))),
        }
    });
}

async fn authenticate(
    request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<impl MessageBody>, actix_web::Error> {
    let expected = request.app_data::<Data<ExpectedToken>>().map(|token| token.0.as_bytes());
    let given = request.headers().get(header::AUTHORIZATION).map(|value| value.as_bytes());
    let given = given.and_then(|value| value.strip_prefix(b"Bearer "));
    match (given, expected) {
        (Some(given), Some(expected)) if bool::from(given.ct_eq(expected)) => {
            Ok(next.call(request).await?.map_into_left_body())
        }
        _ => {
            let refusal = error(StatusCode::UNAUTHORIZED, "Bad credentials");
            Ok(request.into_response(refusal).map_into_right_body())
        }
    }
}

async fn events(user: web::Path<String>) -> HttpResponse {
    of_user(&user, EVENTS)
}

async fn repos(user: web::Path<String>) -> HttpResponse {
    of_user(&user, REPOS)
}

fn of_user(user: &str, document: &'static str) -> HttpResponse {
    match user {
        "octocat" => HttpResponse::Ok().content_type("application/json; charset=utf-8").body(document),
        "broken" => error(StatusCode::INTERNAL_SERVER_ERROR, "Server Error"),
        _ => error(StatusCode::NOT_FOUND, "Not Found"),
    }
}

/// An error as GitHub words it.
fn error(status: StatusCode, message: &str) -> HttpResponse {
    HttpResponse::build(status).json(json!({
        "message": message,
        "documentation_url": "https://docs.github.com/rest",
        "status": status.as_str(),
    }))
}
