//! Cutting user devices off: the tombstone first, then everything that follows from it.

use std::sync::Arc;
use std::time::Duration;

use super::bind::subscription;
use crate::ambient::Timestamp;
use crate::bus::Bus;
use crate::bus::embedded::EmbeddedBus;
use crate::credentials::receipts::receipt::{Act, Fate, Matter, Receipt};
use crate::credentials::receipts::revoker::Revoker;
use crate::credentials::{CredentialsDevices, CredentialsError, Owned};
use crate::message::DeviceUuid;
use crate::store::{Binding, Errand, ErrandKind, QueuedErrand, StoreError, Transaction, View};
use crate::telemetry::with_causes;

/// Which user devices are cut off.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Cut {
    /// This one.
    One(DeviceUuid),
    /// All there are.
    All,
}

/// How long whoever ends something is left alone with what follows from it.
const HEAD_START: Duration = Duration::from_secs(2);
/// How much of what follows whoever ends something waits for.
const AT_ONCE: usize = 16;
/// Why a user device itself is never removed.
const NOT_OURS: &str = "the device is its owner's, who can remove it";
/// Why nothing more ends on the bus of devices that it does not have: another may.
pub(in crate::credentials) const NOT_ON_THIS_BUS: &str =
    "the gateway's own bus has no such device; what another bus has of it stays there";

/// One cut, as a transaction makes it.
pub(in crate::credentials) struct Cutting {
    pub(in crate::credentials) credentials: DeviceUuid,
    pub(in crate::credentials) user_devices: Vec<DeviceUuid>,
    /// Whether all end as well that are noted here by then, those included that are only being made.
    pub(in crate::credentials) with_noted: bool,
    /// Where the devices are, if they are here.
    pub(in crate::credentials) bus: Option<EmbeddedBus>,
    pub(in crate::credentials) now: Timestamp,
}

impl Cutting {
    /// Ends the rights that were not over before, and says in the receipt what became of each; answers what the bus is
    /// still to be told.
    pub(in crate::credentials) fn run(
        &self,
        transaction: &Transaction<'_>,
        receipt: &mut Receipt,
    ) -> Result<Vec<ErrandKind>, CredentialsError> {
        let mut chores = Vec::new();
        for user_device in self.all(transaction)? {
            let binding = Binding { credentials: self.credentials.clone(), user_device };
            // What a bus elsewhere has, only that knows; here nobody gets a tombstone who had no right.
            if self.bus.is_some() && !has_right(transaction, &binding)? {
                continue;
            }
            if transaction.revoke(&binding, self.now)? {
                receipt.part(Matter::Right, &binding.user_device, Fate::Ended);
                chores.extend(self.follow(transaction, &binding, receipt)?);
            }
        }
        Ok(chores)
    }

    fn all(&self, view: &View<'_>) -> Result<Vec<DeviceUuid>, StoreError> {
        if !self.with_noted {
            return Ok(self.user_devices.clone());
        }
        let bound = view.bindings_of(&self.credentials)?.into_iter().filter(|noted| !noted.is_over());
        let begun = view.half_made_of(&self.credentials)?.into_iter().map(|half| half.binding);
        let noted = bound.map(|noted| noted.binding).chain(begun).map(|binding| binding.user_device);
        Ok(noted.chain(self.user_devices.iter().cloned()).collect())
    }

    /// Whether neither device is on the bus in this process, where that is the bus: they are another's, as a gateway leaves them
    /// in its directory that was on a Meshblu before.
    fn is_elsewhere(&self, view: &View<'_>, binding: &Binding) -> Result<bool, StoreError> {
        let Binding { credentials, user_device } = binding;
        Ok(self.bus.is_some() && view.device(credentials)?.is_none() && view.device(user_device)?.is_none())
    }

    /// What the bus in this process does at once; the rest is left as errands.
    fn follow(
        &self,
        transaction: &Transaction<'_>,
        binding: &Binding,
        receipt: &mut Receipt,
    ) -> Result<Vec<ErrandKind>, CredentialsError> {
        let user_device = &binding.user_device;
        transaction.unsubscribe(&subscription(binding))?;
        if self.is_elsewhere(transaction, binding)? {
            receipt.stayed(Matter::Subscription, user_device, NOT_ON_THIS_BUS);
            receipt.stayed(Matter::Device, user_device, NOT_OURS);
            return Ok(Vec::new());
        }
        let mut chores = vec![ErrandKind::Whitelists(user_device.clone())];
        match &self.bus {
            Some(bus) => {
                bus.end_streams_of(transaction, user_device);
                receipt.part(Matter::Subscription, user_device, Fate::Ended);
                receipt.part(Matter::Sockets, user_device, Fate::Ended);
            }
            None => {
                chores.insert(0, ErrandKind::Subscription(user_device.clone()));
                receipt.part(Matter::Subscription, user_device, Fate::Pending);
            }
        }
        receipt.part(Matter::Whitelists, user_device, Fate::Pending);
        match self.bus.is_some() && transaction.device(user_device)?.is_none() {
            true => receipt.part(Matter::Device, user_device, Fate::Ended),
            false => receipt.stayed(Matter::Device, user_device, NOT_OURS),
        }
        Ok(chores)
    }
}

/// Notes what is to be told, under the number of the receipt.
pub(in crate::credentials) fn note_chores(
    transaction: &Transaction<'_>,
    chores: Vec<ErrandKind>,
    receipt: &Receipt,
    now: Timestamp,
) -> Result<Vec<QueuedErrand>, StoreError> {
    let errand = |kind| Errand { kind, credentials: receipt.credentials.clone(), receipt: receipt.id };
    let due_at = now.plus(HEAD_START);
    chores.into_iter().map(|chore| transaction.add_errand(errand(chore), due_at)).collect()
}

fn has_right(view: &View<'_>, binding: &Binding) -> Result<bool, StoreError> {
    Ok(view.has_subscription(&subscription(binding))? || view.is_bound(binding)?)
}

impl CredentialsDevices {
    /// Ends the rights of user devices for ever: from the answer on, no message of them opens anything. What else
    /// follows is tried at once, and again until it is done. Answers the receipt; nothing where no right ended.
    ///
    /// # Errors
    /// What the store reports; the rights stand then. Where all are to be cut off on a bus elsewhere that does not list
    /// them, those that are known here are cut off, and the error says that there may be more.
    pub async fn cut_off(
        &self,
        owned: &Owned,
        which: Cut,
        by: &Revoker,
    ) -> Result<Option<Receipt>, CredentialsError> {
        let act = if which == Cut::All { Act::CutOffAll } else { Act::CutOff };
        let with_noted = which == Cut::All;
        let (user_devices, unlisted) = match which {
            Cut::One(user_device) => (vec![user_device], None),
            Cut::All => self.listed_user_devices(owned).await?,
        };
        let cutting = Cutting { with_noted, ..self.cutting(owned.device(), user_devices) };
        let mut receipt = Receipt::new(owned.device(), act, by.by(), cutting.now);
        receipt.account = owned.username().map(str::to_owned);
        let in_making = Arc::clone(&self.in_making);
        let cut = move |transaction: &Transaction<'_>| {
            // What has no name yet is noted after this, and finds it then.
            if with_noted {
                in_making.cut_off(&cutting.credentials);
            }
            let chores = cutting.run(transaction, &mut receipt)?;
            if receipt.parts.is_empty() {
                return Ok(None);
            }
            receipt.keep(transaction)?;
            let errands = note_chores(transaction, chores, &receipt, cutting.now)?;
            Ok::<_, CredentialsError>(Some((receipt.id, errands)))
        };
        let done = self.store.write(cut).await?;
        if let Some(error) = unlisted {
            return Err(error);
        }
        match done {
            Some((id, errands)) => self.follow_up(id, errands, by).await,
            None => Ok(None),
        }
    }

    /// The cut of these alone.
    pub(in crate::credentials) fn cutting(
        &self,
        credentials: &DeviceUuid,
        user_devices: Vec<DeviceUuid>,
    ) -> Cutting {
        Cutting {
            credentials: credentials.clone(),
            user_devices,
            with_noted: false,
            bus: self.bus.embedded().cloned(),
            now: self.clock.now(),
        }
    }

    /// Does some of it at once, so that few devices need no second look, as long as that is left to whoever is here; answers
    /// what the receipt says then. The rest follows by itself.
    pub(in crate::credentials) async fn follow_up(
        &self,
        receipt: i64,
        errands: Vec<QueuedErrand>,
        by: &Revoker,
    ) -> Result<Option<Receipt>, CredentialsError> {
        // The bus in this process asks nobody for his lists.
        if let (Some(owner), Bus::Meshblu(_)) = (by.login(), &self.bus) {
            self.enders.note(&errands, owner);
        }
        let at_once = async {
            for errand in errands.into_iter().take(AT_ONCE) {
                if let Err(error) = self.run_errand(errand).await {
                    tracing::warn!(error = with_causes(&error), "an errand waits for its next turn");
                }
            }
        };
        // What is broken off stays on the list.
        let _ = tokio::time::timeout(HEAD_START, at_once).await;
        self.aftermath.notify_one();
        self.receipt(receipt).await
    }

    /// What the bus knows to use the credentials; with why there may be more, where there may be.
    pub(in crate::credentials) async fn listed_user_devices(
        &self,
        owned: &Owned,
    ) -> Result<(Vec<DeviceUuid>, Option<CredentialsError>), CredentialsError> {
        match self.user_devices(owned).await {
            Ok(listed) => Ok((listed, None)),
            Err(error) if matches!(self.bus, Bus::Meshblu(_)) => Ok((Vec::new(), Some(error))),
            Err(error) => Err(error),
        }
    }
}
