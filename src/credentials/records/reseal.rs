//! Sealing what a record holds anew, around the same secret: for other owners, in another form, under another key.

use crate::bus::embedded::BusError;
use crate::credentials::change::Change;
use crate::credentials::ends::telling::Closing;
use crate::credentials::keeping::before::NewestGrants;
use crate::credentials::management::leave::Leaving;
use crate::credentials::management::owners::{NewRecord, PresentRecord};
use crate::credentials::receipts::receipt::amend;
use crate::credentials::records::opening::text;
use crate::credentials::{CredentialsDevices, CredentialsError};
use crate::message::DeviceUuid;
use crate::source::renewal::carry_over;
use crate::store::{StoreError, StoredRecord, Transaction, View};
use crate::vault::{Credentials, Format, Grant, Management, Owners, RekeyError};

/// In what the successor of a record differs from it.
pub(in crate::credentials) struct Successor {
    /// Who may manage what it holds.
    pub(in crate::credentials) owners: Owners,
    /// Its form.
    pub(in crate::credentials) format: Format,
    /// Who leaves by it, where somebody does; commits with it.
    pub(in crate::credentials) leaving: Option<Leaving>,
    /// What is set aside in it, where that is something else; commits with it.
    pub(in crate::credentials) set_aside: Option<SettingAside>,
}

/// What is set aside in a record from now on.
pub(in crate::credentials) struct SettingAside {
    /// All of it, the oldest first.
    pub(in crate::credentials) grants: Vec<Grant>,
    /// Whose wait is over by that; where it is already, nothing changes.
    pub(in crate::credentials) closing: Closing,
}

impl Successor {
    /// One that differs in nothing else.
    pub(in crate::credentials) fn new(owners: Owners, format: Format) -> Self {
        Self { owners, format, leaving: None, set_aside: None }
    }
}

/// What is to become of what was opened, which these own; nothing, where it is as it is to be.
type Rule = dyn Fn(&Credentials, Owners) -> Result<Option<Successor>, CredentialsError> + Send + Sync;

/// A record on its way to its successor.
struct Resealing {
    devices: CredentialsDevices,
    device: DeviceUuid,
    /// What was read first; the store's counts where it has one.
    shown: StoredRecord,
    rule: Box<Rule>,
}

/// The record that was read, and its successor.
struct Resealed {
    before: StoredRecord,
    new: NewRecord,
    leaving: Option<Leaving>,
    closing: Option<Closing>,
}

impl Resealed {
    /// Ends the wait of what is set aside in it, and says what older ones stay at the API for that; answers whether it may be
    /// stored.
    fn close(
        closing: Closing,
        transaction: &Transaction<'_>,
        crowded_out: usize,
        device: &DeviceUuid,
    ) -> Result<bool, StoreError> {
        let receipt = closing.revocation.receipt;
        let still_waits = closing.run(transaction)?;
        if let Some(receipt) = receipt.filter(|_| still_waits) {
            amend(transaction, receipt, |receipt| receipt.crowded_out(crowded_out, device))?;
        }
        Ok(still_waits)
    }
}

impl CredentialsDevices {
    /// Seals what the newest record of a device holds anew as `rule` says; answers what took its place, if that said anything.
    /// The secret is the same with all that is known of its renewal, which goes on beside this, also where its end is in doubt; the
    /// bus's copy follows. A record that another took the place of meanwhile is sealed again.
    ///
    /// # Errors
    /// [`CredentialsError::NoRecord`] where nothing is kept there; what `rule` says, and what the store or the bus reports:
    /// the record is as it was then.
    pub(in crate::credentials) async fn reseal(
        &self,
        device: &DeviceUuid,
        rule: impl Fn(&Credentials, Owners) -> Result<Option<Successor>, CredentialsError> + Send + Sync + 'static,
    ) -> Result<Option<NewRecord>, CredentialsError> {
        let shown = self.newest_record(device).await?;
        // One after the other, for those who come at the same time would seal in vain.
        let _turn = self.under_way.turn_soon(&format!("the record of {device}")).await;
        let (devices, rule) = (self.clone(), Box::new(rule));
        self.change(Resealing { devices, device: device.clone(), shown, rule }).await
    }
}

impl Change for Resealing {
    type Ground = PresentRecord;
    /// Nothing, where everything is as it is to be.
    type Plan = Option<Resealed>;
    type Made = Option<NewRecord>;

    fn look(&self, view: &View<'_>) -> Result<PresentRecord, CredentialsError> {
        let present = PresentRecord::or_shown(view, &self.device, Some(&self.shown))?;
        present.ok_or(CredentialsError::NoRecord)
    }

    fn plan(&self, present: &PresentRecord) -> Result<Option<Resealed>, CredentialsError> {
        let (devices, device, before) = (&self.devices, &self.device, &present.record);
        let opened = devices.opener.open_now(device, before)?;
        let owners = devices.owners_in(present, device, &opened);
        let Some(successor) = (self.rule)(&opened, owners)? else { return Ok(None) };
        Ok(Some(self.seal(before.clone(), &opened, successor)?))
    }

    fn make(
        &self,
        transaction: &Transaction<'_>,
        resealed: Option<Resealed>,
    ) -> Result<Option<NewRecord>, CredentialsError> {
        let Some(Resealed { before, new, leaving, closing }) = resealed else { return Ok(None) };
        if let Some(closing) = closing
            && !Resealed::close(closing, transaction, new.crowded_out, &self.device)?
        {
            return Ok(None);
        }
        if !new.store(transaction, &self.device)? {
            return Err(CredentialsError::NoRecord);
        }
        carry_over(transaction, &self.device, before.generation, new.record.generation)?;
        match self.devices.project(transaction, &self.device, &new.record) {
            // The device is gone, and so is its copy.
            Err(CredentialsError::Bus(BusError::Forbidden)) => {}
            projected => projected?,
        }
        if let Some(leaving) = leaving {
            leaving.run(transaction, &self.devices, &self.device)?;
        }
        let (vault, device) = (self.devices.vault.clone(), self.device.clone());
        transaction.after_commit(move || vault.forget(&device, text(&before)));
        Ok(Some(new))
    }
}

impl Resealing {
    fn seal(
        &self,
        before: StoredRecord,
        opened: &Credentials,
        successor: Successor,
    ) -> Result<Resealed, CredentialsError> {
        let (devices, device) = (&self.devices, &self.device);
        let Successor { owners, format, leaving, set_aside } = successor;
        let last = owners.last().ok_or(RekeyError::UnknownOwner)?;
        let id = opened.id().ok_or(RekeyError::NoAccount)?;
        let (owners, beside) = match format {
            Format::One => (Owners::only(last), devices.beside(device, id, owners)),
            Format::Two => (owners, Vec::new()),
        };
        let (hosts, source) = (devices.sealing.hosts.clone(), before.source.clone());
        let generation = before.generation.max(opened.generation()) + 1;
        let (set_aside, crowded_out, closing) = match set_aside {
            Some(SettingAside { grants, closing }) => {
                let NewestGrants { grants, crowded_out } = NewestGrants::of(grants);
                (Some(grants), crowded_out, Some(closing))
            }
            None => (None, 0, None),
        };
        let new = Management { owners: Some(owners), format, hosts, source, generation, set_aside };
        let sealed = devices.vault.rekey(device, text(&before), &new)?;
        let (endo, signature) = (sealed.endo.to_string(), sealed.signature);
        let record = StoredRecord { generation, endo, signature, source: new.source };
        Ok(Resealed { before, new: NewRecord { record, beside, crowded_out }, leaving, closing })
    }
}
