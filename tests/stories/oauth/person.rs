//! A person's browser: keeps one cookie, follows nothing by itself, and fills forms in.

use std::collections::HashMap;

use regex::Regex;
use reqwest::redirect::Policy;
use reqwest::{Client, RequestBuilder, Url};

use crate::support::browser::HTML;
use crate::support::bus::{Answer, Device, send};

pub(super) struct Person {
    base: Url,
    client: Client,
    /// `name=value`.
    pub(super) cookie: Option<String>,
}

impl Person {
    pub(super) fn at(base: &str) -> Self {
        let client =
            Client::builder().no_proxy().tls_certs_only([]).redirect(Policy::none()).build().unwrap();
        Self { base: base.parse().unwrap(), client, cookie: None }
    }

    pub(super) async fn get(&mut self, path: &str) -> Answer {
        let request = self.client.get(self.base.join(path).unwrap());
        self.send(request).await
    }

    /// The same as browsers ask.
    pub(super) async fn get_page(&mut self, path: &str) -> Answer {
        self.get_accepting(path, HTML).await
    }

    pub(super) async fn get_accepting(&mut self, path: &str, accept: &str) -> Answer {
        let request = self.client.get(self.base.join(path).unwrap()).header("accept", accept);
        self.send(request).await
    }

    /// Fills the sign-in form in, and goes where its answer leads.
    pub(super) async fn sign_in(&mut self, path: &str, device: &Device) -> Answer {
        let page = self.get(path).await;
        let answer = self.try_to_sign_in(&page, device).await;
        assert_eq!(answer.status, 303, "{answer:?}");
        self.get(answer.header("location").unwrap()).await
    }

    pub(super) async fn try_to_sign_in(&mut self, page: &Answer, device: &Device) -> Answer {
        let fields = [("answer", "sign-in"), ("uuid", &device.uuid), ("token", &device.token)];
        self.submit(page, &fields).await
    }

    /// Presses the button of this value.
    pub(super) async fn press(&mut self, page: &Answer, button: &str) -> Answer {
        assert!(page.text.contains(&format!(r#"name="answer" value="{button}""#)), "{page:?}");
        self.submit(page, &[("answer", button)]).await
    }

    /// Sends the form of `page` with these fields and the one that the form itself holds.
    pub(super) async fn submit(&mut self, page: &Answer, fields: &[(&str, &str)]) -> Answer {
        let ticket = attribute(page, r#"name="ticket" value="([^"]*)""#);
        let fields: Vec<_> = fields.iter().copied().chain([("ticket", &*ticket)]).collect();
        let request = self.form(&attribute(page, r#"<form method="post" action="([^"]*)""#), &fields);
        self.send(request).await
    }

    pub(super) fn form(&self, action: &str, fields: &[(&str, &str)]) -> RequestBuilder {
        let mut body = Url::parse("form:").unwrap();
        body.query_pairs_mut().extend_pairs(fields);
        let request = self.client.post(self.base.join(action).unwrap());
        let request = request.header("content-type", "application/x-www-form-urlencoded");
        request.body(body.query().unwrap().to_owned())
    }

    pub(super) async fn send(&mut self, request: RequestBuilder) -> Answer {
        let request = self.cookie.iter().fold(request, |request, cookie| request.header("cookie", cookie));
        let answer = send(request).await;
        if let Some(cookie) = answer.header("set-cookie") {
            self.cookie = Some(cookie.split(';').next().unwrap().to_owned());
        }
        answer
    }
}

fn attribute(page: &Answer, pattern: &str) -> String {
    let found = Regex::new(pattern).unwrap().captures(&page.text).unwrap_or_else(|| panic!("{page:?}"));
    found[1].replace("&amp;", "&")
}

/// Where an answer sends the browser.
pub(super) fn location(answer: &Answer) -> Url {
    assert_eq!(answer.status, 303, "{answer:?}");
    answer.header("location").unwrap().parse().unwrap()
}

/// The parameters of the address that an answer sends the browser to.
pub(super) fn query(answer: &Answer) -> HashMap<String, String> {
    location(answer).query_pairs().into_owned().collect()
}
