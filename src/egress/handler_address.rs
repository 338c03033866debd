//! Where an external handler is: on this machine, unless the operator says otherwise.

use std::fmt;
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::{Path, PathBuf};

use reqwest::Url;
use thiserror::Error;
use tokio::net::TcpStream;

use super::names::is_this_machine;
use super::transport::literal;

/// The address of an external handler. Prints as it was written.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct HandlerAddress(Place);

#[derive(Clone, PartialEq, Eq, Hash)]
pub(super) enum Place {
    Socket { file: PathBuf, target: String },
    Loopback(Url),
    Remote(Url),
}

/// Why opened secrets are not sent to an address.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum HandlerAddressError {
    /// It is none of the forms.
    #[error(
        "it is neither `unix:/path/to/socket`, `unix:/path/to/socket:/path` nor an http or https URL without user, query and fragment"
    )]
    Form,
    /// It leads away from this machine, without TLS.
    #[error("handlers on other machines need https: opened secrets go there")]
    Plain,
    /// It leads away from this machine, and nobody allowed that.
    #[error("handlers on other machines need `jobs.remote_handlers = true`: opened secrets go there")]
    Remote,
}

impl HandlerAddress {
    /// Reads `unix:/path/to/socket`, with `:/path` behind it if requests shall name a path, or a URL. One that leads
    /// away from this machine is taken only if `remote` says so, and with TLS.
    ///
    /// # Errors
    /// [`HandlerAddressError`].
    pub fn parse(text: &str, remote: bool) -> Result<Self, HandlerAddressError> {
        if let Some(socket) = text.strip_prefix("unix:") {
            return socket_place(socket).map(Self).ok_or(HandlerAddressError::Form);
        }
        let url = Url::parse(text).ok().filter(is_plain).ok_or(HandlerAddressError::Form)?;
        match (url.scheme(), is_this_machine(&url)) {
            ("http", true) => Ok(Self(Place::Loopback(url))),
            ("http", false) => Err(HandlerAddressError::Plain),
            ("https", here) if here || remote => Ok(Self(Place::Remote(url))),
            ("https", _) => Err(HandlerAddressError::Remote),
            _ => Err(HandlerAddressError::Form),
        }
    }

    /// `http` or `https`.
    pub fn scheme(&self) -> &str {
        self.url().map_or("http", Url::scheme)
    }

    /// What requests carry in `Host`; sockets have no name, so theirs is `localhost`.
    pub fn authority(&self) -> &str {
        self.url().map_or("localhost", Url::authority)
    }

    /// What requests name on their first line.
    pub fn target(&self) -> &str {
        match &self.0 {
            Place::Socket { target, .. } => target,
            Place::Loopback(url) | Place::Remote(url) => url.path(),
        }
    }

    /// Where it leads, for logs: a path may be known to those alone who may call it.
    pub fn logged(&self) -> String {
        match &self.0 {
            Place::Socket { file, .. } => format!("unix:{}", file.display()),
            Place::Loopback(url) | Place::Remote(url) => url.origin().ascii_serialization(),
        }
    }

    pub(super) fn place(&self) -> &Place {
        &self.0
    }

    fn url(&self) -> Option<&Url> {
        match &self.0 {
            Place::Socket { .. } => None,
            Place::Loopback(url) | Place::Remote(url) => Some(url),
        }
    }
}

impl fmt::Display for HandlerAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Place::Socket { file, target } if target == "/" => write!(f, "unix:{}", file.display()),
            Place::Socket { file, target } => write!(f, "unix:{}:{target}", file.display()),
            Place::Loopback(url) | Place::Remote(url) => url.fmt(f),
        }
    }
}

impl fmt::Debug for HandlerAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

fn socket_place(text: &str) -> Option<Place> {
    let (file, target) =
        text.split_once(":/").map_or((text, "/".to_owned()), |(file, path)| (file, format!("/{path}")));
    let usable = Path::new(file).is_absolute() && target.parse::<http::uri::PathAndQuery>().is_ok();
    (usable && !target.contains(['?', '#'])).then(|| Place::Socket { file: file.into(), target })
}

fn is_plain(url: &Url) -> bool {
    let nobody = url.username().is_empty() && url.password().is_none();
    nobody && url.has_host() && url.query().is_none() && url.fragment().is_none()
}

/// A connection to a URL that leads to this machine, whatever name servers say about it.
pub(super) async fn connect_here(url: &Url) -> io::Result<TcpStream> {
    let both = vec![IpAddr::from(Ipv4Addr::LOCALHOST), IpAddr::from(Ipv6Addr::LOCALHOST)];
    let hosts = url.host_str().and_then(literal).map_or(both, |address| vec![address]);
    let port = url.port_or_known_default().unwrap_or(80);
    let addresses: Vec<_> = hosts.into_iter().map(|host| SocketAddr::new(host, port)).collect();
    TcpStream::connect(&addresses[..]).await
}
