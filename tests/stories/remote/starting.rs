//! What a gateway needs before it works on a Meshblu, and the words in which it says what is missing.

use std::error::Error;
use std::process::Output;

use endo::gateway::GatewayError;
use serde_json::{Value, json};

use crate::support::fake_api::{Answer, FakeApi};
use crate::support::log;
use crate::support::meshblu::{FakeMeshblu, RemoteGateway, json_answer, say_hello, settings};
use crate::support::shell::Shell;

fn sentence(error: &GatewayError) -> String {
    let causes = std::iter::successors(error.source(), |cause| (*cause).source());
    causes.fold(error.to_string(), |text, cause| format!("{text}: {cause}"))
}

async fn refusal(meshblu: &FakeMeshblu, change: impl FnOnce(&mut endo::config::Config)) -> String {
    let directory = tempfile::tempdir().unwrap();
    let mut settings = settings(directory.path(), &meshblu.url());
    change(&mut settings);
    sentence(&RemoteGateway::with(settings).await.err().unwrap())
}

#[tokio::test]
async fn what_is_missing_is_named() {
    let meshblu = FakeMeshblu::start().await;
    let missing = refusal(&meshblu, |settings| settings.bus.uuid = None).await;
    assert!(missing.contains("bus.uuid has to be set"), "{missing}");
    let missing = refusal(&meshblu, |settings| settings.bus.token = None).await;
    assert!(missing.contains("bus.token has to be set"), "{missing}");
    let missing = refusal(&meshblu, |settings| settings.records.private_key = None).await;
    assert!(missing.contains("MESHBLU_PRIVATE_KEY"), "{missing}");
    let wrong = refusal(&meshblu, |settings| {
        settings.records.private_key = Some(endo::config::Secret::from("canary-of-a-key".to_owned()));
    })
    .await;
    assert!(wrong.contains("records.private_key is no private key"), "{wrong}");
    assert!(!wrong.contains("canary"), "{wrong}");
}

#[tokio::test]
async fn a_meshblu_that_does_not_know_the_service_keeps_it_from_starting() {
    for answer in [
        json_answer(403, &Value::Null),
        Answer::Bytes(Vec::new()),
        Answer::new(200, &["content-type: application/json"], "<"),
        Answer::new(200, &["content-type: text/html"], "<html>"),
        json_answer(200, &json!({"uuid": "somebody-else"})),
    ] {
        let meshblu = FakeMeshblu::start().await;
        meshblu.answer("GET /v2/whoami", [answer]);
        let refusal = refusal(&meshblu, |_| ()).await;
        assert!(
            refusal.starts_with("could not authenticate with the Meshblu at http://127.0.0.1"),
            "{refusal}"
        );
    }
}

#[tokio::test]
async fn a_bus_that_shows_no_key_for_the_old_form_is_not_called_unknown() {
    for answer in [Answer::new(204, &[], ""), json_answer(200, &json!({"publicKey": "no PEM"}))] {
        let meshblu = FakeMeshblu::start().await;
        meshblu.answer("GET /publickey", [answer]);
        let refusal = refusal(&meshblu, |_| ()).await;
        assert!(refusal.contains("shows no RSA key at /publickey"), "{refusal}");
    }
}

#[tokio::test]
async fn a_gateway_that_accepts_the_old_form_says_what_that_does_not_protect() {
    log::capture();
    let meshblu = FakeMeshblu::start().await;
    let said =
        || log::lines_with("bus.accept_legacy_signatures is on: a signature of the old form covers").len();
    let before = said();
    let (_gateway, _directory) = RemoteGateway::open(&meshblu).await;
    assert!(said() > before);
}

#[test]
fn the_variables_of_an_original_gateway_are_enough() {
    let shell = Shell::new();
    let mut command = shell.command(&["config"]);
    for (name, text) in [
        ("MESHBLU_UUID", "service-uuid-0001"),
        ("MESHBLU_TOKEN", "canary-of-a-token"),
        ("MESHBLU_PRIVATE_KEY", "canary-of-a-key"),
        ("MESHBLU_HOSTNAME", "bus.example"),
        ("MESHBLU_PORT", "3000"),
        ("MESHBLU_PROTOCOL", "http"),
        ("PORT", "8888"),
        ("APP_OCTOBLU_HOST", "https://app.example"),
        ("ENDO_GITHUB_SERVICE_URL", "https://endo.example"),
        ("ENDO_GITHUB_MANAGER_URL", "https://manager.example"),
        ("ENDO_GITHUB_STATIC_SCHEMAS_PATH", "schemas"),
        ("ENDO_GITHUB_GITHUB_CLIENT_ID", "client-0001"),
        ("ENDO_GITHUB_GITHUB_CLIENT_SECRET", "canary-of-a-secret"),
        ("ENDO_GITHUB_GITHUB_CALLBACK_URL", "https://endo.example/auth/api/callback"),
        ("ENDO_OCTOBLU_OAUTH_URL", "https://oauth.example"),
    ] {
        command.env(name, text);
    }
    let output = String::from_utf8(command.output().unwrap().stdout).unwrap();
    for line in [
        "kind = \"meshblu\" # MESHBLU_UUID",
        "uuid = \"service-uuid-0001\" # MESHBLU_UUID",
        "# token = [redacted] # MESHBLU_TOKEN",
        "# private_key = [redacted] # MESHBLU_PRIVATE_KEY",
        "url = \"http://bus.example:3000\" # MESHBLU_HOSTNAME",
        "gateway = \"0.0.0.0:8888\" # PORT",
        "public_url = \"https://endo.example\" # ENDO_GITHUB_SERVICE_URL",
        "static_schemas = \"schemas\" # ENDO_GITHUB_STATIC_SCHEMAS_PATH",
        "provider = \"github\" # ENDO_GITHUB_GITHUB_CLIENT_ID",
        "client_id = \"client-0001\" # ENDO_GITHUB_GITHUB_CLIENT_ID",
        "# client_secret = [redacted] # ENDO_GITHUB_GITHUB_CLIENT_SECRET",
        "redirect_url = \"https://endo.example/auth/api/callback\" # ENDO_GITHUB_GITHUB_CALLBACK_URL",
        "oauth_url = \"https://oauth.example\" # ENDO_OCTOBLU_OAUTH_URL",
    ] {
        assert!(output.lines().any(|other| other == line), "{line}\n{output}");
    }
    assert!(!output.contains("canary"), "{output}");
}

#[test]
fn a_meshblu_json_in_the_working_directory_is_read() {
    let shell = Shell::new();
    let text = r#"{"uuid": "u", "token": "canary-of-a-token", "hostname": "bus.example", "port": 443}"#;
    std::fs::write(shell.home.path().join("meshblu.json"), text).unwrap();
    let output = String::from_utf8(shell.run(&["config"]).stdout).unwrap();
    assert!(output.contains("uuid = \"u\" # meshblu.json"), "{output}");
    assert!(output.contains("url = \"https://bus.example:443\" # meshblu.json"), "{output}");
    assert!(!output.contains("canary"), "{output}");
    let mut command = shell.command(&["config"]);
    let output = command.env("MESHBLU_UUID", "another").output().unwrap();
    assert!(String::from_utf8(output.stdout).unwrap().contains("uuid = \"another\" # MESHBLU_UUID"));
    std::fs::write(shell.home.path().join("meshblu.json"), r#"{"uuid": "u", "resolveSrv": true}"#).unwrap();
    let refused = shell.run(&["config"]);
    assert!(
        String::from_utf8(refused.stderr).unwrap().contains("meshblu.json has the address of the Meshblu")
    );
    std::fs::write(shell.home.path().join("meshblu.json"), "{").unwrap();
    let refused = shell.run(&["config"]);
    assert_eq!(refused.status.code(), Some(3));
    assert!(String::from_utf8(refused.stderr).unwrap().contains("meshblu.json:1: this is not JSON"));
}

#[tokio::test]
async fn a_directory_in_which_nothing_was_sealed_takes_the_key_of_a_service_and_may_go_back() {
    let (shell, meshblu) = (Shell::with_key(), FakeMeshblu::start().await);
    let settings = settings(&shell.data(), &meshblu.url());
    for _ in 0..2 {
        drop(shell.serve(&[]));
        RemoteGateway::with(settings.clone()).await.unwrap().stop().await;
    }
    let (gateway, directory) = RemoteGateway::open(&meshblu).await;
    gateway.webhook(&say_hello()).await;
    gateway.stop().await;
    let mut elsewhere = shell.command(&["credentials", "ls"]);
    let refused = elsewhere.env("ENDO_DATA_DIR", directory.path()).output().unwrap();
    let said = String::from_utf8(refused.stderr).unwrap();
    assert!(said.contains("belongs to another bus than bus.kind = \"embedded\""), "{said}");
}

#[test]
fn sending_from_the_terminal_is_said_to_be_for_the_embedded_bus() {
    let shell = Shell::new();
    let output = shell.command(&["send", "SayHello"]).env("ENDO_BUS_KIND", "meshblu").output().unwrap();
    assert_eq!(output.status.code(), Some(3), "{output:?}");
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(said.contains("`endo send` is for the embedded bus"), "{said}");
}

#[test]
fn jobs_and_schemas_that_cannot_be_used_are_a_fault_of_the_settings() {
    for setting in ["ENDO_JOBS_DIRECTORIES", "ENDO_JOBS_STATIC_SCHEMAS"] {
        let shell = Shell::with_key();
        let mut command = shell.command(&["serve", "--listen", "127.0.0.1:0", "--bus-listen", "127.0.0.1:0"]);
        let output = command.env(setting, "/nowhere").output().unwrap();
        assert_eq!(output.status.code(), Some(3), "{setting}: {output:?}");
    }
}

#[test]
fn a_port_alone_is_not_an_original_gateway_s() {
    let shell = Shell::new();
    let output = shell.command(&["config"]).env("PORT", "8888").output().unwrap();
    assert!(!String::from_utf8(output.stdout).unwrap().contains("8888"));
}

#[tokio::test]
async fn static_schemas_are_served_and_cson_alone_names_the_command() {
    let meshblu = FakeMeshblu::start().await;
    let schemas = tempfile::tempdir().unwrap();
    std::fs::write(schemas.path().join("item.json"), r#"{"type":"object"}"#).unwrap();
    let directory = tempfile::tempdir().unwrap();
    let mut config = settings(directory.path(), &meshblu.url());
    config.jobs.static_schemas = Some(schemas.path().to_owned());
    let gateway = RemoteGateway::with(config).await.unwrap();
    let url = format!("http://{}/schemas/item", gateway.running.gateway());
    let client = reqwest::Client::builder().no_proxy().tls_certs_only([]).build().unwrap();
    let text = client.get(url).send().await.unwrap().text().await.unwrap();
    assert_eq!(text, r#"{"type":"object"}"#);
    std::fs::write(schemas.path().join("other.cson"), "type: 'object'").unwrap();
    let schemas = schemas.path().to_owned();
    let refusal = refusal(&meshblu, |settings| settings.jobs.static_schemas = Some(schemas)).await;
    assert!(refusal.contains("other.cson is CSON") && refusal.contains("endo job convert"), "{refusal}");
}

/// What becomes of a start on a Meshblu at this address.
fn serving_on(meshblu: &str) -> Output {
    let shell = Shell::with_key();
    let url = format!("bus.url={meshblu}");
    let settings = ["bus.kind=meshblu", &url, "bus.uuid=u", "bus.token=t"];
    let words: Vec<_> = settings.iter().flat_map(|setting| ["--set", setting]).collect();
    let mut command = shell.command(&["serve", "--listen", "127.0.0.1:0"]);
    command.args(words).env("ENDO_GITHUB_MANAGER_URL", "https://m.example").output().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn one_whose_proxy_says_that_it_is_away_has_the_exit_code_of_what_is_away() {
    for status in [502, 503, 504] {
        let proxy = FakeApi::answering(Answer::new(status, &["content-type: text/html"], "away")).await;
        let url = proxy.url("");
        let output = tokio::task::spawn_blocking(move || serving_on(&url)).await.unwrap();
        assert_eq!(output.status.code(), Some(9), "{status}: {output:?}");
    }
}

#[test]
fn a_meshblu_that_nobody_answers_for_has_an_exit_code_of_its_own() {
    let output = serving_on("http://127.0.0.1:9");
    assert_eq!(output.status.code(), Some(9), "{output:?}");
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!(said.matches("ENDO_GITHUB_MANAGER_URL is not used").count(), 1, "{said}");
}
