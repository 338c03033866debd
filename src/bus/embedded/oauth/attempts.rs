//! How often somebody tried to sign in as a device with a token that is none of its own.

use std::net::IpAddr;
use std::time::Duration;

use crate::ambient::Timestamp;
use crate::lately::Lately;
use crate::message::DeviceUuid;

/// How many wrong tokens of one device one address may show within [`Attempts::WINDOW`].
const TRIES: u32 = 10;
const WINDOWS: usize = 4096;

type Who = (Option<IpAddr>, DeviceUuid);

/// Who tried to sign in lately, and from where. It keeps no right token out: all that come by one proxy have one address,
/// and everybody knows the uuids.
#[derive(Debug)]
pub struct Attempts(Lately<Who, u32>);

impl Default for Attempts {
    fn default() -> Self {
        Self(Lately::new(WINDOWS, Self::WINDOW))
    }
}

impl Attempts {
    /// After this time the count begins anew.
    pub const WINDOW: Duration = Duration::from_secs(60);

    /// Counts a wrong token; answers whether there are too many by now.
    pub fn count_wrong(&self, who: &Who, now: Timestamp) -> bool {
        self.0.count(who, now) > TRIES
    }
}
