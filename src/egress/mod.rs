//! The one HTTP client for everything that leaves: vetted addresses, host lists, limits.

mod addresses;
mod api;
mod bearer;
mod breaker;
mod error;
mod gate;
mod handler;
mod handler_address;
mod hosts;
mod names;
mod octo;
mod outbound;
mod peer;
mod provider;
mod socket;
mod transport;
mod webhook;
mod webhook_address;

pub use addresses::{AddressClass, class_of};
pub use api::{ApiAccess, ApiClient};
pub use bearer::Bearer;
pub use breaker::{Admission, Breaker, BreakerSettings, Resting};
pub use error::{EgressError, GateError};
pub use gate::{CallGate, Changes};
pub use handler::HandlerRequest;
pub use handler_address::{HandlerAddress, HandlerAddressError};
pub use hosts::HostList;
pub use names::Lookup;
pub use octo::ApiService;
pub use outbound::{Egress, EgressSettings};
pub use peer::{Peer, PeerRequest};
pub use reqwest::Url;
pub use socket::Socket;
pub use webhook::WebhookRequest;
pub use webhook_address::WebhookAddress;
