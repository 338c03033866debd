//! A client: what its device says about it, and where it wants people sent back to.

use std::net::IpAddr;

use serde_json::Value;

use super::super::whitelist::{List, allows_everybody};
use crate::egress::Url;
use crate::legible::seen;
use crate::message::DeviceUuid;

/// In characters: what people read of a name.
const MAX_NAME: usize = 80;
/// Further ones are not looked at.
const MAX_TARGETS: usize = 32;

/// A device that may ask to act as others.
#[derive(Clone, Debug)]
pub struct Client {
    /// The device.
    pub uuid: DeviceUuid,
    /// What people are told it is called: `options.name`, else `name`. One line.
    pub name: String,
    /// Whether it always sends `state` (`options.state`), so that a request without it is not from there.
    pub requires_state: bool,
    /// Whether it always uses PKCE (`options.pkce`).
    pub requires_pkce: bool,
    /// Whether everybody may change its device, and so send people where they like.
    pub is_anybodys: bool,
    /// `options.callbackUrl`, then `options.redirectUris`.
    registered: Vec<String>,
}

impl Client {
    /// The client of this document; none if not everybody may see it, as the original's provider had to, or if it
    /// names no address that people can be sent to.
    pub fn of(document: &Value) -> Option<Self> {
        let uuid = document.get("uuid")?.as_str()?;
        let options = document.get("options")?;
        let more = options.get("redirectUris").and_then(Value::as_array).into_iter().flatten();
        let named = options.get("callbackUrl").into_iter().chain(more).filter_map(Value::as_str);
        let registered: Vec<_> =
            named.filter(|uri| target(uri).is_some()).take(MAX_TARGETS).map(str::to_owned).collect();
        let is_set = |name| options.get(name) == Some(&Value::Bool(true));
        let client = Self {
            uuid: uuid.into(),
            name: [options.get("name"), document.get("name")]
                .into_iter()
                .flatten()
                .filter_map(|name| one_line(name.as_str()?))
                .next()
                .unwrap_or_else(|| uuid.to_owned()),
            requires_state: is_set("state"),
            requires_pkce: is_set("pkce"),
            is_anybodys: allows_everybody(document, List::ConfigureUpdate),
            registered,
        };
        let is_known = allows_everybody(document, List::DiscoverView);
        Some(client).filter(|client| is_known && !client.registered.is_empty())
    }

    /// Where to send people back to: the address that the request names, if it is registered exactly so, else the
    /// first registered one.
    pub fn target(&self, named: Option<&str>) -> Option<Url> {
        match named {
            None => target(self.registered.first()?),
            Some(named) => {
                let named_url = target(named)?;
                let is_registered = |uri: &String| uri == named || differ_in_port(uri, &named_url);
                self.registered.iter().any(is_registered).then_some(named_url)
            }
        }
    }
}

/// Whether both are addresses of a program on the person's own machine, which gets another port at every start
/// (RFC 8252, 7.3).
fn differ_in_port(registered: &str, named: &Url) -> bool {
    let Some(mut registered) = target(registered).filter(is_own_machine) else { return false };
    registered.set_port(named.port()).is_ok() && registered == *named
}

fn is_own_machine(url: &Url) -> bool {
    let address = url.host_str().map(|host| host.trim_matches(['[', ']']).parse::<IpAddr>());
    url.scheme() == "http" && matches!(address, Some(Ok(address)) if address.is_loopback())
}

/// A URI that a browser can be sent to with an answer: of the web, or of an application's own scheme, whose name is a
/// domain's turned round (RFC 8252, 7.1).
fn target(uri: &str) -> Option<Url> {
    let url = Url::parse(uri).ok()?;
    let is_fit = match url.scheme() {
        "http" | "https" => url.has_host(),
        scheme => scheme.contains('.'),
    };
    (is_fit && url.fragment().is_none()).then_some(url)
}

/// What people see of the text, as one line.
pub(super) fn one_line(text: &str) -> Option<String> {
    let line: String = seen(text).skip_while(|c| c.is_whitespace()).take(MAX_NAME).collect();
    let line = line.trim_end().to_owned();
    (!line.is_empty()).then_some(line)
}
