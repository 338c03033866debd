//! Asking the API to end what is in one sealed copy: whether there is somebody to ask, whether now, whether at all, and then for
//! one token after the other.

use super::api_answer::{ApiAnswer, ApiVerdict};
use super::arrivals;
use super::client::ByAnotherClient;
use super::end::End;
use super::hindrance::{Hindrance, STILL_AT_IT};
use super::in_use::tokens_of;
use super::judgement::{Judge, Judgement};
use super::telling::unopened;
use super::{CredentialsDevices, CredentialsError};
use crate::source::oauth2::{OAuthClient, OAuthError, Revoked};
use crate::source::renewal::{Ending, Held, LastRenewal, RenewalError, is_answer_lost, is_held};
use crate::store::{QueuedRevocation, StoreError, StoredRecord, Transaction, View};
use crate::telemetry::with_causes;
use crate::vault::{Credentials, SecretText, SetAside};

/// Why it may be that not all is over of what the API does not know.
const SOME_MAY_LIVE_ON: &str = "nobody knows what came of the last renewal, and that may live on; look at the API, and end there what is left";

/// One copy, and whom to ask.
struct Asking<'a> {
    devices: &'a CredentialsDevices,
    client: &'a OAuthClient,
    revocation: &'a QueuedRevocation,
    record: &'a StoredRecord,
    /// What is in it.
    opened: &'a Credentials,
    /// What of it is not to be asked for.
    by_another: ByAnotherClient,
}

/// What the API answered.
#[derive(Clone, Copy)]
struct Ended {
    revoked: Revoked,
    /// Whether something may live on of which nobody knows.
    may_live_on: bool,
}

impl Ended {
    /// What it answered of both: that some are over now is not hidden by others that were over before.
    fn and(self, other: Self) -> Self {
        let revoked = match (self.revoked, other.revoked) {
            (Revoked::Unknown, other) => other,
            (one, _) => one,
        };
        Self { revoked, may_live_on: self.may_live_on || other.may_live_on }
    }
}

impl CredentialsDevices {
    /// What the API answers, if it is asked, or why it is not asked at all.
    ///
    /// # Errors
    /// [`Hindrance`], where it may be asked another time.
    pub(super) async fn ask_to_end(
        &self,
        revocation: &QueuedRevocation,
        record: StoredRecord,
    ) -> Result<ApiAnswer, Hindrance> {
        let client = self.whom_to_ask(revocation, &record)?;
        self.is_time(revocation).await?;
        let opened = self.open_once(revocation.credentials.clone(), record.clone()).await;
        let opened = opened.map_err(|error| unopened(revocation, &error))?;
        if self.sealing.other_api(record.source.as_deref(), Some(&opened)).is_some() {
            return Err(Hindrance::OtherApi);
        }
        let by_another = self.by_another_client(revocation, &opened).await.map_err(untold)?;
        if by_another.all {
            return Err(Hindrance::OtherClient);
        }
        Asking { devices: self, client, revocation, record: &record, opened: &opened, by_another }
            .judge()
            .await
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

    /// Whether it is not too late, nor too soon: while a renewal is under way, nobody knows yet what has to end.
    async fn is_time(&self, revocation: &QueuedRevocation) -> Result<(), Hindrance> {
        if self.is_too_old(revocation) {
            return Err(Hindrance::TooLate);
        }
        if self.is_renewing(&revocation.credentials)
            || self.is_on_its_way(revocation).await.map_err(untold)?
        {
            return Err(Hindrance::Renewal);
        }
        Ok(())
    }

    /// Whether somebody is sending the refresh token, for whichever credentials, or one that came of it.
    async fn is_on_its_way(&self, revocation: &QueuedRevocation) -> Result<bool, CredentialsError> {
        let Some(token) = revocation.refresh else { return Ok(false) };
        let line = self.store.read::<_, StoreError, _>(move |view: &View<'_>| view.line_of(&token)).await?;
        Ok(line.iter().any(|known| is_held(known, self.clock.now())))
    }

    /// That the API is asked is on disk before it is: should this process end, the next knows that the API may be at it.
    /// Answers whether it still waits.
    async fn note_asked(&self, seq: i64) -> Result<bool, CredentialsError> {
        let rested_at = self.clock.now().plus(STILL_AT_IT);
        let note = move |transaction: &Transaction<'_>| transaction.note_asked(seq, rested_at);
        Ok(self.store.write::<_, StoreError, _>(note).await?)
    }
}

impl Asking<'_> {
    /// Asks it, unless the tokens are to be left alone.
    async fn judge(&self) -> Result<ApiAnswer, Hindrance> {
        let Self { devices, revocation, opened, .. } = *self;
        let end = self.end().await.map_err(|error| untold(error.into()))?;
        let ending = self.begin(&end).await?;
        match Judge::of(devices, revocation, opened, &end).judge().await.map_err(untold)? {
            Judgement::Spare(spared) => devices.spare(revocation, opened, spared).await.map_err(untold),
            Judgement::Wait(hindrance) => Err(hindrance),
            // To judge may take long, and the API was asked for no end in it.
            Judgement::End if ending.is_let_go() => Err(Hindrance::SignIn),
            Judgement::End => self.ask(ending).await,
        }
    }

    /// What is to end, with what is known of its lines.
    async fn end(&self) -> Result<End, StoreError> {
        let lines = self.devices.lines_of(tokens_of(self.opened)).await?;
        Ok(self.devices.end_of(self.revocation, self.opened).and(lines))
    }

    /// From here on no sign-in comes to hold what ends, unless this is let go.
    async fn begin(&self, end: &End) -> Result<arrivals::Ending, Hindrance> {
        let Self { devices, revocation, opened, .. } = *self;
        let lost = devices.lost_renewals_of(opened).await.map_err(|error| untold(error.into()))?;
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
        let devices = self.devices;
        if !devices.note_asked(self.revocation.seq).await.map_err(untold)? {
            return Err(Hindrance::TakenUp);
        }
        let Ended { revoked, may_live_on } = ending.ask(self.end_all()).await.ok_or(Hindrance::LetGo)??;
        let unknown = devices.answer(ApiVerdict::Unknown);
        match revoked {
            Revoked::Impossible => Err(Hindrance::NoWay),
            _ if may_live_on => Ok(ApiAnswer { why: Some(SOME_MAY_LIVE_ON.to_owned()), ..unknown }),
            Revoked::Done => Ok(devices.answer(ApiVerdict::Revoked)),
            Revoked::Unknown => Ok(unknown),
        }
    }

    /// Ends what was opened, and the tokens that were set aside until that; each is asked for, whatever comes of the others, but for
    /// what came by another client.
    ///
    /// # Errors
    /// [`Hindrance`], where not all ended now.
    async fn end_all(&self) -> Result<Ended, Hindrance> {
        let mut all = self.end_pair().await;
        for aside in self.opened.set_aside() {
            let ended = match &aside.client {
                Some(client) if *client != self.client.settings().client_id => Err(Hindrance::OtherClient),
                _ => self.end_aside(aside).await,
            };
            all = all.and_then(|all| ended.map(|ended| all.and(ended)));
        }
        all
    }

    async fn end_pair(&self) -> Result<Ended, Hindrance> {
        let (access, refresh) = (self.opened.secret(), self.opened.refresh_token());
        match (self.by_another.secret, self.by_another.refresh_token, refresh) {
            (false, false, _) => return self.end_grant(access, refresh).await,
            (false, true, _) => {
                self.end_grant(access, None).await?;
            }
            (true, false, Some(refresh)) => {
                self.end_refresh(refresh).await?;
            }
            (true, ..) => {}
        }
        Err(Hindrance::OtherClient)
    }

    async fn end_aside(&self, aside: &SetAside) -> Result<Ended, Hindrance> {
        match aside.renews {
            Some(true) => self.end_refresh(&aside.token).await,
            Some(false) => self.end_grant(&aside.token, None).await,
            None => self.end_grant(&aside.token, Some(&aside.token).filter(|_| self.may_renew(aside))).await,
        }
    }

    fn may_renew(&self, aside: &SetAside) -> bool {
        aside.may_renew() && self.client.settings().revokes_by_access_alone()
    }

    /// Ends a refresh token whose access token is not here, or not to be asked for.
    async fn end_refresh(&self, refresh: &SecretText) -> Result<Ended, Hindrance> {
        match self.client.settings().revokes_by_access_alone() {
            true => {
                let may_live_on = self.renew(refresh).await?;
                Ok(Ended { revoked: Revoked::Unknown, may_live_on })
            }
            // What kind it is, RFC 7009 asks a provider to look for itself (2.1).
            false => {
                let ended = self.end_grant(refresh, None).await?;
                Ok(Ended { may_live_on: self.is_answer_lost(refresh).await?, ..ended })
            }
        }
    }

    /// Whether an answer to it was lost, and what was in that may live on where the API ends one token alone.
    async fn is_answer_lost(&self, refresh: &SecretText) -> Result<bool, Hindrance> {
        let token = refresh.fingerprint();
        let look = move |view: &View<'_>| view.refresh_token(&token);
        let known =
            self.devices.store.read::<_, StoreError, _>(look).await.map_err(|error| untold(error.into()))?;
        Ok(known.is_some_and(|known| is_answer_lost(&known)))
    }

    /// Ends one grant. Where the API does that by its access token alone and does not know that any more, it ends by what the
    /// refresh token brings, which is told of by itself.
    async fn end_grant(&self, access: &SecretText, refresh: Option<&SecretText>) -> Result<Ended, Hindrance> {
        let revoked = self.client.revoke(access, refresh).await.map_err(|error| self.unanswered(&error))?;
        let by_access_alone = self.client.settings().revokes_by_access_alone();
        let may_live_on = match refresh {
            Some(refresh) if by_access_alone && revoked == Revoked::Unknown => self.renew(refresh).await?,
            _ => false,
        };
        Ok(Ended { revoked, may_live_on })
    }

    /// Answers whether something came of the refresh token, or may have, of which nobody knows.
    async fn renew(&self, refresh: &SecretText) -> Result<bool, Hindrance> {
        let Some(renewing) = &self.devices.renewing else { return Ok(false) };
        if self.devices.clock.now() < self.revocation.renewable_from {
            return Err(self.unanswered(&OAuthError::TokenRejected));
        }
        let is_it = |aside: &&SetAside| aside.token.is(refresh.expose());
        let client = match self.opened.set_aside().iter().find(is_it) {
            Some(aside) => aside.client.clone(),
            None => self.opened.clients().refresh_token.clone(),
        };
        let held = Held { access: self.opened.secret().copy(), refresh: Some(refresh.copy()), client };
        let ending = Ending {
            device: self.revocation.credentials.clone(),
            copy: self.revocation.seq,
            record: self.record.clone(),
            held,
        };
        match renewing.renewals.for_an_end(ending).await {
            Ok(last) => Ok(last == LastRenewal::Lost),
            Err(RenewalError::Unavailable(error) | RenewalError::Refused(error)) => {
                Err(self.unanswered(&error))
            }
            Err(RenewalError::OtherClient) => Err(Hindrance::OtherClient),
            Err(RenewalError::Busy) => Err(Hindrance::Renewal),
            Err(RenewalError::Resting) => Err(Hindrance::Failure),
            Err(error) => {
                tracing::warn!(error = with_causes(&error), "what is to end cannot be renewed for that now");
                Err(Hindrance::Untold)
            }
        }
    }

    fn unanswered(&self, error: &OAuthError) -> Hindrance {
        tracing::warn!(
            error = with_causes(error),
            credentials.uuid = %self.revocation.credentials,
            "the API was not told yet that a secret is over"
        );
        Hindrance::from(error)
    }
}

fn untold(error: CredentialsError) -> Hindrance {
    tracing::warn!(error = with_causes(&error), "nobody can tell whether tokens are in use here, or good");
    Hindrance::Untold
}
