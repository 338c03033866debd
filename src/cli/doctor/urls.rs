//! Whether others can reach the gateway where the settings say.

use reqwest::Url;

use super::case::Case;
use super::finding::{Change, Check};
use crate::egress::is_this_machine;

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
        return Check::wrong(NAME, "listen.public_url is not set", WHY, change);
    };
    // That it is an address at all, without secrets in it, the settings see to.
    if Url::parse(url).is_ok_and(|url| url.scheme() == "http" && !is_this_machine(&url)) {
        let wrong = "listen.public_url is http: whoever is on the way reads and changes the messages";
        return Check::wrong(NAME, wrong, WHY, set("an https address"));
    }
    Check::well(NAME, url)
}

/// Host and port of an address, which is all that is told of it.
pub(super) fn place(text: &str) -> Option<String> {
    let url = Url::parse(text).ok()?;
    let port = url.port().map(|port| format!(":{port}")).unwrap_or_default();
    Some(format!("{}{port}", url.host_str()?))
}
