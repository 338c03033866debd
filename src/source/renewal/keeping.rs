//! Putting what a renewal brought on disk: into the newest record that holds the refresh token which was sent, wherever that
//! is by now.

use std::sync::Arc;

use super::demand::Renewed;
use super::error::RenewalError;
use super::records::NewSecret;
use super::renewer::{Attempt, Case, Renewer};
use super::schedule::begin_life;
use super::sealed_anew::{Brought, Kept};
use crate::ambient::Timestamp;
use crate::message::DeviceUuid;
use crate::source::oauth2::Tokens;
use crate::store::{Insisting, StoreError, StoredRecord, StoredRenewal, Transaction, View};
use crate::telemetry::with_causes;
use crate::vault::SecretText;

/// What the provider gave for a refresh token.
struct Given {
    tokens: Tokens,
    asked_at: Timestamp,
    /// Spreads the next renewal.
    fraction: f64,
}

/// A record, and where it is kept.
struct Place {
    device: DeviceUuid,
    record: StoredRecord,
}

impl Renewer {
    /// Puts the new secret on disk before anything else is called. Where the credentials were forgotten meanwhile, it goes to
    /// those in which somebody signed in since and brought the refresh token again. Where there are none, or somebody brought
    /// another, it is stranded.
    pub(super) async fn keep(
        &self,
        case: &Case,
        tokens: Tokens,
        asked_at: Timestamp,
    ) -> Result<Attempt, RenewalError> {
        let given = Given { tokens, asked_at, fraction: self.random.fraction() };
        let place = Place { device: case.device.clone(), record: case.record.clone() };
        let mut brought = self.brought(case, place, &given).await?;
        loop {
            brought = match self.store_new(&brought).await? {
                Kept::Stored if brought.device == case.device => return Ok(Attempt::Done(Renewed::New)),
                // Of what was asked for there is another record, or none.
                Kept::Stored | Kept::Stranded => return Ok(Attempt::Again),
                Kept::Another(record) => {
                    let place = Place { device: brought.device.clone(), record };
                    match self.is_held_in(case, &place).await {
                        true => self.brought(case, place, &given).await?,
                        // What came has nothing to do with that record.
                        false => Brought { old: place.record.generation, is_its: false, ..brought },
                    }
                }
                Kept::Gone => match self.heir(case).await? {
                    Some(heir) => self.brought(case, heir, &given).await?,
                    None => Brought { is_its: false, ..brought },
                },
            };
        }
    }

    /// What was given, sealed like this record.
    async fn brought(&self, case: &Case, place: Place, given: &Given) -> Result<Brought, RenewalError> {
        let Given { tokens: Tokens { access, refresh, lifetime, .. }, asked_at, fraction } = given;
        let Place { device, record } = place;
        let (old, generation, sent) = (record.generation, record.generation + 1, case.held.refresh.as_ref());
        let spent = sent.filter(|_| refresh.is_some()).map(SecretText::fingerprint);
        let refresh = refresh.as_ref().or(sent).map(SecretText::copy);
        let secret = NewSecret { access: access.copy(), refresh, tried: case.held.access.copy(), generation };
        let record = (self.records.seal)(device.clone(), record, secret).await?;
        let life = begin_life(generation, *asked_at, *lifetime, *fraction);
        let renewal = StoredRenewal { renewed_at: Some(*asked_at), ..life };
        let (sent_for, asked_at) = (case.device.clone(), *asked_at);
        Ok(Brought { device, sent_for, old, record, renewal, spent, asked_at, is_its: true })
    }

    /// Whether this record holds the refresh token that was sent; what does not open, or is of another API, does not.
    async fn is_held_in(&self, case: &Case, place: &Place) -> bool {
        let opened = (self.records.open)(place.device.clone(), place.record.clone()).await;
        let held = opened.ok().and_then(|held| held.refresh);
        held.zip(case.held.refresh.as_ref()).is_some_and(|(held, sent)| held.is(sent.expose()))
    }

    /// Where else the refresh token is held that was sent for a record which is gone.
    async fn heir(&self, case: &Case) -> Result<Option<Place>, StoreError> {
        let heir = match (self.records.heir)(case.device.clone(), case.record.clone()).await {
            Ok(heir) => heir,
            Err(error) => {
                tracing::warn!(error = with_causes(&error), "nobody can tell who holds what was renewed");
                None
            }
        };
        let Some(device) = heir else { return Ok(None) };
        let (records, asked) = (Arc::clone(&self.records), device.clone());
        let look = move |view: &View<'_>| (records.current)(view, &asked);
        let Some(record) = self.store.read(look).await? else { return Ok(None) };
        let place = Place { device, record };
        Ok(self.is_held_in(case, &place).await.then_some(place))
    }

    async fn store_new(&self, brought: &Brought) -> Result<Kept, StoreError> {
        let (records, brought) = (Arc::clone(&self.records), brought.clone());
        let keep = move |transaction: &Transaction<'_>| match brought.is_its {
            true => brought.store(transaction, &records),
            false => brought.strand(transaction, &records),
        };
        // It exists nowhere else.
        self.store.insist(Insisting::that("cannot store a new secret"), keep).await
    }
}
