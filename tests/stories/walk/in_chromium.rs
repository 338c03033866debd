//! One person's whole way in Chromium, from an empty directory on.

use std::process::Stdio;

use serde_json::{Value, json};

use crate::support::oidc::{CLIENT_SECRET, RealProvider};
use crate::support::real;
use crate::support::shell::Shell;
use crate::support::terminal::AtTerminal;

/// Where the pictures of the pages are kept.
const SCREENSHOTS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/target/screenshots");

/// The pages that the way leads through.
const PAGES: [&str; 22] = [
    "sign-in",
    "one-time-link",
    "no-credentials",
    "new-credentials",
    "new-device",
    "credentials-with-a-device",
    "jobs",
    "job-form",
    "job-reply",
    "job-that-failed",
    "job-form-with-a-fault",
    "my-credentials",
    "proof-is-asked-for",
    "cut-off",
    "after-the-cut",
    "cut-off-all",
    "leave",
    "forget",
    "after-forgetting",
    "signed-in-again",
    "not-found",
    "signed-out",
];

/// Starts the program and the provider in an empty directory, and walks through all pages.
fn walk(scripts: bool) {
    let mut provider = RealProvider::start();
    let shell = Shell::new();
    let mut command = shell.command(&["serve", "--listen", "127.0.0.1:0", "--bus-listen", "127.0.0.1:0"]);
    for setting in settings(&provider.issuer) {
        command.args(["--set", &setting]);
    }
    command.env("ENDO_SOURCE_CLIENT_SECRET", CLIENT_SECRET).stderr(Stdio::null());
    let program = AtTerminal::start(command);
    let own = program.link.split("/sign-in").next().unwrap();
    provider.register(&format!("{own}/auth/api/callback"));
    let input = json!({
        "link": program.link, "provider": provider.issuer, "screenshots": SCREENSHOTS, "scripts": scripts,
    });
    let walked = real::node("walk.mjs", &input);
    assert_eq!(walked["faults"], Value::Array(Vec::new()));
    assert_eq!(walked["pages"], json!(PAGES));
}

/// The provider as an operator spells it out.
fn settings(issuer: &str) -> Vec<String> {
    let at = |name: &str, path: &str| format!("source.{name}={issuer}{path}");
    let fixed = [
        "source.name=Octohub",
        "source.client_id=gateway",
        "source.scopes=openid,offline_access,profile",
        "source.parameters=prompt=consent",
        "source.profile_id=/sub",
        "source.profile_username=/preferred_username",
        // Long enough for one button, short enough to be over when the person wants to end something.
        "credentials.reauthentication=10",
    ];
    let addresses = [
        at("base_url", ""),
        at("issuer", ""),
        at("authorization_url", "/auth"),
        at("token_url", "/token"),
        at("revocation_url", "/token/revocation"),
        at("profile_url", "/me"),
    ];
    fixed.map(str::to_owned).into_iter().chain(addresses).collect()
}

#[test]
fn a_person_walks_through_every_page_in_chromium_and_axe_finds_no_fault() {
    if real::on("a_person_walks_through_every_page_in_chromium_and_axe_finds_no_fault") {
        walk(true);
    }
}

#[test]
fn a_person_walks_through_every_page_in_a_browser_without_scripts() {
    if real::on("a_person_walks_through_every_page_in_a_browser_without_scripts") {
        walk(false);
    }
}
