//! Addresses as browsers and programs on this machine use them.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

/// Where whoever listens at `address` is reached from this machine: on loopback who listens everywhere. An address that
/// means all of them is none to go to.
pub fn reachable(mut address: SocketAddr) -> SocketAddr {
    match address.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => address.set_ip(Ipv4Addr::LOCALHOST.into()),
        IpAddr::V6(ip) if ip.is_unspecified() => address.set_ip(Ipv6Addr::LOCALHOST.into()),
        _ => {}
    }
    address
}

/// The same as a URL, without a slash at the end.
pub fn url_of(address: SocketAddr) -> String {
    format!("http://{}", reachable(address))
}
