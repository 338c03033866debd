//! The list of hosts that calls may go to.

use reqwest::Url;

use super::error::EgressError;
use super::names::is_this_machine;

/// The hosts that calls may go to: by `https`, or by `http` where the host is this machine.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct HostList(Vec<Host>);

/// A host as an address writes it; without a port, the port the scheme implies.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Host {
    name: String,
    port: Option<u16>,
}

impl HostList {
    /// A list of these entries, each `host` or `host:port`.
    ///
    /// # Errors
    /// [`EgressError::HostEntry`] for an entry that is anything else; there are no wildcards.
    pub fn parse<T: AsRef<str>>(entries: impl IntoIterator<Item = T>) -> Result<Self, EgressError> {
        entries.into_iter().map(|entry| Host::parse(entry.as_ref())).collect::<Result<_, _>>().map(Self)
    }

    /// The list with the one host of this address.
    pub fn of(url: &Url) -> Self {
        let host = |name: &str| Host { name: name.to_owned(), port: url.port_or_known_default() };
        Self(url.host_str().map(host).into_iter().collect())
    }

    /// What is on both lists: narrows this one, never widens it.
    pub fn narrowed_to(&self, other: &Self) -> Self {
        let both = self.0.iter().flat_map(|mine| other.0.iter().filter_map(|theirs| mine.overlap(theirs)));
        Self(both.collect())
    }

    /// Whether calls may go to this address.
    pub fn allows(&self, url: &Url) -> bool {
        let scheme_allowed = match url.scheme() {
            "https" => true,
            "http" => is_this_machine(url),
            _ => false,
        };
        scheme_allowed && self.names(url)
    }

    /// Whether host and port of the address are on the list, whatever the scheme.
    pub(super) fn names(&self, url: &Url) -> bool {
        url.username().is_empty() && url.password().is_none() && self.0.iter().any(|host| host.is_of(url))
    }
}

impl Host {
    fn parse(entry: &str) -> Result<Self, EgressError> {
        let wrong = || EgressError::HostEntry { entry: entry.to_owned() };
        let foreign = |c: char| c.is_whitespace() || c.is_control() || "/\\?#@*".contains(c);
        if entry.contains(foreign) || entry.ends_with(':') {
            return Err(wrong());
        }
        let secure = Url::parse(&format!("https://{entry}")).map_err(|_| wrong())?;
        let plain = Url::parse(&format!("http://{entry}")).map_err(|_| wrong())?;
        let name = secure.host_str().ok_or_else(wrong)?;
        // Each of the two leaves out the port that its scheme implies.
        let port = secure.port().or(plain.port());
        Ok(Self { name: name.to_owned(), port })
    }

    fn is_of(&self, url: &Url) -> bool {
        let port = url.port_or_known_default();
        let default = if url.scheme() == "https" { 443 } else { 80 };
        url.host_str() == Some(&self.name) && port == Some(self.port.unwrap_or(default))
    }

    fn overlap(&self, other: &Self) -> Option<Self> {
        let port = match (self.port, other.port) {
            (mine, theirs) if mine == theirs => mine,
            (None, Some(port @ (80 | 443))) | (Some(port @ (80 | 443)), None) => Some(port),
            _ => return None,
        };
        (self.name == other.name).then(|| Self { name: self.name.clone(), port })
    }
}
