//! Whether others can reach the gateway where the settings say.

use reqwest::Url;

use super::case::Case;
use super::finding::{Change, Check};
use crate::egress::is_this_machine;
use crate::gateway::{in_the_clear, leads_nowhere};

const NAME: &str = "public url";
const WHY: &str = "user devices name the schemas of the jobs by it, a Meshblu posts messages to it, and people who \
                   sign in are sent back to it";

/// Judges `listen.public_url`.
pub(super) fn public_url(case: &Case<'_>) -> Check {
    let set = |what: &str| Change::operator(format!("set listen.public_url to {what}"));
    let Some(url) = case.public_url() else {
        if case.is_embedded() && case.config.listen.gateway.ip().is_loopback() {
            return Check::well(NAME, format!("{}, for this machine alone", case.gateway));
        }
        let change = set("the https address by which others reach this gateway");
        let wrong = format!("listen.public_url is not set, so that it is taken for {}", case.gateway);
        return Check::wrong(NAME, wrong, WHY, change);
    };
    // That it is an address at all, without secrets in it, the settings see to.
    if Url::parse(url).is_ok_and(|url| url.scheme() == "http" && !is_this_machine(&url)) {
        let wrong = "listen.public_url is http: whoever is on the way reads and changes the messages";
        return Check::wrong(NAME, wrong, WHY, set("an https address"));
    }
    if Url::parse(url).is_ok_and(|url| url.scheme() == "https") {
        return Check::well(NAME, format!("{url}, by a proxy that should pass the Host header on"));
    }
    Check::well(NAME, url)
}

/// Judges where people are sent who sign in with the bus.
pub(super) fn bus_page(case: &Case<'_>) -> Check {
    const NAME: &str = "bus sign-in";
    const WHY: &str =
        "whoever comes in from another machine is sent there to sign in with the bus, and finds nothing";
    let set = case.config.bus.oauth_url.as_deref().and_then(place);
    if leads_nowhere(case.config) {
        let wrong = match set {
            Some(place) => format!("bus.oauth_url is {place}, an address of this machine alone"),
            None => "bus.oauth_url is not set, so the page where people sign in is at listen.bus".to_owned(),
        };
        let change = Change::operator(
            "set bus.oauth_url to the https address by which others reach the bus, by a proxy that passes the Host header on",
        );
        return Check::wrong(NAME, wrong, WHY, change);
    }
    if in_the_clear(case.config).contains(&"bus.oauth_url") {
        const WHY: &str = "whoever is on the way reads what people sign in with, and can use it";
        let change = Change::operator("put TLS there, and set bus.oauth_url to the https address");
        return Check::wrong(NAME, "bus.oauth_url is http, and of another machine", WHY, change);
    }
    match set {
        Some(place) => Check::well(NAME, format!("at {place}")),
        None if case.is_embedded() => Check::well(NAME, "at listen.bus, for this machine"),
        None => Check::skipped(NAME, "bus.oauth_url is not set: nobody can sign in with the bus"),
    }
}

/// Host and port of an address, which is all that is told of it.
pub(super) fn place(text: &str) -> Option<String> {
    let url = Url::parse(text).ok()?;
    let port = url.port().map(|port| format!(":{port}")).unwrap_or_default();
    Some(format!("{}{port}", url.host_str()?))
}
