//! A device that brings a message itself: seated before its bus is asked about its login, and told nothing of what it brings
//! before the bus takes that.

use std::time::Duration;

use super::lobby::Chair;
use super::{Arrival, NotReceived};
use crate::bus::Login;
use crate::bus::meshblu::{Meshblu, MeshbluError};
use crate::message::{DeliveryId, DeviceUuid, Parties, Route};

/// A route that ends in the device that shows it: what comes by that, it may bring.
#[derive(Debug)]
pub(super) struct OwnRoute {
    route: Route,
    pub(super) parties: Parties,
}

impl OwnRoute {
    /// That of `device`, on its way to the gateway with the uuid `service`.
    pub(super) fn of(device: &DeviceUuid, route: Route, service: &DeviceUuid) -> Result<Self, NotReceived> {
        let parties = route.parties(service)?;
        if parties.credentials != *device {
            return Err(NotReceived::OfAnother);
        }
        Ok(Self { route, parties })
    }
}

/// Somebody who has a place and shows a login, which proves nothing so far.
#[derive(Debug)]
pub struct Seated {
    pub(super) login: Login,
    /// Among those that the gateway does not know.
    pub(super) chair: Option<Chair>,
    /// By which it brings something, or why there is none, which is not for strangers.
    pub(super) own_route: Result<OwnRoute, NotReceived>,
}

impl Seated {
    /// The device that it is, if `bus` takes the login.
    ///
    /// # Errors
    /// [`MeshbluError`], where that is not known.
    pub async fn authenticate(self, bus: &Meshblu) -> Result<Option<Authenticated>, MeshbluError> {
        let is_taken = bus.authenticate(&self.login).await?;
        Ok(is_taken.then_some(Authenticated(self)))
    }
}

/// A device whose login its bus takes.
#[derive(Debug)]
pub struct Authenticated(Seated);

impl Authenticated {
    /// Lets it bring its message.
    ///
    /// # Errors
    /// What is wrong with its route: [`NotReceived::OfAnother`] where that ends in another device.
    pub fn admit(self) -> Result<Admitted, NotReceived> {
        let Seated { login, chair, own_route } = self.0;
        Ok(Admitted { caller: Caller { login, chair }, route: own_route?.route })
    }
}

/// A credentials device that may bring a message by a route that ends in it.
#[derive(Debug)]
pub struct Admitted {
    caller: Caller,
    route: Route,
}

impl Admitted {
    /// Which device it is.
    pub fn device(&self) -> &DeviceUuid {
        &self.caller.login.uuid
    }

    /// The message that it brings; as [`Arrival::new`].
    pub fn bring(self, body: String, id: Option<DeliveryId>, preferred_wait: Option<Duration>) -> Arrival {
        Arrival { caller: Some(self.caller), ..Arrival::new(self.route, body, id, preferred_wait) }
    }
}

/// The credentials device of a message, which brings it itself; its bus takes its login.
#[derive(Debug)]
pub(super) struct Caller {
    pub(super) login: Login,
    /// Its chair among those that the gateway does not know, until it was let in.
    chair: Option<Chair>,
}

impl Caller {
    /// Whether the gateway knows something of its right, or has let it in.
    pub(super) fn is_known(&self) -> bool {
        self.chair.is_none()
    }

    /// Its record was opened: it needs its chair no more.
    pub(super) fn let_in(&mut self) {
        self.chair = None;
    }
}
