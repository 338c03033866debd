//! A sign-in that brings one of the tokens before again, or no refresh token: the other one may end with the one that stays, so
//! it ends with that.

use std::sync::Arc;
use std::time::Duration;

use endo::config::{RevocationEnds, Source};
use endo::credentials::{Account, Act, ApiVerdict, CredentialsError, Fate, Receipt, Renewed};
use endo::message::DeviceUuid;
use tokio::sync::Semaphore;

use super::Office;
use super::renewed_meanwhile::UnderWay;
use crate::renewing::until;
use crate::support::provider::{FakeProvider, Fault};

const HOUR: Duration = Duration::from_secs(3600);

/// The account of the office with this access token alone, which lives for an hour.
async fn without_refresh_token(office: &Office, access: &str) -> Account {
    let (asked, lifetime) = (office.asking().await, Some(HOUR));
    Account { refresh_token: None, asked, lifetime, ..office.account(42, access, "") }
}

/// Credentials of somebody who signed in, and signed in again, when the API gave no refresh token: `access-1`, `refresh-1`,
/// and then `access-2`.
async fn signed_in_again(office: &Office, provider: &FakeProvider) -> DeviceUuid {
    let (first, second) = (provider.grant(), provider.grant());
    let (asked, lifetime) = (office.asking().await, Some(HOUR));
    let account = Account { asked, lifetime, ..office.account(42, &first.0, &first.1) };
    let credentials = office.gateway.credentials.keep(account).await.unwrap();
    office.gateway.credentials.keep(without_refresh_token(office, &second.0).await).await.unwrap();
    credentials
}

#[tokio::test]
async fn the_access_token_before_stays_for_the_refresh_token_and_a_receipt_says_when_it_ends() {
    let provider = FakeProvider::start().await;
    let office = Office::open(provider.settings()).await;
    let credentials = signed_in_again(&office, &provider).await;
    office.does_what_is_due().await;
    assert_eq!(provider.ended(), Vec::<String>::new());
    let receipt = office.receipts(&credentials).await.remove(0);
    let answer = receipt.api.unwrap();
    assert_eq!((receipt.act, answer.verdict), (Act::Replaced, ApiVerdict::Spared));
    let said = answer.sentence("The API");
    assert!(said.contains("both are ended when the refresh token is not used any more, but not this one where sixteen newer ones were set aside"), "{said}");
}

#[tokio::test]
async fn where_the_api_ends_an_access_token_alone_the_one_before_ends_at_once_and_the_refresh_token_goes_on()
{
    let provider = FakeProvider::start().await;
    let source = Source { revocation_ends: RevocationEnds::Token, ..provider.settings() };
    let office = Office::open(source).await;
    let credentials = signed_in_again(&office, &provider).await;
    let pending = office.receipts(&credentials).await.remove(0).api.unwrap();
    assert_eq!((pending.verdict, pending.why), (ApiVerdict::Pending, None));
    office.does_what_is_due().await;
    assert_eq!(provider.ended(), ["access-1"]);
    let receipt = office.receipts(&credentials).await.remove(0);
    let said = receipt.parts.iter().map(ToString::to_string).collect::<Vec<_>>();
    assert_eq!(said, [format!("the earlier access token of {credentials} ended")]);
    assert_eq!((receipt.act, receipt.api.unwrap().verdict), (Act::Replaced, ApiVerdict::Revoked));
    assert!(office.waiting().await.is_empty());
    office.gateway.credentials.renew_refused(&credentials, 2).await.unwrap();
    office.forget(&credentials).await;
    office.does_what_is_due().await;
    assert_eq!(provider.ended(), ["access-1", "refresh-3", "access-3"]);
    assert!(provider.reused().is_empty());
}

#[tokio::test]
async fn an_access_token_that_is_set_aside_is_no_refresh_token_where_nobody_knows_when_it_ends() {
    let provider = FakeProvider::start().await;
    let office = Office::that_ends_all(&provider).await;
    let alone = |access: &str| Account { refresh_token: None, ..office.account(42, access, "") };
    let (first, second) = (provider.grant().0, provider.grant().0);
    let credentials = office.gateway.credentials.keep(alone(&first)).await.unwrap();
    office.gateway.credentials.keep(alone(&second)).await.unwrap();
    office.forget(&credentials).await;
    // The operator finds out what the API ends.
    let ends_one = Source { revocation_ends: RevocationEnds::Token, ..provider.settings() };
    let office = office.moves_to(ends_one, 2).await;
    let (access, refresh) = provider.grant();
    office.keep(42, &access, &refresh).await;
    office.does_what_is_due().await;
    assert_eq!(provider.ended(), [second, first]);
    assert_eq!(office.receipts(&credentials).await.remove(0).api.unwrap().verdict, ApiVerdict::Revoked);
}

#[tokio::test]
async fn whoever_forgets_the_secret_ends_the_access_tokens_before_as_well() {
    for revocation_ends in [RevocationEnds::SignIn, RevocationEnds::Account] {
        let provider = FakeProvider::start().await;
        let office = Office::open(Source { revocation_ends, ..provider.settings() }).await;
        let credentials = signed_in_again(&office, &provider).await;
        let third = provider.grant().0;
        office.gateway.credentials.keep(without_refresh_token(&office, &third).await).await.unwrap();
        office.forget(&credentials).await;
        office.does_what_is_due().await;
        assert_eq!(provider.ended(), ["refresh-1", "access-3", "access-1", "access-2"]);
        let receipt = office.receipts(&credentials).await.remove(0);
        assert_eq!(receipt.api.unwrap().verdict, ApiVerdict::Revoked);
        assert!(office.waiting().await.is_empty());
    }
}

#[tokio::test]
async fn a_receipt_says_that_the_oldest_of_seventeen_stays_at_the_api() {
    let provider = FakeProvider::start().await;
    let office = Office::open(provider.settings()).await;
    let credentials = signed_in_again(&office, &provider).await;
    for _ in 2..=16 {
        let access = provider.grant().0;
        office.gateway.credentials.keep(without_refresh_token(&office, &access).await).await.unwrap();
    }
    let said = |receipt: &Receipt| receipt.parts.iter().map(ToString::to_string).collect::<Vec<_>>();
    let sixteen = office.receipts(&credentials).await;
    assert!(sixteen.len() == 16 && sixteen.iter().all(|receipt| said(receipt).is_empty()));
    let access = provider.grant().0;
    office.gateway.credentials.keep(without_refresh_token(&office, &access).await).await.unwrap();
    let said = said(&office.receipts(&credentials).await[0]);
    let expected = format!(
        "the oldest of the tokens set aside for {credentials} stayed: no more than sixteen are kept; it stays at the API until it runs out"
    );
    assert!(said.len() == 1 && said[0].starts_with(&expected), "{said:?}");
    office.forget(&credentials).await;
    office.does_what_is_due().await;
    let ended = provider.ended();
    assert_eq!((&*ended[0], &*ended[1], &*ended[2], ended.len()), ("refresh-1", "access-18", "access-2", 18));
}

#[tokio::test]
async fn so_does_whoever_signs_in_for_another_refresh_token_also_after_a_renewal() {
    let provider = FakeProvider::start().await;
    let office = Office::open(provider.settings()).await;
    let credentials = signed_in_again(&office, &provider).await;
    office.gateway.credentials.renew_refused(&credentials, 2).await.unwrap();
    let (access, refresh) = provider.grant();
    assert_eq!(office.keep(42, &access, &refresh).await, credentials);
    office.does_what_is_due().await;
    assert_eq!(provider.ended(), ["refresh-3", "access-3", "access-1"]);
    assert!(provider.takes(&refresh) && provider.reused().is_empty());
}

#[tokio::test]
async fn what_ended_by_itself_or_is_handed_out_again_is_kept_no_longer() {
    for is_handed_out_again in [true, false] {
        let provider = FakeProvider::start().await;
        let office = Office::open(provider.settings()).await;
        let credentials = signed_in_again(&office, &provider).await;
        let third = if is_handed_out_again { "access-1".to_owned() } else { provider.grant().0 };
        if !is_handed_out_again {
            office.passes(2 * HOUR);
        }
        office.gateway.credentials.keep(without_refresh_token(&office, &third).await).await.unwrap();
        office.forget(&credentials).await;
        office.does_what_is_due().await;
        let ended = provider.ended();
        let expected = ["refresh-1", &third].into_iter().chain(is_handed_out_again.then_some("access-2"));
        assert_eq!(ended, expected.collect::<Vec<_>>());
    }
}

#[tokio::test]
async fn a_refresh_token_whose_access_token_is_handed_out_again_with_another_ends_with_that() {
    for is_forgotten in [true, false] {
        let provider = FakeProvider::start().await;
        let office = Office::open(provider.settings()).await;
        let (access, first) = provider.grant();
        let credentials = office.keep(42, &access, &first).await;
        let second = provider.grant().1;
        office.keep(42, &access, &second).await;
        office.does_what_is_due().await;
        assert_eq!(provider.ended(), Vec::<String>::new());
        let answer = office.receipts(&credentials).await.remove(0).api.unwrap();
        assert_eq!(answer.verdict, ApiVerdict::Spared);
        let said = answer.sentence("The API");
        assert!(said.contains("both are ended when the new refresh token is not used any more, but not this one where sixteen newer ones were set aside"), "{said}");
        if is_forgotten {
            office.forget(&credentials).await;
        } else {
            let (access, refresh) = provider.grant();
            office.keep(42, &access, &refresh).await;
        }
        office.does_what_is_due().await;
        assert_eq!(provider.ended(), [&*second, &access, &first]);
        assert_eq!(office.receipts(&credentials).await.remove(0).api.unwrap().verdict, ApiVerdict::Revoked);
    }
}

#[tokio::test]
async fn a_receipt_promises_no_end_where_the_gateway_has_no_way_to_end_anything() {
    for is_access_set_aside in [true, false] {
        let provider = FakeProvider::start().await;
        let office = Office::open(Source { revocation_url: None, ..provider.settings() }).await;
        let credentials = match is_access_set_aside {
            true => signed_in_again(&office, &provider).await,
            false => {
                let (access, refresh) = provider.grant();
                office.keep(42, &access, &refresh).await;
                office.keep(42, &access, &provider.grant().1).await
            }
        };
        let answer = office.receipts(&credentials).await.remove(0).api.unwrap();
        let said = answer.sentence("The API");
        assert!(said.contains("has no way to end") && !said.contains("are ended"), "{said}");
    }
}

impl UnderWay {
    /// A sign-in brings the same access token with another refresh token: the one that was sent is set aside.
    async fn sets_aside(self) -> Self {
        let another = self.provider.grant().1;
        self.office.keep(42, "access-1", &another).await;
        self.office.does_what_is_due().await;
        self
    }

    /// The provider says what comes of the renewal.
    async fn lands(&mut self) -> Result<Renewed, CredentialsError> {
        self.gate.add_permits(1);
        (&mut self.renewing).await.unwrap()
    }

    /// The new tokens come, and nothing is ever said but this.
    async fn stays(mut self, says: &str) {
        self.lands().await.unwrap();
        let said = self.renewal().await;
        assert!(said.fate == Fate::Stayed && said.to_string().contains(says), "{said}");
        self.office.passes(HOUR);
        self.office.does_what_is_due().await;
        let now = self.renewal().await;
        assert_eq!((now.fate, now.to_string()), (said.fate, said.to_string()));
        assert_eq!(self.provider.ended(), Vec::<String>::new());
        assert!(self.office.waiting().await.is_empty());
    }
}

#[tokio::test]
async fn what_comes_of_a_refresh_token_that_is_set_aside_while_it_is_under_way_ends_too() {
    let mut scene = UnderWay::begin_with(Fault::Slow).await.sets_aside().await;
    scene.lands().await.unwrap();
    scene.office.does_what_is_due().await;
    assert_eq!(scene.provider.ended(), ["refresh-2", "access-2"]);
}

#[tokio::test]
async fn what_was_set_aside_before_it_does_not_end_with_that() {
    for revocation_ends in [RevocationEnds::SignIn, RevocationEnds::Token] {
        let provider = FakeProvider::start().await;
        let office = Office::open(Source { revocation_ends, ..provider.settings() }).await;
        let [(access, first), (_, second), (_, third)] = std::array::from_fn(|_| provider.grant());
        office.keep(42, &access, &first).await;
        let credentials = office.keep(42, &access, &second).await;
        let gate = Arc::new(Semaphore::new(0));
        provider.plan([Fault::Slow(Arc::clone(&gate))]);
        let (devices, renewed) = (office.gateway.credentials.clone(), credentials.clone());
        let renewing = tokio::spawn(async move { devices.renew_said_refused(&renewed, 2).await });
        until(|| provider.token_requests() > 0).await;
        office.keep(42, &access, &third).await;
        gate.add_permits(1);
        renewing.await.unwrap().unwrap();
        office.passes(HOUR);
        office.does_what_is_due().await;
        assert_eq!(provider.ended(), ["refresh-4", "access-4"]);
        assert!(provider.takes(&first) && office.waiting().await.is_empty());
    }
}

#[tokio::test]
async fn a_receipt_says_that_nobody_knows_what_came_of_a_refresh_token_that_was_sent_and_is_set_aside() {
    for (status, text, fate, says) in [
        (500, "", Fate::Stayed, "nobody knows whether it brought new tokens"),
        (400, r#"{"error":"invalid_grant"}"#, Fate::Ended, "it brought no new tokens"),
    ] {
        let scene = UnderWay::begin_with(|gate| Fault::SayLate(gate, status, text)).await;
        let mut scene = scene.sets_aside().await;
        assert_eq!(scene.renewal().await.fate, Fate::Pending);
        let _ = scene.lands().await;
        scene.office.passes(HOUR);
        scene.office.does_what_is_due().await;
        let renewal = scene.renewal().await;
        assert_eq!(renewal.fate, fate, "{renewal}");
        assert!(renewal.to_string().contains(says), "{renewal}");
        let told = scene.office.receipts(&scene.credentials).await.remove(0).api.unwrap();
        assert_eq!((told.verdict, scene.provider.ended()), (ApiVerdict::Spared, Vec::new()));
        assert!(scene.office.waiting().await.is_empty());

        scene.office.forget(&scene.credentials).await;
        scene.office.does_what_is_due().await;
        let told = scene.office.receipts(&scene.credentials).await.remove(0).api.unwrap();
        let (verdict, may_live_on) = match fate {
            Fate::Stayed => (ApiVerdict::Unknown, true),
            _ => (ApiVerdict::Revoked, false),
        };
        assert_eq!(told.verdict, verdict, "{told:?}");
        assert_eq!(told.sentence("The API").contains("that may live on"), may_live_on, "{told:?}");
    }
}

#[tokio::test]
async fn what_a_renewal_brings_for_what_is_set_aside_ends_with_the_newer_tokens_that_may_end_with_it() {
    let ends_all = |source: &mut Source| source.revocation_ends = RevocationEnds::Account;
    let mut scene = UnderWay::begin_where(ends_all, Fault::Slow).await.sets_aside().await;
    assert_eq!(scene.renewal().await.fate, Fate::Pending);
    scene.lands().await.unwrap();
    scene.office.passes(HOUR);
    scene.office.does_what_is_due().await;
    let said = scene.renewal().await;
    assert!(said.fate == Fate::Stayed && said.to_string().contains("set aside with those"), "{said}");
    assert_eq!(scene.provider.ended(), Vec::<String>::new());
    assert!(scene.office.waiting().await.is_empty());
    scene.office.forget(&scene.credentials).await;
    scene.office.does_what_is_due().await;
    assert!(scene.provider.ended().iter().any(|token| token == "refresh-2"), "{:?}", scene.provider.ended());
}

#[tokio::test]
async fn a_receipt_says_at_once_that_the_gateway_has_no_way_to_end_what_a_renewal_brings() {
    let has_no_way = |source: &mut Source| source.revocation_url = None;
    let scene = UnderWay::begin_where(has_no_way, Fault::Slow).await.sets_aside().await;
    assert!(scene.office.waiting().await.is_empty(), "nothing is kept for it");
    scene.stays("this gateway has no way to end what it brings").await;
}
