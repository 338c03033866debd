//! Secrets are planted everywhere, and looked for everywhere else.

#![expect(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

use std::path::Path;
use std::process::Stdio;

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD, URL_SAFE_NO_PAD};
use serde_json::{Value, json};

use crate::support::bus::WithJson;
use crate::support::desk::{Chain, SECRET, Workshop};
use crate::support::fake_api::{Answer, FakeApi};
use crate::support::program::Program;

/// The forms in which a secret could turn up.
fn forms(secret: &str) -> Vec<Vec<u8>> {
    let hex: String = secret.bytes().map(|byte| format!("{byte:02x}")).collect();
    let mut forms = vec![secret.to_owned(), hex.clone(), hex.to_uppercase()];
    for engine in [&STANDARD_NO_PAD, &URL_SAFE_NO_PAD] {
        // Inside a longer text, base64 begins at one of three places.
        for skipped in 0..3 {
            let shifted = engine.encode([&b"\0\0\0"[..skipped], secret.as_bytes()].concat());
            let whole = &shifted[skipped * 4 / 3 + usize::from(skipped > 0)..];
            forms.push(whole[..whole.len() - 3].to_owned());
        }
    }
    forms.into_iter().map(String::into_bytes).collect()
}

fn contains(bytes: &[u8], form: &[u8]) -> bool {
    bytes.windows(form.len()).any(|window| window == form)
}

fn assert_clean(place: &str, bytes: &[u8], secrets: &[(&str, String)]) {
    for (name, secret) in secrets {
        for form in forms(secret) {
            assert!(!contains(bytes, &form), "{name} is in {place}");
        }
    }
}

fn files_below(directory: &Path) -> Vec<std::path::PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() { found.extend(files_below(&path)) } else { found.push(path) }
    }
    found
}

#[test]
fn a_secret_is_found_in_each_of_its_forms() {
    let secret = "canary-to-be-found";
    for text in [
        format!("a{secret}b"),
        STANDARD.encode(format!("user:{secret}")),
        STANDARD.encode(format!("us:{secret}!")),
        URL_SAFE_NO_PAD.encode(format!("u:{secret}")),
        secret.bytes().map(|byte| format!("{byte:02X}")).collect(),
    ] {
        assert!(forms(secret).iter().any(|form| contains(text.as_bytes(), form)), "{text}");
    }
}

/// Sends what a stranger and a careless flow may send, and collects every answer.
struct Prober {
    bus: String,
    gateway: String,
    client: reqwest::Client,
    answers: Vec<u8>,
}

impl Prober {
    async fn ask(&mut self, request: reqwest::RequestBuilder) {
        let answer = request.send().await.unwrap();
        self.answers.extend(format!("{:?}", answer.headers()).into_bytes());
        self.answers.extend(answer.bytes().await.unwrap());
    }

    async fn get(&mut self, url: String, login: Option<(&str, &str)>) {
        let request = self.client.get(url);
        let request = match login {
            Some((uuid, token)) => request.basic_auth(uuid, Some(token)),
            None => request,
        };
        self.ask(request).await;
    }

    async fn everything_readable(&mut self, chain: &Chain, owner: (&str, &str)) {
        let flow = (chain.flow.uuid.as_str(), chain.flow.token.as_str());
        let device = (chain.device.uuid.as_str(), chain.device.token.as_str());
        for path in ["/v1/message-schema", "/schemas/endo", "/readyz", "/proofoflife", "/version", "/nothing"]
        {
            self.get(format!("{}{path}", self.gateway), None).await;
        }
        for login in [Some(flow), Some(device), Some(owner), Some((flow.0, "wrong-token")), None] {
            for uuid in [chain.flow.uuid.as_str(), device.0, chain.credentials.as_str(), owner.0, "unknown"] {
                self.get(format!("{}/v2/devices/{uuid}", self.bus), login).await;
            }
            self.get(format!("{}/v2/whoami", self.bus), login).await;
            let request = self.client.post(format!("{}/search/devices", self.bus)).json(&json!({}));
            let request =
                login.iter().fold(request, |request, (uuid, token)| request.basic_auth(uuid, Some(token)));
            self.ask(request).await;
        }
    }

    async fn send(&mut self, chain: &Chain, message: Value) {
        let request = self.client.post(format!("{}/messages", self.bus)).json(&message);
        let request = request.basic_auth(chain.flow.uuid.as_str(), Some(chain.flow.token.as_str()));
        self.ask(request).await;
    }
}

/// Answers well, badly, and with the secret itself where an API could echo it.
async fn talkative_api() -> FakeApi {
    FakeApi::start(|seen| {
        if seen.target.contains("broken") {
            Answer::new(500, &[], "<html>broken</html>")
        } else if seen.target.contains("missing") {
            Answer::new(404, &["content-type: application/json"], r#"{"message": "Not Found"}"#)
        } else if seen.target.contains("expired") {
            Answer::new(401, &["content-type: application/json"], r#"{"message": "Bad credentials"}"#)
        } else if seen.target.contains("garbage") {
            Answer::new(200, &["content-type: application/json"], "{]")
        } else {
            Answer::new(200, &["content-type: application/json"], "[]")
        }
    })
    .await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_planted_secret_turns_up_in_a_log_an_error_a_reply_or_a_file() {
    let api = talkative_api().await;
    let workshop = Workshop::open(&api.url("")).await;
    let mut chain = workshop.chain().await;
    let key = std::fs::read_to_string(workshop.directory.path().join("records.pem")).unwrap();
    let owner = workshop.gateway.owner.clone();
    let Workshop { gateway, directory } = workshop;
    drop(gateway);

    let log = directory.path().with_extension("log");
    let settings = [
        format!("source.base_url={}", api.url("")),
        "log.level=trace".to_owned(),
        "egress.allow_loopback=true".to_owned(),
    ];
    let stderr = Stdio::from(std::fs::File::create(&log).unwrap());
    let program = Program::start(directory.path(), &settings, stderr).await;
    let client = reqwest::Client::builder().build().unwrap();
    let (bus, gateway_url) = (program.bus.clone(), program.gateway.clone());
    let mut prober = Prober { bus, gateway: gateway_url, client, answers: Vec::new() };
    prober.everything_readable(&chain, (owner.uuid.as_str(), &owner.token)).await;
    let mut stream = prober
        .client
        .get(format!("{}/subscribe/{}/received", prober.bus, chain.flow.uuid))
        .basic_auth(chain.flow.uuid.as_str(), Some(chain.flow.token.as_str()))
        .send()
        .await
        .unwrap();
    let users = ["octocat", "broken", "missing", "expired", "garbage"];
    let mut replies = Vec::new();
    for (number, user) in users.iter().enumerate() {
        let metadata = json!({"jobType": "ListEventsByUser", "respondTo": number});
        let message =
            json!({"devices": [chain.device.uuid], "metadata": metadata, "data": {"username": user}});
        prober.send(&chain, message).await;
        replies.extend(stream.chunk().await.unwrap().unwrap());
    }
    let status = (chain.device.uuid.as_str(), chain.device.token.as_str());
    prober.get(format!("{}/v2/devices/{}", prober.bus, chain.device.status_device), Some(status)).await;
    drop(stream);
    assert!(program.terminate().await.success());

    chain.replies.close();
    let pem: String = key.lines().filter(|line| !line.starts_with('-')).collect();
    let secrets = [("the account's secret", SECRET.to_owned()), ("the private key", pem[64..128].to_owned())];
    let tokens = [
        ("the owner's token", owner.token.clone()),
        ("the flow's token", chain.flow.token.to_string()),
        ("the user device's token", chain.device.token.to_string()),
    ];
    assert!(replies.len() > 100, "the replies were read");
    assert_clean("a reply", &replies, &secrets);
    assert_clean("an answer", &prober.answers, &secrets);
    let logged = std::fs::read(&log).unwrap();
    std::fs::remove_file(&log).unwrap();
    assert!(logged.len() > 1000, "something was logged");
    for secrets in [&secrets[..], &tokens[..]] {
        assert_clean("the log", &logged, secrets);
    }
    for file in files_below(directory.path()) {
        let bytes = std::fs::read(&file).unwrap();
        let name = file.file_name().unwrap().to_string_lossy().into_owned();
        match name.as_str() {
            "records.pem" => assert_clean(&name, &bytes, &secrets[..1]),
            "owner.json" => assert_clean(&name, &bytes, &[&secrets[..], &tokens[1..]].concat()),
            _ => assert_clean(&name, &bytes, &[&secrets[..], &tokens[..]].concat()),
        }
    }
}
