//! Which hosts get another call: the more are in hand, the fewer each gets, and whoever is slow leaves room to all others. Of
//! one host, too, a device that has none in hand is not kept out by those that another has, nor a line by those of another line,
//! and where many devices' calls hang there is still room for whose last call was taken; and of all that is slow, or new, no device
//! has more than half of what others leave.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use super::trials::Standing;
use crate::ambient::Timestamp;
use crate::message::DeviceUuid;
use crate::sharing::is_within_share;
use crate::store::{DevicesAtHosts, HostSet, WebhookKey};

/// Within this time a quick host is done with a call.
const QUICK: Duration = Duration::from_secs(1);
/// However much time a host took, after this long it is as good as any other.
const LONGEST_MEMORY: Duration = Duration::from_secs(300);
/// Hosts remembered at a time that have no call in hand.
const REMEMBERED: usize = 1024;

/// The hosts that calls go to or went to lately, by host and port.
#[derive(Debug)]
pub(super) struct Hosts {
    /// How many calls run at the same time.
    concurrency: usize,
    known: HashMap<Arc<str>, Host>,
}

#[derive(Debug)]
struct Host {
    /// When each call that it has in hand began.
    calls: Vec<Timestamp>,
    /// How many lines have one in hand of each device whose webhooks are called.
    lines: HashMap<DeviceUuid, usize>,
    /// Whether it was done with one.
    is_known: bool,
    /// Until when it counts as slow for the calls that it took long for: for as long as all of these took together, so that
    /// whoever holds many cannot be given as many again for one that was quick.
    slow_until: Timestamp,
}

/// How a host takes its calls.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Pace {
    Slow,
    Unknown,
    Quick,
}

/// What a line that would have another call has of its host.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Share {
    /// Its device has no call in hand, and its own last one was taken: it makes room for itself, and a slow host keeps some for it.
    NothingAndWell,
    /// Its device has no call in hand: it makes room for itself beside the devices that have, however many lines of theirs.
    Nothing,
    /// Its device has some, and the line has none: it makes room for itself beside the lines that have, however many calls.
    OfItsDevice,
    /// The line has some.
    OfItsLine,
}

const SHARES: [Share; 4] = [Share::NothingAndWell, Share::Nothing, Share::OfItsDevice, Share::OfItsLine];

/// What a line finds at its host that would have another call there.
struct Found {
    share: Share,
    pace: Pace,
    /// The calls that count for it.
    calls: usize,
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
    /// At these nobody does who has as much there, or more.
    pub(super) for_shares_from: HashMap<Arc<str>, Share>,
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
        match host.is_some_and(|host| host.lines.contains_key(&webhook.device)) {
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
        let (found, in_hand) = (host.found_with(share, now), self.in_hand(now));
        let is_sated = self.is_sated(in_hand, self.lines_of(&webhook.device, now), found.pace);
        !is_sated && self.takes_another(in_hand, found)
    }

    pub(super) fn full(&self, now: Timestamp) -> Full {
        let in_hand = self.in_hand(now);
        let takes = |host: &Host, share| self.takes_another(in_hand, host.found_with(share, now));
        let full_from = |host: &Host| SHARES.into_iter().find(|share| !takes(host, *share));
        let for_shares_from: HashMap<_, _> =
            self.known.iter().filter_map(|(name, host)| Some((Arc::clone(name), full_from(host)?))).collect();
        let is_full = |name: &Arc<str>| for_shares_from.get(name) == Some(&SHARES[0]);
        let hosts = match takes(&Host::unknown(), SHARES[0]) {
            true => HostSet::Only(self.known.keys().filter(|name| is_full(name)).cloned().collect()),
            false => HostSet::AllBut(self.known.keys().filter(|name| !is_full(name)).cloned().collect()),
        };
        let sated: Vec<_> = [Pace::Slow, Pace::Unknown]
            .into_iter()
            .filter_map(|pace| self.sated(in_hand, pace, now))
            .collect();
        let is_any = !for_shares_from.is_empty() || !hosts.is_empty() || !sated.is_empty();
        let changes_in = || self.known.values().filter_map(|host| host.changes_in(now)).min();
        let again_in = if is_any { changes_in() } else { None };
        Full { hosts, for_shares_from, sated, again_in }
    }

    /// The devices that have their share of the calls at hosts of this pace, if any has, and these hosts.
    fn sated(&self, in_hand: InHand, pace: Pace, now: Timestamp) -> Option<DevicesAtHosts> {
        let devices: HashSet<_> = self.known.values().flat_map(|host| host.lines.keys()).collect();
        let is_sated = |device: &&DeviceUuid| self.is_sated(in_hand, self.lines_of(device, now), pace);
        let devices: HashSet<_> = devices.into_iter().filter(is_sated).cloned().collect();
        (!devices.is_empty()).then(|| DevicesAtHosts { devices, hosts: self.of_pace(pace, now) })
    }

    /// The hosts of this pace. Of most that nobody knows there is nothing here.
    fn of_pace(&self, pace: Pace, now: Timestamp) -> HostSet {
        let (of_it, others): (Vec<_>, Vec<_>) =
            self.known.iter().partition(|(_, host)| host.pace(now) == pace);
        let names =
            |hosts: Vec<(&Arc<str>, _)>| hosts.into_iter().map(|(name, _)| Arc::clone(name)).collect();
        match pace {
            Pace::Unknown => HostSet::AllBut(names(others)),
            Pace::Slow | Pace::Quick => HostSet::Only(names(of_it)),
        }
    }

    /// Begins a call of a line that has so much.
    pub(super) fn begin(&mut self, webhook: &WebhookKey, share: Share, now: Timestamp) {
        let host = &webhook.host;
        if self.known.len() >= REMEMBERED && !self.known.contains_key(host) {
            let idle = self.known.iter().filter(|(_, host)| host.calls.is_empty());
            let soonest_quick =
                idle.min_by_key(|(_, host)| host.slow_until).map(|(name, _)| Arc::clone(name));
            soonest_quick.and_then(|name| self.known.remove(&name));
        }
        let host = self.known.entry(Arc::clone(host)).or_insert_with(Host::unknown);
        host.calls.push(now);
        if share != Share::OfItsLine {
            *host.lines.entry(webhook.device.clone()).or_default() += 1;
        }
    }

    /// No call of a line of this webhook is in hand any more that had some.
    pub(super) fn end_line(&mut self, webhook: &WebhookKey) {
        let Some(host) = self.known.get_mut(&webhook.host) else { return };
        if let Some(lines) = host.lines.get_mut(&webhook.device) {
            *lines -= 1;
            if *lines == 0 {
                host.lines.remove(&webhook.device);
            }
        }
    }

    /// Ends a call that began then. One that was not made after all tells nothing of the host.
    pub(super) fn end(&mut self, host: &str, began: Timestamp, ended: Option<Timestamp>) {
        let Some(host) = self.known.get_mut(host) else { return };
        let place = host.calls.iter().position(|call| *call == began);
        place.map(|place| host.calls.swap_remove(place));
        if let Some(now) = ended {
            host.took(now.since(began), now);
        }
    }

    /// Whether a host where that is found takes another call.
    fn takes_another(&self, in_hand: InHand, found: Found) -> bool {
        let (all, InHand { slow, unknown, quick }) = (self.concurrency, in_hand);
        let Found { share, pace, calls } = found;
        match pace {
            Pace::Slow => calls < self.of_slow_host(share) && slow < self.of_slow(),
            // One that nobody knows shows with the first how it takes them.
            Pace::Unknown => calls == 0 && slow + unknown < (all * 3 / 4).max(1),
            // Quick ones may stall all together: each leaves others three quarters of what it finds free.
            Pace::Quick => 3 * calls < all.saturating_sub(slow + unknown + quick),
        }
    }

    /// Whether a device of which so many `lines` have calls in hand has its share of the calls at hosts of this pace. One line
    /// may have all that its host gets.
    fn is_sated(&self, in_hand: InHand, lines: InHand, pace: Pace) -> bool {
        // Those that nobody knows may all be slow.
        let (calls, held) = match pace {
            Pace::Slow => (in_hand.slow, lines.slow),
            Pace::Unknown => (in_hand.slow + in_hand.unknown, lines.slow + lines.unknown),
            Pace::Quick => return false,
        };
        held > 1 && !is_within_share(self.of_slow().saturating_sub(calls), held, 1)
    }

    /// How many calls all slow hosts may have in hand together.
    fn of_slow(&self) -> usize {
        (self.concurrency / 2).max(1)
    }

    /// How many one of them may have of those that count for a line.
    fn of_slow_host(&self, share: Share) -> usize {
        let most = (self.concurrency / 8).max(1);
        if share == Share::NothingAndWell { 3 * most } else { most }
    }

    fn in_hand(&self, now: Timestamp) -> InHand {
        self.counted(now, |host| host.calls.len())
    }

    /// The lines of this device that have calls in hand.
    fn lines_of(&self, device: &DeviceUuid, now: Timestamp) -> InHand {
        self.counted(now, |host| host.lines.get(device).copied().unwrap_or_default())
    }

    fn counted(&self, now: Timestamp, count: impl Fn(&Host) -> usize) -> InHand {
        let mut in_hand = InHand::default();
        for host in self.known.values().filter(|host| !host.calls.is_empty()) {
            let of_its_pace = match host.pace(now) {
                Pace::Slow => &mut in_hand.slow,
                Pace::Unknown => &mut in_hand.unknown,
                Pace::Quick => &mut in_hand.quick,
            };
            *of_its_pace += count(host);
        }
        in_hand
    }
}

impl Host {
    fn unknown() -> Self {
        let (calls, lines) = (Vec::new(), HashMap::new());
        Self { calls, lines, is_known: false, slow_until: Timestamp::from_millis(0) }
    }

    fn pace(&self, now: Timestamp) -> Pace {
        // Whoever has a call in hand for long is slow.
        let is_old = |began: &Timestamp| now.since(*began) >= QUICK;
        match self.calls.iter().any(is_old) || !self.slow_for(now).is_zero() {
            true => Pace::Slow,
            false if self.is_known => Pace::Quick,
            false => Pace::Unknown,
        }
    }

    /// What a line finds that has so much of it and would have another call.
    fn found_with(&self, share: Share, now: Timestamp) -> Found {
        let calls = match share {
            Share::NothingAndWell | Share::Nothing => self.lines.len(),
            Share::OfItsDevice => self.lines.values().sum(),
            Share::OfItsLine => self.calls.len(),
        };
        Found { share, pace: self.pace(now), calls }
    }

    /// For how long it still counts as slow for what it took. One that is farther away than any can be was set before the
    /// clock was set back.
    fn slow_for(&self, now: Timestamp) -> Duration {
        let left = self.slow_until.since(now);
        if left > LONGEST_MEMORY { Duration::ZERO } else { left }
    }

    /// When its pace may be another although no call ends.
    fn changes_in(&self, now: Timestamp) -> Option<Duration> {
        match self.pace(now) {
            Pace::Slow => Some(self.slow_for(now)).filter(|left| !left.is_zero()),
            Pace::Unknown | Pace::Quick => {
                self.calls.iter().map(|began| QUICK.saturating_sub(now.since(*began))).min()
            }
        }
    }

    /// It took so long for a call that ends now.
    fn took(&mut self, span: Duration, now: Timestamp) {
        self.is_known = true;
        if span >= QUICK {
            let slow_for = (self.slow_for(now) + span).min(LONGEST_MEMORY);
            self.slow_until = now.plus(slow_for);
        }
    }
}
