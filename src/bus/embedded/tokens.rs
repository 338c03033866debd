//! Making, revoking and listing tokens (`spec/meshblu.md` 1.8).

use serde_json::{Map, Value, json};
use zeroize::Zeroizing;

use super::access::{may_act, permit};
use super::devices::CONFIGURE;
use super::projection::Projection;
use super::query::Query;
use super::whitelist::List;
use super::{BusError, Caller, EmbeddedBus};
use crate::message::DeviceUuid;
use crate::store::{StoredToken, TokenHash, Transaction, View};

/// The most tokens that one search answers.
const FOUND_AT_MOST: usize = 1000;

impl EmbeddedBus {
    /// Makes a further token for `uuid`, found again by its `metadata`.
    ///
    /// # Errors
    /// [`BusError::Forbidden`].
    pub fn make_token(
        &self,
        transaction: &Transaction<'_>,
        caller: &Caller,
        (uuid, metadata): (&DeviceUuid, &Map<String, Value>),
    ) -> Result<Zeroizing<String>, BusError> {
        permit(transaction, caller, uuid, CONFIGURE)?;
        let token = Zeroizing::new(self.random.token());
        let hash = TokenHash::of(&token, uuid, &self.pepper);
        transaction.add_token(uuid, &hash, &Value::Object(metadata.clone()))?;
        Ok(token)
    }

    /// Replaces the root token of `uuid`; the old one ends at once.
    ///
    /// # Errors
    /// [`BusError::Forbidden`].
    pub fn reset_token(
        &self,
        transaction: &Transaction<'_>,
        caller: &Caller,
        uuid: &DeviceUuid,
    ) -> Result<Zeroizing<String>, BusError> {
        permit(transaction, caller, uuid, CONFIGURE)?;
        let token = Zeroizing::new(self.random.token());
        transaction.replace_root_token(uuid, &TokenHash::of(&token, uuid, &self.pepper))?;
        Ok(token)
    }

    /// Ends one token of `uuid`; it need not exist.
    ///
    /// # Errors
    /// [`BusError::Forbidden`].
    pub fn revoke_token(
        &self,
        transaction: &Transaction<'_>,
        caller: &Caller,
        (uuid, token): (&DeviceUuid, &str),
    ) -> Result<(), BusError> {
        permit(transaction, caller, uuid, CONFIGURE)?;
        transaction.remove_token(uuid, &TokenHash::of(token, uuid, &self.pepper))?;
        Ok(())
    }

    /// Ends the tokens of `uuid` whose metadata hold all of `wanted`: with nothing wanted, all tokens.
    ///
    /// # Errors
    /// [`BusError::Forbidden`].
    pub fn revoke_tokens(
        &self,
        transaction: &Transaction<'_>,
        caller: &Caller,
        (uuid, wanted): (&DeviceUuid, &[(String, String)]),
    ) -> Result<(), BusError> {
        permit(transaction, caller, uuid, CONFIGURE)?;
        for token in transaction.tokens(uuid, usize::MAX >> 1)? {
            if wanted
                .iter()
                .all(|(key, value)| token.metadata.get(key).and_then(Value::as_str) == Some(value))
            {
                transaction.remove_stored_token(token.seq)?;
            }
        }
        Ok(())
    }

    /// What is known of the caller's own tokens, newest first; never the tokens themselves.
    ///
    /// # Errors
    /// [`BusError::Forbidden`].
    pub fn search_tokens(
        &self,
        view: &View<'_>,
        caller: &Caller,
        (query, projection): (&Query, Option<&Projection>),
    ) -> Result<Vec<Value>, BusError> {
        may_act(view, caller, List::ConfigureAs)?;
        let tokens = view.tokens(&caller.acting, FOUND_AT_MOST)?;
        let listed = tokens.into_iter().map(|token| listing(&caller.acting, token));
        let found = listed.filter(|token| query.matches(token));
        Ok(found
            .map(|token| projection.map_or_else(|| token.clone(), |wanted| wanted.apply(&token)))
            .collect())
    }
}

fn listing(uuid: &DeviceUuid, token: StoredToken) -> Value {
    let mut listing = json!({"uuid": uuid});
    if token.root {
        listing["root"] = Value::Bool(true);
    }
    listing["metadata"] = token.metadata;
    listing
}
