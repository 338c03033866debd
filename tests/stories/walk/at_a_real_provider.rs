//! A running gateway and npm's `oidc-provider`: codes with PKCE, rotation with detection of reuse, revocation.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use endo::ambient::{Clock, Timestamp};
use endo::credentials::Owned;
use endo::egress::EgressSettings;
use endo::message::DeviceUuid;
use endo::source::oauth2::OAuthError;
use endo::vault::SecretText;
use serde_json::{Value, json};

use crate::support::browser::{Browser, hidden};
use crate::support::bus::Answer;
use crate::support::gateway::{Chain, TestGateway};
use crate::support::oidc::{RealProvider, say_yes};
use crate::support::provider::client;
use crate::support::real;

const HOURS: Duration = Duration::from_secs(2 * 60 * 60);

/// A gateway that knows the provider, at a time that the story sets, and its first owner's browser.
struct Place {
    provider: RealProvider,
    gateway: TestGateway,
    browser: Browser,
    now: Arc<AtomicI64>,
}

impl Place {
    async fn open() -> Self {
        let mut provider = RealProvider::start();
        let now = Arc::new(AtomicI64::new(1_800_000_000_000));
        let hand = Arc::clone(&now);
        let clock = Clock::from_fn(move || Timestamp::from_millis(hand.load(Ordering::SeqCst)));
        let source = provider.settings();
        let gateway = TestGateway::at(clock, "", |config| config.source = source).await;
        let url = format!("http://{}", gateway.running.gateway());
        provider.register(&format!("{url}/auth/api/callback"));
        let mut browser = Browser::at(&url);
        let page = browser.get(&gateway.running.sign_in_link().unwrap()).await;
        assert_eq!(browser.submit(&page, "/sign-in", &[]).await.status, 303);
        Self { provider, gateway, browser, now }
    }

    fn wait(&self, span: Duration) {
        self.now.fetch_add(i64::try_from(span.as_millis()).unwrap(), Ordering::SeqCst);
    }

    /// Signs in at the provider; answers the address that it sends the browser back to.
    async fn at_the_provider(&self, browser: &mut Browser, path: &str) -> String {
        let answer = browser.get(path).await;
        let start = answer.header("location").unwrap_or_else(|| panic!("{answer:?}")).parse().unwrap();
        let back = format!("http://{}/auth/api/callback?", self.gateway.running.gateway());
        say_yes(start, &back).await.into()
    }

    async fn sign_in(&mut self, path: &str) -> Answer {
        let mut browser = self.browser.clone();
        let back = self.at_the_provider(&mut browser, path).await;
        let answer = browser.get(&back).await;
        self.browser = browser;
        answer
    }

    /// Signs in, and answers whose credentials are there then.
    async fn connect(&mut self) -> DeviceUuid {
        let answer = self.sign_in("/auth/api").await;
        assert_eq!(answer.status, 303, "{answer:?}");
        let [owned] = &self.owned().await[..] else { panic!("there are credentials of one account") };
        owned.device().clone()
    }

    async fn owned(&self) -> Vec<Owned> {
        let owner = &self.gateway.gateway.owner.as_ref().unwrap().uuid;
        self.gateway.gateway.credentials.of_owner(owner, None).await.unwrap().shown
    }
}

fn list_events() -> Value {
    json!({"metadata": {"jobType": "ListEventsByUser", "respondTo": "n"}, "data": {"username": "octocat"}})
}

#[tokio::test]
async fn whoever_signs_in_at_a_real_provider_finds_the_account_on_a_page_of_the_gateway() {
    if !real::on("whoever_signs_in_at_a_real_provider_finds_the_account_on_a_page_of_the_gateway") {
        return;
    }
    let mut place = Place::open().await;
    let mut browser = place.browser.clone();
    let back = place.at_the_provider(&mut browser, "/auth/api").await;
    assert!(back.contains("&iss=http"), "the provider says who it is: {back}");
    let mut before = browser.clone();
    let answer = browser.get(&back).await;
    let [owned] = &place.owned().await[..] else { panic!("{answer:?}") };
    let home = format!("/console/credentials/{}", owned.device());
    assert_eq!((answer.status.as_u16(), answer.header("location")), (303, Some(&*home)), "{answer:?}");
    let page = browser.get(&home).await;
    assert!(page.status == 200 && page.text.contains("octocat@example.org"), "{page:?}");

    let session = browser.session_cookie();
    before.cookies[&session] = browser.cookies[&session].clone();
    let again = before.get(&back).await;
    assert_eq!(again.status, 403, "an answer serves once: {again:?}");
    let happened = place.provider.happened().await;
    assert_eq!((happened.grants, happened.refused), (vec!["authorization_code".to_owned()], vec![]));

    // The same account is the same credentials.
    place.browser = browser;
    let link = format!("/auth/api?credentials={}", owned.device());
    assert_eq!(place.sign_in(&link).await.header("location"), Some(&*home));
    assert_eq!(place.owned().await.len(), 1);
}

#[tokio::test]
async fn a_code_that_somebody_else_was_given_is_refused_by_a_real_provider() {
    if !real::on("a_code_that_somebody_else_was_given_is_refused_by_a_real_provider") {
        return;
    }
    let place = Place::open().await;
    let (mut theirs, mut own) = (place.browser.clone(), place.browser.clone());
    let stolen = place.at_the_provider(&mut theirs, "/auth/api").await;
    let honest = place.at_the_provider(&mut own, "/auth/api").await;
    let value = |address: &str, name: &str| {
        let url: reqwest::Url = address.parse().unwrap();
        url.query_pairs().find(|(key, _)| key == name).unwrap().1.into_owned()
    };
    // The state is this browser's own; the code belongs to another challenge.
    let mixed = honest.replace(&value(&honest, "code"), &value(&stolen, "code"));
    let answer = own.get(&mixed).await;
    assert_eq!(answer.status, 403, "{answer:?}");
    assert!(answer.text.contains("begin again"), "{answer:?}");
    let happened = place.provider.happened().await;
    assert_eq!(
        (happened.grants.len(), &happened.refused[..]),
        (0, &["PKCE verification failed".to_owned()][..])
    );
    assert!(place.owned().await.is_empty());
}

#[tokio::test]
async fn an_expiring_token_is_renewed_and_a_real_provider_sees_no_refresh_token_twice() {
    if !real::on("an_expiring_token_is_renewed_and_a_real_provider_sees_no_refresh_token_twice") {
        return;
    }
    const TIMES: usize = 3;
    const MESSAGES: usize = 20;
    let mut place = Place::open().await;
    let credentials = place.connect().await;
    let mut chain = place.gateway.chain_to(credentials).await;
    for _ in 0..TIMES {
        place.wait(HOURS);
        for _ in 0..MESSAGES {
            place.gateway.send(&chain, list_events()).await;
        }
        for _ in 0..MESSAGES {
            let reply = chain.flow.next().await;
            assert_eq!(reply["metadata"]["code"], 200, "{reply}");
        }
    }
    let happened = place.provider.happened().await;
    assert_eq!(happened.refused, Vec::<String>::new());
    assert_eq!(happened.grants[0], "authorization_code");
    assert_eq!(happened.grants[1..], vec!["refresh_token"; TIMES]);
    assert_eq!(happened.refresh.len(), TIMES + 1, "it rotates: {happened:?}");
    assert_eq!(happened.called.len(), TIMES * MESSAGES);
    for (round, called) in happened.called.chunks(MESSAGES).enumerate() {
        assert!(called.iter().all(|token| *token == happened.access[round + 1]), "{round}: {happened:?}");
    }
}

/// A place whose owner connected an account, and a chain by which its API is called.
async fn working() -> (Place, DeviceUuid, Chain) {
    let mut place = Place::open().await;
    let credentials = place.connect().await;
    let mut chain = place.gateway.chain_to(credentials.clone()).await;
    assert_eq!(place.gateway.exchange(&mut chain, list_events()).await["metadata"]["code"], 200);
    (place, credentials, chain)
}

#[tokio::test]
async fn a_secret_that_a_real_provider_ended_is_dead_until_its_owner_signs_in_again() {
    if !real::on("a_secret_that_a_real_provider_ended_is_dead_until_its_owner_signs_in_again") {
        return;
    }
    let (mut place, credentials, mut chain) = working().await;

    place.provider.end(&place.provider.happened().await.refresh[0]).await;
    let reply = place.gateway.exchange(&mut chain, list_events()).await;
    assert_eq!(reply["metadata"]["code"], 401, "{reply}");
    let link = format!("/auth/api?credentials={credentials}");
    assert!(reply.to_string().contains(&link), "{reply}");
    let home = format!("/console/credentials/{credentials}");
    let page = place.browser.get(&home).await;
    assert!(page.text.contains("not accepted any more"), "{page:?}");

    assert_eq!(place.sign_in(&link).await.header("location"), Some(&*home));
    assert_eq!(place.gateway.exchange(&mut chain, list_events()).await["metadata"]["code"], 200);
}

#[tokio::test]
async fn forgetting_a_secret_ends_its_tokens_at_a_real_provider() {
    if !real::on("forgetting_a_secret_ends_its_tokens_at_a_real_provider") {
        return;
    }
    let (mut place, credentials, mut chain) = working().await;
    let given = place.provider.happened().await;
    assert!(place.provider.knows(&given.access[0]).await);

    let forget = format!("/console/credentials/{credentials}/forget");
    let page = place.browser.get(&forget).await;
    assert!(!hidden(&page, &forget).is_empty());
    let answer = place.browser.submit(&page, &forget, &[]).await;
    let to = answer.header("location").unwrap_or_default();
    assert!(answer.status == 303 && to.starts_with("/console"), "{answer:?}");
    while place.provider.knows(&given.access[0]).await {
        tokio::task::yield_now().await;
    }
    let client = client(&place.provider.settings(), EgressSettings::default());
    let refused = client.refresh(&SecretText::from(&*given.refresh[0])).await;
    assert!(matches!(refused, Err(OAuthError::InvalidGrant { .. })), "{refused:?}");

    place.gateway.send(&chain, list_events()).await;
    assert_eq!(place.gateway.arrived(&mut chain.flow).await, Vec::<Value>::new());
    assert_eq!(place.provider.happened().await.called.len(), 1, "its API was called again");
    assert_eq!(place.browser.get(&format!("/console/credentials/{credentials}")).await.status, 404);
}
