//! Which addresses lead to this gateway, however they are written.

use std::net::{IpAddr, UdpSocket};

use reqwest::Url;

use super::case::Case;
use crate::egress::is_this_machine;
use crate::http::{MESSAGES, before_messages};

/// Where this gateway takes messages that a bus posts.
pub(super) struct Here {
    /// How its entry is written.
    pub(super) url: String,
    places: Vec<Place>,
}

/// A place that messages are posted to.
#[derive(PartialEq, Eq)]
struct Place {
    host: Host,
    port: u16,
    /// What stands before the path of messages, which is for whatever is in front of the gateway.
    before: String,
}

#[derive(PartialEq, Eq)]
enum Host {
    /// By whichever of the names that every machine has for itself.
    Loopback,
    /// By an address that it has in one of its networks.
    Own,
    Named(String),
}

impl Here {
    /// `None` where the settings do not say where others reach the gateway.
    pub(super) fn of(case: &Case<'_>) -> Option<Self> {
        let url = format!("{}{MESSAGES}", case.public_url()?);
        let beside = Url::parse(&case.config.bus.url).is_ok_and(|bus| is_this_machine(&bus));
        // What is in front of the gateway can be passed by, on this machine or by an address of its own.
        let listener = Place::of(&format!("{}{MESSAGES}", case.gateway));
        let everywhere = listener.as_ref().filter(|_| case.config.listen.gateway.ip().is_unspecified());
        let own =
            everywhere.map(|place| Place { host: Host::Own, port: place.port, before: place.before.clone() });
        let listener = listener.filter(|place| beside || place.host != Host::Loopback);
        Some(Self { places: Place::of(&url).into_iter().chain(listener).chain(own).collect(), url })
    }

    /// Whether what is posted to the address comes in here.
    pub(super) fn receives(&self, address: &str) -> bool {
        Place::of(address).is_some_and(|place| self.places.contains(&place))
    }
}

/// Whether the address is one at which gateways take messages.
pub(super) fn is_a_gateways(address: &str) -> bool {
    Place::of(address).is_some()
}

impl Place {
    fn of(address: &str) -> Option<Self> {
        let url = Url::parse(address).ok()?;
        let before = before_messages(url.path())?.to_owned();
        Some(Self { port: url.port_or_known_default()?, host: Host::of(url)?, before })
    }
}

impl Host {
    fn of(mut url: Url) -> Option<Self> {
        if let Some(name) = url.host_str()?.strip_suffix('.').map(str::to_owned) {
            url.set_host(Some(&name)).ok()?;
        }
        let host = url.host_str()?;
        let ip = host.trim_matches(['[', ']']).parse::<IpAddr>().ok().map(|ip| ip.to_canonical());
        let is_loopback = ip.is_some_and(|ip| ip.is_loopback() || ip.is_unspecified());
        Some(match ip {
            _ if is_loopback || is_this_machine(&url) => Self::Loopback,
            Some(ip) if is_own(ip) => Self::Own,
            _ => Self::Named(host.to_owned()),
        })
    }
}

/// Whether this machine has the address: nobody can wait for anything at another's.
fn is_own(ip: IpAddr) -> bool {
    UdpSocket::bind((ip, 0)).is_ok()
}
