//! The settings come to name another client of the same API, which takes nothing from it that the one before was given.

use std::time::Duration;

use endo::config::Source;
use endo::credentials::{ApiVerdict, CredentialsError, Health, Renewed};
use endo::message::DeviceUuid;

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
