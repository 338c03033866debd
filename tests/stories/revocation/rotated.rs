//! A sign-in brings a refresh token for which another was given: of the same line as what is kept, or of another.

use std::time::Duration;

use endo::credentials::{Account, Act, ApiVerdict, CredentialsError, Renewed};
use endo::message::DeviceUuid;

use super::Office;
use super::renewed_meanwhile::UnderWay;
use crate::support::provider::{FakeProvider, form};

const HOUR: Duration = Duration::from_secs(3600);

/// The refresh tokens that were sent.
fn sent(provider: &FakeProvider) -> Vec<String> {
    let asked = provider.api.seen().into_iter().filter(|seen| seen.target == "/token");
    asked.filter_map(|seen| form(&seen).remove("refresh_token")).collect()
}

async fn renewed(
    office: &Office,
    credentials: &DeviceUuid,
    generation: u64,
) -> Result<Renewed, CredentialsError> {
    office.passes(Duration::from_secs(300));
    office.gateway.credentials.renew_refused(credentials, generation).await
}

/// What a sign-in brings now.
async fn signs_in(office: &Office, access: &str, refresh: &str) -> Account {
    let (asked, lifetime) = (office.asking().await, Some(HOUR));
    Account { asked, lifetime, ..office.account(42, access, refresh) }
}

async fn keep_brought(office: &Office, account: Account) -> DeviceUuid {
    let devices = &office.gateway.credentials;
    let arrival = devices.arrival(None).await;
    let arrival = devices.note_stray(arrival, &account.secret, account.refresh_token.as_ref()).await.unwrap();
    devices.keep_brought(account.into(), None, Some(arrival)).await.unwrap()
}

#[tokio::test]
async fn a_refresh_token_of_another_line_goes_on_where_nothing_is_to_be_had_for_a_rotated_one() {
    let provider = FakeProvider::start().await;
    let office = Office::open(provider.settings()).await;
    let (first, second) = (provider.grant(), provider.grant());
    let one = office.keep(42, &first.0, &first.1).await;
    assert_eq!(renewed(&office, &one, 1).await.unwrap(), Renewed::New);
    let other = office.keep(43, &second.0, &second.1).await;

    let (access, _) = provider.grant();
    assert_eq!(office.keep(43, &access, &first.1).await, other);
    let user_device = office.bind(&other).await;
    assert_eq!(office.open_for(&other, &user_device).await.unwrap(), access);
    office.does_what_is_due().await;
    let answer = office.receipts(&other).await.remove(0).api.unwrap();
    let says = answer.why.as_deref().unwrap_or_default();
    assert!(says.starts_with("the new secret is renewed by the refresh token before"), "{answer:?}");
    assert_eq!(provider.ended(), Vec::<String>::new());
    provider.expire(&access);
    assert_eq!(renewed(&office, &other, 2).await.unwrap(), Renewed::New);
    assert_eq!((sent(&provider), provider.reused()), (vec![first.1, second.1], Vec::new()));
}

#[tokio::test]
async fn what_was_given_for_a_rotated_one_takes_the_place_of_a_refresh_token_of_another_line() {
    let mut under_way = UnderWay::begin().await;
    let (office, provider) = (&under_way.office, &under_way.provider);
    office.forget(&under_way.credentials).await;
    let (access, _) = provider.grant();
    let account = signs_in(office, &access, "refresh-1").await;
    let (newer_access, newer_refresh) = provider.grant();
    let back = office.keep(42, &newer_access, &newer_refresh).await;
    under_way.gate.add_permits(1);
    let _ = (&mut under_way.renewing).await.unwrap();
    assert_eq!(keep_brought(office, account).await, back);

    office.passes(Duration::from_secs(60));
    office.does_what_is_due().await;
    assert_eq!((under_way.verdict().await, provider.takes("refresh-2")), (ApiVerdict::Spared, true));
    assert_eq!(provider.ended(), [newer_refresh, newer_access]);
    let receipt = office.receipts(&back).await.remove(0);
    assert_eq!((receipt.act, receipt.api.unwrap().verdict), (Act::Replaced, ApiVerdict::Revoked));
    provider.expire(&access);
    assert_eq!(renewed(office, &back, 2).await.unwrap(), Renewed::New);
    assert_eq!(
        (sent(provider), provider.reused()),
        (vec!["refresh-1".into(), "refresh-2".into()], Vec::new())
    );
}

#[tokio::test]
async fn what_was_given_for_a_rotated_one_of_the_same_line_goes_on_whenever_that_was_asked_for() {
    for is_asked_for_since in [false, true] {
        let provider = FakeProvider::start().await;
        let office = Office::open(provider.settings()).await;
        let (access, refresh) = provider.grant();
        let credentials = office.keep(42, &access, &refresh).await;
        let (another, _) = provider.grant();
        let early = signs_in(&office, &another, &refresh).await;
        assert_eq!(renewed(&office, &credentials, 1).await.unwrap(), Renewed::New);
        office.passes(Duration::from_secs(1));
        let account = if is_asked_for_since { signs_in(&office, &another, &refresh).await } else { early };
        assert_eq!(keep_brought(&office, account).await, credentials);
        assert_eq!(renewed(&office, &credentials, 3).await.unwrap(), Renewed::New);
        assert_eq!(sent(&provider), ["refresh-1", "refresh-3"]);
        assert_eq!((provider.ended(), provider.reused()), (Vec::new(), Vec::new()));
    }
}

#[tokio::test]
async fn one_that_is_issued_anew_is_sent_where_nobody_has_what_was_given_for_it() {
    let mut under_way = UnderWay::begin().await;
    under_way.office.forget(&under_way.credentials).await;
    let _ = under_way.land().await;
    under_way.is_over().await;
    let (office, provider) = (&under_way.office, &under_way.provider);
    let (access, _) = provider.grant();
    provider.knows(None, "refresh-1");
    let back = keep_brought(office, signs_in(office, &access, "refresh-1").await).await;
    provider.expire(&access);
    assert_eq!(renewed(office, &back, 1).await.unwrap(), Renewed::New);
    assert_eq!((sent(provider), provider.reused()), (vec!["refresh-1".to_owned(); 2], Vec::new()));
}
