//! Addresses as callers on this machine use them.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

/// Who listens everywhere is reached on loopback.
pub(super) fn reachable(mut address: SocketAddr) -> SocketAddr {
    match address.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => address.set_ip(Ipv4Addr::LOCALHOST.into()),
        IpAddr::V6(ip) if ip.is_unspecified() => address.set_ip(Ipv6Addr::LOCALHOST.into()),
        _ => {}
    }
    address
}

/// The same as a URL, without a slash at the end.
pub(super) fn url(address: SocketAddr) -> String {
    format!("http://{}", reachable(address))
}
