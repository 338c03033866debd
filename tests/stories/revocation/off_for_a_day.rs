//! Nobody looks while the day of an end runs out: what waits is tried once more then, and erased.

use std::time::Duration;

use endo::credentials::ApiVerdict;
use endo::vault::SecretText;

use super::Office;
use crate::support::fake_api::Answer;
use crate::support::provider::FakeProvider;

const HOUR: Duration = Duration::from_secs(3600);

fn busy() -> impl Iterator<Item = Answer> {
    (0..2).map(|_| Answer::new(503, &[], ""))
}

/// An office in which the end of a secret and that of a stray wait, the first of which the API was asked for in vain.
async fn leaves_two_behind(provider: &FakeProvider) -> (Office, endo::message::DeviceUuid) {
    let office = Office::open(provider.settings()).await;
    let (first, second) = (provider.grant(), provider.grant());
    let credentials = office.keep(42, &first.0, &first.1).await;
    provider.revocation_meets(busy());
    office.forget(&credentials).await;
    office.does_what_is_due().await;
    let devices = &office.gateway.credentials;
    let (access, refresh) = (SecretText::from(&*second.0), SecretText::from(&*second.1));
    let arrival = devices.arrival(None).await;
    devices.note_stray(arrival, &access, Some(&refresh)).await.unwrap();
    assert_eq!((provider.ended().len(), office.waiting().await.len()), (2, 2));
    (office, credentials)
}

#[tokio::test]
async fn a_gateway_that_was_off_for_longer_asks_once_more_when_it_starts() {
    for is_back in [true, false] {
        let provider = FakeProvider::start().await;
        let (office, credentials) = leaves_two_behind(&provider).await;
        office.passes(25 * HOUR);
        let office = office.moves_to(provider.settings(), 2).await;
        if !is_back {
            provider.revocation_meets(busy().chain(busy()));
        }
        office.does_what_is_due().await;
        let mut asked = provider.ended().split_off(2);
        asked.sort();
        assert_eq!(asked, ["access-1", "access-2", "refresh-1", "refresh-2"]);
        assert!(office.waiting().await.is_empty(), "whatever it answered");
        let verdict = office.receipts(&credentials).await[0].api.clone().unwrap().verdict;
        assert_eq!(verdict, if is_back { ApiVerdict::Revoked } else { ApiVerdict::Undone });
        assert_eq!(["refresh-1", "refresh-2"].map(|token| provider.takes(token)), [!is_back; 2]);
    }
}

#[tokio::test]
async fn so_does_one_whose_clock_jumps_over_the_end_of_the_day() {
    let provider = FakeProvider::start().await;
    let (office, _) = leaves_two_behind(&provider).await;
    office.passes(25 * HOUR);
    office.does_what_is_due().await;
    assert_eq!((provider.ended().len(), office.waiting().await.len()), (6, 0));
}

#[tokio::test]
async fn a_gateway_that_is_on_when_the_day_ends_erases_it_unasked() {
    let provider = FakeProvider::start().await;
    let (office, credentials) = leaves_two_behind(&provider).await;
    office.passes(23 * HOUR);
    provider.revocation_meets(busy().chain(busy()));
    office.does_what_is_due().await;
    let asked = provider.ended().len();
    assert_eq!((asked, office.waiting().await.len()), (6, 2));
    office.passes(HOUR);
    office.does_what_is_due().await;
    assert_eq!((provider.ended().len(), office.waiting().await.len()), (asked, 0));
    let verdict = office.receipts(&credentials).await[0].api.clone().unwrap().verdict;
    assert_eq!(verdict, ApiVerdict::Undone);
}
