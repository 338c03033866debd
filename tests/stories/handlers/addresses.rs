//! Where handlers may be: on this machine, unless the operator says otherwise.

use endo::egress::{HandlerAddress, HandlerAddressError};

fn parsed(url: &str, remote: bool) -> Result<String, HandlerAddressError> {
    HandlerAddress::parse(url, remote).map(|address| address.to_string())
}

#[test]
fn loopback_and_sockets_are_taken() {
    for url in [
        "http://127.0.0.1:4000/jobs",
        "http://127.8.9.1/",
        "http://[::1]:4000/",
        "http://localhost/",
        "http://jobs.localhost/",
        "https://localhost/",
        "unix:/run/jobs.sock",
        "unix:/run/jobs.sock:/jobs",
    ] {
        assert_eq!(parsed(url, false).as_deref(), Ok(url));
    }
}

#[test]
fn a_socket_s_requests_name_the_path_behind_it() {
    let address = HandlerAddress::parse("unix:/run/jobs.sock:/jobs/a", false).unwrap();
    assert_eq!((address.scheme(), address.authority(), address.target()), ("http", "localhost", "/jobs/a"));
    assert_eq!(HandlerAddress::parse("unix:/run/jobs.sock", false).unwrap().target(), "/");
}

#[test]
fn other_machines_need_tls_and_the_switch() {
    for host in ["jobs.example", "10.0.0.1", "localhost.example", "0.0.0.0", "127.0.0.1.nip.io", "[::2]"] {
        let (plain, secure) = (format!("http://{host}/"), format!("https://{host}/"));
        assert_eq!(parsed(&plain, false), Err(HandlerAddressError::Plain));
        assert_eq!(parsed(&plain, true), Err(HandlerAddressError::Plain));
        assert_eq!(parsed(&secure, false), Err(HandlerAddressError::Remote));
        assert_eq!(parsed(&secure, true), Ok(secure.clone()));
    }
}

#[test]
fn what_is_no_address_is_refused() {
    for url in [
        "",
        "jobs",
        "ftp://127.0.0.1/",
        "http://user@127.0.0.1/",
        "http://:pass@127.0.0.1/",
        "http://127.0.0.1/?token=x",
        "http://127.0.0.1/#x",
        "unix:",
        "unix:run/jobs.sock",
        "unix:/run/jobs.sock:/a b",
        "unix:/run/jobs.sock:/a?b",
    ] {
        assert_eq!(parsed(url, true), Err(HandlerAddressError::Form), "{url}");
    }
}
