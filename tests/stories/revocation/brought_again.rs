//! A sign-in that brings the refresh token of forgotten credentials again, which was sent by then: it is sent no second time, and
//! what was given for it is not lost.

use std::time::Duration;

use endo::config::{RevocationEnds, Source};
use endo::credentials::{Account, ApiVerdict, CredentialsError, Fate, Renewed};
use endo::message::DeviceUuid;
use endo::source::renewal::Health;
use endo::store::{RenewalStage, StoreError, StoredRefreshToken, Transaction};

use super::Office;
use super::renewed_meanwhile::UnderWay;
use crate::support::provider::{FakeProvider, Fault};

const HOUR: Duration = Duration::from_secs(3600);

/// What a sign-in brings that was given the forgotten refresh token again, and when it was asked for.
async fn brings_it_again(office: &Office, provider: &FakeProvider) -> Account {
    let (access, _) = provider.grant();
    let (asked, lifetime) = (office.asking().await, Some(HOUR));
    Account { asked, lifetime, ..office.account(42, &access, "refresh-1") }
}

/// The API does not take the access token any more: what comes of a renewal then.
async fn renewed(
    office: &Office,
    provider: &FakeProvider,
    (back, access): (&DeviceUuid, &str),
) -> Result<Renewed, CredentialsError> {
    office.passes(Duration::from_secs(300));
    provider.expire(access);
    office.gateway.credentials.renew_refused(back, 1).await
}

#[tokio::test]
async fn what_was_given_for_it_before_the_sign_in_is_kept_is_in_its_credentials_and_does_not_end() {
    let mut under_way = UnderWay::begin().await;
    let (office, provider) = (&under_way.office, &under_way.provider);
    office.forget(&under_way.credentials).await;
    let account = brings_it_again(office, provider).await;
    let devices = &office.gateway.credentials;
    let arrival = devices.arrival(None).await;
    let arrival = devices.note_stray(arrival, &account.secret, account.refresh_token.as_ref()).await.unwrap();
    under_way.gate.add_permits(1);
    let outcome = (&mut under_way.renewing).await.unwrap();
    assert!(matches!(outcome, Err(CredentialsError::Revoked)), "{outcome:?}");

    let access = account.secret.copy();
    let back = devices.keep_brought(account.into(), None, Some(arrival)).await.unwrap();
    office.passes(Duration::from_secs(60));
    office.does_what_is_due().await;
    assert_eq!((under_way.verdict().await, provider.ended()), (ApiVerdict::Spared, Vec::new()));
    let renewal = under_way.renewal().await;
    assert_eq!(renewal.fate, Fate::Stayed);
    assert!(renewal.to_string().contains("the new tokens are in its credentials"), "{renewal}");
    assert!(office.waiting().await.is_empty());

    assert_eq!(renewed(office, provider, (&back, access.expose())).await.unwrap(), Renewed::New);
    assert_eq!((provider.token_requests(), provider.reused()), (2, Vec::new()));

    // All that was given ends with the refresh token.
    office.forget(&back).await;
    office.does_what_is_due().await;
    assert_eq!(provider.ended(), ["refresh-4", "access-4", "access-2", "refresh-1", "access-1"]);
}

#[tokio::test]
async fn where_that_ended_by_then_the_sign_in_says_so_and_sends_it_no_second_time() {
    let mut under_way = UnderWay::begin().await;
    let account = brings_it_again(&under_way.office, &under_way.provider).await;
    under_way.office.forget(&under_way.credentials).await;
    let _ = under_way.land().await;
    under_way.is_over().await;

    let (office, provider, access) = (&under_way.office, &under_way.provider, account.secret.copy());
    let back = office.gateway.credentials.keep(account).await.unwrap();
    let standing = office.gateway.credentials.standing(&back).await.unwrap();
    assert!(matches!(standing.health, Health::Dead { .. }) && !standing.renews, "{standing:?}");
    let user_device = office.bind(&back).await;
    assert_eq!(office.open_for(&back, &user_device).await.unwrap(), access.expose(), "its own end is later");
    let over = renewed(office, provider, (&back, access.expose())).await;
    assert!(matches!(over, Err(CredentialsError::SignInAgain { .. })), "{over:?}");
    assert_eq!((provider.token_requests(), provider.reused()), (1, Vec::new()));
}

#[tokio::test]
async fn it_is_not_sent_again_where_nobody_knows_what_came_of_it() {
    for (status, is_lost) in [(500, true), (503, false)] {
        for is_answered_before in [true, false] {
            let mut under_way = UnderWay::begin_with(|gate| Fault::SayLate(gate, status, "")).await;
            under_way.office.forget(&under_way.credentials).await;
            if is_answered_before {
                under_way.gate.add_permits(1);
                let _ = (&mut under_way.renewing).await.unwrap();
            }
            let (office, provider) = (&under_way.office, &under_way.provider);
            let account = brings_it_again(office, provider).await;
            let access = account.secret.copy();
            let back = office.gateway.credentials.keep(account).await.unwrap();
            if !is_answered_before {
                under_way.gate.add_permits(1);
                let _ = (&mut under_way.renewing).await.unwrap();
            }
            let renewed = renewed(office, provider, (&back, access.expose())).await;
            assert_eq!(matches!(renewed, Err(CredentialsError::SignInAgain { .. })), is_lost, "{renewed:?}");
            assert_eq!(provider.token_requests(), if is_lost { 1 } else { 2 });
        }
    }
}

#[tokio::test]
async fn neither_where_the_process_ended_that_sent_it() {
    let provider = FakeProvider::start().await;
    let office = Office::open(provider.settings()).await;
    let (access, refresh) = provider.grant();
    let forgotten = office.keep(42, &access, &refresh).await;
    let device = forgotten.clone();
    let send = move |transaction: &Transaction<'_>| {
        let known = transaction.renewal(&device)?.unwrap().refresh.unwrap();
        let sent = StoredRefreshToken { stage: RenewalStage::Sending, sent: 1, ..known };
        transaction.store_refresh_token(&sent)
    };
    office.gateway.store.write::<_, StoreError, _>(send).await.unwrap();
    office.forget(&forgotten).await;
    let account = brings_it_again(&office, &provider).await;
    let access = account.secret.copy();
    let back = office.gateway.credentials.keep(account).await.unwrap();
    assert_eq!(office.gateway.credentials.standing(&back).await.unwrap().health, Health::InDoubt);
    let over = renewed(&office, &provider, (&back, access.expose())).await;
    assert!(matches!(over, Err(CredentialsError::SignInAgain { .. })), "{over:?}");
    assert_eq!(provider.token_requests(), 0);
}

#[tokio::test]
async fn it_is_sent_by_nobody_else_while_it_is_on_its_way() {
    let mut under_way = UnderWay::begin().await;
    let (office, provider) = (&under_way.office, &under_way.provider);
    office.forget(&under_way.credentials).await;
    let account = brings_it_again(office, provider).await;
    provider.expire(account.secret.expose());
    let back = office.gateway.credentials.keep(account).await.unwrap();
    let (devices, refused) = (office.gateway.credentials.clone(), back.clone());
    let waiting = tokio::spawn(async move { devices.renew_refused(&refused, 1).await });
    for _ in 0..50 {
        // It has looked by then whether somebody is at it.
        office.waiting().await;
    }
    assert_eq!(provider.token_requests(), 1);
    under_way.gate.add_permits(1);
    let _ = (&mut under_way.renewing).await.unwrap();
    assert_eq!(waiting.await.unwrap().unwrap(), Renewed::Newer);
    assert_eq!((provider.token_requests(), provider.reused()), (1, Vec::new()));
}

/// A renewal of forgotten credentials whose answer is on its way, and other credentials that hold what is in it: the API gave
/// that to a sign-in. Answers those, and their access token.
async fn given_before_the_answer_came(under_way: &UnderWay) -> (DeviceUuid, String) {
    let (office, provider) = (&under_way.office, &under_way.provider);
    office.forget(&under_way.credentials).await;
    let (access, _) = provider.grant();
    let (asked, lifetime) = (office.asking().await, Some(HOUR));
    let account = Account { asked, lifetime, ..office.account(42, &access, "refresh-2") };
    (office.gateway.credentials.keep(account).await.unwrap(), access)
}

#[tokio::test]
async fn an_answer_that_comes_late_undoes_nothing_that_is_known_of_what_it_brings() {
    let mut under_way = UnderWay::begin().await;
    let (back, access) = given_before_the_answer_came(&under_way).await;
    let (office, provider) = (&under_way.office, &under_way.provider);
    provider.plan([Fault::RotateAndSay(500)]);
    let lost = renewed(office, provider, (&back, &access)).await;
    assert!(matches!(lost, Err(CredentialsError::SignInAgain { .. })), "{lost:?}");

    under_way.gate.add_permits(1);
    let _ = (&mut under_way.renewing).await.unwrap();
    let (office, provider) = (&under_way.office, &under_way.provider);
    let over = renewed(office, provider, (&back, &access)).await;
    assert!(matches!(over, Err(CredentialsError::SignInAgain { .. })), "{over:?}");
    assert_eq!((provider.token_requests(), provider.reused()), (2, Vec::new()));
}

#[tokio::test]
async fn an_answer_that_comes_late_ends_nothing_that_came_of_what_it_brings() {
    let mut under_way = UnderWay::begin().await;
    let (back, access) = given_before_the_answer_came(&under_way).await;
    let (office, provider) = (&under_way.office, &under_way.provider);
    assert_eq!(renewed(office, provider, (&back, &access)).await.unwrap(), Renewed::New);

    under_way.gate.add_permits(1);
    let _ = (&mut under_way.renewing).await.unwrap();
    under_way.office.passes(Duration::from_secs(60));
    under_way.office.does_what_is_due().await;
    assert_eq!((under_way.verdict().await, under_way.provider.ended()), (ApiVerdict::Spared, Vec::new()));
    let renewal = under_way.renewal().await;
    assert_eq!(renewal.fate, Fate::Stayed, "{renewal}");
}

#[tokio::test]
async fn the_receipt_says_that_nothing_came_of_it_where_that_is_known() {
    let answers = [(400, r#"{"error":"invalid_grant"}"#), (503, "")];
    for ((status, text), set_back) in answers.into_iter().flat_map(|answer| [(answer, 0), (answer, 30)]) {
        let mut under_way = UnderWay::begin_with(|gate| Fault::SayLate(gate, status, text)).await;
        under_way.office.is_set_back(Duration::from_secs(set_back));
        under_way.office.forget(&under_way.credentials).await;
        let account = brings_it_again(&under_way.office, &under_way.provider).await;
        under_way.office.gateway.credentials.keep(account).await.unwrap();
        under_way.gate.add_permits(1);
        let _ = (&mut under_way.renewing).await.unwrap();
        let renewal = under_way.renewal().await;
        assert_eq!(renewal.fate, Fate::Ended, "{renewal}");
        assert!(renewal.to_string().contains("it brought no new tokens"), "{status}: {renewal}");
    }
}

#[tokio::test]
async fn what_other_credentials_hold_too_does_not_end_with_these() {
    let provider = FakeProvider::start().await;
    let office = Office::open(provider.settings()).await;
    let (access, refresh) = provider.grant();
    let one = office.keep(42, &access, &refresh).await;
    let other = office.keep(43, &access, &refresh).await;
    assert_ne!(one, other);
    office.forget(&one).await;
    office.does_what_is_due().await;
    let verdict = office.receipts(&one).await.remove(0).api.unwrap().verdict;
    assert_eq!((verdict, provider.ended()), (ApiVerdict::Spared, Vec::new()));
}

#[tokio::test]
async fn nothing_is_spared_for_the_sake_of_what_the_api_refused() {
    let provider = FakeProvider::start().await;
    let office = Office::open(provider.settings()).await;
    let (access, refresh) = provider.grant();
    let one = office.keep(42, &access, &refresh).await;
    let other = office.keep(43, "another access token", &refresh).await;
    provider.plan([Fault::InvalidGrant]);
    let refused = office.gateway.credentials.renew_refused(&other, 1).await;
    assert!(matches!(refused, Err(CredentialsError::SignInAgain { .. })), "{refused:?}");
    office.forget(&one).await;
    office.does_what_is_due().await;
    let verdict = office.receipts(&one).await.remove(0).api.unwrap().verdict;
    assert_eq!((verdict, provider.ended().len()), (ApiVerdict::Revoked, 2));
}

#[tokio::test]
async fn neither_for_the_sake_of_credentials_of_the_same_account() {
    let provider = FakeProvider::start().await;
    let office = Office::open(provider.settings()).await;
    let (access, refresh) = provider.grant();
    let one = office.keep(42, &access, &refresh).await;
    office.forget(&one).await;
    let other = office.keep(42, "another access token", &refresh).await;
    provider.plan([Fault::InvalidGrant]);
    let refused = office.gateway.credentials.renew_refused(&other, 1).await;
    assert!(matches!(refused, Err(CredentialsError::SignInAgain { .. })), "{refused:?}");
    office.does_what_is_due().await;
    let verdict = office.receipts(&one).await.remove(0).api.unwrap().verdict;
    assert_eq!((verdict, provider.ended().len()), (ApiVerdict::Revoked, 2));
}

#[tokio::test]
async fn what_is_typed_in_after_it_was_spent_is_not_sent_again() {
    let provider = FakeProvider::start().await;
    let office = Office::open(provider.settings()).await;
    let (access, refresh) = provider.grant();
    let one = office.keep(42, &access, &refresh).await;
    assert_eq!(renewed(&office, &provider, (&one, &access)).await.unwrap(), Renewed::New);
    office.passes(HOUR);
    let other = office.keep(43, &access, &refresh).await;
    let over = renewed(&office, &provider, (&other, &access)).await;
    assert!(matches!(over, Err(CredentialsError::SignInAgain { .. })), "{over:?}");
    assert_eq!((provider.token_requests(), provider.reused()), (1, Vec::new()));

    // Nothing is spared for the sake of what is spent.
    office.forget(&one).await;
    office.does_what_is_due().await;
    assert_eq!(provider.ended(), ["refresh-2", "access-2"]);
}

/// An API may end with one token all that came of the same sign-in.
#[tokio::test]
async fn an_access_token_in_use_beside_a_spent_refresh_token_does_not_end_with_its_line() {
    let provider = FakeProvider::start().await;
    let office = Office::open(provider.settings()).await;
    let (access, refresh) = provider.grant();
    let one = office.keep(42, &access, &refresh).await;
    let (asked, lifetime) = (office.asking().await, Some(HOUR));
    let account = Account { asked, lifetime, ..office.account(43, &access, &refresh) };
    let other = office.gateway.credentials.keep(account).await.unwrap();
    assert_eq!(office.gateway.credentials.renew_refused(&one, 1).await.unwrap(), Renewed::New);
    let user_device = office.bind(&other).await;
    office.forget(&one).await;
    office.does_what_is_due().await;
    let answer = office.receipts(&one).await.remove(0).api.unwrap();
    assert_eq!((answer.verdict, provider.ended()), (ApiVerdict::Spared, Vec::new()));
    assert_eq!(office.open_for(&other, &user_device).await.unwrap(), access);
}

#[tokio::test]
async fn what_is_typed_in_after_it_was_refused_is_sent_again() {
    let provider = FakeProvider::start().await;
    let office = Office::open(provider.settings()).await;
    let (access, refresh) = provider.grant();
    let one = office.keep(42, &access, &refresh).await;
    provider.plan([Fault::InvalidGrant]);
    let refused = renewed(&office, &provider, (&one, &access)).await;
    assert!(matches!(refused, Err(CredentialsError::SignInAgain { .. })), "{refused:?}");
    let another = provider.grant().0;
    office.keep(42, &another, &refresh).await;
    office.passes(Duration::from_secs(300));
    provider.expire(&another);
    assert_eq!(office.gateway.credentials.renew_refused(&one, 2).await.unwrap(), Renewed::New);
}

/// It may have been used up by the first of two sendings.
#[tokio::test]
async fn what_was_refused_after_an_answer_was_lost_is_not_sent_again_for_a_sign_in_that_was_on_its_way() {
    let provider = FakeProvider::start().await;
    let once = Source { refresh_retry: endo::config::RefreshRetry::Once, ..provider.settings() };
    let office = Office::open(once).await;
    let (access, refresh) = provider.grant();
    let one = office.keep(42, &access, &refresh).await;
    let account = brings_it_again(&office, &provider).await;
    provider.plan([Fault::RotateAndSay(500), Fault::InvalidGrant]);
    for _ in 0..2 {
        let _ = renewed(&office, &provider, (&one, &access)).await;
    }
    assert_eq!(provider.token_requests(), 2);
    let another = account.secret.copy();
    office.gateway.credentials.keep(account).await.unwrap();
    office.passes(Duration::from_secs(300));
    provider.expire(another.expose());
    let over = office.gateway.credentials.renew_refused(&one, 2).await;
    assert!(matches!(over, Err(CredentialsError::SignInAgain { .. })), "{over:?}");
    assert_eq!(provider.token_requests(), 2);
}

#[tokio::test]
async fn so_is_what_was_refused_while_a_sign_in_was_on_its_way_that_was_given_it() {
    let provider = FakeProvider::start().await;
    let office = Office::open(provider.settings()).await;
    let (access, refresh) = provider.grant();
    let one = office.keep(42, &access, &refresh).await;
    let account = brings_it_again(&office, &provider).await;
    provider.plan([Fault::InvalidGrant]);
    let refused = renewed(&office, &provider, (&one, &access)).await;
    assert!(matches!(refused, Err(CredentialsError::SignInAgain { .. })), "{refused:?}");
    let another = account.secret.copy();
    office.gateway.credentials.keep(account).await.unwrap();
    office.passes(Duration::from_secs(300));
    provider.expire(another.expose());
    assert_eq!(office.gateway.credentials.renew_refused(&one, 2).await.unwrap(), Renewed::New);
}

#[tokio::test]
async fn what_was_refused_while_the_clock_was_ahead_is_good_again_when_a_sign_in_is_given_it() {
    let provider = FakeProvider::start().await;
    let office = Office::open(provider.settings()).await;
    let (access, refresh) = provider.grant();
    let one = office.keep(42, &access, &refresh).await;
    office.passes(HOUR);
    provider.plan([Fault::InvalidGrant]);
    let refused = renewed(&office, &provider, (&one, &access)).await;
    assert!(matches!(refused, Err(CredentialsError::SignInAgain { .. })), "{refused:?}");
    office.is_set_back(2 * HOUR);
    let account = brings_it_again(&office, &provider).await;
    let another = account.secret.copy();
    office.gateway.credentials.keep(account).await.unwrap();
    provider.expire(another.expose());
    assert_eq!(office.gateway.credentials.renew_refused(&one, 2).await.unwrap(), Renewed::New);
}

/// Somebody types in what was given up, and it is refused: of the sending before that says nothing.
#[tokio::test]
async fn a_receipt_does_not_take_a_later_refusal_for_what_its_own_sending_came_to() {
    let mut under_way = UnderWay::begin_with(|gate| Fault::SayLate(gate, 500, "")).await;
    let (office, provider) = (&under_way.office, &under_way.provider);
    office.forget(&under_way.credentials).await;
    under_way.gate.add_permits(1);
    let _ = (&mut under_way.renewing).await.unwrap();
    for generation in [1, 2] {
        let back = office.keep(42, "a dead access token", "refresh-1").await;
        office.passes(Duration::from_secs(300));
        provider.plan([Fault::InvalidGrant]);
        let over = office.gateway.credentials.renew_refused(&back, generation).await;
        assert!(matches!(over, Err(CredentialsError::SignInAgain { .. })), "{over:?}");
    }
    assert_eq!(provider.token_requests(), 2);
    office.does_what_is_due().await;
    let renewal = under_way.renewal().await;
    assert!(renewal.to_string().contains("nobody knows whether it brought new tokens"), "{renewal}");
}

/// The first sending was lost with its process; the second, for a sign-in since, was answered.
#[tokio::test]
async fn a_receipt_does_not_take_what_came_of_another_sending_for_what_its_own_brought() {
    let always = |source: &mut Source| source.refresh_retry = endo::config::RefreshRetry::Always;
    let mut under_way = UnderWay::begin_where(always, |gate| Fault::SayLate(gate, 500, "")).await;
    let office = &under_way.office;
    office.forget(&under_way.credentials).await;
    let back = office.keep(42, "another access token", "refresh-1").await;
    under_way.gate.add_permits(1);
    let _ = (&mut under_way.renewing).await.unwrap();
    office.passes(Duration::from_secs(300));
    assert_eq!(office.gateway.credentials.renew_refused(&back, 1).await.unwrap(), Renewed::New);
    office.does_what_is_due().await;
    let renewal = under_way.renewal().await;
    assert!(renewal.to_string().contains("nobody knows whether it brought new tokens"), "{renewal}");
}

#[tokio::test]
async fn a_receipt_tells_of_a_renewal_under_way_also_where_nothing_is_ended() {
    let change = |source: &mut Source| source.revocation_ends = RevocationEnds::Account;
    let mut under_way = UnderWay::begin_where(change, Fault::Slow).await;
    let (access, refresh) = under_way.provider.grant();
    under_way.office.keep(42, &access, &refresh).await;
    under_way.gate.add_permits(1);
    let _ = (&mut under_way.renewing).await.unwrap();
    assert_eq!(under_way.renewal().await.fate, Fate::Ended, "it is to end, or to be set aside");
    under_way.office.passes(Duration::from_secs(60));
    under_way.office.does_what_is_due().await;
    let renewal = under_way.renewal().await;
    assert_eq!(renewal.fate, Fate::Stayed);
    assert!(renewal.to_string().contains("that would end its newer tokens as well"), "{renewal}");
}
