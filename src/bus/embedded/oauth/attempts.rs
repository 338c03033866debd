//! How often somebody tried to sign in as a device with a token that is none of its own.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use crate::ambient::Timestamp;
use crate::message::DeviceUuid;

/// How many wrong tokens of one device one address may show within [`Attempts::WINDOW`].
const TRIES: u32 = 10;
/// How many are remembered; the one whose window began first makes room.
const REMEMBERED: usize = 4096;

type Who = (Option<IpAddr>, DeviceUuid);

/// Who tried to sign in lately, and from where. It keeps no right token out: all that come by one proxy have one address,
/// and everybody knows the uuids.
#[derive(Debug, Default)]
pub struct Attempts(Mutex<HashMap<Who, (Timestamp, u32)>>);

impl Attempts {
    /// After this time the count begins anew.
    pub const WINDOW: Duration = Duration::from_secs(60);

    /// Counts a wrong token; answers whether there are too many by now.
    pub fn is_one_too_many(&self, who: Who, now: Timestamp) -> bool {
        let mut seen = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if !seen.contains_key(&who) && seen.len() >= REMEMBERED {
            make_room(&mut seen, now);
        }
        let (began, tries) = seen.entry(who).or_insert((now, 0));
        if is_over(*began, now) {
            (*began, *tries) = (now, 0);
        }
        *tries = tries.saturating_add(1);
        *tries > TRIES
    }
}

/// Also over when the clock was set back to before it began.
fn is_over(began: Timestamp, now: Timestamp) -> bool {
    now < began || now.since(began) >= Attempts::WINDOW
}

fn make_room(seen: &mut HashMap<Who, (Timestamp, u32)>, now: Timestamp) {
    seen.retain(|_, (began, _)| !is_over(*began, now));
    let oldest = seen.iter().min_by_key(|(_, (began, _))| *began).map(|(who, _)| who.clone());
    if let Some(oldest) = oldest.filter(|_| seen.len() >= REMEMBERED) {
        seen.remove(&oldest);
    }
}
