//! Who may do what to a device: the decision over its whitelists (`spec/meshblu.md` 3).

use std::collections::HashSet;

use serde_json::{Map, Value, json};

use crate::message::DeviceUuid;

/// In a whitelist: every device.
pub const ANYONE: &str = "*";

/// One of the thirteen lists a device may carry under `meshblu.whitelists`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum List {
    /// Read the device.
    DiscoverView,
    /// Read and search as the device.
    DiscoverAs,
    /// Update or unregister the device, handle its tokens and its subscriptions.
    ConfigureUpdate,
    /// Do that to third devices as the device.
    ConfigureAs,
    /// Receive the device's own configure and unregister events.
    ConfigureSent,
    /// Receive the configure and unregister events that reach the device.
    ConfigureReceived,
    /// Send messages to the device.
    MessageFrom,
    /// Send messages as the device.
    MessageAs,
    /// Receive the messages that the device sends.
    MessageSent,
    /// Receive the messages that the device receives.
    MessageReceived,
    /// Broadcast as the device.
    BroadcastAs,
    /// Receive the device's broadcasts.
    BroadcastSent,
    /// Receive the broadcasts that reach the device.
    BroadcastReceived,
}

impl List {
    /// Every list there is.
    pub const ALL: [Self; 13] = [
        Self::DiscoverView,
        Self::DiscoverAs,
        Self::ConfigureUpdate,
        Self::ConfigureAs,
        Self::ConfigureSent,
        Self::ConfigureReceived,
        Self::MessageFrom,
        Self::MessageAs,
        Self::MessageSent,
        Self::MessageReceived,
        Self::BroadcastAs,
        Self::BroadcastSent,
        Self::BroadcastReceived,
    ];

    /// Those that put a device into others' hands: who configures it makes tokens of it, too.
    const HANDS_OVER: [Self; 4] =
        [Self::ConfigureUpdate, Self::ConfigureAs, Self::DiscoverAs, Self::MessageAs];

    /// Where the list lies under `meshblu.whitelists`: group and name.
    pub const fn place(self) -> (&'static str, &'static str) {
        match self {
            Self::DiscoverView => ("discover", "view"),
            Self::DiscoverAs => ("discover", "as"),
            Self::ConfigureUpdate => ("configure", "update"),
            Self::ConfigureAs => ("configure", "as"),
            Self::ConfigureSent => ("configure", "sent"),
            Self::ConfigureReceived => ("configure", "received"),
            Self::MessageFrom => ("message", "from"),
            Self::MessageAs => ("message", "as"),
            Self::MessageSent => ("message", "sent"),
            Self::MessageReceived => ("message", "received"),
            Self::BroadcastAs => ("broadcast", "as"),
            Self::BroadcastSent => ("broadcast", "sent"),
            Self::BroadcastReceived => ("broadcast", "received"),
        }
    }

    /// The version 1 properties that give this list (`spec/meshblu.md` 3.4).
    const fn version_1(self) -> &'static [&'static str] {
        match self {
            Self::DiscoverView | Self::ConfigureSent => &["discoverWhitelist"],
            Self::DiscoverAs => &["discoverAsWhitelist"],
            Self::ConfigureUpdate | Self::MessageSent => &["configureWhitelist"],
            Self::ConfigureAs => &["configureAsWhitelist"],
            Self::MessageFrom => &["sendWhitelist"],
            Self::MessageAs => &["sendAsWhitelist"],
            Self::MessageReceived | Self::BroadcastReceived => &["configureWhitelist", "receiveAsWhitelist"],
            Self::BroadcastSent => &["receiveWhitelist"],
            Self::ConfigureReceived | Self::BroadcastAs => &[],
        }
    }
}

/// Whether `list` on the device of this document lets `who` do what the list is for. A device may always act on itself.
pub fn allows(document: &Value, list: List, who: &DeviceUuid) -> bool {
    itself(document, list).any(|uuid| uuid == who.as_str())
        || named(document, list).any(|uuid| uuid == ANYONE || uuid == who.as_str())
}

/// Leaves those of `many` whom [`allows`] lets in; the list is gone through once, however many they are.
pub fn let_in(document: &Value, list: List, many: &mut Vec<DeviceUuid>) {
    let named: HashSet<&str> = named(document, list).collect();
    if !named.contains(ANYONE) {
        let itself: Vec<&str> = itself(document, list).collect();
        many.retain(|who| itself.contains(&who.as_str()) || named.contains(who.as_str()));
    }
}

/// Whether `list` lets everybody do what it is for.
pub fn allows_everybody(document: &Value, list: List) -> bool {
    allows(document, list, &ANYONE.into())
}

/// Which lists put the device of this document into everybody's hands: whoever likes configures it, makes tokens of it, or
/// acts as it. As a document has them, in its own words; empty where it is closed.
pub fn open_lists(document: &Value) -> Vec<String> {
    handing_over(document)
        .into_iter()
        .filter(|(_, holds)| holds.contains(&ANYONE))
        .map(|(path, _)| path)
        .collect()
}

/// Who else is on those lists, everybody apart.
pub fn named_beside(document: &Value) -> Vec<String> {
    let own = document.get("uuid").and_then(Value::as_str).unwrap_or_default();
    let mut named = Vec::new();
    for name in handing_over(document).into_iter().flat_map(|(_, holds)| holds) {
        if name != ANYONE && name != own && !named.iter().any(|known| known == name) {
            named.push(name.to_owned());
        }
    }
    named
}

/// The update that takes everybody off those lists; none where nothing is to be done.
pub fn closing(document: &Value) -> Option<Value> {
    let entry =
        |path: &str| if path.starts_with("meshblu.") { json!({"uuid": ANYONE}) } else { json!(ANYONE) };
    let pulled: Map<_, _> =
        open_lists(document).into_iter().map(|path| (path.clone(), entry(&path))).collect();
    (!pulled.is_empty()).then(|| json!({"$pull": pulled}))
}

/// The lists of [`List::HANDS_OVER`] that count in this document, and whom they name.
fn handing_over(document: &Value) -> Vec<(String, Vec<&str>)> {
    let mut found = Vec::new();
    for list in List::HANDS_OVER {
        let (group, name) = list.place();
        let entries =
            ["meshblu", "whitelists", group, name].iter().try_fold(document, |value, key| value.get(key));
        let named = named_in(entries, |entry| entry.get("uuid")?.as_str());
        found.push((format!("meshblu.whitelists.{group}.{name}"), named));
        if version(document).and_then(Value::as_str) != Some("2.0.0") {
            let of_old = list.version_1().iter();
            found.extend(
                of_old.map(|name| ((*name).to_owned(), named_in(document.get(*name), Value::as_str))),
            );
        }
    }
    found
}

fn named_in(list: Option<&Value>, uuid: fn(&Value) -> Option<&str>) -> Vec<&str> {
    list.and_then(Value::as_array).into_iter().flatten().filter_map(uuid).collect()
}

/// Whether a search by `actor` may find this document. Not the same as `discover.view`:
/// documents of an unknown version are never found (`spec/meshblu.md` 1.6).
pub fn visible_to(document: &Value, actor: &DeviceUuid) -> bool {
    match version(document) {
        None | Some(Value::Null) => visible_by_version_1(document, actor),
        Some(Value::String(version)) if version == "1.0.0" => visible_by_version_1(document, actor),
        Some(Value::String(version)) if version == "2.0.0" => {
            is(document, "uuid", actor) || names(document, List::DiscoverView, actor)
        }
        Some(_) => false,
    }
}

/// The members that [`visible_to`] looks at, and of these whitelists whether they name the actor.
pub const LOOKED_AT: ([&[&str]; 3], [&[&str]; 2]) = (
    [&["uuid"], &["owner"], &["meshblu", "version"]],
    [&["discoverWhitelist"], &["meshblu", "whitelists", "discover", "view"]],
);

fn visible_by_version_1(document: &Value, actor: &DeviceUuid) -> bool {
    is(document, "uuid", actor)
        || is(document, "owner", actor)
        || items(document.get("discoverWhitelist"))
            .filter_map(Value::as_str)
            .any(|uuid| uuid == ANYONE || uuid == actor.as_str())
}

fn version(document: &Value) -> Option<&Value> {
    document.get("meshblu")?.get("version")
}

fn is(document: &Value, property: &str, who: &DeviceUuid) -> bool {
    document.get(property).and_then(Value::as_str) == Some(who.as_str())
}

fn names(document: &Value, list: List, who: &DeviceUuid) -> bool {
    names_of_version_2(document, list).any(|uuid| uuid == ANYONE || uuid == who.as_str())
}

/// The names that `list` lets in and that never stand for everybody.
fn itself(document: &Value, list: List) -> impl Iterator<Item = &str> {
    let owner = (is_derived(document) && list != List::BroadcastAs).then_some("owner");
    ["uuid"].into_iter().chain(owner).filter_map(|property| document.get(property)?.as_str())
}

/// The entries of `list`, among them those of the properties from which it follows by version 1.
fn named(document: &Value, list: List) -> impl Iterator<Item = &str> {
    let version_1: &[_] = if is_derived(document) { list.version_1() } else { &[] };
    let derived = version_1.iter().flat_map(|property| items(document.get(property)));
    names_of_version_2(document, list).chain(derived.filter_map(Value::as_str))
}

fn names_of_version_2(document: &Value, list: List) -> impl Iterator<Item = &str> {
    let (group, name) = list.place();
    let list = ["meshblu", "whitelists", group, name].iter().try_fold(document, |value, key| value.get(key));
    items(list).filter_map(|entry| entry.get("uuid")?.as_str())
}

fn is_derived(document: &Value) -> bool {
    version(document).and_then(Value::as_str) != Some("2.0.0")
}

fn items(list: Option<&Value>) -> impl Iterator<Item = &Value> {
    list.and_then(Value::as_array).into_iter().flatten()
}
