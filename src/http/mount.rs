//! The path below which browsers know the gateway, where `listen.public_url` has one.
//!
//! Inside, every path begins at the root; what is in front of the gateway has more before it, and takes that off, or not.

use actix_web::HttpResponse;
use actix_web::body::{BoxBody, MessageBody};
use actix_web::dev::ServiceRequest;
use actix_web::http::Uri;
use actix_web::http::header::{CONTENT_SECURITY_POLICY, HeaderName, HeaderValue, LOCATION, REFRESH};

use crate::egress::Url;

/// A path without a slash at its end; empty as a rule.
#[derive(Clone, Debug, Default)]
pub struct Mount(String);

impl Mount {
    /// That of this address.
    pub fn of(service_url: &str) -> Self {
        let path = Url::parse(service_url).map(|url| url.path().trim_end_matches('/').to_owned());
        Self(path.unwrap_or_default())
    }

    /// Takes it off a request that nothing in front took it off.
    pub(super) fn enter(&self, request: &mut ServiceRequest) {
        if self.0.is_empty() || request.resource_map().has_resource(request.path()) {
            return;
        }
        if let Some(uri) = self.inside(request.uri()) {
            request.match_info_mut().get_mut().update(&uri);
            request.head_mut().uri = uri;
        }
    }

    fn inside(&self, uri: &Uri) -> Option<Uri> {
        let rest = uri.path_and_query()?.as_str().strip_prefix(&*self.0)?;
        let target = match rest.chars().next() {
            Some('/') => rest.to_owned(),
            None | Some('?') => format!("/{rest}"),
            Some(_) => return None,
        };
        let mut parts = uri.clone().into_parts();
        parts.path_and_query = target.parse().ok();
        Uri::from_parts(parts).ok()
    }

    /// Puts it before all paths to which an answer leads a browser.
    pub(super) fn leave(&self, mut answer: HttpResponse) -> HttpResponse {
        if self.0.is_empty() {
            return answer;
        }
        self.lead(&mut answer, LOCATION, "/");
        self.lead(&mut answer, REFRESH, "0; url=/");
        // What else is sent holds no links, or whole addresses.
        if !answer.headers().contains_key(CONTENT_SECURITY_POLICY) {
            return answer;
        }
        let (head, body) = answer.into_parts();
        head.set_body(match body.try_into_bytes() {
            Ok(page) => BoxBody::new(self.links(&String::from_utf8_lossy(&page))),
            Err(body) => body,
        })
    }

    fn lead(&self, answer: &mut HttpResponse, name: HeaderName, start: &str) {
        let to = answer.headers().get(&name).and_then(|value| value.to_str().ok());
        let Some(rest) = to.and_then(|to| to.strip_prefix(start)) else { return };
        let start = start.trim_end_matches('/');
        let to = HeaderValue::from_str(&format!("{start}{}/{rest}", self.0)).expect("paths are ASCII");
        answer.headers_mut().insert(name, to);
    }

    /// A page whose links and forms lead below it. A quotation mark stands in no text and in no value of a page, but as an
    /// entity, so that nothing but attributes looks like one.
    fn links(&self, page: &str) -> String {
        let path = self.0.replace('&', "&amp;");
        let leading =
            |page: String, name: &str| page.replace(&format!(" {name}=\"/"), &format!(" {name}=\"{path}/"));
        ["href", "action"].into_iter().fold(page.to_owned(), leading)
    }
}
