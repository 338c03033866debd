//! The bus as an OAuth provider, as clients and people's browsers meet it over HTTP.

mod codes;
mod handshake;
mod open_devices;
mod pages;
mod passport;
mod person;
mod requests;
mod restart;
mod signing_in;

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use endo::ambient::{Clock, Timestamp};
use endo::bus::embedded::api::ApiLimits;
use serde_json::{Value, json};

use self::person::{Person, query};
use crate::support::bus::{Answer, Device, TestBus, send};

const CALLBACK: &str = "https://endo.example/auth/octoblu/callback?kept=1";

/// A bus with a client and a user, at a time that the story sets.
struct World {
    bus: TestBus,
    client: Device,
    user: Device,
    now: Arc<AtomicI64>,
}

impl World {
    async fn open() -> Self {
        Self::with(json!({"callbackUrl": CALLBACK, "name": "Endo <GitHub>"})).await
    }

    /// With a client of these options.
    async fn with(options: Value) -> Self {
        let now = Arc::new(AtomicI64::new(1_800_000_000_000));
        let hand = Arc::clone(&now);
        let clock = Clock::from_fn(move || Timestamp::from_millis(hand.load(Ordering::SeqCst)));
        let bus = TestBus::at(clock, ApiLimits::default(), None).await;
        let client = client(&bus, options).await;
        let user = bus.register(json!({"type": "octoblu:user", "configureWhitelist": []})).await;
        Self { bus, client, user, now }
    }

    fn wait(&self, span: Duration) {
        self.now.fetch_add(i64::try_from(span.as_millis()).unwrap(), Ordering::SeqCst);
    }

    fn person(&self) -> Person {
        Person::at(&format!("http://{}", self.bus.address))
    }

    /// A person who is signed in as the user and has said yes before.
    async fn known_person(&self) -> Person {
        let mut person = self.person();
        self.consent(&mut person, "").await;
        person
    }

    /// Signs the person in as the user and has them say yes.
    async fn consent(&self, person: &mut Person, more: &str) -> Answer {
        let answer = person.sign_in(&self.authorize(more), &self.user).await;
        if answer.status == 200 { person.press(&answer, "allow").await } else { answer }
    }

    /// `/authorize`, as the original gateway asks, and more of a query.
    fn authorize(&self, more: &str) -> String {
        format!("/authorize?response_type=code&client_id={}{more}", self.client.uuid)
    }

    /// A code for the client, in the name of the user.
    async fn code(&self, more: &str) -> String {
        let answer = self.consent(&mut self.person(), more).await;
        query(&answer).remove("code").unwrap_or_else(|| panic!("{answer:?}"))
    }

    /// Exchanges a code as the original gateway does, with more fields.
    async fn exchange(&self, client: &Device, code: &str, more: &str) -> Answer {
        let form = format!(
            "grant_type=authorization_code&client_id={}&client_secret={}&code={code}{more}",
            client.uuid, client.token
        );
        self.post(form).await
    }

    async fn post(&self, form: String) -> Answer {
        let request = self.bus.anonymous("POST /access_token");
        send(request.header("content-type", "application/x-www-form-urlencoded").body(form)).await
    }

    /// Who the bus says that a bearer of this token is.
    async fn bearer(&self, token: &str) -> Answer {
        send(self.bus.anonymous("GET /v2/whoami").bearer_auth(token)).await
    }
}

/// A client's device as the operator of an old gateway registers it.
async fn client(bus: &TestBus, options: Value) -> Device {
    let document = json!({
        "type": "device:oauth",
        "name": "service",
        "discoverWhitelist": ["*"],
        "configureWhitelist": [],
        "options": options,
    });
    bus.register(document).await
}

fn token(answer: &Answer) -> String {
    assert_eq!(answer.status, 200, "{answer:?}");
    answer.json()["access_token"].as_str().unwrap().to_owned()
}

/// Uuid and token of an access token.
fn opened(token: &str) -> Device {
    let pair = String::from_utf8(STANDARD.decode(token).unwrap()).unwrap();
    let (uuid, token) = pair.split_once(':').unwrap();
    Device { uuid: uuid.to_owned(), token: token.to_owned() }
}

#[track_caller]
fn is_refused(answer: &Answer, status: u16, error: &str) {
    assert_eq!((answer.status.as_u16(), &answer.json()["error"]), (status, &json!(error)), "{answer:?}");
    assert_eq!(answer.header("cache-control"), Some("no-store"));
}
