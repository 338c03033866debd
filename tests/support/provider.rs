//! A provider of tokens on loopback: it rotates refresh tokens, detects that one is used twice, and fails on demand.

#![expect(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

use std::collections::{HashMap, HashSet, VecDeque};
use std::sync::{Arc, Mutex};

use endo::ambient::{Random, Timestamp};
use endo::config;
use endo::egress::{Egress, EgressSettings, Lookup, Url};
use endo::source::oauth2::{OAuthClient, Pending};
use endo::source::{Catalogue, Source, Way};
use serde_json::json;
use tokio::sync::Semaphore;

use super::fake_api::{Answer, FakeApi, Seen};

/// The secret that the gateway and the provider share.
pub(crate) const CLIENT_SECRET: &str = "canary-client-secret&=%/ü";

/// What the next request for tokens meets.
#[derive(Clone)]
pub(crate) enum Fault {
    /// The tokens are new, and the answer never comes.
    RotateAndStall,
    /// The access token is new, the refresh token stays, and the answer never comes.
    KeepAndStall,
    /// The tokens are new, and the connection ends without an answer.
    RotateAndHangUp,
    /// The tokens are new, and the answer has this status, and does not hold them.
    RotateAndSay(u16),
    /// The tokens are new, and the answer waits for a permit.
    Slow(Arc<Semaphore>),
    /// The grant is called bad.
    InvalidGrant,
    /// All is well, but the answer has no refresh token: the old one stays.
    KeepRefreshToken,
    /// The answer says that the token lives so long, which may be nonsense.
    Lifetime(&'static str),
    /// This answer instead of one of its own.
    Say(u16, &'static str),
    /// The same, which waits for a permit.
    SayLate(Arc<Semaphore>, u16, &'static str),
    /// It wants to be asked later, and says when in these words.
    AskLater(&'static str),
    /// An answer with this status instead, which breaks off after its head.
    BreakOff(u16),
}

#[derive(Default)]
struct State {
    faults: VecDeque<Fault>,
    issued: u32,
    /// What each refresh token may still do.
    live: HashMap<String, bool>,
    access: HashSet<String>,
    reused: Vec<String>,
    /// Whether all is one grant.
    is_one_grant: bool,
    /// Whether it refuses to end what is over.
    refuses_what_is_over: bool,
    /// What the profile says, where that is not the usual.
    profile: Option<serde_json::Value>,
    /// What the next requests for the profile meet.
    profile_answers: VecDeque<Answer>,
    /// What the next requests to end a token meet, which do nothing then.
    revocation_answers: VecDeque<Answer>,
}

/// A provider at work.
pub(crate) struct FakeProvider {
    pub(crate) api: FakeApi,
    state: Arc<Mutex<State>>,
}

impl FakeProvider {
    pub(crate) async fn start() -> Self {
        let state = Arc::<Mutex<State>>::default();
        let shared = Arc::clone(&state);
        let api = FakeApi::start(move |seen| shared.lock().unwrap().answer(seen)).await;
        Self { api, state }
    }

    /// What the next requests for tokens meet, in this order.
    pub(crate) fn plan(&self, faults: impl IntoIterator<Item = Fault>) {
        self.state.lock().unwrap().faults.extend(faults);
    }

    /// A pair of tokens that somebody got earlier: access and refresh token.
    pub(crate) fn grant(&self) -> (String, String) {
        self.state.lock().unwrap().grant()
    }

    /// From now on all that it gives is of one grant, which ends with any of it: a sign-in gets the current refresh token again.
    pub(crate) fn gives_its_current_token_again(&self) {
        self.state.lock().unwrap().is_one_grant = true;
    }

    /// From now on it refuses to end a token that is over, or that it does not know, which RFC 7009 has it answer as if it ended.
    pub(crate) fn refuses_what_is_over(&self) {
        self.state.lock().unwrap().refuses_what_is_over = true;
    }

    /// A pair of tokens that was given before this provider began to count.
    pub(crate) fn knows(&self, access: Option<&str>, refresh: &str) {
        let mut state = self.state.lock().unwrap();
        state.access.extend(access.map(str::to_owned));
        state.live.insert(refresh.to_owned(), true);
    }

    /// The access tokens that its API was called with, and by which method.
    pub(crate) fn api_calls(&self) -> Vec<String> {
        let calls = self.api.seen().into_iter().filter(|seen| seen.target.starts_with("/users/"));
        calls.map(|seen| format!("{} {}", seen.method, seen.header("authorization").concat())).collect()
    }

    /// From now on this token alone is over.
    pub(crate) fn expire(&self, token: &str) {
        let mut state = self.state.lock().unwrap();
        state.access.remove(token);
        state.live.remove(token);
    }

    /// Refresh tokens that were used twice.
    pub(crate) fn reused(&self) -> Vec<String> {
        self.state.lock().unwrap().reused.clone()
    }

    /// Whether this refresh token still works.
    pub(crate) fn takes(&self, refresh: &str) -> bool {
        self.state.lock().unwrap().live.get(refresh) == Some(&true)
    }

    /// The tokens that it was asked to end.
    pub(crate) fn ended(&self) -> Vec<String> {
        let asked = self.api.seen().into_iter().filter(|seen| seen.target == "/revoke");
        asked.map(|seen| told_to_end(&seen)).collect()
    }

    /// From now on the profile says this.
    pub(crate) fn says(&self, profile: serde_json::Value) {
        self.state.lock().unwrap().profile = Some(profile);
    }

    /// How often it was asked for the profile.
    pub(crate) fn profile_requests(&self) -> usize {
        self.api.seen().iter().filter(|seen| seen.target == "/me").count()
    }

    /// What the next requests for the profile meet, in this order.
    pub(crate) fn profile_meets(&self, answers: impl IntoIterator<Item = Answer>) {
        self.state.lock().unwrap().profile_answers.extend(answers);
    }

    /// What the next requests to end a token meet, in this order; they end nothing.
    pub(crate) fn revocation_meets(&self, answers: impl IntoIterator<Item = Answer>) {
        self.state.lock().unwrap().revocation_answers.extend(answers);
    }

    /// How often it was asked for tokens.
    pub(crate) fn token_requests(&self) -> usize {
        self.api.seen().iter().filter(|seen| seen.target == "/token").count()
    }

    /// Settings that spell this provider out.
    pub(crate) fn settings(&self) -> config::Source {
        config::Source {
            // It stands in for GitHub, whose jobs the program brings.
            name: Some("github".to_owned()),
            base_url: Some(self.api.url("")),
            client_id: Some("gateway id".to_owned()),
            client_secret: Some(CLIENT_SECRET.to_owned().into()),
            scopes: vec!["read".to_owned(), "write".to_owned()],
            authorization_url: Some(self.api.url("/authorize")),
            token_url: Some(self.api.url("/token")),
            revocation_url: Some(self.api.url("/revoke")),
            revocation_ends: config::RevocationEnds::SignIn,
            profile_url: Some(self.api.url("/me")),
            profile_id: vec!["/account/id".to_owned()],
            profile_username: Some("/account/login".to_owned()),
            profile_extras: vec!["plan=/plan".to_owned()],
            ..config::Source::default()
        }
    }

    /// The same as a file of settings has them.
    pub(crate) fn settings_text(&self) -> String {
        let url = |path| self.api.url(path);
        format!(
            "[source]\nname = \"github\"\nbase_url = \"{}\"\nclient_id = \"gateway id\"\nclient_secret = '{CLIENT_SECRET}'\n\
             authorization_url = \"{}\"\ntoken_url = \"{}\"\nprofile_url = \"{}\"\nrevocation_url = \"{}\"\n\
             revocation_ends = \"sign_in\"\nprofile_id = \"/account/id\"\n",
            url(""),
            url("/authorize"),
            url("/token"),
            url("/me"),
            url("/revoke"),
        )
    }

    pub(crate) fn client(&self) -> OAuthClient {
        client(&self.settings(), EgressSettings::default())
    }
}

/// A sign-in that began just now and ends at `back`.
pub(crate) fn pending(back: &str, now: Timestamp) -> Pending {
    // At least 43 characters (RFC 7636, 4.1).
    let secret = || [Random::system().token(), Random::system().token()].concat().into();
    Pending { state: secret(), verifier: secret(), redirect_url: back.to_owned(), begun_at: now }
}

/// The client that these settings make.
pub(crate) fn client(settings: &config::Source, egress: EgressSettings) -> OAuthClient {
    let source = Source::settle(settings, &Catalogue::embedded()).unwrap();
    let Way::OAuth2User(Some(oauth2)) = source.way else { panic!("{source:?}") };
    OAuthClient::new(Egress::new(egress, Lookup::system()).unwrap(), oauth2)
}

/// The form that a request carries.
pub(crate) fn form(seen: &Seen) -> HashMap<String, String> {
    let mut url = Url::parse("http://localhost").unwrap();
    url.set_query(Some(str::from_utf8(&seen.body).unwrap()));
    url.query_pairs().into_owned().collect()
}

/// The token that a request is to end, however it names that.
fn told_to_end(seen: &Seen) -> String {
    let body: serde_json::Value = serde_json::from_slice(&seen.body).unwrap_or_default();
    let bearer = seen.header("authorization").concat();
    match body["access_token"].as_str() {
        Some(token) => token.to_owned(),
        None if bearer.starts_with("Bearer ") => bearer.trim_start_matches("Bearer ").to_owned(),
        None => form(seen).remove("token").unwrap_or_default(),
    }
}

impl State {
    fn answer(&mut self, seen: &Seen) -> Answer {
        match seen.target.as_str() {
            "/token" => self.token(&form(seen)),
            "/me" => self.profile(seen),
            // Everybody may do this, and it is done.
            "/users/anybody/notes" => Answer::new(200, &["content-type: application/json"], "{}"),
            target if target.starts_with("/users/") => match self.takes_bearer(seen) {
                true => Answer::new(200, &["content-type: application/json"], "[]"),
                false => {
                    Answer::new(401, &["content-type: application/json"], r#"{"message":"Bad credentials"}"#)
                }
            },
            "/revoke" => {
                if let Some(answer) = self.revocation_answers.pop_front() {
                    return answer;
                }
                let told = told_to_end(seen);
                let is_by_access_alone = !seen.header("content-type").concat().contains("form");
                if is_by_access_alone && !self.access.contains(&told) {
                    let status = if seen.method == "DELETE" { 404 } else { 401 };
                    return Answer::new(status, &[], r#"{"message":"Not Found"}"#);
                }
                if self.refuses_what_is_over && !self.knows(&told) {
                    return Answer::new(400, &[], "");
                }
                self.end(&told);
                Answer::new(200, &[], "")
            }
            _ => Answer::new(404, &[], ""),
        }
    }

    fn issue(&mut self) -> (String, String) {
        self.issued += 1;
        let (access, refresh) = (format!("access-{}", self.issued), format!("refresh-{}", self.issued));
        self.access.insert(access.clone());
        self.live.insert(refresh.clone(), true);
        (access, refresh)
    }

    fn grant(&mut self) -> (String, String) {
        let is_current = |(token, live): (&String, &bool)| live.then(|| token.clone());
        let current = self.live.iter().find_map(is_current).filter(|_| self.is_one_grant);
        let (access, refresh) = self.issue();
        let Some(current) = current else { return (access, refresh) };
        self.live.remove(&refresh);
        (access, current)
    }

    fn knows(&self, token: &str) -> bool {
        self.live.contains_key(token) || self.access.contains(token)
    }

    fn end(&mut self, token: &str) {
        if self.is_one_grant && self.knows(token) {
            self.live.clear();
            self.access.clear();
        }
        self.live.remove(token);
        self.access.remove(token);
    }

    fn token(&mut self, form: &HashMap<String, String>) -> Answer {
        let fault = self.faults.pop_front();
        let bad = || Answer::new(400, &[], r#"{"error":"invalid_grant"}"#);
        match &fault {
            Some(Fault::InvalidGrant) => return bad(),
            Some(Fault::Say(status, text)) => return Answer::new(*status, &["retry-after: 7"], text),
            Some(Fault::SayLate(gate, status, text)) => {
                return Answer::new(*status, &[], text).behind(gate);
            }
            Some(Fault::AskLater(when)) => {
                return Answer::new(429, &[&format!("retry-after: {when}")], "");
            }
            Some(Fault::BreakOff(status)) => {
                return Answer::Bytes(format!("HTTP/1.1 {status} Oh\r\ncontent-length: 9\r\n\r\n").into());
            }
            _ => {}
        }
        let good = match (form.get("code").map(String::as_str), form.get("refresh_token")) {
            (code, None) => code == Some("good code"),
            (_, Some(token)) => {
                self.spend(token, matches!(fault, Some(Fault::KeepRefreshToken | Fault::KeepAndStall)))
            }
        };
        if !good {
            return bad();
        }
        let (access, refresh) = self.issue();
        let mut answer = json!({"access_token": access, "token_type": "bearer", "expires_in": 3600});
        match fault {
            Some(Fault::KeepRefreshToken) => {}
            _ => answer["refresh_token"] = refresh.into(),
        }
        if let Some(Fault::Lifetime(text)) = fault {
            answer["expires_in"] = serde_json::from_str(text).unwrap();
        }
        let answer = Answer::new(200, &["content-type: application/json"], answer.to_string());
        match fault {
            Some(Fault::RotateAndStall | Fault::KeepAndStall) => Answer::Stall(Vec::new()),
            Some(Fault::RotateAndHangUp) => Answer::Bytes(Vec::new()),
            Some(Fault::RotateAndSay(status)) => Answer::new(status, &[], "<html>oops"),
            Some(Fault::Slow(gate)) => answer.behind(&gate),
            _ => answer,
        }
    }

    /// Uses a refresh token up; the second use of one ends the whole family, as RFC 9700 advises.
    fn spend(&mut self, token: &str, keep: bool) -> bool {
        match self.live.get_mut(token) {
            Some(live) if *live => {
                *live = keep;
                true
            }
            Some(_) => {
                self.reused.push(token.to_owned());
                self.live.clear();
                self.access.clear();
                false
            }
            None => false,
        }
    }

    fn takes_bearer(&self, seen: &Seen) -> bool {
        let bearer = seen.header("authorization").concat();
        bearer.strip_prefix("Bearer ").is_some_and(|token| self.access.contains(token))
    }

    fn profile(&mut self, seen: &Seen) -> Answer {
        if let Some(answer) = self.profile_answers.pop_front() {
            return answer;
        }
        if !self.takes_bearer(seen) {
            return Answer::new(401, &[], r#"{"error":"invalid_token"}"#);
        }
        let usual = json!({"account": {"id": 583_231, "login": "octocat"}, "plan": "free", "secret": "no"});
        Answer::new(200, &[], self.profile.as_ref().unwrap_or(&usual).to_string())
    }
}
