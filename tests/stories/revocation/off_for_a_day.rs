//! The day of an end runs out: what waits is erased ten minutes before, or at the first look after it where nobody looked, and the
//! API is not asked for it again; what it was asked by then has its answer told until the day is over.

use std::sync::Arc;
use std::time::Duration;

use endo::credentials::{ApiVerdict, CredentialsError};
use endo::message::DeviceUuid;
use endo::vault::SecretText;
use tokio::sync::Semaphore;
use tokio::task::JoinHandle;

use super::Office;
use crate::renewing::until;
use crate::support::fake_api::Answer;
use crate::support::provider::FakeProvider;

const MINUTE: Duration = Duration::from_secs(60);
const HOUR: Duration = Duration::from_secs(3600);

impl Office {
    /// What the newest receipt of these credentials says that the API's answer came to.
    async fn verdict(&self, credentials: &DeviceUuid) -> ApiVerdict {
        self.receipts(credentials).await[0].api.clone().unwrap().verdict
    }
}

fn busy() -> impl Iterator<Item = Answer> {
    (0..2).map(|_| Answer::new(503, &[], ""))
}

/// An office in which the end of a secret and that of a stray wait, the first of which the API was asked for in vain.
async fn leaves_two_behind(provider: &FakeProvider) -> (Office, DeviceUuid) {
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

/// Nothing is left of them, and the API was not asked again.
async fn are_erased_unasked(provider: &FakeProvider, office: &Office) {
    office.does_what_is_due().await;
    assert_eq!((provider.ended().len(), office.waiting().await.len()), (2, 0));
    assert_eq!(["refresh-1", "refresh-2"].map(|token| provider.takes(token)), [true; 2]);
}

#[tokio::test]
async fn a_gateway_that_was_off_for_longer_erases_it_at_its_start_unasked() {
    let provider = FakeProvider::start().await;
    let (office, credentials) = leaves_two_behind(&provider).await;
    let never_asked = office.keep(43, "access", "refresh").await;
    office.forget(&never_asked).await;
    office.passes(24 * HOUR);
    let office = office.moves_to(provider.settings(), 2).await;
    are_erased_unasked(&provider, &office).await;
    assert_eq!(office.verdict(&credentials).await, ApiVerdict::Undone);
    assert_eq!(office.verdict(&never_asked).await, ApiVerdict::Unasked);
}

#[tokio::test]
async fn so_does_one_whose_clock_jumps_over_the_end_of_the_day() {
    let provider = FakeProvider::start().await;
    let (office, credentials) = leaves_two_behind(&provider).await;
    office.passes(25 * HOUR);
    are_erased_unasked(&provider, &office).await;
    assert_eq!(office.verdict(&credentials).await, ApiVerdict::Undone);
}

/// An office in which the API is asked for an end half a minute before it is asked for none any more, and answers once the gate is open.
async fn asks_at_the_last(provider: &FakeProvider, answer: Answer) -> (Office, Asking) {
    let office = Office::open(provider.settings()).await;
    let credentials = office.keep(42, "access", "refresh").await;
    office.forget(&credentials).await;
    office.passes(24 * HOUR - 10 * MINUTE - MINUTE / 2);
    let gate = Arc::new(Semaphore::new(0));
    provider.revocation_meets([answer.behind(&gate)]);
    let devices = office.gateway.credentials.clone();
    let task = tokio::spawn(async move { devices.attend_once().await });
    until(|| !provider.ended().is_empty()).await;
    (office, Asking { credentials, gate, task })
}

struct Asking {
    credentials: DeviceUuid,
    gate: Arc<Semaphore>,
    task: JoinHandle<Result<(), CredentialsError>>,
}

impl Asking {
    /// The API answers; what its answer came to.
    async fn ends(self, office: &Office) -> ApiVerdict {
        self.gate.add_permits(1);
        self.task.await.unwrap().unwrap();
        office.verdict(&self.credentials).await
    }
}

#[tokio::test]
async fn what_an_api_is_at_when_the_day_ends_is_erased_and_asked_for_no_more() {
    let provider = FakeProvider::start().await;
    let (office, asking) = asks_at_the_last(&provider, Answer::new(503, &[], "")).await;
    office.passes(11 * MINUTE);
    office.does_what_is_due().await;
    assert!(office.waiting().await.is_empty());
    assert_eq!(asking.ends(&office).await, ApiVerdict::Unanswered);
}

#[tokio::test]
async fn what_an_api_is_at_when_it_is_asked_no_more_is_erased_once_it_answers() {
    let provider = FakeProvider::start().await;
    let (office, asking) = asks_at_the_last(&provider, Answer::new(200, &[], "")).await;
    office.passes(MINUTE - Duration::from_secs(1));
    office.does_what_is_due().await;
    assert_eq!(office.waiting().await.len(), 1);
    assert_eq!(asking.ends(&office).await, ApiVerdict::Revoked);
    assert!(office.waiting().await.is_empty());
}

#[tokio::test]
async fn nothing_is_asked_in_the_last_ten_minutes_of_the_day() {
    let provider = FakeProvider::start().await;
    let (office, credentials) = leaves_two_behind(&provider).await;
    office.passes(24 * HOUR - 10 * MINUTE);
    are_erased_unasked(&provider, &office).await;
    assert_eq!(office.verdict(&credentials).await, ApiVerdict::Undone);
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
    assert_eq!(office.verdict(&credentials).await, ApiVerdict::Undone);
}
