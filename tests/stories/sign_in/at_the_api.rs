//! People sign in at the API, and their secret is kept.

use std::collections::HashSet;
use std::time::Duration;

use endo::config::Config;
use endo::credentials::Owned;
use endo::store::{RenewalStage, StoreError, StoredRefreshToken, Transaction};
use endo::vault::ResourceOwnerId;
use reqwest::Url;
use serde_json::{Value, json};

use super::{House, must_sign_in};
use crate::support::browser::{Browser, come_back, depart, state_of};
use crate::support::bus::Answer;
use crate::support::fake_api::Answer as ApiAnswer;
use crate::support::provider::{FakeProvider, Fault};

/// A gateway at a provider, and somebody who is signed in.
pub(super) struct Place {
    pub(super) house: House,
    pub(super) provider: FakeProvider,
}

impl Place {
    pub(super) async fn open() -> Self {
        Self::with(|_| ()).await
    }

    /// The same with other settings.
    pub(super) async fn with(change: impl FnOnce(&mut Config)) -> Self {
        let provider = FakeProvider::start().await;
        let source = provider.settings();
        let settle = |config: &mut Config| {
            config.source = source;
            change(config);
        };
        Self { house: House::with(settle).await, provider }
    }

    /// A browser on its way, and the state it has to bring back.
    pub(super) async fn under_way(&self, path: &str) -> (Browser, String) {
        let mut browser = self.house.signed_in().await;
        let state = depart(&mut browser, path).await;
        (browser, state)
    }

    /// Whether the owner proved lately that these credentials are theirs.
    pub(super) async fn is_proved(&self, credentials: &str) -> bool {
        let gateway = &self.house.gateway.gateway;
        let owner = &gateway.owner.as_ref().unwrap().uuid;
        let age = Duration::from_secs(300);
        gateway.credentials.is_proved(owner, &credentials.into(), age).await.unwrap()
    }

    async fn owned(&self) -> Vec<Owned> {
        let owner = self.house.gateway.gateway.owner.as_ref().unwrap().uuid.clone();
        self.house.gateway.gateway.credentials.of_owner(&owner, None).await.unwrap().shown
    }
}

#[track_caller]
pub(super) fn refused(answer: &Answer, says: &str) {
    assert_eq!(answer.status, 403, "{answer:?}");
    assert!(answer.text.contains(says), "{says}: {answer:?}");
}

#[tokio::test]
async fn a_sign_in_at_the_api_keeps_its_secret_for_whoever_is_signed_in() {
    let place = Place::open().await;
    let mut browser = place.house.signed_in().await;
    let answer = browser.get("/auth/api").await;
    let url: Url = answer.header("location").unwrap().parse().unwrap();
    let pairs: std::collections::HashMap<_, _> = url.query_pairs().into_owned().collect();
    assert_eq!(pairs["redirect_uri"], format!("{}/auth/api/callback", place.house.url()));
    assert_eq!((&*pairs["code_challenge_method"], &*pairs["response_type"]), ("S256", "code"));
    let answer = come_back(&mut browser, &pairs["state"]).await;
    let owned = place.owned().await;
    assert_eq!(owned.len(), 1);
    assert_eq!(owned[0].username(), Some("octocat"));
    let page = format!("/console/credentials/{}", owned[0].device());
    assert_eq!((answer.status.as_u16(), answer.header("location")), (303, Some(&*page)), "{answer:?}");
    assert_eq!(browser.cookies.len(), 1, "the cookie of the way is gone");
    let console = browser.get("/console").await;
    assert!(console.text.contains("octocat"), "{console:?}");
}

#[tokio::test]
async fn a_program_is_told_the_credentials_by_name() {
    let place = Place::open().await;
    let (browser, state) = place.under_way("/auth/api").await;
    let jar: Vec<_> = browser.cookies.iter().map(|(name, value)| format!("{name}={value}")).collect();
    let url = format!("{}/auth/api/callback?code=good%20code&state={state}", place.house.url());
    let client = reqwest::Client::builder().no_proxy().tls_certs_only([]).build().unwrap();
    let request = client.get(url).header("accept", "application/json").header("cookie", jar.join("; "));
    let answer = request.send().await.unwrap();
    assert_eq!(answer.status(), 201);
    let told: Value = serde_json::from_str(&answer.text().await.unwrap()).unwrap();
    assert_eq!(told, json!({"uuid": place.owned().await[0].device()}));
}

#[tokio::test]
async fn an_answer_that_comes_as_a_form_goes_on_by_get() {
    let place = Place::open().await;
    let (mut browser, state) = place.under_way("/auth/api").await;
    let request =
        browser.form("/auth/api/callback", &[("code", "good code"), ("state", &state), ("more", "x")]);
    let answer = browser.send(request).await;
    assert_eq!(answer.status, 303, "{answer:?}");
    let on = answer.header("location").unwrap().to_owned();
    assert!(!on.contains("more"), "{on}");
    assert_eq!(browser.get(&on).await.status, 303);
    assert_eq!(place.owned().await.len(), 1);
}

#[tokio::test]
async fn a_callback_is_good_once_in_the_browser_that_began_it_with_its_own_state() {
    let place = Place::open().await;
    let (mut browser, state) = place.under_way("/auth/api").await;
    let (mut other, others_state) = place.under_way("/auth/api").await;

    // Another browser, signed in as well, brings this one's answer.
    refused(&come_back(&mut place.house.signed_in().await, &state).await, "did not begin that sign-in");
    // A state of another browser.
    refused(&come_back(&mut other, &state).await, "did not begin that sign-in");

    let mut repeating = browser.clone();
    assert_eq!(come_back(&mut browser, &state).await.status, 303);
    let session = browser.session_cookie();
    repeating.cookies[&session] = browser.cookies[&session].clone();
    refused(&come_back(&mut repeating, &state).await, "finished already");
    assert_eq!(place.provider.token_requests(), 1);
    assert_eq!(come_back(&mut other, &others_state).await.status, 303);
    assert_eq!(place.owned().await.len(), 1);
}

#[tokio::test]
async fn what_somebody_else_has_a_browser_bring_back_ends_no_sign_in_of_its_own() {
    let place = Place::open().await;
    let (mut browser, state) = place.under_way("/auth/api").await;
    for answer in ["", "?state=x", "?code=x", "?state=&code=x", "?error=access_denied&state=x"] {
        for callback in ["/auth/api/callback", "/auth/octoblu/callback"] {
            let answer = browser.get_from("cross-site", &format!("{callback}{answer}")).await;
            refused(&answer, "did not begin that sign-in");
        }
    }
    browser.get_from("cross-site", "/auth/octoblu").await;
    assert_eq!(come_back(&mut browser, &state).await.status, 303);
    assert_eq!(place.provider.token_requests(), 1);
}

#[tokio::test]
async fn a_callback_without_a_session_or_in_somebody_else_s_keeps_nothing() {
    let place = Place::open().await;
    let (mut browser, state) = place.under_way("/auth/api").await;
    let flow = browser.flows().remove(0);
    let pass = browser.cookies[&flow].clone();
    let session = browser.cookies.shift_remove(&browser.session_cookie()).unwrap();
    must_sign_in(&come_back(&mut browser, &state).await);

    let stranger = place.house.stranger().await;
    let mut strangers = place.house.signed_in_with_bus(&stranger).await;
    strangers.cookies.insert(flow, pass);
    refused(&come_back(&mut strangers, &state).await, "did not begin that sign-in");
    assert_eq!(place.provider.token_requests(), 0);
    assert!(place.owned().await.is_empty());

    // Nor does that use up what its owner began.
    browser.cookies.insert(browser.session_cookie(), session);
    assert_eq!(come_back(&mut browser, &state).await.status, 303);
}

#[tokio::test]
async fn a_sign_in_that_takes_longer_than_ten_minutes_keeps_nothing() {
    let place = Place::open().await;
    let (mut browser, state) = place.under_way("/auth/api").await;
    place.house.wait(Duration::from_secs(601));
    refused(&come_back(&mut browser, &state).await, "longer than ten minutes");
    assert_eq!(place.provider.token_requests(), 0);
}

#[tokio::test]
async fn an_answer_of_another_provider_or_without_a_code_keeps_nothing() {
    let place = Place::open().await;
    for (answer, says) in [
        ("code=good%20code&iss=https://elsewhere.example", "another provider"),
        ("code=good%20code&code=x", "malformed"),
        ("error=access_denied&error_description=<b>no</b>", "access_denied"),
        ("", "no code"),
    ] {
        let (mut browser, state) = place.under_way("/auth/api").await;
        let answer = browser.get(&format!("/auth/api/callback?state={state}&{answer}")).await;
        refused(&answer, says);
        assert!(!answer.text.contains("<b>no"), "{answer:?}");
    }
    assert_eq!(place.provider.token_requests(), 0);
}

#[tokio::test]
async fn a_provider_that_signs_nobody_in_for_now_is_told_as_that_and_not_as_a_refusal() {
    let place = Place::open().await;
    for (error, status, says) in [
        ("temporarily_unavailable", 503, "Begin again in a few minutes"),
        ("server_error", 502, "Begin again in a moment"),
        ("invalid_scope", 403, "invalid_scope"),
    ] {
        let (mut browser, state) = place.under_way("/auth/api").await;
        let answer = browser.get(&format!("/auth/api/callback?state={state}&error={error}")).await;
        assert_eq!(answer.status, status, "{answer:?}");
        assert!(answer.text.contains(says), "{answer:?}");
        let start = browser.get("/auth/octoblu").await;
        let state = state_of(&start);
        let answer = browser.get(&format!("/auth/octoblu/callback?state={state}&error={error}")).await;
        assert_eq!(answer.status, status, "{answer:?}");
    }
    assert!(place.owned().await.is_empty());
}

#[tokio::test]
async fn an_account_whose_id_is_no_text_or_number_is_refused() {
    let place = Place::open().await;
    for id in [json!(null), json!({"a": 1}), json!([1]), json!(true), json!(1.5), json!(""), json!(" ")] {
        place.provider.says(json!({"account": {"id": id, "login": "octocat"}}));
        let (mut browser, state) = place.under_way("/auth/api").await;
        let answer = come_back(&mut browser, &state).await;
        assert_eq!(answer.status, 502, "{id}: {answer:?}");
        assert!(answer.text.contains("nothing was kept"), "{answer:?}");
    }
    assert!(place.owned().await.is_empty());
}

/// The ids of the accounts that sign in with these profiles, one after the other.
async fn ids_of(place: &Place, profiles: &[Value]) -> HashSet<ResourceOwnerId> {
    for profile in profiles {
        place.provider.says(profile.clone());
        let (mut browser, state) = place.under_way("/auth/api").await;
        let answer = come_back(&mut browser, &state).await;
        assert_eq!(answer.status, 303, "{profile}: {answer:?}");
    }
    place.owned().await.iter().map(|owned| owned.id().unwrap().clone()).collect()
}

#[tokio::test]
async fn people_whose_ids_are_told_apart_within_their_workspace_alone_have_credentials_of_their_own() {
    let slack = |config: &mut Config| {
        config.source.provider = Some("slack".to_owned());
        config.source.profile_id.clear();
    };
    let of = |team: &str| json!({"ok": true, "team_id": team, "user_id": "U023BECGF"});
    let people = [of("T-alpha"), of("T-beta"), of("T-alpha")];
    let text = |text: &str| ResourceOwnerId::Text(text.to_owned());
    let place = Place::with(slack).await;
    let both = [text(r#"["T-alpha","U023BECGF"]"#), text(r#"["T-beta","U023BECGF"]"#)];
    assert_eq!(ids_of(&place, &people).await, HashSet::from(both));

    // Whoever keeps credentials that are named by the second alone goes on with them.
    let place = Place::with(|config| {
        slack(config);
        config.source.profile_id = vec!["/user_id".to_owned()];
    })
    .await;
    assert_eq!(ids_of(&place, &people).await, HashSet::from([text("U023BECGF")]));
}

#[tokio::test]
async fn the_parts_of_an_id_do_not_run_into_each_other_and_none_may_be_missing() {
    let place =
        Place::with(|config| config.source.profile_id = vec!["/a".to_owned(), "/b/0".to_owned()]).await;
    let of = |a: Value, b: Value| json!({"a": a, "b": [b]});
    let people = [
        of(json!("1"), json!("23")),
        of(json!("12"), json!("3")),
        of(json!(12), json!(3)),
        of(json!("12"), json!(3)),
        of(json!("x\",\"y"), json!("z")),
        of(json!("x"), json!("y\",\"z")),
        of(json!("a,b"), json!("c")),
        of(json!("a"), json!("b,c")),
    ];
    assert_eq!(ids_of(&place, &people).await.len(), people.len());
    for profile in [json!({"a": "1"}), of(json!("1"), json!(null)), of(json!(" "), json!("1"))] {
        place.provider.says(profile);
        let (mut browser, state) = place.under_way("/auth/api").await;
        assert_eq!(come_back(&mut browser, &state).await.status, 502);
    }
    assert_eq!(place.owned().await.len(), people.len());
}

#[tokio::test]
async fn an_account_whose_id_is_a_large_integer_is_known_by_all_of_its_digits() {
    let place = Place::open().await;
    let (mut browser, state) = place.under_way("/auth/api").await;
    let says = |id: &str| {
        let profile = format!(r#"{{"account": {{"id": {id}, "login": "octocat"}}}}"#);
        place.provider.profile_meets([ApiAnswer::new(200, &[], profile)]);
    };
    says("1180591620717411303424");
    let home = come_back(&mut browser, &state).await.header("location").unwrap().to_owned();
    let owned = place.owned().await.remove(0);
    assert_eq!(owned.id(), Some(&ResourceOwnerId::Text("1180591620717411303424".to_owned())));

    let again = format!("/auth/api?credentials={}", owned.device());
    let state = depart(&mut browser, &again).await;
    says("1180591620717411303425");
    refused(&come_back(&mut browser, &state).await, "not the account of these credentials");
    let state = depart(&mut browser, &again).await;
    says("1180591620717411303424");
    assert_eq!(come_back(&mut browser, &state).await.header("location"), Some(&*home));
}

#[tokio::test]
async fn an_account_whose_name_is_a_number_is_called_by_it() {
    let place = Place::open().await;
    let (mut browser, state) = place.under_way("/auth/api").await;
    let profile = r#"{"account": {"id": 7, "login": 1180591620717411303424}}"#;
    place.provider.profile_meets([ApiAnswer::new(200, &[], profile)]);
    assert_eq!(come_back(&mut browser, &state).await.status, 303);
    assert_eq!(place.owned().await.remove(0).username(), Some("1180591620717411303424"));
}

#[tokio::test]
async fn whoever_comes_back_from_the_api_with_nothing_is_not_told_that_they_are_signed_out_here() {
    let place = Place::open().await;
    let (mut browser, state) = place.under_way("/auth/api").await;
    let answer = browser.get(&format!("/auth/api/callback?error=access_denied&state={state}")).await;
    refused(&answer, "That sign-in came to nothing");
    assert!(!answer.text.contains("You are not signed in"), "{answer:?}");
    assert!(
        answer.text.contains(r#"<a class="button strong" href="/auth/api">Begin again</a>"#),
        "{answer:?}"
    );
    let state = depart(&mut browser, "/auth/api").await;
    assert_eq!(come_back(&mut browser, &state).await.status, 303);
}

#[tokio::test]
async fn whoever_signs_in_again_and_is_refused_begins_again_for_the_same_credentials() {
    let place = Place::open().await;
    let (mut browser, state) = place.under_way("/auth/api").await;
    assert_eq!(come_back(&mut browser, &state).await.status, 303);
    let path = format!("/auth/api?credentials={}", place.owned().await[0].device());
    let state = depart(&mut browser, &path).await;
    let answer = browser.get(&format!("/auth/api/callback?error=access_denied&state={state}")).await;
    assert!(answer.text.contains(&format!(r#"href="{path}">Begin again</a>"#)), "{answer:?}");
}

#[tokio::test]
async fn whoever_knew_the_session_before_a_sign_in_at_the_api_has_no_share_in_it() {
    let place = Place::open().await;
    let (mut browser, state) = place.under_way("/auth/api").await;
    let mut thief = place.house.browser();
    thief.cookies = browser.cookies.clone();
    assert_eq!(thief.get("/console").await.status, 200);
    assert_eq!(come_back(&mut browser, &state).await.status, 303);
    must_sign_in(&thief.get("/console").await);
    assert_eq!(browser.get("/console").await.status, 200);
    // What the session hung on goes on.
    let path = format!("/auth/api?credentials={}", place.owned().await[0].device());
    let state = depart(&mut browser, &path).await;
    assert_eq!(come_back(&mut browser, &state).await.status, 303);
    assert!(place.is_proved(place.owned().await[0].device().as_str()).await);
}

#[tokio::test]
async fn what_beginning_again_does_not_mend_is_the_operator_s() {
    let place = Place::open().await;
    let (mut browser, state) = place.under_way("/auth/api").await;
    let says = "error=redirect_uri_mismatch&error_description=The+redirect_uri+is+not+allowed.";
    let answer = browser.get(&format!("/auth/api/callback?{says}&state={state}")).await;
    refused(
        &answer,
        "came to nothing: the provider says: redirect_uri_mismatch The redirect_uri is not allowed. Begin",
    );
    refused(&answer, "ask the operator to compare this gateway's registration there with the settings");
}

#[tokio::test]
async fn what_a_provider_says_no_with_is_on_the_page_and_its_code_alone_in_the_log() {
    crate::support::log::capture();
    let place = Place::open().await;
    let (mut browser, state) = place.under_way("/auth/api").await;
    let says = "error=unknown-tenant-access&error_description=The+subdomain+is+not+allowed.";
    let answer = browser.get(&format!("/auth/api/callback?{says}&state={state}")).await;
    refused(&answer, "the provider says: unknown-tenant-access The subdomain is not allowed. Begin");
    let state = depart(&mut browser, "/auth/api").await;
    let answer = browser.get(&format!("/auth/api/callback?error=%3C7%3E&state={state}")).await;
    refused(&answer, "That sign-in came to nothing: the provider says no. Begin");
    let told = "a sign-in came back without a code";
    let code = r#""error":"the provider says no with a code of its own""#;
    let lines = crate::support::log::lines_with(told);
    assert!(lines.iter().filter(|line| line.contains(code)).count() > 1, "{lines:?}");
    for said in ["tenant", "subdomain"] {
        assert!(crate::support::log::lines_with(said).is_empty(), "{said}");
    }
}

#[tokio::test]
async fn a_provider_that_fails_is_told_in_a_sentence() {
    let place = Place::open().await;
    for (fault, status, says) in [
        (Fault::InvalidGrant, 403, "begin again"),
        (
            Fault::Say(400, r#"{"error":"invalid_client"}"#),
            502,
            "gave this gateway nothing: the provider refused: ",
        ),
        (Fault::RotateAndSay(500), 502, "did not answer as it should"),
        (Fault::RotateAndHangUp, 502, "did not answer as it should"),
    ] {
        let (mut browser, state) = place.under_way("/auth/api").await;
        place.provider.plan([fault]);
        let answer = come_back(&mut browser, &state).await;
        assert_eq!(answer.status, status, "{answer:?}");
        assert!(answer.text.contains(says), "{says}: {answer:?}");
    }
}

#[tokio::test]
async fn signing_in_again_proves_the_account_and_another_account_changes_nothing() {
    let place = Place::open().await;
    let (mut browser, state) = place.under_way("/auth/api").await;
    come_back(&mut browser, &state).await;
    let device = place.owned().await[0].device().clone();
    let owner = place.house.gateway.gateway.owner.as_ref().unwrap().uuid.clone();
    let minutes = |minutes: u64| Duration::from_secs(60 * minutes);
    let credentials = &place.house.gateway.gateway.credentials;
    assert!(credentials.is_proved(&owner, &device, minutes(5)).await.unwrap());
    place.house.wait(minutes(6));
    assert!(!credentials.is_proved(&owner, &device, minutes(5)).await.unwrap());

    let again = format!("/auth/api?credentials={device}");
    place.provider.says(json!({"account": {"id": 7, "login": "hu\u{202e}bot"}}));
    let state = depart(&mut browser, &again).await;
    let answer = come_back(&mut browser, &state).await;
    refused(&answer, "as hubot, which is not the account of these credentials");
    assert!(!credentials.is_proved(&owner, &device, minutes(5)).await.unwrap());
    assert_eq!(place.owned().await.len(), 1, "nothing was kept of the other account");
    assert!(
        place.provider.takes("refresh-1") && !place.provider.takes("refresh-2"),
        "nobody needs the new tokens"
    );

    place.provider.says(json!({"account": {"id": 583_231, "login": "octocat"}}));
    let state = depart(&mut browser, &again).await;
    assert_eq!(come_back(&mut browser, &state).await.status, 303);
    assert!(credentials.is_proved(&owner, &device, minutes(5)).await.unwrap());
}

#[tokio::test]
async fn tokens_of_a_refused_sign_in_stay_where_their_end_could_end_others() {
    for tokens in [
        r#"{"access_token": "access-2", "refresh_token": "refresh-9"}"#,
        r#"{"access_token": "access-9", "refresh_token": "refresh-2"}"#,
    ] {
        let place = Place::open().await;
        let mut devices = Vec::new();
        for (id, login) in [(583_231, "octocat"), (7, "hubot")] {
            place.provider.says(json!({"account": {"id": id, "login": login}}));
            let (mut browser, state) = place.under_way("/auth/api").await;
            let answer = come_back(&mut browser, &state).await;
            devices.push(answer.header("location").unwrap().rsplit('/').next().unwrap().to_owned());
        }
        // The API gives hubot something that his credentials have already.
        place.provider.knows(Some("access-9"), "refresh-9");
        let (mut browser, state) = place.under_way(&format!("/auth/api?credentials={}", devices[0])).await;
        place.provider.plan([Fault::Say(200, tokens)]);
        refused(&come_back(&mut browser, &state).await, "as hubot, which is not the account");
        assert!(place.provider.takes("refresh-2"));
        assert!(place.provider.ended().is_empty());
    }
}

#[tokio::test]
async fn who_is_not_signed_in_gets_to_the_api_by_the_way_of_the_sign_in() {
    let place = Place::open().await;
    let mut browser = place.house.browser();
    let answer = browser.get("/auth/api?credentials=x").await;
    must_sign_in(&answer);
    let page = browser.follow(answer).await;
    assert!(page.text.contains("/auth/octoblu?next=%2Fauth%2Fapi%3Fcredentials%3Dx"), "{page:?}");
}

#[tokio::test]
async fn an_address_that_the_settings_name_is_where_the_api_sends_browsers_back() {
    let provider = FakeProvider::start().await;
    let mut source = provider.settings();
    source.redirect_url = Some("https://endo.example/auth/api/callback".to_owned());
    let house = House::with(|config| config.source = source).await;
    let mut browser = house.signed_in().await;
    let answer = browser.get("/auth/api").await;
    let to = answer.header("location").unwrap();
    assert!(to.contains("redirect_uri=https%3A%2F%2Fendo.example%2Fauth%2Fapi%2Fcallback&"), "{to}");
    let state = depart(&mut browser, "/auth/api").await;
    come_back(&mut browser, &state).await;
    let exchange = provider.api.seen().into_iter().find(|seen| seen.target == "/token").unwrap();
    let sent = crate::support::provider::form(&exchange);
    assert_eq!(sent["redirect_uri"], "https://endo.example/auth/api/callback");
}

#[tokio::test]
async fn a_gateway_that_no_api_knows_says_what_its_operator_has_to_do() {
    let house = House::open().await;
    let answer = house.signed_in().await.get("/auth/api").await;
    assert_eq!(answer.status, 404, "{answer:?}");
    assert!(answer.text.contains("source.client_id and source.client_secret"), "{answer:?}");
}

#[tokio::test]
async fn no_secret_is_in_an_address_a_cookie_or_the_log() {
    crate::support::log::capture();
    let place = Place::open().await;
    let (mut browser, state) = place.under_way("/auth/api").await;
    let page = come_back(&mut browser, &state).await;
    browser.follow(page).await;
    let page = browser.get("/console").await;
    let owner = place.house.gateway.owner();
    let session = browser.cookies[&browser.session_cookie()].clone();
    for (name, secret) in [
        ("the API's token", "access-1"),
        ("its refresh token", "refresh-1"),
        ("the client's secret", "canary-client-secret"),
        ("the owner's token", &*owner.token),
    ] {
        assert!(!browser.set.iter().any(|line| line.contains(secret)), "{name} is in a cookie");
        assert!(!browser.visited.iter().any(|line| line.contains(secret)), "{name} is in an address");
        assert!(!page.text.contains(secret), "{name} is in a page");
        assert!(crate::support::log::lines_with(secret).is_empty(), "{name} is in the log");
    }
    for (name, secret) in [("a session", &*session), ("a state", &*state)] {
        assert!(crate::support::log::lines_with(secret).is_empty(), "{name} is in the log");
    }
    assert!(!browser.visited.iter().any(|line| line.contains(&session)), "a session is in an address");
}

#[tokio::test]
async fn signing_in_again_where_the_api_gives_no_refresh_token_keeps_the_one_before() {
    let place = Place::open().await;
    let (mut browser, state) = place.under_way("/auth/api").await;
    come_back(&mut browser, &state).await;

    place.provider.plan([Fault::KeepRefreshToken]);
    let state = depart(&mut browser, "/auth/api").await;
    assert_eq!(come_back(&mut browser, &state).await.status, 303);
    assert_eq!(place.owned().await.len(), 1);

    // What the record held until then ends with the next sign-in that brings another.
    let state = depart(&mut browser, "/auth/api").await;
    assert_eq!(come_back(&mut browser, &state).await.status, 303);
    let mut ticks = tokio::time::interval(Duration::from_millis(1));
    while place.provider.ended().len() < 3 {
        ticks.tick().await;
    }
    assert_eq!(place.provider.ended(), ["refresh-1", "access-2", "access-1"]);
}

/// How far the renewal of the secret before may be, and how often its refresh token was sent.
const SENT_BEFORE: [(RenewalStage, u32); 4] = [
    (RenewalStage::Idle, 1),
    (RenewalStage::Sending, 1),
    (RenewalStage::InDoubt, 1),
    (RenewalStage::Refused, 1),
];

#[tokio::test]
async fn signing_in_again_without_a_refresh_token_takes_the_one_before_over_with_what_became_of_it() {
    for (stage, sent) in SENT_BEFORE {
        let place = Place::open().await;
        let (mut browser, state) = place.under_way("/auth/api").await;
        come_back(&mut browser, &state).await;
        let device = place.owned().await[0].device().clone();
        let store = &place.house.gateway.gateway.store;
        let spent = move |transaction: &Transaction<'_>| {
            let known = transaction.renewal(&device)?.unwrap().refresh.unwrap();
            transaction.store_refresh_token(&StoredRefreshToken { stage, sent, ..known })
        };
        store.write::<_, StoreError, _>(spent).await.unwrap();

        place.provider.plan([Fault::KeepRefreshToken]);
        let state = depart(&mut browser, "/auth/api").await;
        assert_eq!(come_back(&mut browser, &state).await.status, 303);
        let device = place.owned().await[0].device().clone();
        let look = store.read::<_, StoreError, _>(move |view| view.renewal(&device)).await;
        let renewal = look.unwrap().unwrap();
        if stage == RenewalStage::Refused {
            assert_eq!((renewal.refresh, renewal.renew_at), (None, None), "nothing renews it");
        } else {
            assert!(renewal.renew_at.is_some());
            let refresh = renewal.refresh.unwrap();
            assert_eq!((refresh.stage, refresh.sent), (stage, sent));
        }
    }
}
