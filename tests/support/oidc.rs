//! A provider that is not ours, npm's `oidc-provider`, and somebody's browser there.

#![expect(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdout, Command, Stdio};

use endo::config;
use endo::egress::Url;
use reqwest::{Client, RequestBuilder, redirect::Policy};
use serde::Deserialize;
use serde_json::{Value, json};

/// Printable ASCII, as RFC 6749 has it, and all of it that forms encode.
pub(crate) const CLIENT_SECRET: &str = "canary secret&=%/+:";

/// The provider; it ends when dropped.
pub(crate) struct RealProvider {
    child: Child,
    /// It ends when it says something and nobody is there to read it.
    _says: BufReader<ChildStdout>,
    pub(crate) issuer: String,
    /// Another origin, which leads browsers there.
    pub(crate) front: String,
    browser: Client,
}

/// What the provider saw.
#[derive(Debug, Deserialize)]
pub(crate) struct Happened {
    /// The kinds of the requests for tokens that it answered with some.
    pub(crate) grants: Vec<String>,
    /// Why it refused the others.
    pub(crate) refused: Vec<String>,
    /// All access tokens that it ever gave.
    pub(crate) access: Vec<String>,
    /// All refresh tokens.
    pub(crate) refresh: Vec<String>,
    /// The access tokens that its API was called with.
    pub(crate) called: Vec<String>,
}

impl RealProvider {
    /// A provider that knows no client yet.
    pub(crate) fn start() -> Self {
        let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/real/provider.mjs");
        let mut child = Command::new("node")
            .arg(script)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut line = String::new();
        let mut says = BufReader::new(child.stdout.take().unwrap());
        says.read_line(&mut line).unwrap();
        let said: Value = serde_json::from_str(&line).unwrap();
        let [issuer, front] = ["issuer", "front"].map(|name| said[name].as_str().unwrap().to_owned());
        Self { child, _says: says, issuer, front, browser: browser() }
    }

    /// Tells it of the one client that it will know, and where that has browsers sent back to.
    pub(crate) fn register(&mut self, redirect_uri: &str) {
        let client =
            json!({"client_id": "gateway", "client_secret": CLIENT_SECRET, "redirect_uri": redirect_uri});
        writeln!(self.child.stdin.as_mut().unwrap(), "{client}").unwrap();
    }

    /// Settings that spell it out.
    pub(crate) fn settings(&self) -> config::Source {
        let at = |path: &str| Some(format!("{}{path}", self.issuer));
        config::Source {
            // Its jobs are GitHub's.
            name: Some("github".to_owned()),
            base_url: Some(self.issuer.clone()),
            client_id: Some("gateway".to_owned()),
            client_secret: Some(CLIENT_SECRET.to_owned().into()),
            scopes: ["openid", "offline_access", "profile"].map(str::to_owned).to_vec(),
            parameters: vec!["prompt=consent".to_owned()],
            authorization_url: at("/auth"),
            token_url: at("/token"),
            revocation_url: at("/token/revocation"),
            revocation_ends: config::RevocationEnds::SignIn,
            issuer: Some(self.issuer.clone()),
            profile_url: at("/me"),
            profile_id: vec!["/sub".to_owned()],
            profile_username: Some("/preferred_username".to_owned()),
            ..config::Source::default()
        }
    }

    pub(crate) async fn happened(&self) -> Happened {
        let answer = self.browser.get(format!("{}/happened", self.issuer)).send().await.unwrap();
        serde_json::from_str(&answer.text().await.unwrap()).unwrap()
    }

    /// Whether it tells the account to whoever has this access token.
    pub(crate) async fn knows(&self, access: &str) -> bool {
        let asked = self.browser.get(format!("{}/me", self.issuer)).bearer_auth(access);
        asked.send().await.unwrap().status().is_success()
    }

    /// Ends everything that came of this refresh token, as its owner does on the provider's own pages.
    pub(crate) async fn end(&self, refresh: &str) {
        // What a client has in a header is encoded as in a form (RFC 6749, 2.3.1).
        let mut encoded = Url::parse("form:").unwrap();
        encoded.query_pairs_mut().append_key_only(CLIENT_SECRET);
        let revoke = self.browser.post(format!("{}/token/revocation", self.issuer));
        let revoke = revoke.basic_auth("gateway", encoded.query());
        let answer = form(revoke, &format!("token={refresh}")).send().await.unwrap();
        assert_eq!(answer.status(), 200);
    }
}

impl Drop for RealProvider {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A browser whose user says yes to everything; answers the address below `back` that it is sent back to.
pub(crate) async fn say_yes(start: Url, back: &str) -> Url {
    let browser = browser();
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
            if place.as_str().starts_with(back) {
                return place;
            }
            request = browser.get(place.clone());
        } else {
            assert!(answer.status().is_success(), "{place}: {}", answer.status());
            let login = answer.text().await.unwrap().contains("name=\"login\"");
            let fields = if login { "prompt=login&login=octocat&password=x" } else { "prompt=consent" };
            request = form(browser.post(place.clone()), fields);
        }
    }
}

fn browser() -> Client {
    let client = Client::builder().pool_max_idle_per_host(0).no_proxy().tls_certs_only([]);
    client.redirect(Policy::none()).build().unwrap()
}

fn form(request: RequestBuilder, fields: &str) -> RequestBuilder {
    request.header("content-type", "application/x-www-form-urlencoded").body(fields.to_owned())
}
