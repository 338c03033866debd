//! What leaves the gateway, and what does not.

mod api_clients;
mod causes;
mod hosts;
mod webhooks;

use std::time::Duration;

use endo::egress::{ApiAccess, ApiClient, Bearer, CallGate, Egress, EgressSettings, HostList, Lookup};

const SECRET: &str = "gho_canary16C7e42F292c6912E7710c838347Ae178B4a";

fn settings() -> EgressSettings {
    EgressSettings { connect_timeout: Duration::from_secs(60), ..EgressSettings::default() }
}

fn egress(settings: EgressSettings) -> Egress {
    Egress::new(settings, Lookup::system()).expect("the allowed hosts are written as hosts")
}

/// Access to the API on that loopback port, and nowhere else.
fn access(port: u16) -> ApiAccess {
    let base_url = format!("http://127.0.0.1:{port}").parse().expect("an address");
    ApiAccess {
        hosts: HostList::of(&base_url),
        base_url,
        bearer: Bearer::new(SECRET),
        gate: CallGate::open(),
    }
}

fn client(port: u16) -> ApiClient {
    egress(settings()).api_client(access(port))
}
