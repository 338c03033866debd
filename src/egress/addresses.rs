//! Which addresses are on the public Internet, by the special-purpose registries (RFC 6890 and its updates).

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// What an address leads to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AddressClass {
    /// A host on the public Internet.
    Public,
    /// This machine.
    Loopback,
    /// Anything else: private networks, link-local and multicast addresses, cloud metadata, documentation.
    Special,
}

const SPECIAL_V4: [(Ipv4Addr, u32); 16] = [
    (Ipv4Addr::new(0, 0, 0, 0), 8),
    (Ipv4Addr::new(10, 0, 0, 0), 8),
    (Ipv4Addr::new(100, 64, 0, 0), 10),
    (Ipv4Addr::new(169, 254, 0, 0), 16),
    (Ipv4Addr::new(172, 16, 0, 0), 12),
    (Ipv4Addr::new(192, 0, 0, 0), 24),
    (Ipv4Addr::new(192, 0, 2, 0), 24),
    (Ipv4Addr::new(192, 31, 196, 0), 24),
    (Ipv4Addr::new(192, 88, 99, 0), 24),
    (Ipv4Addr::new(192, 168, 0, 0), 16),
    (Ipv4Addr::new(198, 18, 0, 0), 15),
    (Ipv4Addr::new(198, 51, 100, 0), 24),
    (Ipv4Addr::new(203, 0, 113, 0), 24),
    (Ipv4Addr::new(224, 0, 0, 0), 4),
    (Ipv4Addr::new(240, 0, 0, 0), 4),
    // In no registry: a cloud's metadata service on an address that looks public.
    (Ipv4Addr::new(168, 63, 129, 16), 32),
];

const GLOBAL_V6: (Ipv6Addr, u32) = (Ipv6Addr::new(0x2000, 0, 0, 0, 0, 0, 0, 0), 3);

/// Special all the same: protocol assignments and Teredo, documentation (twice), 6to4.
const SPECIAL_V6: [(Ipv6Addr, u32); 4] = [
    (Ipv6Addr::new(0x2001, 0, 0, 0, 0, 0, 0, 0), 23),
    (Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 0), 32),
    (Ipv6Addr::new(0x3fff, 0, 0, 0, 0, 0, 0, 0), 20),
    (Ipv6Addr::new(0x2002, 0, 0, 0, 0, 0, 0, 0), 16),
];

/// What `address` leads to; an IPv4 address in IPv6 clothes counts as the IPv4 address.
pub fn class_of(address: IpAddr) -> AddressClass {
    match address {
        IpAddr::V4(address) => class_of_v4(address),
        IpAddr::V6(address) => match carried_v4(address) {
            Some(carried) => class_of_v4(carried),
            None => class_of_v6(address),
        },
    }
}

/// The IPv4 address in a mapped address (RFC 4291) or one of the well-known NAT64 prefix (RFC 6052).
fn carried_v4(address: Ipv6Addr) -> Option<Ipv4Addr> {
    let nat64 = matches!(address.segments(), [0x64, 0xff9b, 0, 0, 0, 0, _, _]);
    let low = Ipv4Addr::from(u32::try_from(address.to_bits() & 0xffff_ffff).expect("32 bits were kept"));
    address.to_ipv4_mapped().or_else(|| nat64.then_some(low))
}

fn class_of_v4(address: Ipv4Addr) -> AddressClass {
    if address.is_loopback() {
        AddressClass::Loopback
    } else if SPECIAL_V4.iter().any(|(net, length)| (address.to_bits() ^ net.to_bits()) >> (32 - length) == 0)
    {
        AddressClass::Special
    } else {
        AddressClass::Public
    }
}

fn class_of_v6(address: Ipv6Addr) -> AddressClass {
    let within = |(net, length): &(Ipv6Addr, u32)| (address.to_bits() ^ net.to_bits()) >> (128 - length) == 0;
    if address.is_loopback() {
        AddressClass::Loopback
    } else if !within(&GLOBAL_V6) || SPECIAL_V6.iter().any(within) {
        AddressClass::Special
    } else {
        AddressClass::Public
    }
}
