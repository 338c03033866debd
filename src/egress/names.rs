//! From a name to the addresses that may be called: the check and the connection see the same answer.

use std::fmt;
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;
use std::task::{Context, Poll};

use futures_util::future::BoxFuture;
use hyper_util::client::legacy::connect::dns;
use reqwest::Url;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use tokio::sync::Semaphore;
use tower::{BoxError, Service};

use super::addresses::{AddressClass, class_of};
use super::cause::NoAddress;
use super::error::NoAdmittedAddress;
use super::transport::literal;

/// Names looked up at the same time, by calls of one reach.
const LOOKUPS_AT_ONCE: usize = 32;

type Find = dyn Fn(String) -> BoxFuture<'static, io::Result<Vec<IpAddr>>> + Send + Sync;

/// Finds the addresses of a name.
#[derive(Clone)]
pub struct Lookup(Arc<Find>);

impl Lookup {
    /// The machine's own resolver.
    pub fn system() -> Self {
        Self::from_fn(|name| {
            Box::pin(async move {
                let found = tokio::net::lookup_host((name, 0)).await?;
                Ok(found.map(|address| address.ip()).collect())
            })
        })
    }

    /// A resolver that asks `find`.
    pub fn from_fn(
        find: impl Fn(String) -> BoxFuture<'static, io::Result<Vec<IpAddr>>> + Send + Sync + 'static,
    ) -> Self {
        Self(Arc::new(find))
    }
}

impl fmt::Debug for Lookup {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Lookup")
    }
}

/// How far calls may reach.
#[derive(Clone, Copy, Debug)]
pub(super) enum Reach {
    /// Wherever the names of listed hosts lead: the operator chose them.
    Listed,
    /// The public Internet, and this machine if the operator says so.
    Public {
        /// Whether this machine may be called too.
        loopback: bool,
    },
}

impl Reach {
    /// Whether calls may reach `address`.
    pub(super) fn admits(self, address: IpAddr) -> bool {
        match (self, class_of(address)) {
            (Self::Listed, _) | (Self::Public { .. }, AddressClass::Public) => true,
            (Self::Public { loopback }, AddressClass::Loopback) => loopback,
            (Self::Public { .. }, AddressClass::Special) => false,
        }
    }
}

/// A resolver that gives only addresses within reach.
#[derive(Clone, Debug)]
pub(super) struct VettedNames {
    lookup: Lookup,
    at_once: Arc<Semaphore>,
    pub(super) reach: Reach,
}

impl VettedNames {
    pub(super) fn new(lookup: Lookup, reach: Reach) -> Self {
        Self { lookup, at_once: Arc::new(Semaphore::new(LOOKUPS_AT_ONCE)), reach }
    }

    /// A look-up of the machine's goes on when nobody waits for it any more, so its place is free only when it ends.
    async fn find(self, name: String) -> io::Result<Vec<IpAddr>> {
        let place = self.at_once.acquire_owned().await.map_err(io::Error::other)?;
        let search = tokio::spawn(async move {
            let found = (self.lookup.0)(name).await;
            drop(place);
            found
        });
        search.await?
    }

    /// The addresses of the name that are within reach; there is at least one.
    async fn within_reach(self, name: String) -> Result<std::vec::IntoIter<SocketAddr>, BoxError> {
        let reach = self.reach;
        let found =
            if is_localhost(&name) { loopback() } else { self.find(name).await.map_err(|_| NoAddress)? };
        let admitted = found.into_iter().filter(|address| reach.admits(*address));
        let addresses: Vec<_> = admitted.map(|address| SocketAddr::new(address, 0)).collect();
        if addresses.is_empty() { Err(NoAdmittedAddress.into()) } else { Ok(addresses.into_iter()) }
    }
}

impl Resolve for VettedNames {
    fn resolve(&self, name: Name) -> Resolving {
        let search = self.clone().within_reach(name.as_str().to_owned());
        Box::pin(async move { Ok(Box::new(search.await?) as Addrs) })
    }
}

impl Service<dns::Name> for VettedNames {
    type Response = std::vec::IntoIter<SocketAddr>;
    type Error = BoxError;
    type Future = BoxFuture<'static, Result<Self::Response, BoxError>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, name: dns::Name) -> Self::Future {
        Box::pin(self.clone().within_reach(name.as_str().to_owned()))
    }
}

/// Whether the address leads to this machine, whatever name servers say: here as in browsers.
pub fn is_this_machine(url: &Url) -> bool {
    url.host_str().is_some_and(|host| is_localhost(host) || literal(host).is_some_and(|ip| ip.is_loopback()))
}

/// `localhost`, and whatever ends in it (RFC 6761, 6.3).
fn is_localhost(name: &str) -> bool {
    name.rsplit('.').next().is_some_and(|last| last.eq_ignore_ascii_case("localhost"))
}

fn loopback() -> Vec<IpAddr> {
    vec![Ipv4Addr::LOCALHOST.into(), Ipv6Addr::LOCALHOST.into()]
}
