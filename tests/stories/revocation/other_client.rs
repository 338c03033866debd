//! The settings come to name another client of the same API, which takes nothing from it that the one before was given.

use std::time::Duration;

use endo::config::Source;
use endo::credentials::{Account, ApiVerdict, CredentialsError, Health, Renewed};
use endo::message::DeviceUuid;
use endo::store::{StoreError, StoredRecord};
use endo::vault::{Contents, Format, Owners, ResourceOwnerId, SecretText};

use super::Office;
use crate::support::provider::FakeProvider;

const HOUR: Duration = Duration::from_secs(3600);

/// Credentials that came by a client, `access-1` and `refresh-1`.
struct Scene {
    provider: FakeProvider,
    office: Office,
    credentials: DeviceUuid,
}

impl Scene {
    async fn begin() -> Self {
        let provider = FakeProvider::start().await;
        let office = Office::open(provider.settings()).await;
        let (access, refresh) = provider.grant();
        let credentials = office.keep(42, &access, &refresh).await;
        Self { provider, office, credentials }
    }

    /// The same, of an API that gave an access token alone.
    async fn without_refresh_token() -> Self {
        let provider = FakeProvider::start().await;
        let office = Office::open(provider.settings()).await;
        let (access, _) = provider.grant();
        let account = Account { refresh_token: None, ..office.account(42, &access, "") };
        let credentials = office.gateway.credentials.keep(account).await.unwrap();
        Self { provider, office, credentials }
    }

    /// The database forgets which clients the gateway was, as one does that is made anew.
    async fn forgets_its_clients(self) -> Self {
        let forget =
            |transaction: &endo::store::Transaction<'_>| transaction.remember_fact("source.clients", b"[]");
        self.office.gateway.store.write::<_, StoreError, _>(forget).await.unwrap();
        self
    }

    /// The record is one that does not say by which client its tokens came, as they were written before.
    async fn says_of_no_client(self) -> Self {
        let contents = Contents {
            refresh_token: Some(SecretText::from("refresh-1")),
            owners: Owners::named([self.office.owner()]),
            hosts: self.office.gateway.source.hosts.clone(),
            generation: 2,
            ..Contents::new(ResourceOwnerId::Number(42), SecretText::from("access-1"))
        };
        let sealed = self.office.gateway.vault.seal(&self.credentials, &contents, Format::Two).unwrap();
        let (endo, signature) = (sealed.endo.to_string(), sealed.signature);
        let record = StoredRecord { generation: 2, endo, signature, source: None };
        let device = self.credentials.clone();
        let store = move |transaction: &endo::store::Transaction<'_>| {
            endo::source::renewal::carry_over(transaction, &device, 1, 2)?;
            transaction.store_record(&device, &record)
        };
        assert!(self.office.gateway.store.write::<_, StoreError, _>(store).await.unwrap());
        self
    }

    /// The gateway is this client from now on.
    async fn is(self, client: &str) -> Self {
        let settings = Source { client_id: Some(client.to_owned()), ..self.provider.settings() };
        Self { office: self.office.moves_to(settings, 2).await, ..self }
    }

    async fn renews(&self, generation: u64) -> Result<Renewed, CredentialsError> {
        self.office.gateway.credentials.renew_refused(&self.credentials, generation).await
    }

    async fn health(&self) -> Health {
        self.office.gateway.credentials.standing(&self.credentials).await.unwrap().health
    }

    /// The receipt says that some of the tokens are over, and that the others are another client's.
    async fn says_that_some_ended(&self) {
        let told = self.office.receipts(&self.credentials).await.remove(0).api.unwrap();
        assert!(told.some_ended, "{told:?}");
        let said = told.sentence("The API");
        assert!(said.starts_with("some of the tokens are over at The API; of the others: "), "{said}");
        assert!(said.contains("they came by another client of the API"), "{said}");
    }

    async fn verdict(&self) -> ApiVerdict {
        self.office.does_what_is_due().await;
        self.office.receipts(&self.credentials).await.remove(0).api.unwrap().verdict
    }
}

#[tokio::test]
async fn what_came_by_another_client_is_not_renewed_and_goes_on_when_that_is_back() {
    let scene = Scene::begin().await.is("another").await;
    let refused = scene.renews(1).await;
    assert!(matches!(refused, Err(CredentialsError::SignInAgain { .. })), "{refused:?}");
    assert!(matches!(scene.health().await, Health::Dead { .. }));
    let scene = scene.is("gateway id").await;
    assert_eq!(scene.health().await, Health::Good);
    assert_eq!(scene.renews(1).await.unwrap(), Renewed::New);
    assert_eq!((scene.provider.token_requests(), scene.provider.reused()), (1, Vec::new()));
    // What came of that renewal is the first client's, too.
    let scene = scene.is("another").await;
    scene.office.passes(HOUR);
    scene.renews(2).await.unwrap_err();
    assert_eq!(scene.provider.token_requests(), 1);
}

#[tokio::test]
async fn whoever_signs_in_again_has_what_the_present_client_renews() {
    let scene = Scene::begin().await.is("another").await;
    let (access, refresh) = scene.provider.grant();
    scene.office.keep(42, &access, &refresh).await;
    assert_eq!(scene.health().await, Health::Good);
    assert_eq!(scene.renews(2).await.unwrap(), Renewed::New);
}

#[tokio::test]
async fn what_came_by_another_client_ends_when_that_is_back_and_is_not_called_over_before() {
    let scene = Scene::begin().await.is("another").await;
    scene.office.forget(&scene.credentials).await;
    assert_eq!((scene.verdict().await, scene.provider.ended()), (ApiVerdict::Pending, Vec::new()));
    let told = scene.office.receipts(&scene.credentials).await.remove(0).api.unwrap().sentence("The API");
    assert!(told.contains("they came by another client of the API"), "{told}");
    let scene = scene.is("gateway id").await;
    scene.office.passes(HOUR);
    assert_eq!(scene.verdict().await, ApiVerdict::Revoked);
    assert!(!scene.provider.takes("refresh-1"));
}

#[tokio::test]
async fn where_that_does_not_come_back_within_a_day_the_receipt_says_why_the_api_was_not_asked() {
    let scene = Scene::begin().await.is("another").await;
    scene.office.forget(&scene.credentials).await;
    scene.verdict().await;
    scene.office.passes(24 * HOUR);
    assert_eq!((scene.verdict().await, scene.provider.ended()), (ApiVerdict::Unasked, Vec::new()));
    assert!(scene.office.waiting().await.is_empty());
}

#[tokio::test]
async fn the_record_says_by_which_client_it_came_where_the_database_does_not_know() {
    let scene = Scene::begin().await.forgets_its_clients().await.is("another").await;
    let refused = scene.renews(1).await;
    assert!(matches!(refused, Err(CredentialsError::SignInAgain { .. })), "{refused:?}");
    assert!(matches!(scene.health().await, Health::Dead { .. }));
    scene.office.forget(&scene.credentials).await;
    assert_eq!((scene.verdict().await, scene.provider.ended()), (ApiVerdict::Pending, Vec::new()));
    assert_eq!(scene.provider.token_requests(), 0);
}

#[tokio::test]
async fn where_the_record_does_not_say_it_came_by_the_client_that_the_gateway_was_then() {
    let scene = Scene::begin().await.says_of_no_client().await.is("another").await;
    let refused = scene.renews(2).await;
    assert!(matches!(refused, Err(CredentialsError::SignInAgain { .. })), "{refused:?}");
    let scene = scene.is("gateway id").await;
    assert_eq!(scene.renews(2).await.unwrap(), Renewed::New);
    let scene = scene.forgets_its_clients().await.is("another").await;
    scene.office.passes(HOUR);
    scene.renews(3).await.unwrap_err();
    assert_eq!(scene.provider.token_requests(), 1, "what came of the renewal says it");
}

#[tokio::test]
async fn what_nobody_knows_the_client_of_is_the_present_one_s() {
    let scene = Scene::begin().await.says_of_no_client().await.forgets_its_clients().await;
    let scene = scene.is("another").await;
    assert_eq!(scene.renews(2).await.unwrap(), Renewed::New);
    scene.office.forget(&scene.credentials).await;
    assert_eq!(scene.verdict().await, ApiVerdict::Revoked);
}

#[tokio::test]
async fn a_current_refresh_token_that_an_api_gives_to_the_next_client_again_is_that_one_s() {
    let provider = FakeProvider::start().await;
    provider.gives_its_current_token_again();
    let office = Office::open(provider.settings()).await;
    let (access, refresh) = provider.grant();
    let credentials = office.keep(42, &access, &refresh).await;
    let scene = Scene { provider, office, credentials }.is("another").await;
    let (access, again) = scene.provider.grant();
    assert_eq!(again, refresh);
    scene.office.keep(42, &access, &again).await;
    assert_eq!(scene.health().await, Health::Good);
    assert_eq!(scene.renews(2).await.unwrap(), Renewed::New);
    scene.office.forget(&scene.credentials).await;
    scene.office.does_what_is_due().await;
    let last = scene.provider.ended();
    assert_eq!(last[..2], ["refresh-3", "access-3"], "what the present client got ends at once");
    assert!(!last.contains(&"access-1".to_owned()), "what the one before got does not by this one");
}

#[tokio::test]
async fn an_access_token_alone_that_came_by_another_client_ends_when_that_is_back() {
    let scene = Scene::without_refresh_token().await.is("another").await;
    scene.office.forget(&scene.credentials).await;
    assert_eq!((scene.verdict().await, scene.provider.ended()), (ApiVerdict::Pending, Vec::new()));
    let scene = scene.is("gateway id").await;
    scene.office.passes(HOUR);
    assert_eq!(scene.verdict().await, ApiVerdict::Revoked);
    assert_eq!(scene.provider.ended(), ["access-1"]);
}

#[tokio::test]
async fn of_a_pair_that_two_clients_got_each_ends_its_own() {
    let scene = Scene::begin().await.is("another").await;
    let (access, _) = scene.provider.grant();
    let alone = Account { refresh_token: None, ..scene.office.account(42, &access, "") };
    scene.office.gateway.credentials.keep(alone).await.unwrap();
    assert!(matches!(scene.health().await, Health::Dead { .. }), "the refresh token is the first client's");
    scene.office.forget(&scene.credentials).await;
    assert_eq!((scene.verdict().await, scene.provider.ended()), (ApiVerdict::Pending, vec![access.clone()]));
    scene.says_that_some_ended().await;
    // What is over is not asked for again, by whichever client.
    let scene = scene.is("another").await;
    assert_eq!((scene.verdict().await, scene.provider.ended()), (ApiVerdict::Pending, vec![access.clone()]));
    scene.says_that_some_ended().await;
    let scene = scene.is("gateway id").await;
    scene.office.passes(HOUR);
    assert_eq!(scene.verdict().await, ApiVerdict::Revoked);
    assert_eq!(scene.provider.ended(), [&*access, "refresh-1", "access-1"]);
    assert!(!scene.provider.takes("refresh-1") && scene.office.waiting().await.is_empty());
}

#[tokio::test]
async fn of_a_pair_that_two_clients_got_the_receipt_says_after_a_day_what_ended_and_what_did_not() {
    let scene = Scene::begin().await.is("another").await;
    let (access, _) = scene.provider.grant();
    let alone = Account { refresh_token: None, ..scene.office.account(42, &access, "") };
    scene.office.gateway.credentials.keep(alone).await.unwrap();
    scene.office.forget(&scene.credentials).await;
    scene.office.does_what_is_due().await;
    scene.office.passes(24 * HOUR);
    assert_eq!((scene.verdict().await, scene.provider.ended()), (ApiVerdict::Unasked, vec![access]));
    scene.says_that_some_ended().await;
    assert!(scene.office.waiting().await.is_empty());
}
