//! Ends and sign-ins that are under way at the same time: neither waits for the other for ever.

use std::sync::Arc;
use std::time::Duration;

use endo::credentials::ApiVerdict;
use endo::message::DeviceUuid;
use endo::source::renewal::Health;

use super::Office;
use super::signed_in_since::Forgotten;
use crate::renewing::until;
use crate::support::fake_api::Answer;
use crate::support::provider::{FakeProvider, Fault};

/// For so long an end minds sign-ins of which nobody knows whose they are.
const MINDED: Duration = Duration::from_secs(30);

/// Credentials of two accounts, the first forgotten; the API is asked to end their tokens, and does not answer.
pub(super) struct Hanging {
    provider: FakeProvider,
    pub(super) office: Office,
    access: String,
    others: DeviceUuid,
    refresh_of_others: String,
}

impl Hanging {
    pub(super) async fn begin() -> Self {
        let provider = FakeProvider::start().await;
        let office = Office::open(provider.settings()).await;
        let (first, second) = (provider.grant(), provider.grant());
        let hanging = office.keep(42, &first.0, &first.1).await;
        let others = office.keep(43, &second.0, &second.1).await;
        provider.revocation_meets([Answer::Stall(Vec::new())]);
        office.forget(&hanging).await;
        Self { provider, office, access: first.0, others, refresh_of_others: second.1 }
    }

    pub(super) async fn the_end_of_others_is_told(self) {
        let working = self.office.does_by_itself_what_is_due();
        until(|| !self.provider.ended().is_empty()).await;
        self.office.forget(&self.others).await;
        until(|| !self.provider.takes(&self.refresh_of_others)).await;
        assert!(!self.provider.ended().contains(&self.access), "the first request is not answered yet");
        working.ends().await;
    }
}

#[tokio::test]
async fn who_signs_in_again_for_other_credentials_keeps_no_end_waiting() {
    let provider = FakeProvider::start().await;
    let office = Office::that_ends_all(&provider).await;
    let (access, refresh) = provider.grant();
    let credentials = office.keep(42, &access, &refresh).await;
    let others = office.keep(43, "another's", "another's refresh token").await;
    office.forget(&credentials).await;
    let arrival = office.gateway.credentials.arrival(Some(&others)).await;
    office.does_what_is_due().await;
    assert_eq!(provider.ended(), [&*refresh, &access]);
    drop(arrival);
}

#[tokio::test]
async fn what_a_sign_in_brings_is_looked_at_where_the_api_ended_it_meanwhile() {
    let provider = FakeProvider::start().await;
    let office = Office::that_ends_all(&provider).await;
    let devices = &office.gateway.credentials;
    let (first, second) = (provider.grant(), provider.grant());
    let credentials = office.keep(42, &first.0, &first.1).await;
    office.forget(&credentials).await;
    let account = office.account(42, &second.0, &second.1);
    let arrival = devices.arrival(None).await;
    office.does_what_is_due().await;
    assert_eq!(provider.ended(), Vec::<String>::new(), "it may be the same account");
    office.passes(MINDED);
    office.does_what_is_due().await;
    assert_eq!(provider.ended().len(), 2);
    provider.expire(&second.0);
    provider.plan([Fault::InvalidGrant]);
    let arrival = devices.note_stray(arrival, &account.secret, account.refresh_token.as_ref()).await.unwrap();
    let newer = devices.keep_brought(Arc::new(account), None, Some(arrival)).await.unwrap();
    let health = devices.standing(&newer).await.unwrap().health;
    assert!(matches!(health, Health::Dead { .. }), "{health:?}");
}

#[tokio::test]
async fn what_the_api_was_never_asked_is_not_called_unanswered() {
    let Forgotten { provider, office, credentials, second, .. } = Forgotten::begin().await;
    let newer = office.keep(42, &second.0, &second.1).await;
    let arrival = office.gateway.credentials.arrival(Some(&newer)).await;
    office.does_what_is_due().await;
    office.passes(24 * 60 * MINDED * 2);
    office.does_what_is_due().await;
    drop(arrival);
    let told = office.receipts(&credentials).await.remove(0).api.unwrap();
    assert_eq!((told.verdict, provider.ended()), (ApiVerdict::Unasked, Vec::new()));
    let said = told.sentence("The API");
    assert!(said.contains("was not asked within a day") && said.contains("a sign-in is under way"), "{said}");
    assert!(office.waiting().await.is_empty());
}

#[tokio::test]
async fn a_copy_that_nothing_opens_is_erased_after_its_day_and_the_receipt_says_why() {
    let provider = FakeProvider::start().await;
    let office = Office::open(provider.settings()).await;
    let (access, refresh) = provider.grant();
    let credentials = office.keep(42, &access, &refresh).await;
    office.forget(&credentials).await;
    office.database().execute("UPDATE revocations SET endo = X'FF'", []).unwrap();
    office.does_what_is_due().await;
    assert_eq!(office.waiting().await.len(), 1, "the keys may come back");
    office.passes(24 * 60 * MINDED * 2);
    office.does_what_is_due().await;
    let told = office.receipts(&credentials).await.remove(0).api.unwrap();
    assert_eq!((told.verdict, provider.ended()), (ApiVerdict::Unasked, Vec::new()));
    assert!(told.sentence("The API").contains("opens the sealed copy"), "{told:?}");
    assert!(office.waiting().await.is_empty());
}

#[tokio::test]
async fn an_end_that_the_api_does_not_answer_keeps_no_other_waiting() {
    Hanging::begin().await.the_end_of_others_is_told().await;
}

#[tokio::test]
async fn ends_that_come_together_are_told_while_others_read() {
    let provider = FakeProvider::start().await;
    let office = Office::open(provider.settings()).await;
    let working = office.does_by_itself_what_is_due();
    let mut ends = Vec::new();
    for id in 0..16 {
        let (access, refresh) = provider.grant();
        ends.push((office.keep(id, &access, &refresh).await, refresh));
    }
    let mut readers = tokio::task::JoinSet::new();
    for _ in 0..4 {
        let (devices, asked) = (office.gateway.credentials.clone(), ends[0].0.clone());
        readers.spawn(async move {
            loop {
                let _ = devices.standing(&asked).await;
            }
        });
    }
    futures_util::future::join_all(ends.iter().map(|(credentials, _)| office.forget(credentials))).await;
    until(|| !ends.iter().any(|(_, refresh)| provider.takes(refresh))).await;
    working.ends().await;
}
