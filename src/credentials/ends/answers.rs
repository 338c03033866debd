//! What the API answers to one question after the other, and what that comes to. What is over by an answer is on disk before the
//! next is put.

use super::asking::{Asking, untold};
use super::hindrance::Hindrance;
use super::left::Left;
use super::questions::Question;
use crate::credentials::CredentialsDevices;
use crate::credentials::receipts::api_answer::{ApiAnswer, ApiVerdict};
use crate::source::oauth2::{OAuthClient, OAuthError, Revoked, TokenKind};
use crate::source::renewal::{EndingSecret, Held, LastRenewal, RenewalError, is_answer_lost};
use crate::store::{Fingerprint, StoreError, View};
use crate::telemetry::with_causes;
use crate::vault::{Clients, Grant, SecretText};

/// Why it may be that not all is over of what the API does not know.
const SOME_MAY_LIVE_ON: &str = "nobody knows what came of the last renewal, and that may live on; look at the API, and end there what is left";

/// What the API answered in one go, where nothing is left then.
#[derive(Default)]
pub(super) struct Answers {
    /// Whether any ended.
    have_ended: bool,
    /// Whether of any something may live on of which nobody knows.
    may_live_on: bool,
}

/// What an answer says of what was to end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fate {
    /// It ended by that.
    Ended,
    /// It was over before, or what ends it is told of by itself.
    Over,
    /// It was over before, but something came of it, or may have, of which nobody knows. That is to be told when all are over.
    MayLiveOn,
}

impl Asking<'_> {
    /// Has the API end what is the gateway's: each question is put, whatever comes of the others.
    ///
    /// # Errors
    /// [`Hindrance`], the first of those by which not all is over; that some came by another client only where there is nothing else.
    pub(super) async fn ask_all(&self) -> Result<Answers, Hindrance> {
        let (mut answers, mut hindrance) = (Answers::default(), None);
        let grants = &self.ours.grants;
        let by_access_alone = self.client.settings().revokes_by_access_alone();
        for question in if by_access_alone { grants.by_access_alone() } else { grants.by_token() } {
            match self.put(&question).await {
                Ok(Fate::Ended) => answers.have_ended = true,
                Ok(Fate::Over) => {}
                Ok(Fate::MayLiveOn) => answers.may_live_on = true,
                Err(why) => drop(hindrance.get_or_insert(why)),
            }
        }
        match hindrance.or(self.ours.are_others.then_some(Hindrance::OtherClient)) {
            Some(hindrance) => Err(hindrance),
            None => Ok(answers),
        }
    }

    async fn put(&self, question: &Question<'_>) -> Result<Fate, Hindrance> {
        let fate = match *question {
            Question::Token { token, kind, beside } => self.end_one(token, kind, beside).await?,
            Question::Grant { access, refresh, clients } => {
                let fate = match access {
                    Some(access) => self.end_one(access, TokenKind::Access, refresh).await?,
                    None => Fate::Over,
                };
                match (fate, refresh) {
                    (Fate::Over, Some(refresh)) => self.renew(refresh, clients).await?,
                    _ => fate,
                }
            }
        };
        if fate != Fate::MayLiveOn {
            let noted = self.devices.note_over(self.revocation, question.tokens(), fate == Fate::Ended).await;
            noted.map_err(untold)?;
        }
        Ok(fate)
    }

    async fn end_one(
        &self,
        token: &SecretText,
        kind: TokenKind,
        beside: Option<&SecretText>,
    ) -> Result<Fate, Hindrance> {
        self.devices.gate.pass().map_err(untold)?;
        match self.client.revoke_one(token, kind, beside).await {
            Ok(Revoked::Done) => Ok(Fate::Ended),
            Ok(Revoked::Unknown) => Ok(Fate::Over),
            Ok(Revoked::Impossible) => Err(Hindrance::NoWay),
            Err(error) => Err(self.unanswered(&error)),
        }
    }

    /// Has a grant end by what its refresh token brings, which is told of by itself.
    async fn renew(&self, refresh: &SecretText, clients: &Clients) -> Result<Fate, Hindrance> {
        self.devices.gate.pass().map_err(untold)?;
        let Some(renewing) = &self.devices.renewing else { return Ok(Fate::Over) };
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
            Ok(LastRenewal::Lost) => Ok(Fate::MayLiveOn),
            Ok(_) => Ok(Fate::Over),
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

impl CredentialsDevices {
    /// What the receipt of a copy says of which nothing is left; it knows what ended by earlier answers.
    ///
    /// # Errors
    /// [`Hindrance::Untold`], where the store fails.
    pub(super) async fn all_over(
        &self,
        client: &OAuthClient,
        left: &Left,
        Answers { have_ended, may_live_on }: Answers,
    ) -> Result<ApiAnswer, Hindrance> {
        let may_live_on = may_live_on
            || !client.settings().revokes_by_access_alone()
                && self.is_an_answer_lost(left.opened.set_aside()).await.map_err(untold)?;
        let verdict = if have_ended && !may_live_on { ApiVerdict::Revoked } else { ApiVerdict::Unknown };
        let why = may_live_on.then(|| SOME_MAY_LIVE_ON.to_owned());
        Ok(ApiAnswer { why, some_ended: have_ended && may_live_on, ..self.answer(verdict) })
    }

    /// Whether an answer was lost to any of these, which were set aside, and what was in it may live on where the API ends one token
    /// alone: of what was in use the receipt itself says that.
    async fn is_an_answer_lost(&self, aside: &[Grant]) -> Result<bool, StoreError> {
        let tokens = aside.iter().filter_map(|grant| grant.refresh.as_ref());
        let tokens: Vec<Fingerprint> = tokens.map(SecretText::fingerprint).collect();
        let look = move |view: &View<'_>| {
            let mut known = tokens.iter().map(|token| view.refresh_token(token));
            known.try_fold(false, |is_any, known| Ok(is_any || known?.as_ref().is_some_and(is_answer_lost)))
        };
        self.store.read(look).await
    }
}
