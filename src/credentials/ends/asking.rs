//! Asking the API to end what is in one sealed copy: whether there is somebody to ask, whether now, and whether at all.

use super::answers::Answers;
use super::arrivals;
use super::end::End;
use super::hindrance::Hindrance;
use super::judgement::{Judge, Judgement};
use super::left::Left;
use super::telling::unopened;
use crate::credentials::keeping::client::OfClient;
use crate::credentials::receipts::api_answer::ApiAnswer;
use crate::credentials::{CredentialsDevices, CredentialsError};
use crate::source::oauth2::OAuthClient;
use crate::source::renewal::is_held;
use crate::store::{QueuedRevocation, StoreError, StoredRecord, View};
use crate::telemetry::with_causes;

/// One copy, and whom to ask.
pub(super) struct Asking<'a> {
    pub(super) devices: &'a CredentialsDevices,
    pub(super) client: &'a OAuthClient,
    pub(super) revocation: &'a QueuedRevocation,
    pub(super) record: &'a StoredRecord,
    /// What is left of it.
    pub(super) left: &'a Left,
    /// What of that the API takes from the gateway.
    pub(super) ours: &'a OfClient,
}

impl CredentialsDevices {
    /// What the API answers, if it is asked, or why it is not asked at all; `None` where the wait is over by that already.
    ///
    /// # Errors
    /// [`Hindrance`], where it may be asked another time.
    pub(super) async fn ask_to_end(
        &self,
        revocation: &QueuedRevocation,
        record: StoredRecord,
    ) -> Result<Option<ApiAnswer>, Hindrance> {
        let client = self.whom_to_ask(revocation, &record)?;
        let is_too_late = self.is_too_old(revocation);
        if !is_too_late && self.is_being_renewed(revocation).await? {
            return Err(Hindrance::Renewal);
        }
        let opened = self.opener.open_once(revocation.credentials.clone(), record.clone()).await;
        let opened = opened.map_err(|error| unopened(revocation, &error))?;
        if self.sealing.other_api(record.source.as_deref(), Some(&opened)).is_some() {
            return Err(Hindrance::OtherApi);
        }
        let left = Left::of(opened, &revocation.over);
        if left.is_nothing() {
            return self.all_over(client, &left, Answers::default()).await.map(Some);
        }
        let ours = self.of_client(client, revocation, &left).await.map_err(untold)?;
        match ours.grants.each().next() {
            None if ours.are_others => Err(Hindrance::OtherClient),
            _ if is_too_late => Err(Hindrance::TooLate),
            _ => {
                Asking { devices: self, client, revocation, record: &record, left: &left, ours: &ours }
                    .judge()
                    .await
            }
        }
    }

    fn whom_to_ask(
        &self,
        revocation: &QueuedRevocation,
        record: &StoredRecord,
    ) -> Result<&OAuthClient, Hindrance> {
        if self.sealing.other_api(record.source.as_deref(), None).is_some() {
            return Err(Hindrance::OtherApi);
        }
        let can = |client: &&OAuthClient| match revocation.receipt {
            Some(_) => client.settings().can_revoke(),
            None => client.settings().revokes_one_alone(),
        };
        self.upstream.as_ref().filter(can).ok_or(Hindrance::NoWay)
    }

    /// Whether it is too soon: while a renewal is under way, nobody knows yet what has to end.
    async fn is_being_renewed(&self, revocation: &QueuedRevocation) -> Result<bool, Hindrance> {
        Ok(self.is_renewing(&revocation.credentials)
            || self.is_on_its_way(revocation).await.map_err(untold)?)
    }

    /// Whether somebody is sending the refresh token, for whichever credentials, or one that came of it.
    async fn is_on_its_way(&self, revocation: &QueuedRevocation) -> Result<bool, CredentialsError> {
        let Some(token) = revocation.refresh else { return Ok(false) };
        let line = self.store.read::<_, StoreError, _>(move |view: &View<'_>| view.line_of(&token)).await?;
        Ok(line.iter().any(|known| is_held(known, self.clock.now())))
    }
}

impl Asking<'_> {
    /// Asks it, unless the tokens are to be left alone.
    async fn judge(&self) -> Result<Option<ApiAnswer>, Hindrance> {
        let Self { devices, revocation, left, .. } = *self;
        let end = self.end().await.map_err(untold)?;
        let ending = self.begin(&end).await?;
        let judgement = Judge::of(devices, revocation, left, &end).judge().await;
        devices.gate.pass().map_err(untold)?;
        match judgement.map_err(untold)? {
            Judgement::Spare(spared) => {
                match devices.without_what_is_held(revocation, &left.opened).await.map_err(untold)? {
                    Some(rest) => {
                        drop(ending);
                        Box::pin(devices.ask_to_end(revocation, rest)).await
                    }
                    None => devices.spare(revocation, left, spared).await.map_err(untold),
                }
            }
            Judgement::Wait(hindrance) => Err(hindrance),
            // To judge may take long, and the API was asked for no end in it.
            Judgement::End if ending.is_let_go() => Err(Hindrance::SignIn),
            Judgement::End => self.ask(ending).await.map(Some),
        }
    }

    /// What is to end, with what is known of its lines.
    async fn end(&self) -> Result<End, StoreError> {
        let lines = self.devices.lines_of(self.left.grants.tokens()).await?;
        Ok(self.devices.end_of(self.revocation, self.left).and(lines))
    }

    /// From here on no sign-in comes to hold what ends, unless this is let go.
    async fn begin(&self, end: &End) -> Result<arrivals::Ending, Hindrance> {
        let Self { devices, revocation, left, .. } = *self;
        let lost = devices.lost_renewals_of(&left.grants).await.map_err(untold)?;
        let end = if lost.is_empty() { end.clone() } else { end.clone().of_all_of_the_account() };
        let now = devices.clock.now();
        let minding = devices.arrivals.minding(revocation.seq, now);
        let ending = devices.arrivals.end(&end, minding).await;
        ending.ok_or_else(|| {
            devices.arrivals.waits(revocation.seq, now);
            Hindrance::SignIn
        })
    }

    async fn ask(&self, ending: arrivals::Ending) -> Result<ApiAnswer, Hindrance> {
        let Self { devices, client, revocation, left, .. } = *self;
        if !devices.note_asked(revocation).await.map_err(untold)? {
            return Err(Hindrance::TakenUp);
        }
        let answers = ending.ask(self.ask_all()).await.ok_or(Hindrance::LetGo)??;
        devices.all_over(client, left, answers).await
    }
}

pub(super) fn untold(error: impl Into<CredentialsError>) -> Hindrance {
    let error = error.into();
    if matches!(error, CredentialsError::Stopped) {
        return Hindrance::Stop;
    }
    tracing::warn!(error = with_causes(&error), "nobody can tell whether tokens are in use here, or good");
    Hindrance::Untold
}
