//! Credentials of one account, or with the same tokens, under another name than those that end.

use std::time::Duration;

use endo::credentials::{Account, ApiVerdict};
use endo::message::DeviceUuid;
use endo::source::renewal::Health;
use endo::vault::ResourceOwnerId;

use super::Office;
use crate::support::fake_api::Answer;
use crate::support::provider::{FakeProvider, Fault};

/// Keeps these tokens for an account of this name.
async fn keep(office: &Office, id: ResourceOwnerId, (access, refresh): (&str, Option<&str>)) -> DeviceUuid {
    let account = Account { id, refresh_token: refresh.map(Into::into), ..office.account(42, access, "") };
    office.gateway.credentials.keep(account).await.unwrap()
}

async fn verdict(office: &Office, credentials: &DeviceUuid) -> ApiVerdict {
    office.does_what_is_due().await;
    office.receipts(credentials).await.remove(0).api.unwrap().verdict
}

fn text(id: &str) -> ResourceOwnerId {
    ResourceOwnerId::Text(id.to_owned())
}

#[tokio::test]
async fn a_token_that_other_credentials_use_is_not_ended_whatever_came_with_it() {
    for renews in [false, true] {
        let provider = FakeProvider::start().await;
        let office = Office::open(provider.settings()).await;
        let (access, refresh) = provider.grant();
        let mistyped = keep(&office, text("alcie"), (&access, None)).await;
        keep(&office, text("alice"), (&access, renews.then_some(&*refresh))).await;
        office.forget(&mistyped).await;
        assert_eq!(verdict(&office, &mistyped).await, ApiVerdict::Spared);
        assert_eq!(provider.ended(), Vec::<String>::new());
    }
}

#[tokio::test]
async fn nor_where_it_is_replaced() {
    let provider = FakeProvider::start().await;
    let office = Office::open(provider.settings()).await;
    let (alice, bob) = (provider.grant(), provider.grant());
    keep(&office, text("alice"), (&alice.0, None)).await;
    let mistaken = keep(&office, text("bob"), (&alice.0, None)).await;
    keep(&office, text("bob"), (&bob.0, None)).await;
    assert_eq!(verdict(&office, &mistaken).await, ApiVerdict::Spared);
    assert_eq!(provider.ended(), Vec::<String>::new());
}

#[tokio::test]
async fn it_is_ended_where_the_others_are_dead() {
    let provider = FakeProvider::start().await;
    let office = Office::open(provider.settings()).await;
    let (access, _) = provider.grant();
    let mistyped = keep(&office, text("alcie"), (&access, None)).await;
    let dead = keep(&office, text("alice"), (&access, None)).await;
    office.gateway.credentials.renew_refused(&dead, 1).await.unwrap_err();
    office.forget(&mistyped).await;
    assert_ne!(verdict(&office, &mistyped).await, ApiVerdict::Spared);
    assert_eq!(provider.ended(), [&*access]);
}

#[tokio::test]
async fn what_may_be_of_the_same_account_is_not_taken_along_by_an_end_of_all_that_it_gave() {
    for (one, other, is_spared) in [
        (ResourceOwnerId::Number(42), text("42"), true),
        (text("U1"), text(r#"["T1","U1"]"#), true),
        (ResourceOwnerId::Number(7), text(r#"["T1",7]"#), true),
        (text(r#"["T1","U1"]"#), text(r#"["T1","U2"]"#), false),
        (ResourceOwnerId::Number(42), text("43"), false),
    ] {
        let provider = FakeProvider::start().await;
        let office = Office::that_ends_all(&provider).await;
        let (first, second) = (provider.grant(), provider.grant());
        let forgotten = keep(&office, one.clone(), (&first.0, Some(&first.1))).await;
        keep(&office, other.clone(), (&second.0, Some(&second.1))).await;
        office.forget(&forgotten).await;
        let verdict = verdict(&office, &forgotten).await;
        assert_eq!(verdict == ApiVerdict::Spared, is_spared, "{one:?} and {other:?}: {verdict:?}");
        assert_eq!(provider.ended().is_empty(), is_spared);
    }
}

#[tokio::test]
async fn nor_by_the_end_of_one_grant_that_gave_a_refresh_token_once() {
    for (one, other, is_spared) in [
        (ResourceOwnerId::Number(42), text("42"), true),
        (text("U1"), text(r#"["T1","U1"]"#), true),
        (text(r#"["T1","U1"]"#), text(r#"["T1","U2"]"#), false),
    ] {
        let provider = FakeProvider::start().await;
        let office = Office::open(provider.settings()).await;
        let (first, second) = (provider.grant(), provider.grant());
        let forgotten = keep(&office, one.clone(), (&first.0, Some(&first.1))).await;
        keep(&office, other.clone(), (&second.0, None)).await;
        office.forget(&forgotten).await;
        let verdict = verdict(&office, &forgotten).await;
        assert_eq!(verdict == ApiVerdict::Spared, is_spared, "{one:?} and {other:?}: {verdict:?}");
    }
}

#[tokio::test]
async fn it_is_looked_whether_the_api_still_takes_what_came_while_it_ended_all() {
    let provider = FakeProvider::start().await;
    let office = Office::that_ends_all(&provider).await;
    let (first, second) = (provider.grant(), provider.grant());
    let forgotten = keep(&office, text("U1"), (&first.0, Some(&first.1))).await;
    office.forget(&forgotten).await;
    // It does what it was asked, and does not say so.
    provider.revocation_meets([Answer::new(502, &[], ""), Answer::new(502, &[], "")]);
    office.does_what_is_due().await;
    let back = keep(&office, text(r#"["T1","U1"]"#), (&second.0, Some(&second.1))).await;
    provider.expire(&second.0);
    provider.plan([Fault::InvalidGrant]);
    office.passes(Duration::from_secs(61));
    office.does_what_is_due().await;
    let standing = office.gateway.credentials.standing(&back).await.unwrap();
    assert!(matches!(standing.health, Health::Dead { .. }), "{standing:?}");
}
