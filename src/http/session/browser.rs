//! What is known of the browser that a request comes from.

use actix_web::http::Uri;
use actix_web::http::header::{COOKIE, HOST, HeaderMap, HeaderValue, ORIGIN, SET_COOKIE};
use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse};

use crate::bus::may_be_ours;
use crate::egress::{Url, is_this_machine};
use crate::http::server::FrontDoor;
use crate::source::oauth2::LIFE;
use crate::vault::Pass;

/// The newest sign-ins under way that one browser remembers, each in a cookie of its own: those of several tabs overlap.
const MOST_FLOWS: usize = 24;
/// The most cookies that one answer removes. More are there only where somebody else on this host sets them.
const MOST_REMOVED: usize = 64;
/// How much of `state` names the cookie of its sign-in: the nonce that it begins with, in base64url.
const MARK: usize = 16;
/// What ends a cookie's life.
const GONE: &str = "; Max-Age=0";

const SESSION: &str = "endo_session";
/// Before the port and the mark.
const FLOW: &str = "endo_flow";

/// A browser, and the address under which it knows the gateway.
#[derive(Clone, Debug)]
pub(in crate::http) struct Browser {
    /// What it shows of a session.
    pub(in crate::http) session: Option<Pass>,
    /// Whether the page that sends the request may be one of the gateway's own.
    pub(in crate::http) may_be_ours: bool,
    /// Whether it says that nothing but the gateway's own pages led here.
    pub(in crate::http) is_led_by_us: bool,
    /// Whether it is one of those that tell who led here.
    pub(in crate::http) tells_who_led: bool,
    /// What it shows of sign-ins that are under way, by their marks; as browsers have it, the oldest first.
    flows: Vec<(String, Pass)>,
    /// Whether its cookies are for TLS alone.
    is_over_tls: bool,
    /// What its cookies are named after.
    port: String,
    /// The host that it asks, and the port.
    host: String,
}

impl Browser {
    pub(in crate::http) fn of(request: &HttpRequest) -> Self {
        let headers = request.headers();
        let host = text(headers, HOST.as_str()).unwrap_or_default();
        let is_over_tls = is_elsewhere(host) || is_served_over_tls(request);
        let lines = headers.get_all(COOKIE).filter_map(|line| line.to_str().ok());
        let pairs = lines.flat_map(|line| line.split(';')).filter_map(|pair| pair.trim().split_once('='));
        let ours = pairs.filter_map(|(name, value)| Some((name.strip_prefix(prefix(is_over_tls))?, value)));
        let port = if is_over_tls { String::new() } else { port(host) };
        let own = format!("{SESSION}{port}");
        let session = ours.clone().find(|(name, _)| *name == own).map(|(_, value)| value);
        let start = flow_start(&port);
        let flow = |(name, value): (&str, &str)| {
            let mark = name.strip_prefix(&*start)?;
            (mark_of(mark) == Some(mark)).then_some((mark.to_owned(), Pass::parse(value)?))
        };
        Self {
            session: session.and_then(Pass::parse),
            flows: ours.filter_map(flow).collect(),
            may_be_ours: may_be_ours(text(headers, "sec-fetch-site"), text(headers, ORIGIN.as_str()), host),
            is_led_by_us: text(headers, "sec-fetch-site") == Some("same-origin"),
            tells_who_led: headers.contains_key("sec-fetch-site"),
            is_over_tls,
            port,
            host: host.to_owned(),
        }
    }

    /// Where it begins what it asks for by `uri`, if it knows the gateway by another address than this, as far as proxies
    /// pass on what it asks.
    pub(in crate::http) fn begins_at(&self, service_url: &str, uri: &Uri) -> Option<String> {
        (!self.knows_us_as(service_url)).then(|| format!("{}{uri}", service_url.trim_end_matches('/')))
    }

    fn knows_us_as(&self, service_url: &str) -> bool {
        let authority = |url: &str| Url::parse(url).ok().map(|url| url.authority().to_owned());
        let scheme = service_url.split_once("://").map_or("http", |(scheme, _)| scheme);
        authority(&format!("{scheme}://{}/", self.host)) == authority(service_url)
    }

    /// Whether it asks for this machine, as far as proxies pass on what it asks.
    pub(in crate::http) fn is_on_this_machine(&self) -> bool {
        !is_elsewhere(&self.host)
    }

    /// The header that makes the browser keep the pass of its session: for this host alone, out of reach of scripts, until
    /// it is closed.
    pub(in crate::http) fn keep_session(&self, pass: &Pass) -> HeaderValue {
        self.set(&self.session_cookie(), &pass.expose(), "")
    }

    /// The headers that make the browser forget its session, and the sign-ins that are under way.
    pub(in crate::http) fn forget_all(&self) -> Vec<HeaderValue> {
        let flows = self.flows.iter().take(MOST_REMOVED).map(|(mark, _)| self.forget_flow(mark));
        std::iter::once(self.set(&self.session_cookie(), "", GONE)).chain(flows).collect()
    }

    /// What it shows of the sign-in that `state` comes back from: one pass, or several where somebody else on this host
    /// set one too.
    pub(in crate::http) fn passes(&self, state: &str) -> Vec<&Pass> {
        let wanted = mark_of(state);
        self.flows.iter().filter(|(mark, _)| Some(&**mark) == wanted).map(|(_, pass)| pass).collect()
    }

    /// The headers that make the browser keep the pass of a sign-in that begins, for as long as that may take, beside those
    /// of the newest others.
    pub(in crate::http) fn keep_flow(&self, state: &str, pass: &Pass) -> Vec<HeaderValue> {
        let life = format!("; Max-Age={}", LIFE.as_secs());
        let begun = self.set(&self.flow_cookie(state), &pass.expose(), &life);
        let surplus = (self.flows.len() + 1).saturating_sub(MOST_FLOWS).min(MOST_REMOVED);
        let removed = self.flows.iter().take(surplus).map(|(mark, _)| self.forget_flow(mark));
        std::iter::once(begun).chain(removed).collect()
    }

    /// The header that makes the browser forget the pass of the sign-in that it came back from with `state`.
    pub(in crate::http) fn forget_flow(&self, state: &str) -> HeaderValue {
        self.set(&self.flow_cookie(state), "", GONE)
    }

    fn session_cookie(&self) -> String {
        format!("{SESSION}{}", self.port)
    }

    fn flow_cookie(&self, state: &str) -> String {
        format!("{}{}", flow_start(&self.port), mark_of(state).unwrap_or_default())
    }

    fn set(&self, name: &str, value: &str, life: &str) -> HeaderValue {
        let (prefix, secure) = (prefix(self.is_over_tls), if self.is_over_tls { "; Secure" } else { "" });
        let text = format!("{prefix}{name}={value}; Path=/; HttpOnly; SameSite=Lax{secure}{life}");
        let mut value = HeaderValue::from_str(&text).expect("names and base64url are ASCII");
        value.set_sensitive(true);
        value
    }
}

/// Has the browser that gets this answer keep or forget cookies.
pub(in crate::http) fn set_cookies(
    answer: &mut HttpResponse,
    cookies: impl IntoIterator<Item = HeaderValue>,
) {
    cookies.into_iter().for_each(|cookie| answer.headers_mut().append(SET_COOKIE, cookie));
}

/// It keeps other hosts of the same domain from setting a cookie, where it can be used.
fn prefix(is_over_tls: bool) -> &'static str {
    if is_over_tls { "__Host-" } else { "" }
}

/// The cookies of gateways on other ports of this machine have names of their own: browsers send one those of all.
fn port(host: &str) -> String {
    let port = Url::parse(&format!("http://{host}/")).ok().and_then(|url| url.port());
    port.map(|port| format!("_{port}")).unwrap_or_default()
}

/// Other machines reach the gateway through a proxy that speaks TLS.
fn is_elsewhere(host: &str) -> bool {
    !Url::parse(&format!("http://{host}/")).is_ok_and(|url| is_this_machine(&url))
}

/// Whether browsers keep a sign-in at this address: it is this machine's, or is reached over TLS.
pub fn keeps_sign_ins(service_url: &str) -> bool {
    Url::parse(service_url).is_ok_and(|url| url.scheme() == "https" || is_this_machine(&url))
}

/// Whether the settings say that a proxy speaks TLS before the gateway. It need not pass on the host that it was asked for,
/// so that a request for this machine may come from anywhere.
fn is_served_over_tls(request: &HttpRequest) -> bool {
    let door = request.app_data::<Data<FrontDoor>>();
    let entrance = door.and_then(|door| door.entrance().ok());
    let url = entrance.and_then(|entrance| Url::parse(&entrance.service_url).ok());
    url.is_some_and(|url| url.scheme() == "https")
}

/// By what the cookie of a sign-in is told from those of others.
fn mark_of(state: &str) -> Option<&str> {
    let mark = state.get(..MARK)?;
    mark.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte)).then_some(mark)
}

fn flow_start(port: &str) -> String {
    format!("{FLOW}{port}_")
}

fn text<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name)?.to_str().ok()
}
