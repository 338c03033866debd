//! A person's browser without its window: it keeps cookies for one host, follows nothing by itself, and sends forms.

#![expect(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

use indexmap::IndexMap;
use regex::Regex;
use reqwest::redirect::Policy;
use reqwest::{Client, RequestBuilder, Url};

use super::bus::{Answer, send};

/// What browsers accept of a page.
pub(crate) const HTML: &str = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8";

/// A browser at one host.
#[derive(Clone)]
pub(crate) struct Browser {
    base: Url,
    client: Client,
    /// In the order in which they were first set (RFC 6265, 5.4).
    pub(crate) cookies: IndexMap<String, String>,
    /// Every `Set-Cookie` line that came in.
    pub(crate) set: Vec<String>,
    /// Every address it was sent to.
    pub(crate) visited: Vec<String>,
}

impl Browser {
    pub(crate) fn at(base: &str) -> Self {
        let client = Client::builder()
            .pool_max_idle_per_host(0)
            .no_proxy()
            .tls_certs_only([])
            .redirect(Policy::none())
            .build()
            .unwrap();
        let base = base.parse().unwrap();
        Self { base, client, cookies: IndexMap::new(), set: Vec::new(), visited: Vec::new() }
    }

    /// The same browser, where the gateway is found at another port, after which its cookies are named.
    pub(crate) fn moved_to(&self, base: &str) -> Self {
        let mut moved = Self::at(base);
        let (before, now) = (self.port(), moved.port());
        let renamed = self.cookies.iter().map(|(name, value)| (name.replace(&before, &now), value.clone()));
        moved.cookies = renamed.collect();
        moved
    }

    /// Follows a link of the gateway's own pages.
    pub(crate) async fn get(&mut self, path: &str) -> Answer {
        self.get_from("same-origin", path).await
    }

    /// The same, led there by a page of that site, as browsers tell: `cross-site`.
    pub(crate) async fn get_from(&mut self, site: &str, path: &str) -> Answer {
        let request = self.client.get(self.base.join(path).unwrap());
        self.send(request.header("sec-fetch-site", site)).await
    }

    /// The same in a browser that does not tell who led it there.
    pub(crate) async fn get_silently(&mut self, path: &str) -> Answer {
        let request = self.client.get(self.base.join(path).unwrap());
        self.send(request).await
    }

    /// Follows redirects until there are none, within this host.
    pub(crate) async fn follow(&mut self, mut answer: Answer) -> Answer {
        while let Some(to) = answer.header("location").map(str::to_owned) {
            answer = self.get(&to).await;
        }
        answer
    }

    /// Sends the form of a page that leads to `action`, with its hidden fields and these.
    pub(crate) async fn submit(&mut self, page: &Answer, action: &str, more: &[(&str, &str)]) -> Answer {
        let request = self.filled(page, action, more);
        self.send(request).await
    }

    /// The same in a browser that tells who led it there.
    pub(crate) async fn submit_telling(
        &mut self,
        page: &Answer,
        action: &str,
        more: &[(&str, &str)],
    ) -> Answer {
        let request = self.filled(page, action, more).header("sec-fetch-site", "same-origin");
        self.send(request).await
    }

    fn filled(&self, page: &Answer, action: &str, more: &[(&str, &str)]) -> RequestBuilder {
        let fields = hidden(page, action);
        let fields: Vec<_> =
            fields.iter().map(|(name, value)| (&**name, &**value)).chain(more.iter().copied()).collect();
        self.form(action, &fields)
    }

    /// A form with these fields.
    pub(crate) fn form(&self, action: &str, fields: &[(&str, &str)]) -> RequestBuilder {
        let mut body = Url::parse("form:").unwrap();
        body.query_pairs_mut().extend_pairs(fields);
        let request = self.client.post(self.base.join(action).unwrap());
        let request = request.header("content-type", "application/x-www-form-urlencoded");
        request.body(body.query().unwrap_or_default().to_owned())
    }

    pub(crate) async fn send(&mut self, request: RequestBuilder) -> Answer {
        let jar: Vec<_> = self.cookies.iter().map(|(name, value)| format!("{name}={value}")).collect();
        let answer = send(request.header("accept", HTML).header("cookie", jar.join("; "))).await;
        self.take_in(&answer);
        answer
    }

    /// Keeps the cookies of an answer, and where it leads.
    pub(crate) fn take_in(&mut self, answer: &Answer) {
        for line in answer.headers.get_all("set-cookie") {
            let line = line.to_str().unwrap();
            self.set.push(line.to_owned());
            let (name, value) = line.split(';').next().unwrap().split_once('=').unwrap();
            match line.contains("Max-Age=0") {
                true => drop(self.cookies.shift_remove(name)),
                false => drop(self.cookies.insert(name.to_owned(), value.to_owned())),
            }
        }
        self.visited.extend(answer.header("location").map(str::to_owned));
    }

    /// The name of the cookie of its session.
    pub(crate) fn session_cookie(&self) -> String {
        format!("endo_session{}", self.port())
    }

    /// What stands in the names of its cookies for the port of the gateway.
    pub(crate) fn port(&self) -> String {
        format!("_{}", self.base.port().unwrap())
    }

    /// The names of the cookies of sign-ins that are under way.
    pub(crate) fn flows(&self) -> Vec<String> {
        self.cookies.keys().filter(|name| name.starts_with("endo_flow_")).cloned().collect()
    }
}

/// Goes to the API's provider; answers the state that has to come back.
pub(crate) async fn depart(browser: &mut Browser, path: &str) -> String {
    let answer = browser.get(path).await;
    assert_eq!(answer.status, 302, "{answer:?}");
    state_of(&answer)
}

/// The state with which an answer sends a browser elsewhere.
pub(crate) fn state_of(answer: &Answer) -> String {
    let url: Url = answer.header("location").unwrap().parse().unwrap();
    url.query_pairs().find(|(name, _)| name == "state").unwrap().1.into_owned()
}

/// Where a page leads browsers on to by themselves, as the policy of the form allows that led to it: no further than the gateway.
pub(crate) fn led_on(answer: &Answer) -> String {
    assert_eq!(answer.status, 200, "{answer:?}");
    let policy = answer.header("content-security-policy").unwrap();
    assert!(policy.contains("form-action 'self';"), "{policy}");
    let to = answer.header("refresh").unwrap().strip_prefix("0; url=").unwrap();
    let link = format!("href=\"{}\"", to.replace('&', "&amp;"));
    assert!(answer.text.contains(&link), "nor does anybody stay who has no refresh: {answer:?}");
    to.to_owned()
}

/// Where the provider sends a browser back to, with a code that it takes.
pub(crate) fn callback(state: &str) -> String {
    format!("/auth/api/callback?code=good%20code&state={state}")
}

/// Comes back from the provider, with a code that it takes.
pub(crate) async fn come_back(browser: &mut Browser, state: &str) -> Answer {
    browser.get(&callback(state)).await
}

/// The hidden fields of the form that leads to `action`.
pub(crate) fn hidden(page: &Answer, action: &str) -> Vec<(String, String)> {
    let form =
        Regex::new(&format!(r#"(?s)<form method="post" action="{}">(.*?)</form>"#, regex::escape(action)));
    let form = form.unwrap().captures(&page.text).unwrap_or_else(|| panic!("no form to {action}: {page:?}"));
    let input = Regex::new(r#"<input type="hidden" name="([^"]*)" value="([^"]*)">"#).unwrap();
    input.captures_iter(&form[1]).map(|found| (found[1].to_owned(), found[2].replace("&amp;", "&"))).collect()
}
