//! Registering, reading, changing and removing devices (`spec/meshblu.md` 1.3 to 1.7).

use std::sync::Arc;
use std::time::Duration;

use serde_json::{Map, Value, json};

use super::access::Right;
use super::effort::Effort;
use super::listed::Listed;
use super::pieces::Remainder;
use super::projection::Projection;
use super::query::{Query, Wanted};
use super::routing::Event;
use super::update::{DataError, Update};
use super::whitelist::{LOOKED_AT, List, visible_to};
use super::{BusError, Changing, EmbeddedBus, Reading, registration};
use crate::bus::Login;
use crate::message::DeviceUuid;
use crate::store::{HalfDone, Lookup, StoreError, TokenHash, Transaction, indexed_strings};

/// The most devices that one search answers.
const FOUND_AT_MOST: usize = 1000;
/// The most text of large documents that one search answers, in bytes. What does not fit is left out.
const FOUND_BYTES: usize = 32 << 20;
/// Up to here a document is small, in bytes: no large one keeps it from being found.
const SMALL: usize = FOUND_BYTES / FOUND_AT_MOST;
/// The most that one search with a small query compares, in bytes; with a larger one it is less.
const READ_BYTES: usize = 256 << 20;
/// How long the work of a search may take (`spec/meshblu.md` 1.6).
pub(super) const LONGEST: Duration = Duration::from_secs(2);
/// The most texts of one document by which it is looked up.
const MAX_INDEXED: usize = 1_000;
/// Comparing a document with so many operands takes about as long as reading it.
const SMALL_QUERY: usize = 16;

const READ: Right = Right { to_act: List::DiscoverAs, there: List::DiscoverView };
pub(super) const CONFIGURE: Right = Right { to_act: List::ConfigureAs, there: List::ConfigureUpdate };

/// A device that was just registered: the only time, with token reset and token making, that a token is shown.
pub struct Registered {
    /// The new device's name.
    pub uuid: DeviceUuid,
    /// Its document, without the token.
    pub document: Value,
    /// Its root token.
    pub token: zeroize::Zeroizing<String>,
}

impl std::fmt::Debug for Registered {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Registered").field("uuid", &self.uuid).finish_non_exhaustive()
    }
}

impl EmbeddedBus {
    /// The name of a device that is not there yet, and a token that it may get.
    pub fn draw_login(&self) -> Login {
        Login { uuid: self.random.uuid().into(), token: self.random.token().into() }
    }

    /// Registers a device; anybody may.
    ///
    /// # Errors
    /// [`BusError::Data`] when it holds too much to be looked up by; else what the store reports.
    pub fn register(&self, transaction: &Transaction<'_>, body: Value) -> Result<Registered, BusError> {
        self.register_as(transaction, self.random.uuid().into(), body)
    }

    /// The same under a name that was drawn before.
    ///
    /// # Errors
    /// As [`EmbeddedBus::register`].
    pub fn register_as(
        &self,
        transaction: &Transaction<'_>,
        uuid: DeviceUuid,
        body: Value,
    ) -> Result<Registered, BusError> {
        let token = zeroize::Zeroizing::new(self.random.token());
        let document = registration::register(body, &uuid, self.clock.now());
        check_indexed(&document)?;
        transaction.add_device(&uuid, &document)?;
        let hash = TokenHash::of(&token, &uuid, &self.pepper);
        transaction.replace_root_token(&uuid, &hash)?;
        Ok(Registered { uuid, document, token })
    }
}

impl Reading<'_> {
    /// The caller's own document, also when it acts as somebody else.
    ///
    /// # Errors
    /// [`BusError::Forbidden`] when the device it acts as may not view it.
    pub fn whoami(&self) -> Result<Value, BusError> {
        self.device(&self.caller.auth)
    }

    /// The document of `uuid`.
    ///
    /// # Errors
    /// [`BusError::Forbidden`], also when there is no such device.
    pub fn device(&self, uuid: &DeviceUuid) -> Result<Value, BusError> {
        let document = self.permit(uuid, READ)?;
        Ok(registration::public(Arc::unwrap_or_clone(document)))
    }

    /// The devices that match, newest first, as far as the caller may see them; at most 1000, and of large ones no
    /// more than fit into one answer.
    ///
    /// # Errors
    /// [`BusError::Forbidden`] when the caller may not act as it wants to; the store's
    /// [`TooSlow`](crate::store::StoreError::TooSlow) when it would take too long.
    pub fn search(&self, query: &Query, projection: Option<&Projection>) -> Result<Listed, BusError> {
        self.may_act(List::DiscoverAs)?;
        let mut wanted = Wanted::default();
        LOOKED_AT.0.iter().for_each(|path| wanted.add(path));
        LOOKED_AT.1.iter().for_each(|path| wanted.add_entries(path));
        query.look(&mut wanted);
        let shows_excerpt = projection.is_some_and(|projection| projection.look(&mut wanted));
        let effort = Effort::within(LONGEST, &self.bus.stopwatch);
        let mut to_compare = READ_BYTES / (1 + query.weight() / SMALL_QUERY);
        let (mut found, mut left) = (Listed::new(), FOUND_BYTES);
        self.view.visit_texts(&lookup(query), |_, text| {
            effort.look()?;
            let excerpt =
                wanted.read(text, &self.caller.acting).map_err(|error| StoreError::unreadable(&error))?;
            if !visible_to(&excerpt.document, &self.caller.acting) {
                return Ok(true);
            }
            to_compare = to_compare.checked_sub(excerpt.cost).ok_or(StoreError::TooSlow)?;
            if !query.matches(&excerpt.document, &effort)? {
                return Ok(true);
            }
            let bytes = if shows_excerpt { excerpt.cost } else { text.len() };
            let Some(rest) = left.checked_sub(if bytes > SMALL { bytes } else { 0 }) else { return Ok(true) };
            left = rest;
            let document = match shows_excerpt {
                true => excerpt.document,
                false => serde_json::from_str(text).map_err(|error| StoreError::unreadable(&error))?,
            };
            let document = registration::public(document);
            match projection {
                Some(projection) => found.push(&projection.apply(&document)),
                None => found.push(&document),
            }
            Ok(found.len() < FOUND_AT_MOST)
        })?;
        Ok(found)
    }
}

impl Changing<'_> {
    /// Applies `update` to `uuid` and answers the document before it. An update that changes nothing leaves no trace.
    ///
    /// # Errors
    /// [`BusError::Forbidden`], or [`BusError::Data`] when the update does not fit the document.
    pub fn update(&self, uuid: &DeviceUuid, update: &Update) -> Result<Value, BusError> {
        self.rewrite(uuid, update, |changes| changes)
    }

    /// As [`Changing::update`], but counts as a change also if it changes nothing.
    ///
    /// # Errors
    /// As [`Changing::update`].
    pub fn find_and_update(&self, uuid: &DeviceUuid, update: &Update) -> Result<Value, BusError> {
        self.rewrite(uuid, update, |_| true)
    }

    fn rewrite(
        &self,
        uuid: &DeviceUuid,
        update: &Update,
        counts: fn(bool) -> bool,
    ) -> Result<Value, BusError> {
        let before = self.reading().permit(uuid, CONFIGURE)?;
        let now = self.bus.clock.now();
        let mut document = Value::clone(&before);
        let changes = update.apply(&mut document, now, &Effort::of_an_update())?;
        check_indexed(&document)?;
        if counts(changes) {
            registration::touch(&mut document, &self.caller.acting, now);
            self.transaction.replace_device(uuid, &document)?;
            self.emit(Event::Configure, uuid, document)?;
        }
        Ok(registration::public(Arc::unwrap_or_clone(before)))
    }

    /// Sets `properties`, dotted keys being paths; `uuid` and `token` are ignored.
    ///
    /// # Errors
    /// As [`Changing::update`].
    pub fn set(&self, uuid: &DeviceUuid, properties: Map<String, Value>) -> Result<(), BusError> {
        self.update(uuid, &Update::set(properties)?).map(drop)
    }

    /// Makes the caller the owner of a version 1 device, which it may see and configure from then on.
    ///
    /// # Errors
    /// As [`Changing::update`].
    pub fn claim(&self, uuid: &DeviceUuid) -> Result<(), BusError> {
        let owner = &self.caller.acting;
        let claim = json!({
            "$set": {"owner": owner},
            "$addToSet": {"discoverWhitelist": owner, "configureWhitelist": owner},
        });
        self.update(uuid, &Update::parse(&claim)?).map(drop)
    }

    /// Removes a device after telling those who listen for that: none of its tokens is known any more. What comes back is still
    /// to be removed: where it has very many of them, or of subscriptions.
    ///
    /// # Errors
    /// [`BusError::Forbidden`], also when there is no such device.
    pub fn unregister(&self, uuid: &DeviceUuid) -> Result<Option<HalfDone>, BusError> {
        let document = self.reading().permit(uuid, CONFIGURE)?;
        self.emit(Event::Unregister, uuid, Arc::unwrap_or_clone(document))?;
        self.bus.end_streams_of(self.transaction, uuid);
        self.transaction.remove_device(uuid)?;
        Ok(self.bus.begin(self.transaction, Remainder::Removal(uuid.clone()))?)
    }
}

fn check_indexed(document: &Value) -> Result<(), DataError> {
    if indexed_strings(document) <= MAX_INDEXED {
        return Ok(());
    }
    let paths = Lookup::indexed_paths().collect::<Vec<_>>().join(", ");
    Err(DataError::too_large(format!("A document may have at most {MAX_INDEXED} texts at {paths} together")))
}

/// The narrowest place to look that cannot miss a match.
fn lookup(query: &Query) -> Lookup {
    let text = |path: &str| query.exact(path).and_then(Value::as_str);
    if let Some(uuids) = query.one_of("uuid") {
        return Lookup::Uuids(uuids.iter().filter_map(Value::as_str).map(DeviceUuid::from).collect());
    }
    Lookup::indexed_paths()
        .find_map(|path| text(&path).map(|value| Lookup::Indexed(path.clone(), value.to_owned())))
        .unwrap_or(Lookup::Everything)
}
