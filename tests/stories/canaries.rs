//! Secrets are planted everywhere, and looked for everywhere else.

#![expect(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

use std::path::{Path, PathBuf};
use std::process::Stdio;

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD, URL_SAFE_NO_PAD};
use endo::gateway::FirstOwner;
use serde_json::{Value, json};
use tempfile::TempDir;

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
    fn of(program: &Program) -> Self {
        let client = reqwest::Client::builder().build().unwrap();
        Self { bus: program.bus.clone(), gateway: program.gateway.clone(), client, answers: Vec::new() }
    }

    /// What the flow receives for one message about each of these users.
    async fn replies(&mut self, chain: &Chain, users: &[&str]) -> Vec<u8> {
        let url = format!("{}/subscribe/{}/received", self.bus, chain.flow.uuid);
        let request = self.client.get(url);
        let request = request.basic_auth(chain.flow.uuid.as_str(), Some(chain.flow.token.as_str()));
        let mut stream = request.send().await.unwrap();
        let mut replies = Vec::new();
        for (number, user) in users.iter().enumerate() {
            let metadata = json!({"jobType": "ListEventsByUser", "respondTo": number});
            let message =
                json!({"devices": [chain.device.uuid], "metadata": metadata, "data": {"username": user}});
            self.send(chain, message).await;
            replies.extend(stream.chunk().await.unwrap().unwrap());
        }
        replies
    }

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

/// A program with planted secrets, and where its log goes.
struct Planted {
    chain: Chain,
    owner: FirstOwner,
    key: String,
    directory: TempDir,
    log: TempDir,
}

impl Planted {
    async fn new(api: &FakeApi) -> Self {
        let workshop = Workshop::open(&api.url("")).await;
        let chain = workshop.chain().await;
        let pem = std::fs::read_to_string(workshop.directory.path().join("records.pem")).unwrap();
        let key: String = pem.lines().filter(|line| !line.starts_with('-')).collect();
        let owner = workshop.gateway.owner.clone().unwrap();
        let Workshop { gateway, directory } = workshop;
        drop(gateway);
        Self { chain, owner, key: key[64..128].to_owned(), directory, log: tempfile::tempdir().unwrap() }
    }

    async fn start(&self, api: &FakeApi) -> Program {
        let base_url = format!("source.base_url={}", api.url(""));
        let settings = [base_url, "log.level=trace".to_owned(), "egress.allow_loopback=true".to_owned()];
        let log = std::fs::File::create(self.log_file()).unwrap();
        Program::start(self.directory.path(), &settings, Stdio::from(log)).await
    }

    fn log_file(&self) -> PathBuf {
        self.log.path().join("log")
    }

    fn secrets(&self) -> Vec<(&'static str, String)> {
        vec![("the account's secret", SECRET.to_owned()), ("the private key", self.key.clone())]
    }

    fn tokens(&self) -> Vec<(&'static str, String)> {
        vec![
            ("the owner's token", self.owner.token.clone()),
            ("the flow's token", self.chain.flow.token.to_string()),
            ("the user device's token", self.chain.device.token.to_string()),
        ]
    }

    /// Every file of the data directory; two of them are there to keep one secret each.
    fn assert_files_clean(&self) {
        let (secrets, tokens) = (self.secrets(), self.tokens());
        for file in files_below(self.directory.path()) {
            let bytes = std::fs::read(&file).unwrap();
            let name = file.file_name().unwrap().to_string_lossy().into_owned();
            let kept = match name.as_str() {
                "records.pem" => "the private key",
                "owner.json" => "the owner's token",
                _ => "nothing",
            };
            let mut forbidden = [secrets.clone(), tokens.clone()].concat();
            forbidden.retain(|(secret, _)| *secret != kept);
            assert_clean(&name, &bytes, &forbidden);
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_planted_secret_turns_up_in_a_log_an_error_a_reply_or_a_file() {
    let api = talkative_api().await;
    let planted = Planted::new(&api).await;
    let program = planted.start(&api).await;
    let mut prober = Prober::of(&program);
    let owner = (planted.owner.uuid.as_str(), planted.owner.token.as_str());
    prober.everything_readable(&planted.chain, owner).await;
    let replies =
        prober.replies(&planted.chain, &["octocat", "broken", "missing", "expired", "garbage"]).await;
    let device = &planted.chain.device;
    let status = format!("{}/v2/devices/{}", prober.bus, device.status_device);
    prober.get(status, Some((device.uuid.as_str(), device.token.as_str()))).await;
    assert!(program.terminate().await.success());

    let all = [planted.secrets(), planted.tokens()].concat();
    assert!(replies.len() > 100, "the replies were read");
    assert_clean("a reply", &replies, &all);
    assert_clean("an answer", &prober.answers, &all);
    let logged = std::fs::read(planted.log_file()).unwrap();
    assert!(logged.len() > 1000, "something was logged");
    assert_clean("the log", &logged, &all);
    planted.assert_files_clean();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_strangers_say_is_in_no_log_though_it_has_the_look_of_words_or_of_a_name() {
    let (words, name) = ("unknown-tenant-access", "5ec2e7a1-0000-4000-8000-00000ca4a71e");
    let api = FakeApi::start(move |_| {
        let told = json!({"message": words, "error": words, "documentation_url": name}).to_string();
        Answer::new(403, &["content-type: application/json"], told)
    })
    .await;
    let planted = Planted::new(&api).await;
    let program = planted.start(&api).await;
    let mut prober = Prober::of(&program);
    let replies = prober.replies(&planted.chain, &["octocat", words, name]).await;
    assert!(contains(&replies, words.as_bytes()), "the API was heard");
    prober.everything_readable(&planted.chain, (name, words)).await;
    let mut devices = vec![words; 10_000];
    devices.push(name);
    prober.send(&planted.chain, json!({"devices": devices, "metadata": {"jobType": words}})).await;
    let job = json!({"jobType": words, "respondTo": name});
    prober.send(&planted.chain, json!({"devices": [planted.chain.device.uuid], "metadata": job})).await;
    assert!(program.terminate().await.success());

    let logged = std::fs::read(planted.log_file()).unwrap();
    assert!(logged.len() > 500, "something was logged");
    for said in [words, "tenant", name] {
        assert!(!contains(&logged, said.as_bytes()), "{said} is in the log");
    }
}
