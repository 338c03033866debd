//! What is known of the browser that a request comes from.

use std::net::IpAddr;

use actix_web::HttpRequest;
use actix_web::http::header::{COOKIE, HOST, HeaderValue, ORIGIN};

use crate::bus::embedded::oauth::SignInId;
use crate::bus::may_be_ours;
use crate::egress::{Url, is_this_machine};

const COOKIE_NAME: &str = "endo-sign-in";

/// A browser, and the address under which it knows the bus.
#[derive(Clone, Debug)]
pub(super) struct Browser {
    /// What it was given to be known by.
    pub(super) id: Option<SignInId>,
    /// Where it connects from.
    pub(super) peer: Option<IpAddr>,
    /// Whether the page that sends the request may be one of the bus's own. Another port of the same host is another
    /// origin, but a browser sends it the same cookies.
    pub(super) may_be_ours: bool,
    /// The bus as the browser calls it, or as the operator does.
    pub(super) base: Url,
}

impl Browser {
    pub(super) fn of(request: &HttpRequest, known_as: Option<&Url>) -> Self {
        let text = |name: &str| request.headers().get(name).and_then(|value| value.to_str().ok());
        let host = text(HOST.as_str()).unwrap_or_default();
        let base = known_as.cloned().unwrap_or_else(|| base(host));
        let name = cookie_name(&base);
        let cookies = text(COOKIE.as_str()).unwrap_or_default().split(';');
        let ours = cookies.filter_map(|cookie| cookie.trim().split_once('=')).find(|(key, _)| *key == name);
        Self {
            id: ours.and_then(|(_, id)| SignInId::parse(id)),
            peer: request.peer_addr().map(|peer| peer.ip()),
            may_be_ours: may_be_ours(text("sec-fetch-site"), text(ORIGIN.as_str()), host),
            base,
        }
    }

    /// The header that makes the browser keep `id`: for this host alone, out of reach of scripts and of other sites.
    pub(super) fn keep(&self, id: &SignInId) -> HeaderValue {
        let secure = if self.base.scheme() == "https" { "; Secure" } else { "" };
        let (name, id, life) = (cookie_name(&self.base), id.expose(), SignInId::LIFE.as_secs());
        let cookie = format!("{name}={id}; Path=/; Max-Age={life}; HttpOnly; SameSite=Lax{secure}");
        let mut value = HeaderValue::from_str(&cookie).expect("names and base64url are ASCII");
        value.set_sensitive(true);
        value
    }
}

/// The prefix keeps other hosts of the same domain from setting it, where it can be used.
fn cookie_name(base: &Url) -> String {
    let prefix = if base.scheme() == "https" { "__Host-" } else { "" };
    format!("{prefix}{COOKIE_NAME}")
}

/// Other machines reach the bus through a proxy that speaks TLS.
fn base(host: &str) -> Url {
    let url = |scheme: &str| Url::parse(&format!("{scheme}://{host}/")).ok();
    let here = url("http").filter(is_this_machine);
    here.or_else(|| url("https")).unwrap_or_else(|| Url::parse("https://localhost/").expect("it is a URL"))
}
