//! What is known of the browser that a request comes from.

use std::net::IpAddr;

use actix_web::HttpRequest;
use actix_web::http::header::{COOKIE, HOST, HeaderMap, HeaderValue, ORIGIN};

use zeroize::Zeroizing;

use crate::egress::Url;
use crate::vault::Pass;

/// The newest sign-ins under way that one browser remembers: one for each tab.
const MOST_FLOWS: usize = 8;
/// What stands between passes in a cookie; it is in none of them.
const BETWEEN: &str = ".";
/// What ends a cookie's life.
const GONE: &str = "; Max-Age=0";

/// A cookie of the gateway.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Cookie {
    /// Of a session.
    Session,
    /// Of the sign-ins that are under way.
    Flow,
}

/// A browser, and the address under which it knows the gateway.
#[derive(Clone, Debug)]
pub(in crate::http) struct Browser {
    /// What it shows of a session.
    pub(in crate::http) session: Option<Pass>,
    /// What it shows of sign-ins that are under way, the newest first.
    pub(in crate::http) flows: Vec<Pass>,
    /// Whether the page that sends the request may be one of the gateway's own.
    pub(in crate::http) may_be_ours: bool,
    /// Whether it says that nothing but the gateway's own pages led here.
    pub(in crate::http) is_led_by_us: bool,
    /// Whether it is one of those that tell who led here.
    pub(in crate::http) tells_who_led: bool,
    is_here: bool,
}

impl Browser {
    pub(in crate::http) fn of(request: &HttpRequest) -> Self {
        let headers = request.headers();
        let host = text(headers, HOST.as_str()).unwrap_or_default();
        let is_here = Url::parse(&format!("http://{host}/")).is_ok_and(|url| is_this_machine(&url));
        let passes = |cookie: Cookie| {
            let name = cookie.name(is_here);
            let cookies = headers.get_all(COOKIE).filter_map(|line| line.to_str().ok());
            let mut pairs =
                cookies.flat_map(|line| line.split(';')).filter_map(|pair| pair.trim().split_once('='));
            let value = pairs.find(|(key, _)| *key == name).map(|(_, value)| value).unwrap_or_default();
            value.split(BETWEEN).filter_map(Pass::parse).take(MOST_FLOWS).collect::<Vec<_>>()
        };
        Self {
            session: passes(Cookie::Session).into_iter().next(),
            flows: passes(Cookie::Flow),
            may_be_ours: may_be_ours(headers, host),
            is_led_by_us: text(headers, "sec-fetch-site") == Some("same-origin"),
            tells_who_led: headers.contains_key("sec-fetch-site"),
            is_here,
        }
    }

    /// The header that makes the browser keep the pass of its session: for this host alone, out of reach of scripts, until
    /// it is closed.
    pub(in crate::http) fn keep_session(&self, pass: &Pass) -> HeaderValue {
        self.set(Cookie::Session, &pass.expose(), "")
    }

    /// The header that makes the browser forget its session.
    pub(in crate::http) fn forget_session(&self) -> HeaderValue {
        self.set(Cookie::Session, "", GONE)
    }

    /// The header that makes the browser keep the pass of a sign-in that begins, beside those of the newest others.
    pub(in crate::http) fn depart(&self, pass: &Pass) -> HeaderValue {
        self.keep_flows(std::iter::once(pass).chain(&self.flows).take(MOST_FLOWS))
    }

    /// The header that makes the browser forget the pass of a sign-in that it came back from.
    pub(in crate::http) fn arrive(&self, pass: &Pass) -> HeaderValue {
        self.keep_flows(self.flows.iter().filter(|other| other.fingerprint() != pass.fingerprint()))
    }

    fn keep_flows<'a>(&self, passes: impl Iterator<Item = &'a Pass>) -> HeaderValue {
        let passes: Vec<_> = passes.map(Pass::expose).collect();
        let texts: Vec<_> = passes.iter().map(|text| text.as_str()).collect();
        self.set(Cookie::Flow, &Zeroizing::new(texts.join(BETWEEN)), if texts.is_empty() { GONE } else { "" })
    }

    /// Other machines reach the gateway through a proxy that speaks TLS.
    fn set(&self, cookie: Cookie, value: &str, life: &str) -> HeaderValue {
        let secure = if self.is_here { "" } else { "; Secure" };
        let name = cookie.name(self.is_here);
        let text = format!("{name}={value}; Path=/; HttpOnly; SameSite=Lax{secure}{life}");
        let mut value = HeaderValue::from_str(&text).expect("names and base64url are ASCII");
        value.set_sensitive(true);
        value
    }
}

impl Cookie {
    /// The prefix keeps other hosts of the same domain from setting it, where it can be used.
    fn name(self, is_here: bool) -> &'static str {
        match (self, is_here) {
            (Self::Session, true) => "endo_session",
            (Self::Session, false) => "__Host-endo_session",
            (Self::Flow, true) => "endo_flow",
            (Self::Flow, false) => "__Host-endo_flow",
        }
    }
}

/// Another port of the same host is another origin, but a browser sends it the same cookies. Pages that send no
/// referrer are of the origin `null`.
fn may_be_ours(headers: &HeaderMap, host: &str) -> bool {
    if let Some(site) = text(headers, "sec-fetch-site") {
        return site == "same-origin";
    }
    match text(headers, ORIGIN.as_str()) {
        None | Some("null") => true,
        Some(origin) => {
            origin.split_once("://").is_some_and(|(_, authority)| authority.eq_ignore_ascii_case(host))
        }
    }
}

fn text<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name)?.to_str().ok()
}

fn is_this_machine(url: &Url) -> bool {
    let host = url.host_str().unwrap_or_default().trim_matches(['[', ']']);
    host == "localhost"
        || host.ends_with(".localhost")
        || host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}
