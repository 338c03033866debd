//! Asking the API to end what is in one sealed copy: whether there is somebody to ask, whether now, whether at all, and then for
//! one token after the other.

use super::arrivals;
use super::end::End;
use super::hindrance::{Hindrance, LONGEST, STILL_AT_IT};
use super::judgement::{Judge, Judgement};
use super::left::Left;
use super::telling::unopened;
use crate::credentials::keeping::client::OfClient;
use crate::credentials::receipts::api_answer::{ApiAnswer, ApiVerdict};
use crate::credentials::receipts::receipt::{Receipt, amend};
use crate::credentials::{CredentialsDevices, CredentialsError};
use crate::source::oauth2::{OAuthClient, OAuthError, Revoked};
use crate::source::renewal::{EndingSecret, Held, LastRenewal, RenewalError, is_answer_lost, is_held};
use crate::store::{Fingerprint, QueuedRevocation, StoreError, StoredRecord, Transaction, View};
use crate::telemetry::with_causes;
use crate::vault::{Clients, Grant, SecretText};

/// Why it may be that not all is over of what the API does not know.
const SOME_MAY_LIVE_ON: &str = "nobody knows what came of the last renewal, and that may live on; look at the API, and end there what is left";

/// One copy, and whom to ask.
struct Asking<'a> {
    devices: &'a CredentialsDevices,
    client: &'a OAuthClient,
    revocation: &'a QueuedRevocation,
    record: &'a StoredRecord,
    /// What is left of it.
    left: &'a Left,
    /// What of that the API takes from the gateway.
    ours: &'a OfClient,
}

/// What the API answered of one grant.
#[derive(Clone, Copy)]
struct Ended {
    /// Whether it ended it; else it was over before.
    now: bool,
    /// Whether something may live on of which nobody knows.
    may_live_on: bool,
}

/// What it answered of one after the other.
#[derive(Default)]
struct Answers {
    /// What is over, and not to be asked for again.
    over: Vec<Fingerprint>,
    /// Whether any ended.
    ended: bool,
    /// Whether of any something may live on of which nobody knows.
    may_live_on: bool,
    /// Why not all are over; that some came by another client only where there is nothing else.
    hindrance: Option<Hindrance>,
}

impl Answers {
    fn add(&mut self, grant: &Grant, answer: Result<Ended, Hindrance>) {
        match answer {
            Ok(Ended { now, may_live_on }) => {
                self.ended |= now;
                self.may_live_on |= may_live_on;
                // That is to be told when all are over.
                if !may_live_on {
                    self.over.extend(grant.tokens().map(SecretText::fingerprint));
                }
            }
            Err(hindrance) => {
                self.hindrance.get_or_insert(hindrance);
            }
        }
    }
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
        let ours = self.of_client(client, revocation, &left).await.map_err(|error| untold(error.into()))?;
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

    /// That the API is asked is on disk before it is: should this process end, the next knows that the API may be at it.
    /// Answers whether it still waits.
    async fn note_asked(&self, revocation: &QueuedRevocation) -> Result<bool, CredentialsError> {
        let QueuedRevocation { seq, made_at, .. } = *revocation;
        let rested_at = self.clock.now().plus(STILL_AT_IT).min(made_at.plus(LONGEST));
        let note = move |transaction: &Transaction<'_>| transaction.note_asked(seq, rested_at);
        Ok(self.store.write::<_, StoreError, _>(note).await?)
    }

    /// That some are over is on disk, and in the receipt, while others wait.
    async fn note_over(&self, revocation: &QueuedRevocation, answers: Answers) -> Result<(), StoreError> {
        let QueuedRevocation { seq, receipt, .. } = *revocation;
        let over = [&*revocation.over, &answers.over].concat();
        let note = move |transaction: &Transaction<'_>| {
            transaction.note_over(seq, &over)?;
            match receipt.filter(|_| answers.ended) {
                Some(receipt) => amend(transaction, receipt, Receipt::note_some_ended),
                None => Ok(()),
            }
        };
        self.store.write(note).await
    }
}

impl Asking<'_> {
    /// Asks it, unless the tokens are to be left alone.
    async fn judge(&self) -> Result<Option<ApiAnswer>, Hindrance> {
        let Self { devices, revocation, left, .. } = *self;
        let end = self.end().await.map_err(|error| untold(error.into()))?;
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
        let lost = devices.lost_renewals_of(&left.grants).await.map_err(|error| untold(error.into()))?;
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
        if !devices.note_asked(self.revocation).await.map_err(untold)? {
            return Err(Hindrance::TakenUp);
        }
        let answers = ending.ask(self.end_all()).await.ok_or(Hindrance::LetGo)?;
        if let Some(hindrance) = answers.hindrance.clone() {
            devices.note_over(self.revocation, answers).await.map_err(|error| untold(error.into()))?;
            return Err(hindrance);
        }
        let verdict =
            if answers.ended && !answers.may_live_on { ApiVerdict::Revoked } else { ApiVerdict::Unknown };
        let why = answers.may_live_on.then(|| SOME_MAY_LIVE_ON.to_owned());
        Ok(ApiAnswer { why, some_ended: answers.ended && answers.may_live_on, ..devices.answer(verdict) })
    }

    /// Ends what is the gateway's; each grant is asked for, whatever comes of the others. An earlier sign-in's refresh token comes
    /// after what is set aside, which may be the access token that ends it, so that nothing is renewed for that.
    async fn end_all(&self) -> Answers {
        let mut answers = Answers::default();
        let (used, of_earlier) =
            self.ours.grants.used.as_ref().map_or((None, None), |used| self.by_sign_in(used));
        if let Some(grant) = &used {
            answers.add(grant, self.end_grant(grant).await);
        }
        for pair in &self.ours.grants.aside {
            let (grant, of_earlier) = self.by_sign_in(pair);
            for grant in grant.iter().chain(&of_earlier) {
                answers.add(grant, self.end_aside(grant).await);
            }
        }
        if let Some(grant) = &of_earlier {
            answers.add(grant, self.end_grant(grant).await);
        }
        if self.ours.are_others {
            answers.hindrance.get_or_insert(Hindrance::OtherClient);
        }
        answers
    }

    /// What of these ends by what is asked for, and the refresh token that does not: that of an earlier sign-in than the access
    /// token's, where the API takes access tokens alone and may count each sign-in by itself.
    fn by_sign_in(&self, grant: &Grant) -> (Option<Grant>, Option<Grant>) {
        match grant.clients.are_of_two_sign_ins && self.ends_by_access_alone() {
            true => (grant.part(true, false), grant.part(false, true)),
            false => (Some(grant.copy()), None),
        }
    }

    /// Ends one that was set aside: of what was in use the receipt itself says where the answer to a renewal was lost.
    async fn end_aside(&self, grant: &Grant) -> Result<Ended, Hindrance> {
        let ended = self.end_grant(grant).await?;
        let is_lost = match &grant.refresh {
            Some(refresh) if !self.ends_by_access_alone() => self.is_answer_lost(refresh).await?,
            _ => false,
        };
        Ok(Ended { may_live_on: ended.may_live_on || is_lost, ..ended })
    }

    /// Whether an answer to it was lost, and what was in that may live on where the API ends one token alone.
    async fn is_answer_lost(&self, refresh: &SecretText) -> Result<bool, Hindrance> {
        let token = refresh.fingerprint();
        let look = move |view: &View<'_>| view.refresh_token(&token);
        let known =
            self.devices.store.read::<_, StoreError, _>(look).await.map_err(|error| untold(error.into()))?;
        Ok(known.is_some_and(|known| is_answer_lost(&known)))
    }

    fn ends_by_access_alone(&self) -> bool {
        self.client.settings().revokes_by_access_alone()
    }

    /// Ends one grant. Where the API does that by its access token alone, and that is not here or not known there any more, it ends
    /// by what the refresh token brings, which is told of by itself.
    async fn end_grant(&self, grant: &Grant) -> Result<Ended, Hindrance> {
        self.devices.gate.pass().map_err(untold)?;
        let by_access_alone = self.ends_by_access_alone();
        let revoked = match (&grant.access, &grant.refresh) {
            (Some(access), refresh) => self.revoke(access, refresh.as_ref()).await?,
            // What kind it is, RFC 7009 asks a provider to look for itself (2.1).
            (None, Some(refresh)) if !by_access_alone => self.revoke(refresh, None).await?,
            (None, _) => Revoked::Unknown,
        };
        let may_live_on = match (revoked, &grant.refresh) {
            (Revoked::Impossible, _) => return Err(Hindrance::NoWay),
            (Revoked::Unknown, Some(refresh)) if by_access_alone => {
                self.renew(refresh, &grant.clients).await?
            }
            _ => false,
        };
        Ok(Ended { now: revoked == Revoked::Done, may_live_on })
    }

    async fn revoke(&self, access: &SecretText, refresh: Option<&SecretText>) -> Result<Revoked, Hindrance> {
        let first = match refresh {
            Some(refresh) => self.noted(self.client.revoke_refresh(refresh, access).await).await,
            None => Ok(Revoked::Unknown),
        };
        if let Err(stop) = self.devices.gate.pass() {
            return first.and(Err(untold(stop)));
        }
        let second = self.noted(self.client.revoke_access(access, refresh).await).await;
        Ok(first?.or(second?))
    }

    /// That a token ended is in the receipt before another is asked for, which may come to nothing.
    async fn noted(&self, answer: Result<Revoked, OAuthError>) -> Result<Revoked, Hindrance> {
        let revoked = answer.map_err(|error| self.unanswered(&error))?;
        if let (Revoked::Done, Some(receipt)) = (revoked, self.revocation.receipt) {
            let note =
                move |transaction: &Transaction<'_>| amend(transaction, receipt, Receipt::note_some_ended);
            let noted = self.devices.store.write::<_, StoreError, _>(note).await;
            noted.map_err(|error| untold(error.into()))?;
        }
        Ok(revoked)
    }

    /// Answers whether something came of the refresh token, or may have, of which nobody knows.
    async fn renew(&self, refresh: &SecretText, clients: &Clients) -> Result<bool, Hindrance> {
        self.devices.gate.pass().map_err(untold)?;
        let Some(renewing) = &self.devices.renewing else { return Ok(false) };
        let now = self.devices.clock.now();
        if self.revocation.renewable_from.is_none_or(|from| now < from) {
            return Err(self.unanswered(&OAuthError::TokenRejected));
        }
        let (access, client) = (self.left.opened.secret().copy(), clients.refresh_token.clone());
        let held = Held { access, refresh: Some(refresh.copy()), client };
        let ending = EndingSecret {
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
            credentials.uuid = %self.revocation.credentials.logged(),
            "the API was not told yet that a secret is over"
        );
        Hindrance::from(error)
    }
}

fn untold(error: CredentialsError) -> Hindrance {
    if matches!(error, CredentialsError::Stopped) {
        return Hindrance::Stop;
    }
    tracing::warn!(error = with_causes(&error), "nobody can tell whether tokens are in use here, or good");
    Hindrance::Untold
}
