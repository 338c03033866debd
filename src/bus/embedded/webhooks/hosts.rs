//! Which hosts get another call: whoever is slow leaves room to those that are not, and to those that nobody knows yet.

use std::collections::HashMap;
use std::time::Duration;

use crate::ambient::Timestamp;

/// Within this time a quick host is done with a call.
const QUICK: Duration = Duration::from_secs(1);
/// Hosts remembered at a time that have no call in hand.
const REMEMBERED: usize = 1024;

/// The hosts that calls go to or went to lately, by host and port.
#[derive(Debug)]
pub(super) struct Hosts {
    /// How many calls run at the same time.
    concurrency: usize,
    known: HashMap<String, Host>,
}

#[derive(Debug, Default)]
struct Host {
    /// When each call that it has in hand began.
    calls: Vec<Timestamp>,
    pace: Pace,
    /// How many webhooks fail at it.
    failing: u32,
}

/// How a host took the last call that ended.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Pace {
    Slow,
    #[default]
    Unknown,
    Quick,
}

/// The calls in hand, by the pace of their hosts.
#[derive(Clone, Copy, Debug, Default)]
struct InHand {
    slow: usize,
    unknown: usize,
    quick: usize,
}

/// Which hosts get no call now.
#[derive(Debug, Default)]
pub(super) struct Full {
    /// These.
    pub(super) hosts: Vec<String>,
    /// All but these, where there is no room for a host that nobody knows.
    pub(super) but: Option<Vec<String>>,
    /// When this may be otherwise although no call ends.
    pub(super) again_in: Option<Duration>,
}

impl Hosts {
    pub(super) fn new(concurrency: usize) -> Self {
        Self { concurrency, known: HashMap::new() }
    }

    /// Whether `host` gets another call.
    pub(super) fn has_room(&self, host: &str, now: Timestamp) -> bool {
        let unknown = Host::default();
        let host = self.known.get(host).unwrap_or(&unknown);
        self.takes_another(host, self.in_hand(now), now)
    }

    pub(super) fn full(&self, now: Timestamp) -> Full {
        let in_hand = self.in_hand(now);
        let (with_room, full): (Vec<_>, Vec<_>) =
            self.known.iter().partition(|(_, host)| self.takes_another(host, in_hand, now));
        let names = |hosts: Vec<(&String, &Host)>| hosts.into_iter().map(|(name, _)| name.clone()).collect();
        let hosts: Vec<_> = names(full);
        let but = (self.room(Pace::Unknown, in_hand) == 0).then(|| names(with_room));
        let young = self.known.values().filter(|host| host.pace(now) != Pace::Slow);
        let turns_slow =
            young.flat_map(|host| &host.calls).map(|began| QUICK.saturating_sub(now.since(*began)));
        let again_in = if hosts.is_empty() && but.is_none() { None } else { turns_slow.min() };
        Full { hosts, but, again_in }
    }

    pub(super) fn begin(&mut self, host: &str, now: Timestamp) {
        if self.known.len() >= REMEMBERED && !self.known.contains_key(host) {
            let idle = self.known.iter().find(|(_, host)| host.is_idle()).map(|(name, _)| name.clone());
            idle.and_then(|name| self.known.remove(&name));
        }
        self.known.entry(host.to_owned()).or_default().calls.push(now);
    }

    /// Ends a call that began then. One that was not made after all tells nothing of the host.
    pub(super) fn end(&mut self, host: &str, began: Timestamp, ended: Option<Timestamp>) {
        let Some(host) = self.known.get_mut(host) else { return };
        let place = host.calls.iter().position(|call| *call == began);
        place.map(|place| host.calls.swap_remove(place));
        if let Some(now) = ended {
            host.pace = if now.since(began) < QUICK { Pace::Quick } else { Pace::Slow };
        }
    }

    /// How many webhooks fail at `host`.
    pub(super) fn failing(&self, host: &str) -> u32 {
        self.known.get(host).map_or(0, |host| host.failing)
    }

    /// One more webhook fails at `host`, or one less.
    pub(super) fn count_failing(&mut self, host: &str, fails: bool) {
        let host = self.known.entry(host.to_owned()).or_default();
        host.failing = if fails { host.failing + 1 } else { host.failing.saturating_sub(1) };
    }

    fn takes_another(&self, host: &Host, in_hand: InHand, now: Timestamp) -> bool {
        let pace = host.pace(now);
        host.calls.len() < self.share(pace) && self.room(pace, in_hand) > self.kept_from(host, pace)
    }

    fn in_hand(&self, now: Timestamp) -> InHand {
        let mut in_hand = InHand::default();
        for host in self.known.values() {
            let of_its_pace = match host.pace(now) {
                Pace::Slow => &mut in_hand.slow,
                Pace::Unknown => &mut in_hand.unknown,
                Pace::Quick => &mut in_hand.quick,
            };
            *of_its_pace += host.calls.len();
        }
        in_hand
    }

    /// The most calls of one host. One that nobody knows shows with the first how it takes them.
    fn share(&self, pace: Pace) -> usize {
        match pace {
            Pace::Slow => (self.concurrency / 8).max(1),
            Pace::Unknown => 1,
            Pace::Quick => (self.concurrency / 4).max(1),
        }
    }

    /// How much of that room is not for this host: quick ones may stall all together, so that an eighth of all calls is for
    /// those that have none in hand.
    fn kept_from(&self, host: &Host, pace: Pace) -> usize {
        if pace == Pace::Quick && !host.calls.is_empty() { self.concurrency / 8 } else { 0 }
    }

    /// How many more calls hosts of this pace get together: what slow ones may have at most is half of all, and three
    /// quarters with those that nobody knows.
    fn room(&self, pace: Pace, InHand { slow, unknown, quick }: InHand) -> usize {
        let (together, most) = match pace {
            Pace::Slow => (slow, self.concurrency / 2),
            Pace::Unknown => (slow + unknown, self.concurrency * 3 / 4),
            Pace::Quick => (slow + unknown + quick, self.concurrency),
        };
        most.max(1).saturating_sub(together)
    }
}

impl Host {
    /// Whoever has a call in hand for long is slow.
    fn pace(&self, now: Timestamp) -> Pace {
        let is_old = |began: &Timestamp| now.since(*began) >= QUICK;
        if self.calls.iter().any(is_old) { Pace::Slow } else { self.pace }
    }

    fn is_idle(&self) -> bool {
        self.calls.is_empty() && self.failing == 0
    }
}
