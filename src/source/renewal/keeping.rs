//! Putting what a renewal brought on disk: into the newest record that holds the refresh token which was sent, wherever that
//! is by now.

use std::sync::Arc;

use super::demand::Renewed;
use super::error::RenewalError;
use super::judgement::release;
use super::records::{CameTo, NewSecret, Outcome, Records, Replaced, Sake, Sending, Stranded};
use super::renewer::{Attempt, Case, Renewer, leave_in_doubt};
use super::schedule::begin_life;
use super::subject::{Holding, Subject};
use crate::ambient::Timestamp;
use crate::message::DeviceUuid;
use crate::source::oauth2::Tokens;
use crate::store::{
    Fingerprint, Insisting, RenewalStage, StoreError, StoredRecord, StoredRefreshToken, StoredRenewal,
    Transaction,
};
use crate::vault::SecretText;

/// What the provider gave for a refresh token.
pub(super) struct Given {
    /// What was sent.
    pub(super) sent: SecretText,
    pub(super) tokens: Tokens,
    pub(super) sending: Sending,
}

/// A record like which another is sealed.
#[derive(Clone, Debug)]
struct Like {
    device: DeviceUuid,
    record: StoredRecord,
    /// When its access token ends by itself, where that is known.
    ends_at: Option<Timestamp>,
    /// Whether what it set aside stays behind: whatever holds that goes on, or is to end by itself.
    is_alone: bool,
}

/// What a renewal brought, sealed like a record whose place it is to take, with the life that begins with it.
#[derive(Clone, Debug)]
struct NewRecord {
    /// What it was asked for; the credentials of the record that it is sealed like may be others that hold the same.
    subject: Subject,
    /// The refresh token that was sent.
    sent: Fingerprint,
    like: Like,
    record: StoredRecord,
    life: StoredRenewal,
    /// Its refresh token.
    refresh: Fingerprint,
    /// Whether nobody knows what renews it: what was given for that cannot be used.
    is_doubtful: bool,
    sending: Sending,
    now: Timestamp,
}

/// What became of it.
#[derive(Debug)]
enum Kept {
    Stored,
    /// It is nobody's: no record holds any more what was sent.
    Stranded,
    /// Not yet: it is nobody's, and what is set aside in it is not.
    BesideOthers,
    /// Not yet: this is the newest record by now that holds it.
    Elsewhere(Like),
}

impl Renewer {
    /// Puts the new secret on disk before anything else is called: into the newest record that holds what was sent. Where the
    /// credentials were forgotten meanwhile, that is one in which somebody signed in since and brought it again. Where there
    /// is none, it is stranded.
    pub(super) async fn keep(&self, case: &Case, given: Given) -> Result<Attempt, RenewalError> {
        let Case { subject: Subject { device, .. }, record, ends_at, .. } = case;
        if given.tokens.unusable_refresh.is_some() {
            tracing::warn!(credentials.uuid = %device.logged(), "the provider gave a refresh token that cannot be used");
        }
        let is_alone = matches!(given.sending.sake, Sake::End { .. });
        let mut like = Like { device: device.clone(), record: record.clone(), ends_at: *ends_at, is_alone };
        loop {
            let is_where_it_was = like.device == *device;
            let new = self.sealed_like(case, &like, &given).await?;
            like = match self.store_new(new).await? {
                Kept::Stored if is_where_it_was => return Ok(Attempt::Done(Renewed::New)),
                // Of what was asked for there is another record, or none.
                Kept::Stored | Kept::Stranded => return Ok(Attempt::Again),
                Kept::BesideOthers => Like { is_alone: true, ..like },
                Kept::Elsewhere(newest) => newest,
            };
        }
    }

    /// What was given, sealed like this record.
    async fn sealed_like(&self, case: &Case, like: &Like, given: &Given) -> Result<NewRecord, RenewalError> {
        let Given { sent, tokens: Tokens { access, refresh, unusable_refresh, lifetime, .. }, sending } =
            given;
        let generation = like.record.generation + 1;
        let secret = NewSecret {
            access: access.copy(),
            refresh: refresh.as_ref().unwrap_or(sent).copy(),
            client: self.upstream.client.clone(),
            replaced: Replaced {
                tried: case.held.access.copy(),
                is_refused: case.demand.is_rejected(),
                ends_at: like.ends_at,
            },
            is_alone: like.is_alone,
            generation,
        };
        let refresh = secret.refresh.fingerprint();
        let record = (self.records.seal)(like.device.clone(), like.record.clone(), secret).await?;
        let life = begin_life(generation, sending.asked_at, *lifetime, self.random.fraction());
        Ok(NewRecord {
            subject: case.subject.clone(),
            sent: sent.fingerprint(),
            like: like.clone(),
            record,
            life: StoredRenewal { renewed_at: Some(sending.asked_at), ..life },
            refresh,
            is_doubtful: unusable_refresh.is_some(),
            sending: *sending,
            now: self.clock.now(),
        })
    }

    async fn store_new(&self, new: NewRecord) -> Result<Kept, StoreError> {
        let records = Arc::clone(&self.records);
        let keep = move |transaction: &Transaction<'_>| new.keep(transaction, &records);
        // It exists nowhere else.
        self.store.insist(Insisting::that("cannot store a new secret"), keep).await
    }
}

impl NewRecord {
    fn keep(&self, transaction: &Transaction<'_>, records: &Records) -> Result<Kept, StoreError> {
        match self.subject.holding(transaction)? {
            Some(holding) if self.like.is_alone || !self.is_like(&holding) => {
                let Holding { device, record, renewal } = holding;
                let ends_at = renewal.expires_at;
                Ok(Kept::Elsewhere(Like { device, record, ends_at, is_alone: false }))
            }
            Some(_) if transaction.store_record(&self.like.device, &self.record)? => {
                self.take_its_place(transaction, records)
            }
            _ if self.like.is_alone => self.strand(transaction, records),
            _ => Ok(Kept::BesideOthers),
        }
    }

    fn is_like(&self, holding: &Holding) -> bool {
        holding.device == self.like.device && holding.record.generation == self.like.record.generation
    }

    /// The record that it is sealed like has its place taken.
    fn take_its_place(&self, transaction: &Transaction<'_>, records: &Records) -> Result<Kept, StoreError> {
        let device = &self.like.device;
        let refresh = self.note_spent(transaction)?;
        transaction.store_renewal(device, &self.life.clone().renewed_by(Some(refresh)))?;
        (records.project)(transaction, device, &self.record)?;
        if self.subject.device != *device {
            let outcome = Outcome { sending: self.sending, came_to: CameTo::ElsewhereHeld };
            (records.came_to)(transaction, &self.subject.device, outcome)?;
        }
        Ok(Kept::Stored)
    }

    /// Leaves it to whoever ended what it was of. A sign-in that was given what was sent may be kept only after this, and then
    /// finds it by its line.
    fn strand(&self, transaction: &Transaction<'_>, records: &Records) -> Result<Kept, StoreError> {
        let refresh = self.note_spent(transaction)?;
        transaction.store_refresh_token(&refresh)?;
        let Self { record, refresh, sending, life, .. } = self;
        let stranded = Stranded { record, refresh: *refresh, ends_at: life.expires_at, sending: *sending };
        (records.strand)(transaction, &self.like.device, stranded)?;
        Ok(Kept::Stranded)
    }

    /// Notes that another was given for the refresh token that was sent, if one was; answers what is known of the new one: a
    /// sign-in may have brought that before this came, and others may have sent it since.
    fn note_spent(&self, transaction: &Transaction<'_>) -> Result<StoredRefreshToken, StoreError> {
        let known = transaction.refresh_token(&self.sent)?;
        let mut before = known.unwrap_or_else(|| StoredRefreshToken::new(self.sent));
        if self.is_doubtful {
            leave_in_doubt(&mut before);
            return Ok(before);
        }
        let StoredRefreshToken { line, line_since, .. } = before;
        let (noted, noted_at) = (transaction.next_moment()?, self.now);
        let new = StoredRefreshToken::new(self.refresh);
        let new = StoredRefreshToken { line, line_since, noted, noted_at, ..new };
        if self.refresh == self.sent {
            return Ok(new);
        }
        let mut over = StoredRefreshToken { stage: RenewalStage::Spent, noted, noted_at, ..before };
        release(&mut over);
        transaction.store_refresh_token(&over)?;
        transaction.join_lines(&self.sent, &self.refresh)?;
        Ok(transaction.refresh_token(&self.refresh)?.unwrap_or(new))
    }
}
