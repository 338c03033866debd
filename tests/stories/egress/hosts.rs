//! Which hosts are on a list, and which addresses are on the public Internet.
#![expect(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

use endo::egress::{AddressClass, EgressError, HostList, class_of};
use proptest::prelude::*;

fn list(entries: &[&str]) -> HostList {
    HostList::parse(entries).unwrap()
}

fn allows(list: &HostList, address: &str) -> bool {
    list.allows(&address.parse().unwrap())
}

#[test]
fn only_listed_hosts_are_allowed() {
    let list = list(&["api.github.com", "GHE.example:8443", "127.0.0.1:7000", "[::1]:7001", "localhost"]);
    for address in [
        "https://api.github.com/users",
        "https://API.GitHub.com/users",
        "https://api.github.com:443/users",
        "https://ghe.example:8443",
        "http://127.0.0.1:7000",
        "http://2130706433:7000",
        "https://127.0.0.1:7000",
        "http://[::1]:7001",
        "http://[0:0::1]:7001",
        "http://localhost/",
    ] {
        assert!(allows(&list, address), "{address}");
    }
    for address in [
        "http://api.github.com/",
        "https://api.github.com:8443/",
        "https://api.github.com./",
        "https://api.github.com@evil.example/",
        "https://user@api.github.com/",
        "https://:secret@api.github.com/",
        "https://evil.example/api.github.com",
        "https://evil.example#@api.github.com/",
        "https://evil.example\\@api.github.com/",
        "https://api.github.com.evil.example/",
        "https://xapi.github.com/",
        "https://github.com/",
        "https://ghe.example/",
        "http://ghe.example:8443",
        "http://127.0.0.1:7001",
        "http://127.0.0.2:7000",
        "http://[::ffff:127.0.0.1]:7000",
        "http://[::1]:7000",
        "https://аpi.github.com/",
        "http://localhost:8080/",
        "ftp://api.github.com/",
        "wss://api.github.com/",
    ] {
        assert!(!allows(&list, address), "{address}");
    }
}

#[test]
fn an_entry_that_is_no_host_is_refused() {
    for entry in [
        "",
        " ",
        "*",
        "*.github.com",
        "https://api.github.com",
        "api.github.com/",
        "api.github.com/v3",
        "u@h",
        "h?q",
        "h#f",
        "h:99999",
        "h:x",
        "a b",
        "a\tb",
        "[::1",
        ":80",
        "/",
        "\\",
        "h:",
    ] {
        let refused = HostList::parse([entry]);
        assert!(matches!(refused, Err(EgressError::HostEntry { .. })), "{entry:?} became {refused:?}");
    }
}

#[test]
fn a_port_that_a_scheme_implies_may_be_written() {
    let list = list(&["api.github.com:443", "127.0.0.1:80"]);
    assert!(allows(&list, "https://api.github.com/"));
    assert!(allows(&list, "http://127.0.0.1/"));
    assert!(!allows(&list, "https://127.0.0.1/"));
}

#[test]
fn narrowing_a_list_never_widens_it() {
    let configured = list(&["api.github.com", "uploads.github.com", "127.0.0.1:7000"]);
    let narrowed = configured.narrowed_to(&list(&["api.github.com:443", "evil.example", "127.0.0.1"]));
    assert!(allows(&narrowed, "https://api.github.com/"));
    for address in [
        "https://uploads.github.com/",
        "https://evil.example/",
        "http://127.0.0.1:7000/",
        "http://127.0.0.1/",
    ] {
        assert!(!allows(&narrowed, address), "{address}");
    }
    assert_eq!(configured.narrowed_to(&HostList::default()), HostList::default());
}

#[test]
fn addresses_fall_into_their_classes() {
    let classes = [
        (
            AddressClass::Public,
            "8.8.8.8 1.1.1.1 140.82.121.6 172.32.0.1 100.128.0.1 169.253.0.1 192.167.1.1 223.255.255.255 \
          2606:4700::1111 2a00:1450:4001::1 2001:4860:4860::8888 ::ffff:8.8.8.8 64:ff9b::8.8.8.8",
        ),
        (AddressClass::Loopback, "127.0.0.1 127.255.255.254 ::1 ::ffff:127.0.0.1 64:ff9b::127.0.0.1"),
        (
            AddressClass::Special,
            "0.0.0.0 0.1.2.3 10.0.0.1 10.255.255.255 100.64.0.1 100.100.100.200 100.127.255.255 \
          168.63.129.16 169.254.0.1 169.254.169.254 172.16.0.1 172.31.255.255 192.0.0.192 192.0.2.1 192.88.99.1 192.168.0.1 \
          198.18.0.1 198.19.255.255 198.51.100.1 203.0.113.1 224.0.0.1 239.255.255.255 240.0.0.1 255.255.255.255 \
          :: ::2 ::127.0.0.1 ::ffff:10.0.0.1 ::ffff:169.254.169.254 64:ff9b::10.0.0.1 64:ff9b:1::1 100::1 2001::1 2001:2::1 \
          2001:db8::1 2002:7f00:1::1 3fff::1 fc00::1 fd00:ec2::254 fe80::1 fec0::1 ff02::1 5f00::1 4000::1",
        ),
    ];
    for (class, addresses) in classes {
        for address in addresses.split_whitespace() {
            assert_eq!(class_of(address.parse().unwrap()), class, "{address}");
        }
    }
}

proptest! {
    #[test]
    fn the_clothes_of_an_ipv4_address_do_not_matter(bits: u32) {
        let bare = std::net::Ipv4Addr::from(bits);
        let nat64 = std::net::Ipv6Addr::from_bits(0x0064_ff9b << 96 | u128::from(bits));
        prop_assert_eq!(class_of(bare.to_ipv6_mapped().into()), class_of(bare.into()));
        prop_assert_eq!(class_of(nat64.into()), class_of(bare.into()));
        prop_assert!(!bare.is_private() || class_of(bare.into()) == AddressClass::Special);
    }
}
