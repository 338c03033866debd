//! Renewing secrets: before they are used, after the API refused them, and ahead of their ends.

use std::sync::Arc;

use tokio::sync::{Notify, watch};

use crate::ambient::{Ambient, Random};
use crate::bus::Bus;
use crate::bus::embedded::BusError;
use crate::credentials::ends::stranded::tell_outcome;
use crate::credentials::on_embedded::show;
use crate::credentials::records::opening::came_with_its_device;
use crate::credentials::rounds::until_stopped;
use crate::credentials::{Account, CredentialsDevices, CredentialsError};
use crate::message::DeviceUuid;
use crate::source::renewal::{
    BeforeUse, CameBy, Health, Held, NOBODY_RENEWS, OTHER_CLIENT, Records, RecordsError, Refused, Rejection,
    RenewalError, Renewals, Renewed, Renewer, Standing, Upstream, begin_life, note_refusal,
};
use crate::store::{StoreError, StoredRecord, StoredRefreshToken, StoredRenewal, Transaction, View};
use crate::telemetry::with_causes;
use crate::vault::SecretText;

/// How many secrets are renewed in one go.
const AT_ONCE: usize = 256;

/// Who renews secrets.
#[derive(Debug)]
pub(in crate::credentials) struct Renewing {
    pub(in crate::credentials) renewals: Renewals,
    random: Random,
}

impl CredentialsDevices {
    /// The same, whose secrets are renewed at `upstream`, if there is one; `random` spreads the renewals.
    #[must_use]
    pub fn renewing(self, upstream: Option<Upstream>, random: Random) -> Self {
        let renewing = upstream.map(|upstream| {
            let ambient = Ambient { clock: self.clock.clone(), random: random.clone() };
            let renewer = Renewer::new(self.store.clone(), self.records(), upstream, ambient);
            Arc::new(Renewing { renewals: Renewals::new(renewer), random })
        });
        Self { renewing, ..self }
    }

    /// Whether a renewal of this secret is under way.
    pub(in crate::credentials) fn is_renewing(&self, credentials: &DeviceUuid) -> bool {
        self.renewing.as_ref().is_some_and(|renewing| renewing.renewals.is_under_way(credentials))
    }

    /// Whether this refresh token is sent to renew anything, or would be again.
    pub(in crate::credentials) fn can_renew_by(&self, known: &StoredRefreshToken) -> bool {
        self.renewing.as_ref().is_some_and(|renewing| renewing.renewals.may_send(known))
    }

    /// How the secret of these credentials stands.
    ///
    /// # Errors
    /// What the store reports.
    pub async fn standing(&self, credentials: &DeviceUuid) -> Result<Standing, StoreError> {
        let (device, now) = (credentials.clone(), self.clock.now());
        let sealing = Arc::clone(&self.sealing);
        let retry = self.renewing.as_ref().map(|renewing| renewing.renewals.retry());
        let noted = self.client_noted(credentials).await?;
        let client = self.client_id();
        let look = move |view: &View<'_>| {
            let record = view.record(&device)?;
            // A record that came with its device was never renewed here.
            let generation = record.as_ref().map_or(0, |record| record.generation);
            let renewal = view.renewal(&device)?;
            let standing = Standing::of(renewal.as_ref(), generation, now, retry);
            let refresh = renewal.as_ref().and_then(|renewal| renewal.refresh.as_ref());
            let is_another_s = match refresh.zip(client.as_deref()) {
                Some((refresh, client)) => {
                    CameBy { noted: noted.as_deref(), since: refresh.line_since }.another(view, client)?
                }
                None => false,
            };
            let standing = if is_another_s { standing.of_another_client() } else { standing };
            let noted = record.and_then(|record| record.source);
            match sealing.other_api(noted.as_deref(), None) {
                None => Ok(standing),
                Some(_) => Ok(Standing { health: Health::Elsewhere, ..standing }),
            }
        };
        self.store.read(look).await
    }

    /// Renews a secret that the API refused, once; the secret of `generation` was tried. Answers what there is now.
    ///
    /// # Errors
    /// [`CredentialsError::Revoked`] where it is forgotten meanwhile, [`CredentialsError::SignInAgain`] where that cannot be
    /// done any more, [`CredentialsError::NotRenewed`] where it cannot be done now, [`CredentialsError::RefusedAnew`] where
    /// it was just done.
    pub async fn renew_refused(
        &self,
        credentials: &DeviceUuid,
        generation: u64,
    ) -> Result<Renewed, CredentialsError> {
        let tried = self.tried(credentials, generation).await?;
        match &self.renewing {
            Some(renewing) => {
                let rejection = Rejection::by_the_api(tried);
                Ok(renewing.renewals.after_rejection(credentials, rejection).await?)
            }
            None => self.give_up_refused(credentials, tried).await,
        }
    }

    /// The generation that was tried, as the store counts it.
    pub(super) async fn tried(
        &self,
        credentials: &DeviceUuid,
        generation: u64,
    ) -> Result<u64, CredentialsError> {
        match self.adopt(credentials, generation).await {
            Err(CredentialsError::NoRecord) if self.is_forgotten(credentials).await? => {
                Err(CredentialsError::Revoked)
            }
            // A record that came with its device goes where that goes; nobody ended the right to use it.
            generation => generation,
        }
    }

    /// What the API refuses and nobody renews here is not used any more; the secret of generation `tried` was tried.
    async fn give_up_refused(
        &self,
        credentials: &DeviceUuid,
        tried: u64,
    ) -> Result<Renewed, CredentialsError> {
        let (device, now) = (credentials.clone(), self.clock.now());
        let note = move |transaction: &Transaction<'_>| {
            let newest = transaction.record(&device)?.ok_or(CredentialsError::NoRecord)?.generation;
            Ok::<_, CredentialsError>(note_refusal(transaction, &device, Refused { tried, newest, at: now })?)
        };
        match self.store.write(note).await? {
            true => Err(CredentialsError::SignInAgain { reason: NOBODY_RENEWS }),
            false => Ok(Renewed::Newer),
        }
    }

    /// Does what follows from what is over, renews what is due, and shows a bus elsewhere what is new, until stopped.
    pub async fn look_after(self, stopped: watch::Receiver<bool>) {
        let attending = self.clone().attend(stopped.clone());
        tokio::join!(attending, self.keep_renewed(stopped.clone()), self.keep_shown(stopped));
    }

    /// Waits until everything is answered that the API was asked: what a refresh token brings, and whether tokens of a sign-in
    /// are over. For the end of a gateway, once nothing more is begun.
    pub async fn until_answered(&self) {
        self.lasting.until_over().await;
        if let Some(renewing) = &self.renewing {
            renewing.renewals.until_over().await;
        }
    }

    async fn keep_renewed(&self, stopped: watch::Receiver<bool>) {
        let Some(renewing) = &self.renewing else { return };
        let round = || async {
            if let Err(error) = renewing.renewals.renew_due(AT_ONCE).await {
                tracing::warn!(error = with_causes(&error), "secrets are not renewed now");
            }
        };
        let nobody_rings = Notify::new();
        until_stopped(stopped, &nobody_rings, round).await;
    }

    /// Renews the secret where that is due before its use; answers whether it did, so that the record has to be read again. Costs nothing where
    /// nothing is due.
    pub(in crate::credentials) async fn renew_before_use(
        &self,
        credentials: &DeviceUuid,
        known: Option<&StoredRenewal>,
        generation: u64,
    ) -> Result<bool, CredentialsError> {
        let renewing = self.renewing.as_ref();
        match BeforeUse::of(known, generation, self.clock.now(), renewing.is_some()) {
            BeforeUse::Use => Ok(false),
            BeforeUse::SignInAgain { reason } => Err(CredentialsError::SignInAgain { reason }),
            BeforeUse::Renew(known) => match renewing {
                Some(renewing) => {
                    renewing.renewals.before_use(credentials, known).await?;
                    Ok(true)
                }
                None => Ok(false),
            },
        }
    }

    /// The life of the account's secret, which begins with the transaction that keeps it.
    pub(in crate::credentials) fn new_life(
        &self,
        account: &Account,
        generation: u64,
        refresh: Option<StoredRefreshToken>,
    ) -> StoredRenewal {
        let fraction = self.renewing.as_ref().map_or(0.0, |renewing| renewing.random.fraction());
        let begun_at = account.asked.map_or_else(|| self.clock.now(), |asked| asked.at);
        begin_life(generation, begun_at, account.lifetime, fraction).renewed_by(refresh)
    }

    /// Takes a record into the store that came with its device, where it is found by what renews it; answers the
    /// generation that was tried, as the store counts it.
    async fn adopt(&self, credentials: &DeviceUuid, tried: u64) -> Result<u64, CredentialsError> {
        let record = self.newest_record(credentials).await?;
        let tried = tried.max(1);
        if came_with_its_device(&record) {
            let opened = self.opener.open(credentials.clone(), record.clone()).await?;
            let generation = opened.generation().max(tried);
            let source = opened.source().map(str::to_owned);
            let adopted = StoredRecord { generation, source, ..record };
            let device = credentials.clone();
            let adopt = move |transaction: &Transaction<'_>| transaction.store_record(&device, &adopted);
            self.store.write::<_, StoreError, _>(adopt).await?;
        }
        Ok(tried)
    }

    async fn is_forgotten(&self, credentials: &DeviceUuid) -> Result<bool, StoreError> {
        let device = credentials.clone();
        self.store.read(move |view| view.is_forgotten(&device)).await
    }

    /// What a renewal works with: nothing that is of another API.
    async fn hold(&self, device: DeviceUuid, record: StoredRecord) -> Result<Held, CredentialsError> {
        let noted = record.source.clone();
        let opened = self.opener.open(device, record).await?;
        if self.sealing.other_api(noted.as_deref(), Some(&opened)).is_some() {
            return Err(CredentialsError::OtherApi);
        }
        let refresh = opened.refresh_token().filter(|token| !token.expose().is_empty());
        let client = opened.clients().refresh_token.clone();
        Ok(Held { access: opened.secret().copy(), refresh: refresh.map(SecretText::copy), client })
    }

    /// Has the bus show a new record, as soon as that is committed.
    fn project(
        &self,
        transaction: &Transaction<'_>,
        device: &DeviceUuid,
        record: &StoredRecord,
    ) -> Result<(), StoreError> {
        match &self.bus {
            Bus::Embedded(bus) => match show(bus, transaction, device, record) {
                Err(CredentialsError::Bus(BusError::Store(error)) | CredentialsError::Store(error)) => {
                    Err(error)
                }
                Err(error) => {
                    let error = with_causes(&error);
                    tracing::warn!(error, credentials.uuid = %device, "the bus does not show a new secret");
                    Ok(())
                }
                Ok(()) => Ok(()),
            },
            Bus::Meshblu(_) => {
                transaction.owe_projection(device, self.clock.now())?;
                let owed = Arc::clone(&self.owed);
                transaction.after_commit(move || owed.notify_one());
                Ok(())
            }
        }
    }

    /// What a renewal needs to know of records.
    fn records(&self) -> Records {
        let (opening, sealing, showing, stranding) = (self.clone(), self.clone(), self.clone(), self.clone());
        let ours = Arc::clone(&self.sealing);
        Records {
            is_ours: Box::new(move |source| ours.other_api(source, None).is_none()),
            open: Box::new(move |device, record| {
                let devices = opening.clone();
                Box::pin(async move { devices.hold(device, record).await.map_err(RecordsError::new) })
            }),
            seal: Box::new(move |device, record, new| {
                let devices = sealing.clone();
                Box::pin(async move {
                    let seal = move || devices.seal_renewed(&device, record, &new);
                    let sealed = tokio::task::spawn_blocking(seal).await;
                    sealed.map_err(|_| RecordsError::new(CredentialsError::Interrupted))?
                })
            }),
            project: Box::new(move |transaction, device, record| {
                showing.project(transaction, device, record)
            }),
            strand: Box::new(move |transaction, device, stranded| {
                stranding.strand(transaction, device, stranded)
            }),
            came_to: Box::new(tell_outcome),
        }
    }
}

impl From<RenewalError> for CredentialsError {
    fn from(error: RenewalError) -> Self {
        match error {
            RenewalError::Dead { reason } => Self::SignInAgain { reason },
            RenewalError::OtherClient => Self::SignInAgain { reason: OTHER_CLIENT },
            RenewalError::Fruitless => Self::RefusedAnew,
            // The store had one when the secret was found due or refused, and loses none but by forgetting it.
            RenewalError::NoRecord => Self::Revoked,
            error => Self::NotRenewed(error),
        }
    }
}
