//! Who calls, and what the whitelists let them do (`spec/meshblu.md` 2 and 3).

use std::sync::Arc;

use serde_json::Value;

use super::whitelist::{List, allows};
use super::{BusError, EmbeddedBus, Interest, Listening, Reader, Reading};
use crate::bus::Login;
use crate::message::DeviceUuid;
use crate::store::{TokenHash, View};

/// A caller who proved to be `auth` and wants to act as `acting`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Caller {
    /// The device whose credentials were presented.
    pub auth: DeviceUuid,
    /// The device of `x-meshblu-as`, else the same.
    pub acting: DeviceUuid,
}

impl Caller {
    /// A caller who acts as itself.
    pub fn itself(uuid: DeviceUuid) -> Self {
        Self { acting: uuid.clone(), auth: uuid }
    }

    /// The same caller, acting as somebody else.
    #[must_use]
    pub fn acting_as(self, acting: DeviceUuid) -> Self {
        Self { acting, ..self }
    }
}

impl EmbeddedBus {
    /// The caller that `login` proves to be.
    ///
    /// # Errors
    /// [`BusError::Forbidden`] when the token is not one of the device's.
    pub fn authenticate(&self, view: &View<'_>, login: &Login) -> Result<Caller, BusError> {
        let hash = TokenHash::of(&login.token, &login.uuid, &self.pepper);
        if view.knows_token(&login.uuid, &hash)? {
            Ok(Caller::itself(login.uuid.clone()))
        } else {
            Err(BusError::Forbidden)
        }
    }

    /// The caller that `login` proves to be, and what it wants to hear of from now on, until that proof is revoked.
    /// Whether the caller may read along there is not asked.
    ///
    /// # Errors
    /// [`BusError::Forbidden`] when the token is not one of the device's.
    pub fn listen_as(
        &self,
        view: &View<'_>,
        login: &Login,
        interest: Interest,
    ) -> Result<(Caller, Listening), BusError> {
        let token = TokenHash::of(&login.token, &login.uuid, &self.pepper);
        // Listens before it looks, so that it cannot miss that the token or a device goes.
        let listening = self.streams.listen(interest, Some(Reader { device: login.uuid.clone(), token }));
        Ok((self.authenticate(view, login)?, listening))
    }
}

/// What a caller needs on the lists of devices.
#[derive(Clone, Copy, Debug)]
pub(super) struct Right {
    /// Where the device it acts as names it.
    pub(super) to_act: List,
    /// Where the device it is about names the one it acts as.
    pub(super) there: List,
}

impl Reading<'_> {
    /// Lets the caller act as the device it names, by that device's list `borrow`.
    pub(super) fn may_act(&self, borrow: List) -> Result<(), BusError> {
        let caller = self.caller;
        if caller.acting == caller.auth {
            return Ok(());
        }
        let lender = self.view.device(&caller.acting)?.ok_or(BusError::Forbidden)?;
        if allows(&lender, borrow, &caller.auth) { Ok(()) } else { Err(BusError::Forbidden) }
    }

    /// The document of `target`, if the caller has this right there.
    /// What is borrowed of a device never serves against that device itself.
    pub(super) fn permit(&self, target: &DeviceUuid, right: Right) -> Result<Arc<Value>, BusError> {
        let caller = self.caller;
        if caller.acting != caller.auth && caller.acting == *target {
            return Err(BusError::Forbidden);
        }
        self.may_act(right.to_act)?;
        let document = self.view.device(target)?.ok_or(BusError::Forbidden)?;
        let allowed = caller.acting == *target || allows(&document, right.there, &caller.acting);
        if allowed { Ok(document) } else { Err(BusError::Forbidden) }
    }
}
