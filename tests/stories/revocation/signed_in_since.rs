//! Somebody signs in again before the API was told of what ended: what they have now stays good.

use std::pin::{Pin, pin};
use std::sync::Arc;
use std::time::Duration;

use endo::credentials::{Account, ApiAnswer, ApiVerdict, CredentialsError};
use endo::message::DeviceUuid;
use endo::source::renewal::Health;
use endo::vault::SecretText;
use tokio::sync::Semaphore;

use super::Office;
use crate::renewing::until;
use crate::support::fake_api::Answer;
use crate::support::provider::{FakeProvider, Fault};

/// What the newest receipt says of the API, once everything was done that is due.
async fn told(office: &Office, credentials: &DeviceUuid) -> ApiAnswer {
    office.passes(Duration::from_secs(60));
    office.does_what_is_due().await;
    office.receipts(credentials).await.remove(0).api.unwrap()
}

async fn is_spared(office: &Office, credentials: &DeviceUuid, why: &str) {
    let answer = told(office, credentials).await;
    assert_eq!(answer.verdict, ApiVerdict::Spared, "{answer:?}");
    let said = answer.sentence("The API");
    assert!(said.starts_with("The API was not told: ") && said.contains(why), "{said}");
    assert!(office.waiting().await.is_empty());
}

/// Credentials that were forgotten, at an API that ends all at once; and what else it may give the account.
pub(super) struct Forgotten {
    pub(super) provider: FakeProvider,
    pub(super) office: Office,
    pub(super) credentials: DeviceUuid,
    first: (String, String),
    pub(super) second: (String, String),
}

impl Forgotten {
    pub(super) async fn begin() -> Self {
        let provider = FakeProvider::start().await;
        let office = Office::that_ends_all(&provider).await;
        let (first, second) = (provider.grant(), provider.grant());
        let credentials = office.keep(42, &first.0, &first.1).await;
        office.forget(&credentials).await;
        Self { provider, office, credentials, first, second }
    }

    /// The API was asked to end both tokens, and could not.
    async fn that_was_told_in_vain() -> Self {
        let scene = Self::begin().await;
        scene.provider.revocation_meets([Answer::new(503, &[], ""), Answer::new(503, &[], "")]);
        scene.office.does_what_is_due().await;
        scene
    }
}

#[tokio::test]
async fn a_forgotten_secret_is_not_ended_where_that_may_end_what_the_account_signed_in_for_since() {
    let Forgotten { provider, office, credentials, second, .. } = Forgotten::that_was_told_in_vain().await;
    let asked = provider.ended();
    assert_eq!(asked.len(), 2, "nobody is back yet");
    let newer = office.keep(42, &second.0, &second.1).await;
    office.keep(43, "somebody else's", "somebody else's refresh token").await;
    is_spared(&office, &credentials, "the account has signed in since").await;
    assert_eq!(provider.ended(), asked);
    assert_ne!(newer, credentials);

    // Whoever forgets that too ends everything.
    office.forget(&newer).await;
    assert_eq!(told(&office, &newer).await.verdict, ApiVerdict::Revoked);
    assert!(!provider.takes(&second.1));
}

/// Keeps an access token that lives for an hour, and that nothing renews: whether that hour is over the API says.
async fn keep_for_an_hour(office: &Office, access: &str) {
    let (asked, lifetime) = (office.asking().await, Some(Duration::from_secs(3600)));
    let account = Account { refresh_token: None, asked, lifetime, ..office.account(42, access, "") };
    office.gateway.credentials.keep(account).await.unwrap();
}

#[tokio::test]
async fn neither_where_the_clock_alone_says_that_it_ran_out() {
    // What the API says to it, or that it does not say anything for so many hours.
    for (says, hours, expected) in [
        (200, 8, ApiVerdict::Spared),
        (401, 2, ApiVerdict::Revoked),
        (500, 2, ApiVerdict::Pending),
        (500, 8, ApiVerdict::Revoked),
    ] {
        let Forgotten { provider, office, credentials, second, .. } = Forgotten::begin().await;
        keep_for_an_hour(&office, &second.0).await;
        office.passes(Duration::from_secs(hours * 3600));
        if says != 200 {
            provider.profile_meets([Answer::new(says, &[], "")]);
        }
        assert_eq!(told(&office, &credentials).await.verdict, expected);
        assert_eq!(provider.ended().is_empty(), expected != ApiVerdict::Revoked);
    }
}

#[tokio::test]
async fn what_may_have_run_out_is_waited_for_until_the_clock_is_believed_or_the_api_says_that_it_is_good() {
    for (says, expected) in [(500, ApiVerdict::Revoked), (200, ApiVerdict::Spared)] {
        let Forgotten { provider, office, credentials, second, .. } = Forgotten::begin().await;
        keep_for_an_hour(&office, &second.0).await;
        // An hour and three, less what is waited for below.
        for minutes in [120, 116] {
            office.passes(Duration::from_secs(minutes * 60));
            provider.profile_meets([Answer::new(500, &[], "")]);
            let waits = told(&office, &credentials).await;
            assert_eq!((waits.verdict, provider.ended()), (ApiVerdict::Pending, Vec::new()));
            let said = waits.sentence("The API");
            assert!(said.contains("ran out by the clock") && said.contains("after three hours"), "{said}");
        }
        office.passes(Duration::from_secs(60));
        if says != 200 {
            provider.profile_meets([Answer::new(says, &[], "")]);
        }
        assert_eq!(told(&office, &credentials).await.verdict, expected);
        assert_eq!(provider.ended().len(), if expected == ApiVerdict::Revoked { 2 } else { 0 });
        assert!(office.waiting().await.is_empty());
    }
}

#[tokio::test]
async fn tokens_that_newer_credentials_hold_or_that_may_be_of_one_grant_with_theirs_are_not_ended() {
    let with =
        |access: &str, refresh: Option<&str>| (SecretText::from(access), refresh.map(SecretText::from));
    for ((access, refresh), is_ended) in [
        (with("access-1", Some("refresh-1")), false),
        (with("another access token", Some("refresh-1")), false),
        (with("access-1", Some("another refresh token")), false),
        (with("another access token", None), false),
        (with("another access token", Some("another refresh token")), true),
    ] {
        let provider = FakeProvider::start().await;
        let office = Office::open(provider.settings()).await;
        let first = provider.grant();
        let credentials = office.keep(42, &first.0, &first.1).await;
        office.forget(&credentials).await;
        let newer = Account { secret: access, refresh_token: refresh, ..office.account(42, "", "") };
        office.gateway.credentials.keep(newer).await.unwrap();
        if is_ended {
            assert_eq!(told(&office, &credentials).await.verdict, ApiVerdict::Revoked);
        } else {
            is_spared(&office, &credentials, "credentials here hold the same tokens").await;
            assert_eq!(provider.ended(), Vec::<String>::new());
        }
    }
}

#[tokio::test]
async fn a_replaced_secret_that_the_api_hands_out_again_is_not_ended() {
    let provider = FakeProvider::start().await;
    let office = Office::open(provider.settings()).await;
    let (first, second) = (provider.grant(), provider.grant());
    let credentials = office.keep(42, &first.0, &first.1).await;
    office.keep(42, &second.0, &second.1).await;
    office.keep(42, &first.0, &first.1).await;
    assert_eq!(told(&office, &credentials).await.verdict, ApiVerdict::Revoked);
    let before = office.receipts(&credentials).await.remove(1);
    assert_eq!(before.api.unwrap().verdict, ApiVerdict::Spared);
    assert!(provider.takes(&first.1) && !provider.takes(&second.1));
}

#[tokio::test]
async fn what_a_sign_in_that_is_under_way_brings_is_not_ended_until_it_is_known_what_becomes_of_it() {
    for is_kept in [true, false] {
        let provider = FakeProvider::start().await;
        let office = Office::that_ends_all(&provider).await;
        let devices = &office.gateway.credentials;
        let (access, refresh) = provider.grant();
        let credentials = office.keep(42, &access, &refresh).await;
        office.forget(&credentials).await;
        let account = office.account(42, &access, &refresh);
        let (arrival, refresh_token) = (devices.arrival(None).await, account.refresh_token.as_ref());
        let arrival = devices.note_stray(arrival, &account.secret, refresh_token).await.unwrap();
        assert_eq!(told(&office, &credentials).await.verdict, ApiVerdict::Pending);
        assert_eq!(provider.ended(), Vec::<String>::new());
        if is_kept {
            devices.keep_brought(Arc::new(account), None, Some(arrival)).await.unwrap();
            is_spared(&office, &credentials, "the account has signed in since").await;
            assert_eq!(provider.ended(), Vec::<String>::new());
        } else {
            devices.give_up(arrival, Some(&account)).await;
            assert_eq!(told(&office, &credentials).await.verdict, ApiVerdict::Revoked);
            assert!(!provider.takes(&refresh));
        }
    }
}

/// What is forgotten is not used again, for newer credentials of the account either; to end it may end what those hold.
#[tokio::test]
async fn a_refresh_token_that_is_forgotten_while_a_sign_in_brings_none_renews_nothing_and_ends_with_that() {
    let provider = FakeProvider::start().await;
    let office = Office::open(provider.settings()).await;
    let devices = &office.gateway.credentials;
    let (first, second) = (provider.grant(), provider.grant());
    let credentials = office.keep(42, &first.0, &first.1).await;
    let (arrival, asked) = (devices.arrival(None).await, office.asking().await);
    let alone = Account { refresh_token: None, asked, ..office.account(42, &second.0, "") };
    let arrival = devices.note_stray(arrival, &alone.secret, None).await.unwrap();
    office.forget(&credentials).await;
    assert_eq!(told(&office, &credentials).await.verdict, ApiVerdict::Pending);
    let newer = devices.keep_brought(Arc::new(alone), None, Some(arrival)).await.unwrap();
    assert_ne!(newer, credentials);
    is_spared(&office, &credentials, "credentials here hold the same tokens").await;
    let renewed = devices.renew_refused(&newer, 1).await;
    assert!(matches!(renewed, Err(CredentialsError::SignInAgain { .. })), "{renewed:?}");
    assert_eq!((provider.token_requests(), provider.ended().len()), (0, 0));
    office.forget(&newer).await;
    assert_eq!(told(&office, &newer).await.verdict, ApiVerdict::Revoked);
    let mut ended = provider.ended();
    ended.sort();
    assert_eq!(ended, ["access-1", "access-2", "refresh-1"]);
}

/// Whether this is not done at once.
async fn waits<F: Future>(mut doing: Pin<&mut F>) -> bool {
    tokio::select! {
        biased;
        _ = &mut doing => false,
        () = std::future::ready(()) => true,
    }
}

#[tokio::test]
async fn a_sign_in_asks_for_no_tokens_until_the_api_said_what_it_ends() {
    for ends_all in [true, false] {
        let provider = FakeProvider::start().await;
        let office = if ends_all {
            Office::that_ends_all(&provider).await
        } else {
            Office::open(provider.settings()).await
        };
        let devices = office.gateway.credentials.clone();
        let (first, second) = (provider.grant(), provider.grant());
        let credentials = office.keep(42, &first.0, &first.1).await;
        office.forget(&credentials).await;
        let gate = Arc::new(Semaphore::new(0));
        provider.revocation_meets([Answer::new(200, &[], "").behind(&gate)]);
        let telling = tokio::spawn({
            let devices = devices.clone();
            async move { devices.attend_once().await }
        });
        until(|| !provider.ended().is_empty()).await;

        let mut arrival = pin!(devices.arrival(None));
        assert!(waits(arrival.as_mut()).await);
        // Where one alone ends, it matters where it is handed out again.
        let same = if ends_all { &second } else { &first };
        let mut keeping = pin!(office.keep(42, &same.0, &same.1));
        assert!(waits(keeping.as_mut()).await);
        office.keep(43, "somebody else's", "somebody else's refresh token").await;
        if !ends_all {
            office.keep(42, &second.0, &second.1).await;
        }
        assert_eq!(provider.ended().len(), 1, "all that was while the API did not answer");
        gate.add_permits(1);
        telling.await.unwrap().unwrap();
        drop(arrival.await);
        keeping.await;
        assert_eq!(told(&office, &credentials).await.verdict, ApiVerdict::Revoked);
    }
}

#[tokio::test]
async fn what_came_after_the_api_was_asked_in_vain_is_looked_at_and_not_believed_to_be_good() {
    for (is_refused, is_dead) in [(false, false), (true, false), (true, true)] {
        let Forgotten { provider, office, credentials, first, second } =
            Forgotten::that_was_told_in_vain().await;
        let newer = office.keep(42, &second.0, &second.1).await;
        if is_refused {
            provider.expire(&second.0);
        }
        if is_dead {
            provider.plan([Fault::InvalidGrant]);
            assert_eq!(told(&office, &credentials).await.verdict, ApiVerdict::Revoked);
            assert_eq!(
                provider.ended()[2..],
                [&*first.1, &*first.0],
                "nobody uses what these were spared for"
            );
            assert!(!provider.takes(&first.1) && office.waiting().await.is_empty());
        } else {
            is_spared(&office, &credentials, "it was looked whether it still takes them").await;
            assert_eq!(provider.ended().len(), 2);
        }
        let health = office.gateway.credentials.standing(&newer).await.unwrap().health;
        assert_eq!(matches!(health, Health::Dead { .. }), is_dead, "{health:?}");
        assert_eq!(provider.token_requests(), usize::from(is_refused), "what is good is not renewed");
    }
}

#[tokio::test]
async fn the_api_is_asked_once_whether_what_ran_out_by_the_clock_is_good_however_often_that_matters() {
    let Forgotten { provider, office, credentials, second, .. } = Forgotten::that_was_told_in_vain().await;
    keep_for_an_hour(&office, &second.0).await;
    office.passes(Duration::from_secs(7200));
    is_spared(&office, &credentials, "it was looked whether it still takes them").await;
    assert_eq!(provider.profile_requests(), 1);
}

/// Until the API says whether what is kept is good, nobody asks it to end anything.
#[tokio::test]
async fn who_signs_in_during_a_look_at_the_api_is_not_said_to_have_come_when_it_was_asked_to_end_something() {
    let Forgotten { provider, office, credentials, second, .. } = Forgotten::begin().await;
    let third = provider.grant();
    keep_for_an_hour(&office, &second.0).await;
    office.passes(Duration::from_secs(7200));
    let gate = Arc::new(Semaphore::new(0));
    provider.profile_meets([Answer::new(401, &[], "").behind(&gate)]);
    let devices = office.gateway.credentials.clone();
    let telling = tokio::spawn(async move { devices.attend_once().await });
    until(|| provider.profile_requests() > 0).await;
    office.keep(42, &third.0, &third.1).await;
    gate.add_permits(1);
    telling.await.unwrap().unwrap();

    assert_eq!(provider.ended(), Vec::<String>::new());
    let [waiting] = &office.waiting().await[..] else { panic!("it waits") };
    assert_eq!(waiting.attempts, 0);
    let said = office.receipts(&credentials).await.remove(0).api.unwrap();
    assert_eq!(said.verdict, ApiVerdict::Pending);
    assert!(said.why.as_ref().is_some_and(|why| why.starts_with("a sign-in is under way")), "{said:?}");

    is_spared(&office, &credentials, "the account has signed in since").await;
    assert_eq!((provider.ended(), provider.takes(&third.1)), (Vec::new(), true));
}

/// Credentials of another account hold the tokens, whose end the API was asked in vain before it refuses them.
#[tokio::test]
async fn what_is_not_kept_is_not_spared_for_the_sake_of_what_turns_out_dead() {
    let provider = FakeProvider::start().await;
    let office = Office::open(provider.settings()).await;
    let devices = &office.gateway.credentials;
    let (access, refresh) = provider.grant();
    let account = office.account(42, &access, &refresh);
    let arrival = devices.arrival(None).await;
    let arrival = devices.note_stray(arrival, &account.secret, account.refresh_token.as_ref()).await.unwrap();
    provider.revocation_meets([Answer::new(503, &[], ""), Answer::new(503, &[], "")]);
    devices.give_up(arrival, None).await;
    let holder = office.keep(43, &access, &refresh).await;
    provider.expire(&access);
    provider.plan([Fault::InvalidGrant]);
    office.passes(Duration::from_secs(60));
    office.does_what_is_due().await;
    let health = devices.standing(&holder).await.unwrap().health;
    assert!(matches!(health, Health::Dead { .. }), "{health:?}");
    assert_eq!(provider.ended(), [&*refresh, &access, &refresh, &access]);
    assert!(office.waiting().await.is_empty());
}

#[tokio::test]
async fn what_cannot_be_looked_at_now_is_looked_at_later() {
    let Forgotten { provider, office, credentials, second, .. } = Forgotten::that_was_told_in_vain().await;
    office.keep(42, &second.0, &second.1).await;
    provider.profile_meets([Answer::new(503, &[], "")]);
    assert_eq!(told(&office, &credentials).await.verdict, ApiVerdict::Pending);
    is_spared(&office, &credentials, "it was looked whether it still takes them").await;
}
