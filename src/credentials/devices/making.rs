//! User devices that are being made on a bus elsewhere, from before the bus was asked for them: whoever cuts all off ends
//! those too that have no name yet. Known as long as this process lives; what it leaves behind has no right.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError, Weak};

use crate::message::DeviceUuid;

/// All that is being made.
#[derive(Debug, Default)]
pub(in crate::credentials) struct InMaking(Mutex<Vec<Weak<Made>>>);

/// One device, until somebody has it.
#[derive(Debug)]
pub(super) struct Made {
    credentials: DeviceUuid,
    is_cut_off: AtomicBool,
}

impl InMaking {
    /// Notes that a device is made for these credentials, until that is dropped.
    pub(super) fn begin(&self, credentials: &DeviceUuid) -> Arc<Made> {
        let made = Arc::new(Made { credentials: credentials.clone(), is_cut_off: AtomicBool::new(false) });
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        all.retain(|other| other.strong_count() > 0);
        all.push(Arc::downgrade(&made));
        made
    }

    /// Cuts off what is made for these credentials.
    pub(super) fn cut_off(&self, credentials: &DeviceUuid) {
        let all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        for made in all.iter().filter_map(Weak::upgrade).filter(|made| made.credentials == *credentials) {
            made.is_cut_off.store(true, Ordering::SeqCst);
        }
    }
}

impl Made {
    /// Whether it is over before it has its name.
    pub(super) fn is_cut_off(&self) -> bool {
        self.is_cut_off.load(Ordering::SeqCst)
    }
}
