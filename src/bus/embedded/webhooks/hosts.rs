//! Which hosts get another call: the more are in hand, the fewer each gets, and whoever is slow leaves room to all others. At a
//! slow host, and of all that is slow, or new, no device has more than half of what others leave. One that has no call in hand at a
//! host is not kept out by those that others have, but by the number of these others, nor is a line by the calls of other lines; and
//! where many devices' calls hang there is still room for whose last call was taken.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use super::host::{Beginning, Ending, Host, OfDevice, Pace};
use super::permit::NewCall;
use super::trials::Standing;
use crate::ambient::Timestamp;
use crate::message::DeviceUuid;
use crate::sharing::is_within_share;
use crate::store::{DevicesAtHosts, HostSet, WebhookKey};

/// Hosts remembered at a time that have no call in hand.
const REMEMBERED: usize = 1024;

/// The hosts that calls go to or went to lately, by host and port.
#[derive(Debug)]
pub(super) struct Hosts {
    /// How many calls run at the same time.
    concurrency: usize,
    known: HashMap<Arc<str>, Host>,
}

/// What a line that would have another call has of its host.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Share {
    /// Its device has no call in hand, and its own last one was taken: it makes room for itself, and a slow host keeps some for it.
    NothingAndWell,
    /// Its device has no call in hand: it makes room for itself beside the devices that have, however many calls.
    Nothing,
    /// Its device has some, and the line has none: it makes room for itself beside the lines that have, however many calls.
    OfItsDevice,
    /// The line has some.
    OfItsLine,
}

/// The calls in hand, by the pace of their hosts.
#[derive(Clone, Copy, Debug, Default)]
struct InHand {
    slow: usize,
    unknown: usize,
    quick: usize,
}

/// Who gets no call now, and where.
#[derive(Debug)]
pub(super) struct Full {
    /// Nobody gets one at these.
    pub(super) hosts: HostSet,
    /// At these nobody does but whose last call was taken.
    pub(super) but_for_well: HashSet<Arc<str>>,
    /// At these the devices that have calls in hand get none for a line that has so much, or more.
    pub(super) full_from: HashMap<Arc<str>, HashMap<DeviceUuid, Share>>,
    /// These do not who have their share of the calls at hosts of some pace.
    pub(super) sated: Vec<DevicesAtHosts>,
    /// When this may be otherwise although no call ends.
    pub(super) again_in: Option<Duration>,
}

impl Hosts {
    pub(super) fn new(concurrency: usize) -> Self {
        Self { concurrency, known: HashMap::new() }
    }

    /// What a line of this webhook has of its host, that is known like this and has so many calls in hand.
    pub(super) fn share(&self, webhook: &WebhookKey, standing: Standing, calls_of_line: usize) -> Share {
        let host = self.known.get(&webhook.host);
        match host.is_some_and(|host| host.devices.contains_key(&webhook.device)) {
            _ if calls_of_line > 0 => Share::OfItsLine,
            true => Share::OfItsDevice,
            false if standing == Standing::Well => Share::NothingAndWell,
            false => Share::Nothing,
        }
    }

    /// Whether the host of this webhook gets another call, of a line of it that has so much.
    pub(super) fn has_room(&self, webhook: &WebhookKey, share: Share, now: Timestamp) -> bool {
        let unknown = Host::unknown();
        let host = self.known.get(&webhook.host).unwrap_or(&unknown);
        let (present, held) = (self.at(now), host.held_of(&webhook.device));
        present.takes(host, held, share) && !present.is_sated(&webhook.device, host.pace(now))
    }

    /// Who gets none now.
    pub(super) fn full(&self, now: Timestamp) -> Full {
        self.at(now).full()
    }

    /// Begins a call of a line that has so much.
    pub(super) fn begin(&mut self, call: &NewCall, share: Share) {
        let WebhookKey { host, device, .. } = &call.to.webhook;
        if self.known.len() >= REMEMBERED && !self.known.contains_key(host) {
            let idle = self.known.iter().filter(|(_, host)| host.calls() == 0);
            let soonest_quick =
                idle.min_by_key(|(_, host)| host.slow_until).map(|(name, _)| Arc::clone(name));
            soonest_quick.and_then(|name| self.known.remove(&name));
        }
        let host = self.known.entry(Arc::clone(host)).or_insert_with(Host::unknown);
        let (is_first_of_line, is_trial) = (share != Share::OfItsLine, call.standing != Standing::Well);
        host.begin(device, Beginning { is_first_of_line, is_trial, began: call.began });
    }

    /// Ends a call at this webhook.
    pub(super) fn end(&mut self, webhook: &WebhookKey, call: Ending) {
        if let Some(host) = self.known.get_mut(&webhook.host) {
            host.end(&webhook.device, call);
        }
    }

    fn at(&self, now: Timestamp) -> Present<'_> {
        let mut in_hand = InHand::default();
        self.known.values().for_each(|host| *in_hand.of(host.pace(now)) += host.calls());
        Present { concurrency: self.concurrency, known: &self.known, in_hand, now }
    }
}

/// The hosts as they are at one time.
struct Present<'a> {
    concurrency: usize,
    known: &'a HashMap<Arc<str>, Host>,
    in_hand: InHand,
    now: Timestamp,
}

impl Present<'_> {
    /// Whether the host takes another call of a line that has so much of it, and whose device has that in hand there.
    fn takes(&self, host: &Host, held: OfDevice, share: Share) -> bool {
        let (all, InHand { slow, unknown, quick }) = (self.concurrency, self.in_hand);
        let calls = match share {
            Share::NothingAndWell | Share::Nothing => host.devices.len(),
            Share::OfItsDevice => host.devices.values().map(|of_device| of_device.lines).sum(),
            Share::OfItsLine => host.calls(),
        };
        match host.pace(self.now) {
            _ if self.has_all(host, share) => false,
            Pace::Slow => slow < self.of_slow() && self.takes_though_slow(host, held, share),
            // One that nobody knows shows with the first how it takes them.
            Pace::Unknown => calls == 0 && slow + unknown < (all * 3 / 4).max(1),
            // Quick ones may stall all together: each leaves others three quarters of what it finds free.
            Pace::Quick => 3 * calls < all.saturating_sub(slow + unknown + quick),
        }
    }

    /// Whether the host has all calls that any has: some more than a quarter of all, more again for devices that have none there, and
    /// the last for those of them whose last call was taken.
    fn has_all(&self, host: &Host, share: Share) -> bool {
        let most = self.of_host();
        let besides = match share {
            Share::NothingAndWell => most * 3 / 4,
            Share::Nothing => most / 2,
            Share::OfItsDevice | Share::OfItsLine => most / 4,
        };
        host.calls() >= most + besides
    }

    /// Whether somebody is tried there of as many devices as half of its calls: who is tried may hang, and all others are soon done.
    fn tries_many(&self, host: &Host) -> bool {
        host.devices.values().filter(|of_device| of_device.trials > 0).count() >= (self.of_host() / 2).max(1)
    }

    /// Whether a slow host takes another call, too: of those that any has, no device has more than half of what others leave there.
    fn takes_though_slow(&self, host: &Host, held: OfDevice, share: Share) -> bool {
        let most = self.of_host();
        let half = (most / 2).max(1);
        let of_its_share = |of_device: &OfDevice| match share {
            Share::OfItsLine => of_device.calls,
            _ => of_device.lines,
        };
        // Who has more than half, of before the host was slow, keeps no more than that from others.
        let counted = |of_device: &OfDevice| of_its_share(of_device).min(half);
        match share {
            Share::NothingAndWell => true,
            Share::Nothing => !self.tries_many(host),
            Share::OfItsDevice | Share::OfItsLine => {
                let taken = host.devices.values().map(counted).sum();
                is_within_share(most.saturating_sub(taken), counted(&held), 1)
            }
        }
    }

    /// Whether a device has its share of the calls at hosts of this pace. One line may have all that its host gets.
    fn is_sated(&self, device: &DeviceUuid, pace: Pace) -> bool {
        let mut lines = InHand::default();
        for host in self.known.values() {
            *lines.of(host.pace(self.now)) += host.held_of(device).lines;
        }
        // Those that nobody knows may all be slow.
        let (calls, held) = match pace {
            Pace::Slow => (self.in_hand.slow, lines.slow),
            Pace::Unknown => (self.in_hand.slow + self.in_hand.unknown, lines.slow + lines.unknown),
            Pace::Quick => return false,
        };
        held > 1 && !is_within_share(self.of_slow().saturating_sub(calls), held, 1)
    }

    /// How many calls one host may have in hand, but for those who have none there.
    fn of_host(&self) -> usize {
        (self.concurrency / 4).max(1)
    }

    /// How many calls all slow hosts may have in hand together.
    fn of_slow(&self) -> usize {
        (self.concurrency / 2).max(1)
    }

    fn full(&self) -> Full {
        let takes_new = |host: &Host, share| self.takes(host, OfDevice::default(), share);
        let (open, full): (Vec<_>, Vec<_>) =
            self.known.iter().partition(|(_, host)| takes_new(host, Share::NothingAndWell));
        let but_for_well = names(open.iter().filter(|(_, host)| !takes_new(host, Share::Nothing)));
        let full_for = open.iter().map(|(name, host)| (Arc::clone(name), self.full_for(host)));
        let full_from: HashMap<_, _> = full_for.filter(|(_, full_for)| !full_for.is_empty()).collect();
        let hosts = match takes_new(&Host::unknown(), Share::NothingAndWell) {
            true => HostSet::Only(names(&full)),
            false => HostSet::AllBut(names(&open)),
        };
        let sated: Vec<_> =
            [Pace::Slow, Pace::Unknown].into_iter().filter_map(|pace| self.sated(pace)).collect();
        let is_any =
            !hosts.is_empty() || !but_for_well.is_empty() || !full_from.is_empty() || !sated.is_empty();
        let changes_in = || self.known.values().filter_map(|host| host.changes_in(self.now)).min();
        let again_in = if is_any { changes_in() } else { None };
        Full { hosts, but_for_well, full_from, sated, again_in }
    }

    /// From which share on each device gets no more that has calls in hand at this host.
    fn full_for(&self, host: &Host) -> HashMap<DeviceUuid, Share> {
        let full_from = |held: OfDevice| {
            let mut shares = [Share::OfItsDevice, Share::OfItsLine].into_iter();
            shares.find(|share| !self.takes(host, held, *share))
        };
        let devices = host.devices.iter();
        devices.filter_map(|(device, held)| Some((device.clone(), full_from(*held)?))).collect()
    }

    /// The devices that have their share of the calls at hosts of this pace, if any has, and these hosts.
    fn sated(&self, pace: Pace) -> Option<DevicesAtHosts> {
        let devices: HashSet<_> = self.known.values().flat_map(|host| host.devices.keys()).collect();
        let is_sated = |device: &&DeviceUuid| self.is_sated(device, pace);
        let devices: HashSet<_> = devices.into_iter().filter(is_sated).cloned().collect();
        (!devices.is_empty()).then(|| DevicesAtHosts { devices, hosts: self.of_pace(pace) })
    }

    /// The hosts of this pace. Of most that nobody knows there is nothing here.
    fn of_pace(&self, pace: Pace) -> HostSet {
        let (of_it, others): (Vec<_>, Vec<_>) =
            self.known.iter().partition(|(_, host)| host.pace(self.now) == pace);
        match pace {
            Pace::Unknown => HostSet::AllBut(names(&others)),
            Pace::Slow | Pace::Quick => HostSet::Only(names(&of_it)),
        }
    }
}

impl InHand {
    fn of(&mut self, pace: Pace) -> &mut usize {
        match pace {
            Pace::Slow => &mut self.slow,
            Pace::Unknown => &mut self.unknown,
            Pace::Quick => &mut self.quick,
        }
    }
}

fn names<'a>(hosts: impl IntoIterator<Item = &'a (&'a Arc<str>, &'a Host)>) -> HashSet<Arc<str>> {
    hosts.into_iter().map(|(name, _)| Arc::clone(name)).collect()
}
