//! The whole way with a provider that is not ours: npm's `oidc-provider`.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdout, Command, Stdio};

use endo::ambient::Random;
use endo::config;
use endo::egress::{EgressSettings, Url};
use endo::source::oauth2::{OAuthClient, OAuthError, Probe, Revoked, Tokens};
use endo::vault::ResourceOwnerId;
use serde_json::{Value, json};

use super::NOW;
use crate::support::provider::client;
use crate::support::real;

/// Printable ASCII, as RFC 6749 has it, and all of it that forms encode.
const CLIENT_SECRET: &str = "canary secret&=%/+:";
const BACK: &str = "http://127.0.0.1:1/auth/api/callback";

/// The provider; it ends when dropped.
struct RealProvider {
    child: Child,
    /// It ends when it says something and nobody is there to read it.
    _says: BufReader<ChildStdout>,
    issuer: String,
}

impl RealProvider {
    fn start() -> Self {
        let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/real/provider.mjs");
        let mut child = Command::new("node")
            .arg(script)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let client = json!({"client_id": "gateway", "client_secret": CLIENT_SECRET, "redirect_uri": BACK});
        writeln!(child.stdin.as_mut().unwrap(), "{client}").unwrap();
        let mut line = String::new();
        let mut says = BufReader::new(child.stdout.take().unwrap());
        says.read_line(&mut line).unwrap();
        let said: Value = serde_json::from_str(&line).unwrap();
        Self { child, issuer: said["issuer"].as_str().unwrap().to_owned(), _says: says }
    }

    fn client(&self) -> OAuthClient {
        let at = |path: &str| Some(format!("{}{path}", self.issuer));
        let settings = config::Source {
            name: Some("real".to_owned()),
            base_url: Some(self.issuer.clone()),
            client_id: Some("gateway".to_owned()),
            client_secret: Some(CLIENT_SECRET.to_owned().into()),
            scopes: ["openid", "offline_access", "profile"].map(str::to_owned).to_vec(),
            parameters: vec!["prompt=consent".to_owned()],
            authorization_url: at("/auth"),
            token_url: at("/token"),
            revocation_url: at("/token/revocation"),
            issuer: Some(self.issuer.clone()),
            profile_url: at("/me"),
            profile_id: Some("/sub".to_owned()),
            profile_username: Some("/preferred_username".to_owned()),
            ..config::Source::default()
        };
        client(&settings, EgressSettings::default())
    }
}

impl Drop for RealProvider {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A browser whose user says yes to everything; answers the query it is sent back with.
async fn walk(start: Url) -> String {
    let policy = reqwest::redirect::Policy::none();
    let browser = reqwest::Client::builder()
        .pool_max_idle_per_host(0)
        .no_proxy()
        .tls_certs_only([])
        .redirect(policy)
        .build()
        .unwrap();
    let mut cookies = BTreeMap::<String, String>::new();
    let mut request = browser.get(start.clone());
    let mut place = start;
    loop {
        let jar: Vec<_> = cookies.iter().map(|(name, value)| format!("{name}={value}")).collect();
        let answer = request.header("cookie", jar.join("; ")).send().await.unwrap();
        for cookie in answer.headers().get_all("set-cookie") {
            let (name, value) = cookie.to_str().unwrap().split(';').next().unwrap().split_once('=').unwrap();
            cookies.insert(name.to_owned(), value.to_owned());
        }
        if let Some(to) = answer.headers().get("location") {
            place = place.join(to.to_str().unwrap()).unwrap();
            if place.as_str().starts_with(BACK) {
                return place.query().unwrap().to_owned();
            }
            request = browser.get(place.clone());
        } else {
            assert!(answer.status().is_success(), "{place}: {}", answer.status());
            let login = answer.text().await.unwrap().contains("name=\"login\"");
            let form = if login { "prompt=login&login=octocat&password=x" } else { "prompt=consent" };
            let form_type = "application/x-www-form-urlencoded";
            request = browser.post(place.clone()).header("content-type", form_type).body(form);
        }
    }
}

/// Signs in, and tries the code so many times.
async fn sign_in(client: &OAuthClient, times: usize) -> Vec<Result<Tokens, OAuthError>> {
    let begun = client.settings().begin(&Random::system(), BACK, NOW);
    let answer = walk(begun.url).await;
    assert!(answer.contains("iss="), "{answer}");
    let code = client.settings().code(&begun.pending, &answer, NOW).unwrap();
    let mut tried = Vec::new();
    for _ in 0..times {
        tried.push(client.exchange(&code, &begun.pending).await);
    }
    tried
}

async fn tokens(client: &OAuthClient) -> Tokens {
    sign_in(client, 1).await.remove(0).unwrap()
}

fn is_bad_grant<T>(outcome: &Result<T, OAuthError>) -> bool {
    matches!(outcome, Err(OAuthError::InvalidGrant))
}

#[tokio::test]
async fn a_real_provider_takes_codes_with_pkce_rotates_detects_reuse_and_revokes() {
    if !real::on("a_real_provider_takes_codes_with_pkce_rotates_detects_reuse_and_revokes") {
        return;
    }
    let provider = RealProvider::start();
    let client = provider.client();

    // A code serves once; its second use ends what the first had bought.
    let twice = sign_in(&client, 2).await;
    assert!(is_bad_grant(&twice[1]), "{twice:?}");
    let spoilt = twice[0].as_ref().unwrap();
    assert_eq!(client.probe(&spoilt.access).await.unwrap(), Probe::Rejected);

    let bought = tokens(&client).await;
    assert_eq!(bought.lifetime.unwrap().as_secs(), 3600);
    let account = client.account(&bought).await.unwrap();
    assert_eq!(account.id, ResourceOwnerId::Text("octocat".to_owned()));
    assert_eq!(account.username.as_deref(), Some("octocat@example.org"));

    let first = bought.refresh.unwrap();
    let renewed = client.refresh(&first).await.unwrap();
    let second = renewed.refresh.unwrap();
    assert_ne!(first.expose(), second.expose());
    assert_eq!(client.probe(&renewed.access).await.unwrap(), Probe::Good);
    assert!(is_bad_grant(&client.refresh(&first).await));
    assert!(is_bad_grant(&client.refresh(&second).await), "the whole family is over");

    let bought = tokens(&client).await;
    let revoked = client.revoke(&bought.access, bought.refresh.as_ref()).await.unwrap();
    assert_eq!(revoked, Revoked::Done);
    assert_eq!(client.probe(&bought.access).await.unwrap(), Probe::Rejected);
    assert!(is_bad_grant(&client.refresh(&bought.refresh.unwrap()).await));
}
