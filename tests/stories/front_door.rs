//! The front door of the gateway.
#![expect(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

use std::io::Read;
use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::time::Duration;

use actix_web::dev::ServerHandle;
use actix_web::{App, HttpServer, web};
use endo::ambient::{Clock, Random};
use endo::config::Http;
use endo::http::{Body, Check, Documents, Draining, FrontDoor, Health, Limits, SCHEMAS, drain, serve};
use proptest::prelude::*;
use reqwest::{Client, Method, RequestBuilder, Response, StatusCode};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::Semaphore;
use tokio::task::JoinHandle;

use crate::support::log;

const STATIC: &str = "{\n  \"title\": \"as it is\"\n}\n";

const HOUR: Duration = Duration::from_secs(3600);

pub(crate) struct House {
    pub(crate) address: SocketAddr,
    client: Client,
    server: ServerHandle,
    running: JoinHandle<std::io::Result<()>>,
    draining: Draining,
}

impl House {
    fn open() -> Self {
        Self::with(healthy(), Limits::default())
    }

    pub(crate) fn with(health: Health, limits: Limits) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let draining = health.draining();
        let door = FrontDoor {
            documents: documents(),
            health,
            version: "1.2.3",
            clock: Clock::system(),
            random: Random::system(),
            webhook: None,
            console: None,
            presence: tokio::sync::mpsc::channel(1).0,
        };
        let server = serve(listener, door, limits).unwrap();
        let handle = server.handle();
        Self { address, client: client(), server: handle, running: tokio::spawn(server), draining }
    }

    fn request(&self, method: Method, path: &str) -> RequestBuilder {
        self.client.request(method, format!("http://{}{path}", self.address))
    }

    async fn read(&self, path: &str) -> Response {
        self.request(Method::GET, path).send().await.unwrap()
    }

    async fn accepting(&self, path: &str, name: &str, value: &str) -> Response {
        self.request(Method::GET, path).header(name, value).send().await.unwrap()
    }

    async fn raw(&self, bytes: &[u8]) -> String {
        raw(self.address, bytes).await
    }

    async fn raw_bytes(&self, bytes: &[u8]) -> Vec<u8> {
        let mut socket = TcpStream::connect(self.address).await.unwrap();
        socket.write_all(bytes).await.unwrap();
        let mut answer = Vec::new();
        socket.read_to_end(&mut answer).await.unwrap();
        answer
    }
}

async fn raw(address: SocketAddr, bytes: &[u8]) -> String {
    let mut socket = TcpStream::connect(address).await.unwrap();
    socket.write_all(bytes).await.unwrap();
    rest(&mut socket).await
}

pub(crate) async fn rest(socket: &mut TcpStream) -> String {
    let mut answer = Vec::new();
    socket.read_to_end(&mut answer).await.unwrap();
    String::from_utf8(answer).unwrap()
}

fn client() -> Client {
    Client::builder().build().unwrap()
}

pub(crate) fn healthy() -> Health {
    Health::new(async || vec![Check::passed("store"), Check::passed("bus")])
}

fn served() -> Value {
    let recorded: Value = serde_json::from_str(include_str!("../fixtures/merged-schemas.json")).unwrap();
    recorded["served"].clone()
}

fn documents() -> Documents {
    let served = served();
    Documents::new(&served["/v1/form-schema"], &served["/v1/message-schema"], &served["/v1/response-schema"])
        .with_schemas([("static.json", STATIC)])
        .with_schemas(SCHEMAS.iter().copied())
}

fn header<'a>(response: &'a Response, name: &str) -> &'a str {
    response.headers().get(name).map_or("", |value| value.to_str().unwrap())
}

async fn json_of(response: Response) -> Value {
    serde_json::from_str(&response.text().await.unwrap()).unwrap()
}

/// The problem that a response is, without the members that change from one to the next.
async fn problem(response: Response) -> Value {
    assert_eq!(header(&response, "content-type"), "application/problem+json");
    assert_eq!(header(&response, "cache-control"), "no-store");
    assert_eq!(header(&response, "x-content-type-options"), "nosniff");
    let status = response.status().as_u16();
    let trace_id = header(&response, "x-request-id").to_owned();
    let mut body = json_of(response).await;
    assert_eq!(body["status"], status);
    assert_eq!(body["traceId"], trace_id.as_str());
    assert_eq!(body["error"], body["detail"]);
    assert_eq!(trace_id.len(), 36);
    body.as_object_mut().unwrap().remove("traceId");
    body
}

async fn slug(response: Response) -> (u16, String) {
    let status = response.status().as_u16();
    let kind = problem(response).await["type"].as_str().unwrap().to_owned();
    (status, kind.strip_prefix("/problems/").unwrap().to_owned())
}

/// The status and the kind of problem in a raw answer.
fn raw_slug(answer: &str) -> (u16, String) {
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    let status = head.split(' ').nth(1).unwrap().parse().unwrap();
    let body: Value = serde_json::from_str(body).unwrap_or_default();
    let kind = body["type"].as_str().unwrap_or("/problems/none");
    (status, kind.strip_prefix("/problems/").unwrap().to_owned())
}

fn outcome(status: u16, slug: &str) -> (u16, String) {
    (status, slug.to_owned())
}

fn gunzip(bytes: &[u8]) -> String {
    let mut text = String::new();
    flate2::read::GzDecoder::new(bytes).read_to_string(&mut text).unwrap();
    text
}

#[tokio::test]
async fn the_merged_schemas_are_served_with_their_keys_in_order() {
    let house = House::open();
    for (path, document) in served().as_object().unwrap() {
        let response = house.read(path).await;
        assert_eq!(response.status(), StatusCode::OK);
        assert_eq!(header(&response, "content-type"), "application/json; charset=utf-8");
        assert_eq!(header(&response, "access-control-allow-origin"), "*");
        assert_eq!(header(&response, "access-control-expose-headers"), "Link, Location");
        assert_eq!(header(&response, "vary"), "Accept-Encoding");
        assert_eq!(header(&response, "x-content-type-options"), "nosniff");
        assert_eq!(header(&response, "server"), "");
        assert_eq!(header(&response, "x-powered-by"), "");
        assert_eq!(response.text().await.unwrap(), document.to_string());
    }
}

#[tokio::test]
async fn a_static_schema_is_served_as_it_is_with_and_without_its_ending() {
    let house = House::open();
    for path in ["/schemas/static", "/schemas/static.json", "/SCHEMAS/static/", "/schemas/st%61tic"] {
        assert_eq!(house.read(path).await.text().await.unwrap(), STATIC, "{path}");
    }
}

#[tokio::test]
async fn every_schema_of_the_repository_is_served() {
    let house = House::open();
    let files = std::fs::read_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/schemas")).unwrap();
    for file in files.map(|entry| entry.unwrap()) {
        let text = std::fs::read_to_string(file.path()).unwrap();
        let response = house.read(&format!("/schemas/{}", file.file_name().to_str().unwrap())).await;
        assert_eq!(response.text().await.unwrap(), text, "{file:?}");
    }
}

#[tokio::test]
async fn a_schema_name_never_becomes_a_path() {
    let house = House::open();
    let long = format!("/schemas/{}", "x".repeat(20_000));
    let names = [
        "/schemas/..%2Fx",
        "/schemas/..%2Fschemas%2Fendo",
        "/schemas/%2e%2e%2fendo",
        "/schemas/%00",
        "/schemas/endo%00",
        "/schemas/endo%2F",
        "/schemas/%252e",
        "/schemas/constructor",
        "/schemas/ENDO",
        &long,
    ];
    for name in names {
        let answer = house
            .raw(format!("GET {name} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n").as_bytes())
            .await;
        assert_eq!(raw_slug(&answer), outcome(404, "not-found"), "{name}");
        assert!(answer.contains(r#""error":"Could not find a schema for that path""#), "{name}");
    }
}

#[tokio::test]
async fn a_caller_that_has_the_document_gets_304() {
    let house = House::open();
    let etag = header(&house.read("/v1/form-schema").await, "etag").to_owned();
    assert!(etag.starts_with('"'), "{etag} is not strong");
    let weak = format!("W/{etag}");
    let list = format!("\"other\", W/\"another\" ,{etag}");
    for known in [etag.as_str(), &weak, &list, "*"] {
        let response = house.accepting("/v1/form-schema", "if-none-match", known).await;
        assert_eq!(response.status(), StatusCode::NOT_MODIFIED, "{known}");
        assert_eq!(header(&response, "etag"), etag);
        assert_eq!(header(&response, "vary"), "Accept-Encoding");
        assert_eq!(header(&response, "access-control-allow-origin"), "*");
        assert_eq!(response.text().await.unwrap(), "");
    }
    for unknown in ["\"other\"", etag.trim_matches('"'), ""] {
        let response = house.accepting("/v1/form-schema", "if-none-match", unknown).await;
        assert_eq!(response.status(), StatusCode::OK, "{unknown}");
    }
}

#[tokio::test]
async fn a_document_is_compressed_for_callers_that_like_it() {
    let house = House::open();
    let plain = house.read("/v1/message-schema").await;
    let plain_etag = header(&plain, "etag").to_owned();
    let text = plain.text().await.unwrap();
    for liked in
        ["gzip", "deflate, GZIP;q=0.5", "x-gzip", "*", "identity;q=0", "br;q=1, gzip;q=0.8, identity;q=0.7"]
    {
        let accept = if liked == "identity;q=0" { "identity;q=0, gzip" } else { liked };
        let response = house.accepting("/v1/message-schema", "accept-encoding", accept).await;
        assert_eq!(header(&response, "content-encoding"), "gzip", "{accept}");
        assert_eq!(header(&response, "vary"), "Accept-Encoding");
        assert_ne!(header(&response, "etag"), plain_etag);
        let etag = header(&response, "etag").to_owned();
        assert_eq!(gunzip(&response.bytes().await.unwrap()), text);
        let known = house.request(Method::GET, "/v1/message-schema").header("if-none-match", etag);
        let again = known.header("accept-encoding", accept).send().await.unwrap();
        assert_eq!(again.status(), StatusCode::NOT_MODIFIED, "{accept}");
    }
    for disliked in
        ["", "br", "gzip;q=0", "gzip;q=0.5, identity", "gzip;q=2", "*;q=0, identity", "gzip;q=0.0001"]
    {
        let response = house.accepting("/v1/message-schema", "accept-encoding", disliked).await;
        assert_eq!(header(&response, "content-encoding"), "", "{disliked}");
        assert_eq!(header(&response, "etag"), plain_etag);
        assert_eq!(response.text().await.unwrap(), text);
    }
}

#[tokio::test]
async fn a_caller_that_accepts_no_form_of_a_document_gets_406() {
    let house = House::open();
    for accept in ["*;q=0", "identity;q=0", "br, identity;q=0, gzip;q=0.000"] {
        let response = house.accepting("/v1/form-schema", "accept-encoding", accept).await;
        assert_eq!(slug(response).await, outcome(406, "not-acceptable"), "{accept}");
    }
}

#[tokio::test]
async fn head_is_get_without_a_body() {
    let house = House::open();
    for path in
        ["/v1/form-schema", "/schemas/endo", "/version", "/livez", "/readyz", "/proofoflife", "/healthcheck"]
    {
        let read = house.read(path).await;
        let head = house.request(Method::HEAD, path).send().await.unwrap();
        assert_eq!(head.status(), StatusCode::OK, "{path}");
        for name in ["etag", "content-type", "content-length"] {
            assert_eq!(header(&head, name), header(&read, name), "{path} {name}");
        }
        assert_eq!(head.text().await.unwrap(), "", "{path}");
    }
}

#[tokio::test]
async fn the_healthcheck_answers_any_method() {
    let house = House::open();
    for method in [Method::GET, Method::POST, Method::PUT, Method::DELETE, Method::PATCH, Method::OPTIONS] {
        for path in ["/healthcheck", "/HealthCheck/", "/healthcheck?x=1"] {
            let response = house.request(method.clone(), path).send().await.unwrap();
            assert_eq!(response.status(), StatusCode::OK, "{method} {path}");
            assert_eq!(response.text().await.unwrap(), r#"{"online":true}"#);
        }
    }
}

#[tokio::test]
async fn the_version_comes_as_json_or_as_text() {
    let house = House::open();
    assert_eq!(house.read("/version").await.text().await.unwrap(), r#"{"version":"1.2.3"}"#);
    for accept in ["application/json", "*/*", "application/*;q=0.1", "text/html;q=0.5, application/json"] {
        let response = house.accepting("/version", "accept", accept).await;
        assert_eq!(response.text().await.unwrap(), r#"{"version":"1.2.3"}"#, "{accept}");
    }
    for accept in ["text/html", "text/*", "text/html,application/xhtml+xml,*/*;q=0.8"] {
        let response = house.accepting("/version", "accept", accept).await;
        assert_eq!(header(&response, "content-type"), "text/plain; charset=utf-8", "{accept}");
        assert_eq!(response.text().await.unwrap(), "version: 1.2.3", "{accept}");
    }
    let response = house.accepting("/version", "accept", "image/png").await;
    assert_eq!(slug(response).await, outcome(406, "not-acceptable"));
}

#[tokio::test]
async fn health_tells_what_was_checked() {
    let house = House::open();
    let live = json_of(house.read("/livez").await).await;
    assert_eq!(live, json!({"status": "live", "checks": [{"name": "front_door", "ok": true}]}));
    let proof = json_of(house.read("/proofoflife").await).await;
    let checks = json!([{"name": "store", "ok": true}, {"name": "bus", "ok": true}]);
    assert_eq!(proof, json!({"healthy": true, "checks": checks}));
    let ready = json_of(house.read("/readyz").await).await;
    assert_eq!(ready["status"], "ready");
    assert_eq!(ready["checks"][2], json!({"name": "draining", "ok": true}));
}

#[tokio::test]
async fn a_failed_check_ends_readiness_and_proof_but_not_life() {
    let full = || Check::failed("disk").because("Less than 1 % is free");
    let house = House::with(
        Health::new(move || async move { vec![Check::passed("store"), full()] }),
        Limits::default(),
    );
    let ready = problem(house.read("/readyz").await).await;
    assert_eq!((&ready["status"], &ready["type"]), (&json!(503), &json!("/problems/not-ready")));
    assert_eq!(ready["checks"][1], json!({"name": "disk", "ok": false, "detail": "Less than 1 % is free"}));
    let proof = problem(house.read("/proofoflife").await).await;
    assert_eq!((&proof["status"], &proof["healthy"]), (&json!(500), &json!(false)));
    assert_eq!(proof["error"], "A part of the gateway is not well");
    assert_eq!(house.read("/livez").await.status(), StatusCode::OK);
}

#[tokio::test]
async fn a_check_that_never_answers_counts_as_failed() {
    let stuck = Health::new(std::future::pending).answering_within(Duration::from_millis(1));
    let ready = problem(House::with(stuck, Limits::default()).read("/readyz").await).await;
    assert_eq!(ready["checks"][0]["detail"], "They did not answer in time");
}

#[tokio::test]
async fn a_panic_is_a_problem_of_one_request_only() {
    let broken = Health::new(|| -> std::future::Ready<Vec<Check>> { panic!("a defect with a secret cause") });
    let house = House::with(broken, Limits::default());
    let answer = problem(house.read("/readyz").await).await;
    assert_eq!(answer["type"], "/problems/internal-error");
    assert!(!answer.to_string().contains("secret"));
    assert_eq!(house.read("/livez").await.status(), StatusCode::OK);
}

#[tokio::test]
async fn an_unknown_path_is_a_problem() {
    let house = House::open();
    let response = house.read("/nowhere?token=x").await;
    assert_eq!(header(&response, "access-control-allow-origin"), "*");
    let nothing = json!({
        "type": "/problems/not-found", "title": "Not found", "status": 404,
        "detail": "There is nothing here", "error": "There is nothing here",
    });
    assert_eq!(problem(response).await, nothing);
    for path in ["/v1", "/v1/form-schema/x", "/schemas", "/schemas//endo", "/healthcheckx"] {
        assert_eq!(slug(house.read(path).await).await, outcome(404, "not-found"), "{path}");
    }
}

#[tokio::test]
async fn a_program_at_the_start_is_told_that_it_takes_a_person() {
    let answer = problem(House::open().read("/").await).await;
    assert_eq!((&answer["type"], &answer["status"]), (&json!("/problems/not-authenticated"), &json!(401)));
    assert_eq!(answer["error"], "Sign in with a browser, at /auth/octoblu");
}

#[tokio::test]
async fn a_method_that_is_not_allowed_learns_which_are() {
    let house = House::open();
    for path in ["/v1/form-schema", "/schemas/endo", "/version", "/livez", "/readyz", "/proofoflife"] {
        let response = house.request(Method::DELETE, path).send().await.unwrap();
        assert_eq!(header(&response, "allow"), "GET, HEAD, OPTIONS", "{path}");
        assert_eq!(slug(response).await, outcome(405, "method-not-allowed"), "{path}");
    }
}

#[tokio::test]
async fn options_is_answered_on_any_path() {
    let house = House::open();
    for path in ["/v1/form-schema", "/V2/Messages", "/nowhere", "/"] {
        let request =
            house.request(Method::OPTIONS, path).header("access-control-request-headers", "x-a, X-B");
        let response = request.send().await.unwrap();
        assert_eq!(response.status(), StatusCode::NO_CONTENT, "{path}");
        assert_eq!(header(&response, "access-control-allow-methods"), "GET,HEAD,PUT,PATCH,POST,DELETE");
        assert_eq!(header(&response, "access-control-allow-headers"), "x-a, X-B");
        assert_eq!(header(&response, "access-control-allow-origin"), "*");
    }
}

#[tokio::test]
async fn paths_are_taken_in_any_case_and_with_a_slash_at_the_end() {
    let house = House::open();
    for path in ["/V1/Form-Schema", "/v1/form-schema/", "/VERSION/", "/ReadyZ", "/v1/%66orm-schema"] {
        assert_eq!(house.read(path).await.status(), StatusCode::OK, "{path}");
    }
}

#[tokio::test]
async fn odd_forms_of_a_target_are_answered() {
    let mut limits = Limits::default();
    limits.terms.disconnect_within = Duration::from_millis(50);
    let house = House::with(healthy(), limits);
    let targets = [
        ("OPTIONS *", 204),
        ("CONNECT example.org:443", 404),
        ("GET http://example.org/healthcheck", 200),
        ("GET http://example.org", 401),
        ("POST ?", 400),
        ("BREW /version", 405),
        ("GET //healthcheck", 404),
    ];
    for (target, status) in targets {
        let request = format!("{target} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n");
        let answer = house.raw(request.as_bytes()).await;
        assert!(answer.starts_with(&format!("HTTP/1.1 {status} ")), "{target} {answer}");
    }
}

#[test]
fn no_header_and_no_path_makes_the_front_door_fail() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let house = runtime.block_on(async { House::open() });
    let names =
        ["accept", "accept-encoding", "if-none-match", "content-type", "content-encoding", "range", "x"];
    let requests = (0..names.len(), "[ -~]{0,40}", "(/v1/form-schema|/schemas/|/version)[!-~]{0,12}");
    proptest!(ProptestConfig::with_cases(300), |((name, value, path) in requests)| {
        let name = names[name];
        let request = format!("GET {path} HTTP/1.1\r\nhost: x\r\n{name}: {value}\r\nconnection: close\r\n\r\n");
        let answer = runtime.block_on(house.raw_bytes(request.as_bytes()));
        let status: u16 = std::str::from_utf8(&answer[9..12]).unwrap().parse().unwrap();
        prop_assert!((200..500).contains(&status), "{} {}", status, request);
    });
}

#[tokio::test]
async fn the_log_tells_of_a_request_without_its_query_and_without_its_names() {
    log::capture();
    let house = House::open();
    for path in ["/Schemas/a-private-name?token=canary", "/canary?token=canary"] {
        let response =
            house.request(Method::GET, path).header("authorization", "canary").send().await.unwrap();
        let lines = log::lines_with(header(&response, "x-request-id"));
        assert_eq!(lines.len(), 1, "{lines:?}");
        let line: Value = serde_json::from_str(&lines[0]).unwrap();
        assert_eq!((&line["http.method"], &line["http.status"]), (&json!("GET"), &json!(404)));
        assert!(line["duration_ms"].is_u64(), "{line}");
        assert!(["/schemas/{name}", "unmatched"].contains(&line["http.route"].as_str().unwrap()), "{line}");
        assert!(!lines[0].contains("canary") && !lines[0].contains("private"), "{line}");
    }
}

#[tokio::test]
async fn a_method_that_somebody_made_up_is_not_in_the_log() {
    log::capture();
    let house = House::open();
    let method = Method::from_bytes(b"CANARY-TOKEN").unwrap();
    let response = house.request(method, "/healthcheck").send().await.unwrap();
    let lines = log::lines_with(header(&response, "x-request-id"));
    assert!(lines.len() == 1 && !lines[0].contains("CANARY"), "{lines:?}");
}

#[tokio::test]
async fn a_bad_escape_in_a_path_is_refused() {
    let house = House::open();
    for path in ["/%zz", "/schemas/%", "/schemas/%4", "/schemas/%ff", "/%e2%82", "/healthcheck/%g0"] {
        let answer = house
            .raw(format!("GET {path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n").as_bytes())
            .await;
        assert_eq!(raw_slug(&answer), outcome(400, "malformed-path"), "{path}");
    }
}

#[test]
fn the_settings_of_the_server_become_its_limits() {
    let settings = Http { body_bytes: 2048, request_timeout_seconds: 3, drain_seconds: 4 };
    let limits = Limits::from(&settings);
    assert_eq!((limits.body_bytes, limits.terms.request_within), (2048, Duration::from_secs(3)));
    assert_eq!(limits.terms.drain_within, Duration::from_secs(4));
    let defaults = Limits::from(&Http::default());
    assert_eq!(defaults.terms.request_within, Limits::default().terms.request_within);
}

#[tokio::test]
async fn a_body_too_large_is_refused_before_it_is_read() {
    let house = House::with(healthy(), Limits { body_bytes: 10, ..Limits::default() });
    for path in ["/v2/messages", "/v1/form-schema"] {
        let response = house.request(Method::POST, path).body("x".repeat(11)).send().await.unwrap();
        assert_eq!(slug(response).await, outcome(413, "body-too-large"), "{path}");
        let response = house.request(Method::POST, path).body("x".repeat(10)).send().await.unwrap();
        assert_ne!(response.status(), StatusCode::PAYLOAD_TOO_LARGE, "{path}");
    }
    let announced = b"POST /v2/messages HTTP/1.1\r\nhost: x\r\ncontent-length: 18446744073709551615\r\n\r\n";
    let mut socket = TcpStream::connect(house.address).await.unwrap();
    socket.write_all(announced).await.unwrap();
    socket.shutdown().await.unwrap();
    assert_eq!(raw_slug(&rest(&mut socket).await), outcome(413, "body-too-large"));
}

#[tokio::test]
async fn a_body_in_another_coding_or_charset_is_refused() {
    let house = House::open();
    let refused = [
        ("content-encoding", "gzip"),
        ("content-encoding", "x-nonsense"),
        ("content-type", "application/json; charset=latin1"),
        ("content-type", "application/json;x=y; Charset=\"utf-16\""),
    ];
    for (name, value) in refused {
        let response =
            house.request(Method::POST, "/v2/messages").header(name, value).body("{}").send().await.unwrap();
        assert_eq!(slug(response).await, outcome(415, "unsupported-media-type"), "{name}: {value}");
    }
    for value in ["application/json; charset=UTF-8", "application/json", "text/plain; charset=\"utf-8\""] {
        let request = house.request(Method::POST, "/v2/messages").header("content-type", value);
        assert_eq!(request.body("{}").send().await.unwrap().status(), StatusCode::NOT_FOUND, "{value}");
    }
}

#[tokio::test]
async fn a_header_too_large_is_refused() {
    let house = House::open();
    let head = |size| {
        format!("GET /version HTTP/1.1\r\nhost: x\r\nconnection: close\r\nx-a: {}\r\n\r\n", "a".repeat(size))
    };
    assert_eq!(raw_slug(&house.raw(head(60_000).as_bytes()).await).0, 200);
    assert_eq!(raw_slug(&house.raw(head(66_000).as_bytes()).await), outcome(431, "header-too-large"));
    let path = format!("GET /{} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n", "a".repeat(65_530));
    assert_eq!(raw_slug(&house.raw(path.as_bytes()).await), outcome(431, "header-too-large"));
}

#[tokio::test]
async fn what_is_not_http_is_answered_by_a_status_alone() {
    let house = House::open();
    let many = format!("GET / HTTP/1.1\r\nhost: x\r\n{}\r\n", "a: b\r\n".repeat(200));
    let both = "POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 3\r\ntransfer-encoding: chunked\r\n\r\nabc";
    let cases = [
        ("NONSENSE\r\n\r\n", 400),
        ("GET / HTTP/9.9\r\n\r\n", 400),
        ("GET /version HTTP/1.1\r\n\r\n", 400),
        ("GET / HTTP/1.1\r\nhost: x\r\na b: c\r\n\r\n", 400),
        (both, 400),
        (&many, 431),
    ];
    for (request, status) in cases {
        let answer = house.raw(request.as_bytes()).await;
        assert!(answer.starts_with(&format!("HTTP/1.1 {status} ")), "{request} {answer}");
        assert!(answer.ends_with("\r\n\r\n"), "{request} {answer}");
    }
    assert_eq!(house.read("/livez").await.status(), StatusCode::OK);
}

/// That gives a request, and whoever is idle, no more than this time.
fn giving(time: Duration) -> Limits {
    let mut limits = Limits::default();
    (limits.terms.request_within, limits.terms.keep_alive) = (time, time);
    limits
}

fn impatient() -> Limits {
    giving(Duration::from_millis(50))
}

#[tokio::test]
async fn a_head_that_never_ends_is_cut_off() {
    let house = House::with(healthy(), impatient());
    let answer = house.raw(b"GET /version HTT").await;
    assert!(answer.starts_with("HTTP/1.1 408 "), "{answer}");
}

#[tokio::test]
async fn a_second_head_that_never_ends_is_cut_off_too() {
    let house = House::with(healthy(), giving(Duration::from_secs(1)));
    let mut socket = TcpStream::connect(house.address).await.unwrap();
    socket.write_all(b"GET /version HTTP/1.1\r\nhost: x\r\n\r\n").await.unwrap();
    assert_eq!(socket.read_u8().await.unwrap(), b'H');
    socket.write_all(b"GET /version HTT").await.unwrap();
    let answer = rest(&mut socket).await;
    assert!(answer.ends_with("{\"version\":\"1.2.3\"}"), "{answer}");
}

#[tokio::test]
async fn a_connection_that_is_used_is_kept() {
    let house = House::open();
    let mut socket = TcpStream::connect(house.address).await.unwrap();
    for _ in 0..3 {
        is_answered(&mut socket).await;
    }
}

/// Asks by a connection that stays, and reads the whole answer.
pub(crate) async fn is_answered(socket: &mut TcpStream) {
    socket.write_all(b"GET /healthcheck HTTP/1.1\r\nhost: x\r\n\r\n").await.unwrap();
    let mut answer = Vec::new();
    while !answer.ends_with(b"{\"online\":true}") {
        answer.push(socket.read_u8().await.unwrap());
    }
}

/// A server with one route that gives back the body it took in.
fn echo(limits: Limits) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let give_back = async |body: Body| body.0;
    let app = move || App::new().app_data(limits).route("/", web::post().to(give_back));
    let server = HttpServer::new(app).workers(1).disable_signals().listen(listener).unwrap();
    tokio::spawn(server.run());
    address
}

#[tokio::test]
async fn a_body_is_read_as_it_came_up_to_its_limit() {
    let address = echo(Limits { body_bytes: 6, ..Limits::default() });
    let send = async |chunks: &str| {
        let head = "POST / HTTP/1.1\r\nhost: x\r\nconnection: close\r\ntransfer-encoding: chunked\r\n\r\n";
        raw(address, format!("{head}{chunks}").as_bytes()).await
    };
    assert!(send("3\r\na\0b\r\n3\r\n{ }\r\n0\r\n\r\n").await.ends_with("\r\n\r\na\0b{ }"));
    assert_eq!(raw_slug(&send("3\r\nabc\r\n4\r\ndefg\r\n0\r\n\r\n").await), outcome(413, "body-too-large"));
    assert_eq!(raw_slug(&send("nonsense\r\n").await), outcome(400, "malformed-request"));
}

#[tokio::test]
async fn a_body_that_never_ends_is_refused() {
    let address = echo(impatient());
    let answer = raw(address, b"POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 10\r\n\r\nabc").await;
    assert_eq!(raw_slug(&answer), outcome(408, "request-timeout"));
}

#[tokio::test]
async fn readiness_ends_when_draining_begins() {
    let house = House::open();
    assert_eq!(house.read("/readyz").await.status(), StatusCode::OK);
    house.draining.begin();
    let ready = problem(house.read("/readyz").await).await;
    assert_eq!(ready["type"], "/problems/not-ready");
    assert_eq!(ready["checks"][2]["detail"], "The gateway is about to stop");
    assert_eq!(house.read("/healthcheck").await.status(), StatusCode::OK);
    assert_eq!(house.read("/proofoflife").await.status(), StatusCode::OK);
}

/// Health whose check says that it was entered, and then waits for the gate.
fn gated(entered: Arc<Semaphore>, gate: Arc<Semaphore>) -> Health {
    let health = Health::new(move || {
        let (entered, gate) = (entered.clone(), gate.clone());
        async move {
            entered.add_permits(1);
            gate.acquire().await.unwrap().forget();
            vec![Check::passed("gate")]
        }
    });
    health.answering_within(HOUR)
}

fn stop(house: &House) -> JoinHandle<()> {
    let (server, draining) = (house.server.clone(), house.draining.clone());
    tokio::spawn(async move { drain(&server, &draining).await })
}

#[tokio::test]
async fn a_request_in_flight_is_finished_when_the_server_stops() {
    let (entered, gate) = (Arc::new(Semaphore::new(0)), Arc::new(Semaphore::new(0)));
    let mut limits = Limits::default();
    (limits.terms.drain_within, limits.terms.keep_alive) = (HOUR, HOUR);
    let house = House::with(gated(entered.clone(), gate.clone()), limits);
    let mut idle = TcpStream::connect(house.address).await.unwrap();
    idle.write_all(b"GET /healthcheck HTTP/1.1\r\nhost: x\r\n\r\n").await.unwrap();
    idle.read_u8().await.unwrap();
    let in_flight = tokio::spawn(house.request(Method::GET, "/proofoflife").send());
    entered.acquire().await.unwrap().forget();

    let stopped = stop(&house);
    while TcpStream::connect(house.address).await.is_ok() {
        tokio::task::yield_now().await;
    }
    assert!(house.draining.has_begun());
    assert!(!in_flight.is_finished());
    gate.add_permits(1);

    assert_eq!(in_flight.await.unwrap().unwrap().status(), StatusCode::OK);
    assert!(rest(&mut idle).await.ends_with("{\"online\":true}"));
    stopped.await.unwrap();
    house.running.await.unwrap().unwrap();
}

#[tokio::test]
async fn a_request_that_outlasts_the_limit_does_not_hold_up_the_end() {
    let (entered, never) = (Arc::new(Semaphore::new(0)), Arc::new(Semaphore::new(0)));
    let mut limits = Limits::default();
    limits.terms.drain_within = Duration::ZERO;
    let house = House::with(gated(entered.clone(), never), limits);
    let in_flight = tokio::spawn(house.request(Method::GET, "/proofoflife").send());
    entered.acquire().await.unwrap().forget();
    stop(&house).await.unwrap();
    house.running.await.unwrap().unwrap();
    in_flight.await.unwrap().unwrap_err();
}
