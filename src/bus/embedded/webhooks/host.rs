//! One host of webhooks: what it has in hand, of whom, and how it takes that.

use std::collections::HashMap;
use std::time::Duration;

use crate::ambient::Timestamp;
use crate::message::DeviceUuid;

/// Within this time a quick host is done with a call.
const QUICK: Duration = Duration::from_secs(1);
/// However much time a host took, after this long it is as good as any other.
const LONGEST_MEMORY: Duration = Duration::from_secs(300);

#[derive(Debug)]
pub(super) struct Host {
    /// When each call that it has in hand began.
    calls: Vec<Timestamp>,
    /// Those whose webhooks are called.
    pub(super) devices: HashMap<DeviceUuid, OfDevice>,
    /// Whether it was done with one.
    is_known: bool,
    /// Until when it counts as slow for the calls that it took long for: for as long as all of these took together, so that
    /// whoever holds many cannot be given as many again for one that was quick.
    pub(super) slow_until: Timestamp,
}

/// What a host has in hand of one device.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct OfDevice {
    pub(super) lines: usize,
    pub(super) calls: usize,
    /// Those of the calls that were of lines whose last one had not been taken.
    pub(super) trials: usize,
}

/// A call that begins.
#[derive(Clone, Copy, Debug)]
pub(super) struct Beginning {
    pub(super) is_first_of_line: bool,
    pub(super) is_trial: bool,
    pub(super) began: Timestamp,
}

/// A call that ends.
#[derive(Clone, Copy, Debug)]
pub(super) struct Ending {
    pub(super) is_last_of_line: bool,
    pub(super) was_trial: bool,
    pub(super) began: Timestamp,
    /// `None` where it was not made after all, which tells nothing of the host.
    pub(super) ended: Option<Timestamp>,
}

/// How a host takes its calls.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Pace {
    Slow,
    Unknown,
    Quick,
}

impl Host {
    /// One that nobody knows.
    pub(super) fn unknown() -> Self {
        let (calls, devices) = (Vec::new(), HashMap::new());
        Self { calls, devices, is_known: false, slow_until: Timestamp::from_millis(0) }
    }

    pub(super) fn calls(&self) -> usize {
        self.calls.len()
    }

    /// What it has in hand of this device.
    pub(super) fn held_of(&self, device: &DeviceUuid) -> OfDevice {
        self.devices.get(device).copied().unwrap_or_default()
    }

    pub(super) fn pace(&self, now: Timestamp) -> Pace {
        // Whoever has a call in hand for long is slow.
        let is_old = |began: &Timestamp| now.since(*began) >= QUICK;
        match self.calls.iter().any(is_old) || !self.slow_for(now).is_zero() {
            true => Pace::Slow,
            false if self.is_known => Pace::Quick,
            false => Pace::Unknown,
        }
    }

    /// Begins a call for this device.
    pub(super) fn begin(&mut self, device: &DeviceUuid, call: Beginning) {
        self.calls.push(call.began);
        let of_device = self.devices.entry(device.clone()).or_default();
        of_device.calls += 1;
        of_device.lines += usize::from(call.is_first_of_line);
        of_device.trials += usize::from(call.is_trial);
    }

    /// Ends a call for this device.
    pub(super) fn end(&mut self, device: &DeviceUuid, call: Ending) {
        let place = self.calls.iter().position(|began| *began == call.began);
        place.map(|place| self.calls.swap_remove(place));
        if let Some(of_device) = self.devices.get_mut(device) {
            of_device.calls -= 1;
            of_device.lines -= usize::from(call.is_last_of_line);
            of_device.trials -= usize::from(call.was_trial);
            if of_device.calls == 0 {
                self.devices.remove(device);
            }
        }
        if let Some(now) = call.ended {
            self.took(now.since(call.began), now);
        }
    }

    /// For how long it still counts as slow for what it took. One that is farther away than any can be was set before the
    /// clock was set back.
    fn slow_for(&self, now: Timestamp) -> Duration {
        let left = self.slow_until.since(now);
        if left > LONGEST_MEMORY { Duration::ZERO } else { left }
    }

    /// When its pace may be another although no call ends.
    pub(super) fn changes_in(&self, now: Timestamp) -> Option<Duration> {
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
