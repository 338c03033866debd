//! Ending what was given: a right, all rights, a secret; what follows, and what is kept as proof.

#![expect(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

mod at_it;
mod beside;
mod brought_again;
mod by_access_alone;
mod came_of;
mod erasing;
mod forgetting;
mod lost_answers;
mod off_for_a_day;
mod one_by_one;
mod one_question_each;
mod other_api;
mod other_client;
mod other_names;
mod proofs;
mod quoting;
mod receipts;
mod remote;
mod renewed_ahead;
mod renewed_meanwhile;
mod replacing;
mod rotated;
mod set_aside;
mod several_by_access_alone;
mod signed_in_since;
mod spared;

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use endo::ambient::{Clock, Random, Timestamp};
use endo::config::{self, Config, RevocationEnds, Source};
use endo::credentials::{Account, Asked, CredentialsError, Receipt, Renewed, Revoker};
use endo::gateway::{Ambient, Gateway};
use endo::message::{DeviceUuid, Parties};
use endo::store::{QueuedRevocation, StoreError};
use endo::vault::SecretText;
use tempfile::TempDir;
use tokio::sync::watch;
use tokio::task::JoinHandle;

use crate::renewing::until;
use crate::support::account::octocat;
use crate::support::keys::place_keys;
use crate::support::provider::FakeProvider;

/// A gateway without listeners, whose clock stands still and which does what is due only when it is told to.
struct Office {
    gateway: Gateway,
    hand: Arc<AtomicI64>,
    directory: TempDir,
}

/// What comes of a renewal that is under way.
type Renewing = JoinHandle<Result<Renewed, CredentialsError>>;

/// An office that does by itself what is due.
struct Working {
    stop: watch::Sender<bool>,
    task: JoinHandle<()>,
}

impl Working {
    async fn ends(self) {
        self.stop.send(true).unwrap();
        self.task.await.unwrap();
    }
}

impl Office {
    async fn open(source: config::Source) -> Self {
        let directory = tempfile::tempdir().unwrap();
        place_keys(directory.path());
        let hand = Arc::new(AtomicI64::new(1_700_000_000_000));
        let config = Config { data_dir: directory.path().to_owned(), source, ..Config::default() };
        let gateway = Self::gateway(config, &hand).await;
        Self { gateway, hand, directory }
    }

    /// One whose API, as far as it is known, ends with a token whatever the account gave.
    async fn that_ends_all(provider: &FakeProvider) -> Self {
        Self::open(Source { revocation_ends: RevocationEnds::Account, ..provider.settings() }).await
    }

    async fn gateway(config: Config, hand: &Arc<AtomicI64>) -> Gateway {
        let told = Arc::clone(hand);
        let clock = Clock::from_fn(move || Timestamp::from_millis(told.load(Ordering::SeqCst)));
        Gateway::open(config, Ambient { clock, random: Random::system() }).await.unwrap()
    }

    fn passes(&self, time: Duration) {
        self.hand.fetch_add(i64::try_from(time.as_millis()).unwrap(), Ordering::SeqCst);
    }

    fn is_set_back(&self, by: Duration) {
        self.hand.fetch_sub(i64::try_from(by.as_millis()).unwrap(), Ordering::SeqCst);
    }

    fn owner(&self) -> DeviceUuid {
        self.gateway.owner.as_ref().unwrap().uuid.clone()
    }

    /// Keeps this pair of tokens of the account.
    async fn keep(&self, id: i64, access: &str, refresh: &str) -> DeviceUuid {
        self.gateway.credentials.keep(self.account(id, access, refresh)).await.unwrap()
    }

    fn account(&self, id: i64, access: &str, refresh: &str) -> Account {
        Account {
            refresh_token: Some(SecretText::from(refresh)),
            ..octocat(id, access, self.owner().as_str())
        }
    }

    /// A sign-in is about to ask the API.
    async fn asking(&self) -> Option<Asked> {
        Some(self.gateway.credentials.asking().await.unwrap())
    }

    async fn bind(&self, credentials: &DeviceUuid) -> DeviceUuid {
        let new = self.gateway.user_device(None, self.owner(), "http://127.0.0.1:8080").await.unwrap();
        self.gateway.credentials.bind(credentials.clone(), new).await.unwrap().uuid
    }

    /// The access token, as a job of this user device gets it.
    async fn open_for(
        &self,
        credentials: &DeviceUuid,
        user_device: &DeviceUuid,
    ) -> Result<String, CredentialsError> {
        let (credentials, user_device) = (credentials.clone(), user_device.clone());
        let parties = Parties { sender: "flow".into(), user_device, credentials };
        let devices = &self.gateway.credentials;
        let usable = devices.usable(&parties, devices.open(&parties).await?).await?;
        Ok(usable.secret().expose().to_owned())
    }

    async fn forget(&self, credentials: &DeviceUuid) -> Receipt {
        let owned = self.gateway.credentials.held(credentials.clone()).await.unwrap();
        self.gateway.credentials.forget(&owned, &Revoker::Operator).await.unwrap()
    }

    /// The receipts of these credentials, newest first.
    async fn receipts(&self, credentials: &DeviceUuid) -> Vec<Receipt> {
        self.gateway.credentials.receipts(Some(credentials.clone()), None).await.unwrap().shown
    }

    async fn does_what_is_due(&self) {
        self.gateway.credentials.attend_once().await.unwrap();
    }

    /// From now on, until that is ended.
    fn does_by_itself_what_is_due(&self) -> Working {
        let (stop, stopped) = watch::channel(false);
        let task = tokio::spawn(self.gateway.credentials.clone().look_after(stopped));
        Working { stop, task }
    }

    /// Begins a renewal of the first pair of these credentials, which the provider is asked for before any other.
    async fn begins_to_renew(&self, provider: &FakeProvider, credentials: &DeviceUuid) -> Renewing {
        let (devices, refused) = (self.gateway.credentials.clone(), credentials.clone());
        let renewing = tokio::spawn(async move { devices.renew_refused(&refused, 1).await });
        until(|| provider.token_requests() > 0).await;
        renewing
    }

    /// The sealed copies that wait for the API.
    async fn waiting(&self) -> Vec<QueuedRevocation> {
        self.gateway.store.read::<_, StoreError, _>(|view| view.revocations(100)).await.unwrap()
    }
}
