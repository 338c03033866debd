//! The bus itself: what its operations share.

use std::sync::Arc;

use tokio::sync::Notify;
use zeroize::Zeroizing;

use super::oauth::Attempts;
use super::signers::Signers;
use super::streams::Streams;
use super::{BusError, founding};
use crate::ambient::{Clock, Random, Stopwatch};
use crate::message::DeviceUuid;
use crate::store::{Account, Store, StoreError, Transaction, View};

/// What the embedded bus stands on.
#[derive(Debug)]
pub struct Ground {
    /// Where devices and work are kept.
    pub store: Store,
    /// Tells the time.
    pub clock: Clock,
    /// Makes uuids and tokens.
    pub random: Random,
    /// Tells how long the thread of a search has worked.
    pub stopwatch: Stopwatch,
    /// Sign its webhooks.
    pub signers: Signers,
}

/// The embedded bus. Cheap to clone.
///
/// Its operations take a transaction, so that several of them, and the bookkeeping of whoever calls, commit
/// together; [`EmbeddedBus::change`] and [`EmbeddedBus::look`] provide one. What a caller may is under
/// [`EmbeddedBus::changing`] and [`EmbeddedBus::reading`].
#[derive(Clone, Debug)]
pub struct EmbeddedBus(Arc<Parts>);

/// The parts of the bus that its operations use.
#[derive(Debug)]
pub struct Parts {
    pub(super) store: Store,
    pub(super) clock: Clock,
    pub(super) random: Random,
    pub(super) stopwatch: Stopwatch,
    pub(super) service: DeviceUuid,
    pub(super) pepper: Zeroizing<Vec<u8>>,
    pub(super) signers: Signers,
    pub(super) streams: Streams,
    pub(super) attempts: Attempts,
    pub(super) job_bell: Arc<Notify>,
    pub(super) webhook_bell: Arc<Notify>,
}

impl std::ops::Deref for EmbeddedBus {
    type Target = Parts;

    fn deref(&self) -> &Parts {
        &self.0
    }
}

impl EmbeddedBus {
    /// Opens the bus of a store; in a new one makes the pepper of token hashes and the service device. Changes that were
    /// begun are done then.
    ///
    /// # Errors
    /// What the store reports.
    pub async fn open(ground: Ground) -> Result<Self, StoreError> {
        let Ground { store, clock, random, stopwatch, signers } = ground;
        let (founding_clock, founding_random) = (clock.clone(), random.clone());
        let found = move |transaction: &Transaction<'_>| {
            let pepper = founding::pepper(transaction, &founding_random)?;
            let service = founding::service(transaction, &founding_random, founding_clock.now())?;
            Ok::<_, StoreError>((pepper, service))
        };
        let (pepper, service) = store.write(found).await?;
        let bus = Self(Arc::new(Parts {
            store,
            clock,
            random,
            stopwatch,
            service,
            pepper,
            signers,
            streams: Streams::default(),
            attempts: Attempts::default(),
            job_bell: Arc::default(),
            webhook_bell: Arc::default(),
        }));
        bus.finish_all().await?;
        Ok(bus)
    }

    /// Runs operations that change something; answers once what they did is on disk.
    ///
    /// # Errors
    /// Those of the operations, after which nothing is kept.
    pub async fn change<T: Send + 'static>(
        &self,
        operations: impl FnOnce(&Self, &Transaction<'_>) -> Result<T, BusError> + Send + 'static,
    ) -> Result<T, BusError> {
        self.change_for(Account::Own, operations).await
    }

    /// The same for somebody whose many or long changes must not keep others from theirs.
    ///
    /// # Errors
    /// As [`EmbeddedBus::change`].
    pub async fn change_for<T: Send + 'static>(
        &self,
        account: Account,
        operations: impl FnOnce(&Self, &Transaction<'_>) -> Result<T, BusError> + Send + 'static,
    ) -> Result<T, BusError> {
        let bus = self.clone();
        self.store.write_for(account, move |transaction| operations(&bus, transaction)).await
    }

    /// Runs operations that only read.
    ///
    /// # Errors
    /// Those of the operations.
    pub async fn look<T: Send + 'static>(
        &self,
        operations: impl FnOnce(&Self, &View<'_>) -> Result<T, BusError> + Send + 'static,
    ) -> Result<T, BusError> {
        self.look_for(Account::Own, operations).await
    }

    /// The same for somebody whose many or long reads must not keep others from theirs.
    ///
    /// # Errors
    /// As [`EmbeddedBus::look`].
    pub async fn look_for<T: Send + 'static>(
        &self,
        account: Account,
        operations: impl FnOnce(&Self, &View<'_>) -> Result<T, BusError> + Send + 'static,
    ) -> Result<T, BusError> {
        let bus = self.clone();
        self.store.read_for(account, move |view| operations(&bus, view)).await
    }

    /// Runs operations that may read very much, for an account that is known to be the caller's.
    ///
    /// # Errors
    /// The store's [`Crowded`](StoreError::Crowded) where very many of the account wait already; those of the operations.
    pub async fn look_far<T: Send + 'static>(
        &self,
        account: Account,
        operations: impl FnOnce(&Self, &View<'_>) -> Result<T, BusError> + Send + 'static,
    ) -> Result<T, BusError> {
        let bus = self.clone();
        self.store.search_for(account, move |view| operations(&bus, view)).await
    }

    /// Rung when there may be a job for the gateway.
    pub fn job_bell(&self) -> Arc<Notify> {
        Arc::clone(&self.job_bell)
    }

    /// Rung when there may be a webhook to call.
    pub fn webhook_bell(&self) -> Arc<Notify> {
        Arc::clone(&self.webhook_bell)
    }

    /// Reads along at `device` from now on; whoever asks was allowed to before.
    pub fn listen(&self, device: DeviceUuid) -> super::Listening {
        self.streams.listen(super::Interest::in_what_arrives_at(device), None)
    }

    /// Ends all reading along at `device` and by it, once what `transaction` writes is on disk.
    pub fn end_streams_of(&self, transaction: &Transaction<'_>, device: &DeviceUuid) {
        let (streams, device) = (self.streams.clone(), device.clone());
        transaction.after_commit(move || streams.close(&device));
    }

    /// Ends everybody's reading along, for ever.
    pub fn close_streams(&self) {
        self.streams.close_all();
    }

    /// Where devices and work are kept.
    pub fn store(&self) -> &Store {
        &self.store
    }

    /// The device whose messages the gateway takes in this process.
    pub fn service(&self) -> &DeviceUuid {
        &self.service
    }
}
