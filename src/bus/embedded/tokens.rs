//! Making, revoking and listing tokens (`spec/meshblu.md` 1.8).

use serde_json::{Map, Value, json};
use zeroize::Zeroizing;

use super::devices::{CONFIGURE, LONGEST};
use super::effort::Effort;
use super::listed::Listed;
use super::projection::Projection;
use super::query::Query;
use super::update::DataError;
use super::whitelist::List;
use super::{BusError, Changing, EmbeddedBus, Reading};
use crate::message::DeviceUuid;
use crate::store::{StoreError, StoredToken, TokenHash, Transaction};

/// The most tokens that one search answers.
const FOUND_AT_MOST: usize = 1000;
/// The most tokens of one device that one search looks at.
const SEEN_AT_MOST: usize = 100_000;
/// The longest JSON text of one token's metadata: a search holds a thousand of them at once.
const MAX_METADATA: usize = 32 << 10;
/// What a look at a token costs beside its metadata, as bytes of them.
pub(super) const TOKEN: usize = 512;

impl Changing<'_> {
    /// Makes a further token for `uuid`, found again by its `metadata`.
    ///
    /// # Errors
    /// [`BusError::Forbidden`], or [`BusError::Data`] when the metadata are too long.
    pub fn make_token(
        &self,
        uuid: &DeviceUuid,
        metadata: &Map<String, Value>,
    ) -> Result<Zeroizing<String>, BusError> {
        let token = Zeroizing::new(self.bus.random.token());
        self.add_token(uuid, &token, metadata)?;
        Ok(token)
    }

    /// The same with a token that was drawn before.
    ///
    /// # Errors
    /// As [`Changing::make_token`].
    pub fn add_token(
        &self,
        uuid: &DeviceUuid,
        token: &str,
        metadata: &Map<String, Value>,
    ) -> Result<(), BusError> {
        self.reading().permit(uuid, CONFIGURE)?;
        let metadata = Value::Object(metadata.clone());
        if metadata.to_string().len() > MAX_METADATA {
            let message = format!("The metadata of a token may have at most {MAX_METADATA} bytes");
            return Err(DataError::too_large(message).into());
        }
        let hash = TokenHash::of(token, uuid, &self.bus.pepper);
        Ok(self.transaction.add_token(uuid, &hash, &metadata)?)
    }

    /// Replaces the root token of `uuid`; the old one ends at once.
    ///
    /// # Errors
    /// [`BusError::Forbidden`].
    pub fn reset_token(&self, uuid: &DeviceUuid) -> Result<Zeroizing<String>, BusError> {
        self.reading().permit(uuid, CONFIGURE)?;
        let token = Zeroizing::new(self.bus.random.token());
        let before =
            self.transaction.replace_root_token(uuid, &TokenHash::of(&token, uuid, &self.bus.pepper))?;
        self.bus.end_reading(self.transaction, uuid, before.into_iter().collect());
        Ok(token)
    }

    /// Ends one token of `uuid`; it need not exist.
    ///
    /// # Errors
    /// [`BusError::Forbidden`].
    pub fn revoke_token(&self, uuid: &DeviceUuid, token: &str) -> Result<(), BusError> {
        self.reading().permit(uuid, CONFIGURE)?;
        let hash = TokenHash::of(token, uuid, &self.bus.pepper);
        self.transaction.remove_token(uuid, &hash)?;
        self.bus.end_reading(self.transaction, uuid, vec![hash]);
        Ok(())
    }

    /// Which tokens of `uuid` have metadata that hold all of `wanted`, newest first, by their [`StoredToken::seq`].
    ///
    /// # Errors
    /// The store's [`TooSlow`](StoreError::TooSlow) where there are too many to look at while all who write wait.
    pub(super) fn marked_tokens(
        &self,
        uuid: &DeviceUuid,
        wanted: &[(String, String)],
    ) -> Result<Vec<i64>, BusError> {
        let effort = Effort::of_an_update();
        let mut found = Vec::new();
        self.transaction.visit_tokens(uuid, |token| {
            effort.spend((TOKEN + token.bytes) as u64)?;
            if is_marked(&token, wanted) {
                found.push(token.seq);
            }
            Ok(true)
        })?;
        Ok(found)
    }

    /// Ends these tokens of `uuid`.
    ///
    /// # Errors
    /// [`BusError::Forbidden`].
    pub(super) fn end_tokens(&self, uuid: &DeviceUuid, tokens: &[i64]) -> Result<(), BusError> {
        self.reading().permit(uuid, CONFIGURE)?;
        Ok(self.bus.end_tokens(self.transaction, uuid, tokens)?)
    }
}

impl EmbeddedBus {
    /// Ends these tokens of `uuid`.
    pub(super) fn end_tokens(
        &self,
        transaction: &Transaction<'_>,
        uuid: &DeviceUuid,
        tokens: &[i64],
    ) -> Result<(), StoreError> {
        let mut ended = Vec::new();
        for seq in tokens {
            ended.extend(transaction.remove_stored_token(*seq)?);
        }
        self.end_reading(transaction, uuid, ended);
        Ok(())
    }

    /// Ends what is read along by tokens of `uuid` that are no more.
    pub(super) fn end_reading(
        &self,
        transaction: &Transaction<'_>,
        uuid: &DeviceUuid,
        ended: Vec<TokenHash>,
    ) {
        if !ended.is_empty() {
            let (streams, uuid) = (self.streams.clone(), uuid.clone());
            transaction.after_commit(move || streams.revoke(&uuid, &ended));
        }
    }
}

impl Reading<'_> {
    /// What is known of the caller's own tokens, newest first; never the tokens themselves.
    ///
    /// # Errors
    /// [`BusError::Forbidden`]; the store's [`TooSlow`](StoreError::TooSlow) when there are too many to look at, or
    /// it would take too long.
    pub fn search_tokens(&self, query: &Query, projection: Option<&Projection>) -> Result<Listed, BusError> {
        self.may_act(List::ConfigureAs)?;
        let (mut found, mut left) = (Listed::new(), SEEN_AT_MOST);
        let effort = Effort::within(LONGEST, &self.bus.stopwatch);
        self.view.visit_tokens(&self.caller.acting, |token| {
            effort.look()?;
            let token = listing(&self.caller.acting, token);
            if query.matches(&token, &effort)? {
                match projection {
                    Some(projection) => found.push(&projection.apply(&token)),
                    None => found.push(&token),
                }
            }
            left -= 1;
            Ok(left > 0 && found.len() < FOUND_AT_MOST)
        })?;
        if left == 0 { Err(StoreError::TooSlow.into()) } else { Ok(found) }
    }
}

/// Whether the metadata of a token hold all of `wanted`.
pub(super) fn is_marked(token: &StoredToken, wanted: &[(String, String)]) -> bool {
    let holds = |(key, value): &(String, String)| {
        token.metadata.get(key).and_then(Value::as_str) == Some(value.as_str())
    };
    wanted.iter().all(holds)
}

fn listing(uuid: &DeviceUuid, token: StoredToken) -> Value {
    let mut listing = json!({"uuid": uuid});
    if token.root {
        listing["root"] = Value::Bool(true);
    }
    listing["metadata"] = token.metadata;
    listing
}
