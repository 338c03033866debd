//! Forgetting a secret: unusable at once, gone from the store and the bus, ended at the API.

use serde_json::json;

use super::devices::revoke::{Cutting, NOT_ON_THIS_BUS, note_chores};
use super::ends::hindrance::Hindrance;
use super::ends::in_use::{
    ENDS_LATER, ENDS_WITH_ITS_ACCESS, ENDS_WITH_NEWER_ONES, NEVER_ENDS, NEVER_ENDS_EITHER,
};
use super::ends::stranded::ANSWER_LOST;
use super::keeping::before::Past;
use super::receipts::api_answer::{ApiAnswer, ApiVerdict};
use super::receipts::forgotten::LastOwners;
use super::receipts::receipt::{Act, Fate, Matter, Receipt};
use super::receipts::revoker::{By, Revoker};
use super::records::newest::stored_record;
use super::records::opening::text;
use super::{Account, CredentialsDevices, CredentialsError, Owned};
use crate::bus::embedded::{Caller, EmbeddedBus};
use crate::message::DeviceUuid;
use crate::source::renewal::is_answer_lost;
use crate::store::{
    ErrandKind, NewRevocation, QueuedErrand, RenewalStage, StoreError, StoredRecord, StoredRefreshToken,
    Transaction, View,
};

const NO_WAY_TO_END_IT: &str =
    "this gateway has no way to end what it brings; look at the API, and end there what is left";

/// One secret on its way out.
struct Forgetting {
    devices: CredentialsDevices,
    cutting: Cutting,
    receipt: Receipt,
    /// What an owner was shown; the store's counts where it has one.
    shown: Option<StoredRecord>,
    owners: LastOwners,
}

impl CredentialsDevices {
    /// Forgets the secret and cuts every user device off. From the answer on nothing opens it: the record is gone from the
    /// store, no older one is ever taken again, and the bus's copy follows. The API is told from a sealed copy that is
    /// erased once it answered, and after a day at the latest.
    ///
    /// # Errors
    /// What the store reports; the secret stays then.
    pub async fn forget(&self, owned: &Owned, by: &Revoker) -> Result<Receipt, CredentialsError> {
        // On a bus elsewhere that does not list them, the record alone is enough: without it nothing opens.
        let (user_devices, _) = self.listed_user_devices(owned).await?;
        let cutting = Cutting { with_noted: true, ..self.cutting(owned.device(), user_devices) };
        let mut receipt = Receipt::new(owned.device(), Act::Forgotten, by.by(), cutting.now);
        receipt.account = owned.username().map(str::to_owned);
        let shown = owned.record().cloned();
        let owners = self.last_owners(owned.all_owners().clone(), shown.clone()).await?;
        let forgetting = Forgetting { devices: self.clone(), cutting, receipt, shown, owners };
        let (receipt, errands) = self.store.write(move |transaction| forgetting.run(transaction)).await?;
        let id = receipt.id;
        Ok(self.follow_up(id, errands, by).await?.unwrap_or(receipt))
    }

    /// Whether the API can be told that the secret of this record is over; another one than the settings name, once they name it
    /// again.
    pub(super) fn first_answer(&self, record: &StoredRecord) -> ApiAnswer {
        let can = self.upstream.as_ref().is_some_and(|client| client.settings().can_revoke());
        match self.sealing.other_api(record.source.as_deref(), None) {
            Some(_) => ApiAnswer::waiting(&Hindrance::OtherApi, self.clock.now()),
            None if can => ApiAnswer::new(ApiVerdict::Pending, self.clock.now()),
            None => ApiAnswer::new(ApiVerdict::Impossible, self.clock.now()),
        }
    }

    /// Whether the end of the secret of this record, which the API can be told of, may be that of newer ones.
    pub(super) fn may_end_with_newer_ones(&self, record: &StoredRecord) -> bool {
        self.first_answer(record).verdict == ApiVerdict::Pending && !self.ends_one_alone()
    }

    /// The same of one that another took the place of: where the other stays.
    pub(super) fn answer_for_replaced(&self, record: &StoredRecord) -> ApiAnswer {
        match self.may_end_with_newer_ones(record) {
            true => ApiAnswer::spared(ENDS_WITH_NEWER_ONES, self.clock.now()),
            false => self.first_answer(record),
        }
    }

    /// The same of a token that is set aside: why it is not ended now, or why not at all.
    fn answer_set_aside(&self, not_now: &str, never: &str) -> ApiAnswer {
        let can = self.upstream.as_ref().is_some_and(|client| client.settings().can_revoke());
        ApiAnswer::spared(if can { not_now } else { never }, self.clock.now())
    }

    /// The receipt for a secret in whose place the account's owner brought another, whose record has no room for so many that
    /// were set aside before.
    pub(super) fn replaced(&self, device: &DeviceUuid, account: &Account, crowded_out: usize) -> Receipt {
        let by = By::Owner(account.owner.clone());
        let mut receipt = Receipt::new(device, Act::Replaced, by, self.clock.now());
        receipt.crowded_out(crowded_out, device);
        Receipt { account: account.username.clone(), ..receipt }
    }

    /// Keeps this receipt for a secret that is not used any more, where there is one: it is to end at the API where that
    /// leaves the newer one alone. What is known of its renewal is still to be there.
    pub(super) fn retire(
        &self,
        transaction: &Transaction<'_>,
        mut receipt: Receipt,
        past: &Past,
    ) -> Result<(), CredentialsError> {
        let (device, now) = (receipt.credentials.clone(), self.clock.now());
        let before = match past {
            Past::None => return Ok(()),
            Past::AccessSetAside => {
                receipt.api = Some(self.answer_set_aside(ENDS_LATER, NEVER_ENDS));
                return receipt.keep(transaction);
            }
            Past::AccessEnds(copy) => {
                receipt.part(Matter::EarlierAccessToken, &device, Fate::Ended);
                receipt.api = Some(ApiAnswer::new(ApiVerdict::Pending, now));
                receipt.keep(transaction)?;
                let copy = NewRevocation::told_by(receipt.id, &device, copy, now);
                return Ok(self.have_ended(transaction, &copy)?);
            }
            Past::RefreshSetAside(before) => {
                receipt.api = Some(self.answer_set_aside(ENDS_WITH_ITS_ACCESS, NEVER_ENDS_EITHER));
                return self.await_what_it_brings(transaction, receipt, before);
            }
            Past::Replaced(before) | Past::PairSetAside(before) => before,
        };
        let answer = self.answer_for_replaced(before);
        let refresh = refresh_token_of(transaction, &device, before)?;
        let brings_more = answer.verdict == ApiVerdict::Spared && is_being_renewed(refresh.as_ref());
        let is_to_be_judged = answer.verdict == ApiVerdict::Pending || brings_more;
        tell_of_renewal(&mut receipt, refresh.as_ref(), &answer);
        receipt.part(Matter::EarlierSecret, &device, Fate::Ended);
        receipt.api = Some(answer);
        receipt.keep(transaction)?;
        if is_to_be_judged {
            let copy = NewRevocation::told_by(receipt.id, &device, before, now);
            self.have_ended(transaction, &copy.renewed_by(refresh.map(|known| known.token)))?;
        }
        Ok(())
    }

    /// Has the API be told of what is in this sealed copy.
    fn have_ended(&self, transaction: &Transaction<'_>, copy: &NewRevocation<'_>) -> Result<(), StoreError> {
        transaction.add_revocation(copy)?;
        self.ring_for_ends(transaction);
        Ok(())
    }

    /// Keeps the receipt for a refresh token that is set aside. Where it was sent, and nobody knows yet what it brings, that is
    /// told as that of one that ends: while its copy waits, for the access token stays.
    fn await_what_it_brings(
        &self,
        transaction: &Transaction<'_>,
        mut receipt: Receipt,
        before: &StoredRecord,
    ) -> Result<(), CredentialsError> {
        let device = receipt.credentials.clone();
        let refresh = refresh_token_of(transaction, &device, before)?;
        if !is_being_renewed(refresh.as_ref()) {
            return receipt.keep(transaction);
        }
        if self.first_answer(before).verdict != ApiVerdict::Pending {
            receipt.stayed(Matter::Renewal, &device, NO_WAY_TO_END_IT);
            return receipt.keep(transaction);
        }
        receipt.part(Matter::Renewal, &device, Fate::Pending);
        receipt.keep(transaction)?;
        let copy = NewRevocation::told_by(receipt.id, &device, before, self.clock.now());
        Ok(self.have_ended(transaction, &copy.renewed_by(refresh.map(|known| known.token)))?)
    }
}

impl Forgetting {
    fn run(
        mut self,
        transaction: &Transaction<'_>,
    ) -> Result<(Receipt, Vec<QueuedErrand>), CredentialsError> {
        let (device, now) = (self.cutting.credentials.clone(), self.cutting.now);
        let record = stored_record(transaction, &device)?.or(self.shown.take());
        let record = record.ok_or(CredentialsError::NoRecord)?;
        let mut chores = self.cutting.run(transaction, &mut self.receipt)?;
        let answer = self.devices.first_answer(&record);
        let is_to_be_told = answer.verdict == ApiVerdict::Pending;
        let refresh = refresh_token_of(transaction, &device, &record)?;
        tell_of_renewal(&mut self.receipt, refresh.as_ref(), &answer);
        let owners = self.owners.with_those_of(&self.devices.vault, &record);
        transaction.forget_record(&device, now)?;
        transaction.add_forgotten_owners(&device, &owners.digests)?;
        self.receipt.part(Matter::Record, &device, Fate::Ended);
        match &self.cutting.bus {
            Some(bus) if transaction.device(&device)?.is_some() => {
                clear(bus, transaction, &device)?;
                self.receipt.part(Matter::BusCopy, &device, Fate::Ended);
            }
            Some(_) => self.receipt.stayed(Matter::BusCopy, &device, NOT_ON_THIS_BUS),
            None => {
                chores.push(ErrandKind::Record);
                self.receipt.part(Matter::BusCopy, &device, Fate::Pending);
            }
        }
        self.receipt.api = Some(answer);
        self.receipt.keep(transaction)?;
        if is_to_be_told {
            let copy = NewRevocation::told_by(self.receipt.id, &device, &record, now);
            transaction.add_revocation(&copy.renewed_by(refresh.map(|known| known.token)))?;
        }
        let errands = note_chores(transaction, chores, &self.receipt, now)?;
        let vault = self.devices.vault.clone();
        transaction.after_commit(move || vault.forget(&device, text(&record)));
        Ok((self.receipt, errands))
    }
}

/// Whether a refresh token was sent, or is about to be, and nobody knows yet what it brings.
fn is_being_renewed(known: Option<&StoredRefreshToken>) -> bool {
    known.is_some_and(|known| matches!(known.stage, RenewalStage::Sending | RenewalStage::InDoubt))
}

/// Says that a renewal is under way, and that what it brings stays where the API is not told of its end; or that nobody knows what
/// the last one brought.
fn tell_of_renewal(receipt: &mut Receipt, known: Option<&StoredRefreshToken>, answer: &ApiAnswer) {
    let device = receipt.credentials.clone();
    if !is_being_renewed(known) {
        if known.is_some_and(|known| known.stage != RenewalStage::Spent && is_answer_lost(known)) {
            receipt.stayed(Matter::Renewal, &device, ANSWER_LOST);
        }
        return;
    }
    match answer.verdict {
        // What it brings is ended, or set aside with what that is spared for.
        ApiVerdict::Pending | ApiVerdict::Spared => receipt.part(Matter::Renewal, &device, Fate::Pending),
        _ => receipt.stayed(Matter::Renewal, &device, NO_WAY_TO_END_IT),
    }
}

/// What is known of the refresh token in this record.
fn refresh_token_of(
    view: &View<'_>,
    device: &DeviceUuid,
    record: &StoredRecord,
) -> Result<Option<StoredRefreshToken>, StoreError> {
    let known = view.renewal(device)?.filter(|renewal| renewal.generation == record.generation);
    Ok(known.and_then(|known| known.refresh))
}

/// Takes the record and every token off the credentials device, which stays as an empty shell.
fn clear(
    bus: &EmbeddedBus,
    transaction: &Transaction<'_>,
    device: &DeviceUuid,
) -> Result<(), CredentialsError> {
    let unset = json!({"$unset": {"endo": true, "endoSignature": true}});
    bus.update_itself(transaction, device, &unset)?;
    let caller = Caller::itself(device.clone());
    bus.changing(transaction, &caller).revoke_all(device)?;
    bus.end_streams_of(transaction, device);
    Ok(())
}
