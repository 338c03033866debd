//! The checks of what the service device has a Meshblu post, and where to (`spec/meshblu.md` 5.1).

use http::Method;
use reqwest::Url;
use serde_json::{Value, json};

use super::case::Case;
use super::finding::{Change, Check};
use super::here::{Here, is_a_gateways};
use super::lists::adding;
use super::urls::place;
use crate::bus::embedded::forwarder::{Proof, Webhook, webhook_of};

const LIST: &str = "meshblu.forwarders.message.received";

/// One webhook that is as it should be, or none where the gateway reads messages for itself.
pub(super) fn webhooks(case: &Case<'_>) -> Vec<Check> {
    const NAME: &str = "webhook";
    if case.is_embedded() {
        return vec![Check::skipped(NAME, "none is needed: messages arrive in the gateway's own process")];
    }
    let Some(here) = Here::of(case) else {
        return vec![Check::skipped(NAME, "needs listen.public_url")];
    };
    let (ours, others): (Vec<_>, Vec<_>) =
        entries(case).into_iter().partition(|entry| here.receives(&entry.webhook.url));
    let posted = if case.is_posted_to() {
        vec![spoiled(&ours, &here), wanted(case, &ours, &here)]
    } else {
        vec![absent(&ours)]
    };
    posted.into_iter().chain([alone(&others)]).collect()
}

/// An entry that the bus calls.
struct Entry<'a> {
    stored: &'a Value,
    webhook: Webhook,
}

fn entries<'a>(case: &Case<'a>) -> Vec<Entry<'a>> {
    let list = case.document["meshblu"]["forwarders"]["message"]["received"].as_array();
    let read = |stored| Some(Entry { stored, webhook: webhook_of(stored)? });
    list.into_iter().flatten().filter_map(read).collect()
}

impl Entry<'_> {
    /// Whether the bus posts messages by it so that they are taken here; what else it says is its operator's.
    fn is_sound(&self, here: &Here) -> bool {
        self.flaws(here).is_empty()
    }

    /// Why they are not taken.
    fn flaws(&self, here: &Here) -> Vec<&'static str> {
        let scheme = |url: &str| Url::parse(url).ok().map(|url| url.scheme().to_owned());
        let flaws = [
            (self.webhook.method != Method::POST, "is not by POST"),
            (self.webhook.proof != Proof::Signature, "is not signed"),
            // It is signed too, and the gateway knows its own alone.
            (
                scheme(&self.webhook.url) != scheme(&here.url),
                "has another scheme than listen.public_url, which signatures cover",
            ),
        ];
        flaws.into_iter().filter(|(is_there, _)| *is_there).map(|(_, flaw)| flaw).collect()
    }
}

/// The addresses, without what may be secret in them.
fn named(entries: &[Entry<'_>]) -> String {
    let shown = |entry: &Entry<'_>| {
        let mut url = Url::parse(&entry.webhook.url).ok()?;
        url.set_query(None);
        url.set_fragment(None);
        Some(url.to_string())
    };
    entries.iter().filter_map(shown).collect::<Vec<_>>().join(", ")
}

fn entry(url: &str) -> Value {
    json!({"type": "webhook", "url": url, "method": "POST", "signRequest": true})
}

/// Leaves one entry of those that lead here, which is there before another goes: no message falls between.
fn repair(ours: &[Entry<'_>], here: &Here) -> Change {
    let once = |known: &&Entry<'_>| ours.iter().filter(|other| other.stored == known.stored).count() == 1;
    let kept = ours.iter().filter(|known| known.is_sound(here)).find(once);
    let mut new = entry(&here.url);
    if kept.is_none() && ours.iter().any(|known| *known.stored == new) {
        // What is taken away goes wherever it stands, so the one that stays has to differ from it.
        new["name"] = Value::from("endo");
    }
    let add = json!({"$addToSet": {LIST: new}});
    let take = removal(ours.iter().filter(|known| Some(known.stored) != kept.map(|kept| kept.stored)));
    Change::Updates(kept.is_none().then_some(add).into_iter().chain([take]).collect())
}

fn removal<'a>(entries: impl Iterator<Item = &'a Entry<'a>>) -> Value {
    let mut gone: Vec<_> = entries.map(|entry| entry.stored).collect();
    gone.dedup();
    json!({"$pullAll": {LIST: gone}})
}

fn wanted(case: &Case<'_>, ours: &[Entry<'_>], here: &Here) -> Check {
    const NAME: &str = "webhook";
    const WHY: &str = "messages come in by it alone, and only signed ones are taken";
    let is_set = case.document["meshblu"]["forwarders"]["version"] == "2.0.0";
    let version = json!({"$set": {"meshblu.forwarders.version": "2.0.0"}});
    if ours.iter().any(|known| known.is_sound(here)) {
        if is_set {
            return Check::well(NAME, format!("the bus posts messages to {}", named(ours)));
        }
        let wrong = "meshblu.forwarders.version of the service device is not 2.0.0";
        return Check::wrong(NAME, wrong, WHY, Change::Update(version));
    }
    let wrong = format!("the service device has no signed webhook to {}", here.url);
    let add = adding(case.document, LIST, entry(&here.url));
    let updates = [add].into_iter().chain((!is_set).then_some(version)).collect();
    Check::wrong(NAME, wrong, WHY, Change::Updates(updates))
}

/// Whatever else leads here comes in twice or is refused.
fn spoiled(ours: &[Entry<'_>], here: &Here) -> Check {
    const NAME: &str = "webhook entries";
    const WHY: &str = "each entry fires: what is listed twice comes in twice, and what is not signed for this gateway's \
                       address is refused";
    if ours.iter().all(|known| known.is_sound(here)) && ours.len() <= 1 {
        return Check::well(NAME, "nothing else is posted there");
    }
    let named = named(ours);
    let wrong = match ours {
        [one] => {
            let flaws = one.flaws(here).join(", and ");
            format!("the entry of {LIST} that leads here, to {named}, {flaws}")
        }
        _ => format!("entries of {LIST} lead here more than once: {named}"),
    };
    Check::wrong(NAME, wrong, WHY, repair(ours, here))
}

fn absent(ours: &[Entry<'_>]) -> Check {
    const NAME: &str = "webhook";
    const WHY: &str =
        "the gateway reads messages off its own connection, so a webhook would bring each a second time";
    if ours.is_empty() {
        return Check::well(NAME, "none, as the gateway reads messages off its own connection");
    }
    let wrong = format!("the service device has a webhook to {}", named(ours));
    Check::wrong(NAME, wrong, WHY, Change::Update(removal(ours.iter())))
}

/// Gateways without a common store must not share a service device.
fn alone(others: &[Entry<'_>]) -> Check {
    const NAME: &str = "one gateway";
    const WHY: &str = "each of them would answer every message, and the one that renews a secret makes the other's \
                       useless; only gateways with a common store may share a service device";
    let elsewhere = others.iter().map(|other| &other.webhook.url).filter(|other| is_a_gateways(other));
    let mut places: Vec<_> =
        elsewhere.map(|other| place(other).unwrap_or_else(|| "no address".to_owned())).collect();
    places.sort();
    places.dedup();
    if places.is_empty() {
        return Check::well(NAME, "messages are posted to no other");
    }
    let wrong = format!("messages are posted to other gateways too: {}", places.join(", "));
    let change =
        format!("stop the gateway that shall go, and remove its entry from {LIST} of the service device");
    Check::wrong(NAME, wrong, WHY, Change::Operator(change))
}
