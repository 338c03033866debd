//! Whom an event reaches, and on which routes (`spec/meshblu.md` 4.2). Pure: the caller looks devices up.

use std::sync::Arc;

use serde_json::Value;

use super::recipient::Recipient;
use super::subscription::SubscriptionType;
use super::walk::{Kind, OF_A_RECIPIENT, Walker};
use super::whitelist::allows;
use crate::message::{DeviceUuid, Route};

/// A look-up of one device's document.
pub type FindDevice<'a, E> = dyn Fn(&DeviceUuid) -> Result<Option<Arc<Value>>, E> + 'a;
/// A look-up of who is subscribed to an emitter's events of one type.
pub type FindSubscribers<'a, E> = dyn Fn(&DeviceUuid, SubscriptionType) -> Result<Vec<DeviceUuid>, E> + 'a;

/// The devices and subscriptions that an event meets on its way.
pub struct Network<'a, E> {
    /// A device's document; `None` when there is no such device. For an unregister event the last document of the
    /// device that went.
    pub device: &'a FindDevice<'a, E>,
    /// Whoever subscribed, whether the emitter allows it or not.
    pub subscribers: &'a FindSubscribers<'a, E>,
    /// Where a walk ends though the network goes on.
    pub limits: Limits,
}

/// Bounds of one event's way through the network, which strangers can make dense and cyclic.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Hops of one arrival: those of its route and of the routes before it. About 120 bytes each as JSON, so that
    /// routes of 16 KB are whole (`spec/meshblu.md` 10.26).
    pub hops: usize,
    /// Steps from device to device that one message or event may cause, and how many recipients of a message count at
    /// most. Recipients and subscribers share the steps, so that the subscriptions of one do not use up what the others
    /// need: each has what the others leave, or its even part, and whoever subscribed first goes first.
    pub steps: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self { hops: 144, steps: 10_000 }
    }
}

/// Who sends: the device whose credentials were shown, and the one it acts as (itself, unless it says otherwise).
#[derive(Clone, Copy, Debug)]
pub struct Sender<'a> {
    /// Whose credentials were shown.
    pub auth: &'a DeviceUuid,
    /// As whom the message goes out.
    pub acting: &'a DeviceUuid,
}

/// What happens to a device itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Event {
    /// Its document changed.
    Configure,
    /// It is gone.
    Unregister,
}

/// An event at the end of one route.
#[derive(Clone, Debug, PartialEq)]
pub struct Arrival {
    /// The kind of webhook that fires, and the event's name for a stream of events.
    pub kind: SubscriptionType,
    /// Whose webhooks fire and whose stream of events shows it.
    pub device: DeviceUuid,
    /// The route it came on. `None` at the device that sends: there only webhooks fire.
    pub route: Option<Route>,
    /// The routes before this one, oldest first, when devices sent the event on as their own.
    pub forwarded: Vec<Route>,
}

/// An event that leaves a device.
#[derive(Clone, Debug, PartialEq)]
pub struct Departure {
    /// Its kind there.
    pub kind: SubscriptionType,
    /// As whom it goes out.
    pub device: DeviceUuid,
}

/// Everything that one message or event leads to.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Arrivals {
    /// What arrives, and where.
    pub arrivals: Vec<Arrival>,
    /// What leaves which device, whether anybody hears of it or not.
    pub departures: Vec<Departure>,
    /// The limit that ended some of the ways early; worth a line in the log.
    pub cut: Option<Cut>,
    /// The first device that was not reached because of it.
    pub cut_before: Option<DeviceUuid>,
}

/// The limit at which a walk ended early.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cut {
    /// A route grew too long.
    Hops,
    /// Too many steps.
    Steps,
}

/// What a message to `recipients` leads to. Refused recipients are left out without a word, as the protocol has it.
///
/// # Errors
/// Those of the look-ups alone.
pub fn message<E>(
    network: &Network<'_, E>,
    sender: Sender<'_>,
    recipients: &[Recipient],
) -> Result<Arrivals, E> {
    let mut walker = Walker::new(network);
    let may_send = may_act(&mut walker, Kind::Message, sender)?;
    let may_broadcast = may_act(&mut walker, Kind::Broadcast, sender)?;
    let reached = recipients.len().min(network.limits.steps);
    for (index, recipient) in recipients[..reached].iter().enumerate() {
        walker.part(reached - index, OF_A_RECIPIENT, |walker| match recipient {
            Recipient::Subscribers if may_broadcast => walker.leave(Kind::Broadcast, sender, &[]),
            Recipient::Device(device) if may_send => direct(walker, sender, device),
            Recipient::Subscribers | Recipient::Device(_) => Ok(()),
        })?;
    }
    if let Some(beyond) = recipients.get(reached) {
        walker.cut(Cut::Steps, beyond.device().unwrap_or(sender.acting));
    }
    Ok(walker.arrivals())
}

/// What an event of the device `of` leads to.
///
/// # Errors
/// Those of the look-ups alone.
pub fn event<E>(network: &Network<'_, E>, event: Event, of: &DeviceUuid) -> Result<Arrivals, E> {
    let mut walker = Walker::new(network);
    let kind = match event {
        Event::Configure => Kind::Configure,
        Event::Unregister => Kind::Unregister,
    };
    walker.leave(kind, Sender { auth: of, acting: of }, &[])?;
    Ok(walker.arrivals())
}

fn direct<E>(walker: &mut Walker<'_, E>, sender: Sender<'_>, to: &DeviceUuid) -> Result<(), E> {
    let borrows_to_reach_itself = sender.acting != sender.auth && sender.acting == to;
    if borrows_to_reach_itself {
        return Ok(());
    }
    if walker.accepts(to, sender.acting)? {
        // The other part are those who follow what the sender sends.
        walker.part(2, OF_A_RECIPIENT, |walker| walker.arrive(Kind::Message, sender.acting, to))?;
    }
    walker.leave(Kind::Message, sender, &[])
}

fn may_act<E>(walker: &mut Walker<'_, E>, kind: Kind, sender: Sender<'_>) -> Result<bool, E> {
    if sender.acting == sender.auth {
        return Ok(true);
    }
    let acting = walker.device(sender.acting)?;
    Ok(acting.is_some_and(|document| allows(&document, kind.acting(), sender.auth)))
}
