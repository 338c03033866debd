//! The networks there are.

use super::embedded::EmbeddedBus;
use super::meshblu::Meshblu;
use crate::message::DeviceUuid;

/// The device network of a gateway. Cheap to clone.
#[derive(Clone, Debug)]
pub enum Bus {
    /// The one inside this program.
    Embedded(EmbeddedBus),
    /// A Meshblu somewhere else.
    Meshblu(Meshblu),
}

impl Bus {
    /// The gateway's own identity on the network.
    pub fn service(&self) -> &DeviceUuid {
        match self {
            Self::Embedded(bus) => bus.service(),
            Self::Meshblu(bus) => &bus.service().uuid,
        }
    }

    /// The network inside this program, if it is that.
    pub fn embedded(&self) -> Option<&EmbeddedBus> {
        match self {
            Self::Embedded(bus) => Some(bus),
            Self::Meshblu(_) => None,
        }
    }

    /// The remote Meshblu, if it is that.
    pub fn meshblu(&self) -> Option<&Meshblu> {
        match self {
            Self::Embedded(_) => None,
            Self::Meshblu(bus) => Some(bus),
        }
    }
}
