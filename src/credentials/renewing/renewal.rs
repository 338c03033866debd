//! Who renews secrets, and what of their records that takes.

use std::sync::Arc;

use crate::ambient::{Ambient, Random};
use crate::bus::embedded::BusError;
use crate::credentials::ends::stranded::tell_outcome;
use crate::credentials::{Account, CredentialsDevices, CredentialsError};
use crate::message::DeviceUuid;
use crate::source::renewal::{
    BeforeUse, Held, OTHER_CLIENT, Records, RecordsError, RenewalError, Renewals, Renewer, Upstream,
    begin_life,
};
use crate::store::{StoreError, StoredRecord, StoredRefreshToken, StoredRenewal};
use crate::telemetry::with_causes;
use crate::vault::SecretText;

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

    /// Renews the secret where that is due before its use; answers whether it did, so that the record has to be read again. Costs nothing where
    /// nothing is due.
    pub(in crate::credentials) async fn renew_before_use(
        &self,
        credentials: &DeviceUuid,
        known: Option<&StoredRenewal>,
        generation: u64,
    ) -> Result<bool, CredentialsError> {
        let renewing = self.renewing.as_ref();
        match (BeforeUse::of(known, generation, self.clock.now(), renewing.is_some()), renewing) {
            (BeforeUse::SignInAgain { reason }, _) => Err(CredentialsError::SignInAgain { reason }),
            (BeforeUse::Renew(known), Some(renewing)) => {
                renewing.renewals.before_use(credentials, known).await?;
                Ok(true)
            }
            (BeforeUse::Use | BeforeUse::Renew(_), _) => Ok(false),
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
                let projected = showing.project(transaction, device, record);
                projected.or_else(|error| still_renewed(error, device))
            }),
            strand: Box::new(move |transaction, device, stranded| {
                stranding.strand(transaction, device, stranded)
            }),
            came_to: Box::new(tell_outcome),
        }
    }
}

/// What is new is stored, whatever the bus says to that.
fn still_renewed(error: CredentialsError, device: &DeviceUuid) -> Result<(), StoreError> {
    match error {
        CredentialsError::Bus(BusError::Store(error)) | CredentialsError::Store(error) => Err(error),
        error => {
            let error = with_causes(&error);
            tracing::warn!(error, credentials.uuid = %device.logged(), "the bus does not show a new secret");
            Ok(())
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
