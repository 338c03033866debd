//! Grants of before a record, which may be one with what it holds: they end when that does, so they are kept with it.

use serde_json::{Map, Value};

use super::clients::{CLIENTS, Clients};
use super::secret::{SecretMap, SecretText};
use crate::ambient::Timestamp;

/// What names those that are set aside among a record's secrets.
pub(super) const SET_ASIDE: &str = "setAside";

const ACCESS: &str = "access";
const REFRESH: &str = "refresh";
const ENDS_AT: &str = "endsAt";

/// What an API gave at once, or what is left of that: an access token, the refresh token that came with it, or both. Prints no
/// secret.
#[derive(Debug, Default)]
pub struct Grant {
    /// The access token.
    pub access: Option<SecretText>,
    /// When that ends by itself, where that is known.
    pub ends_at: Option<Timestamp>,
    /// The refresh token. The same as the access token where nobody noted which of both a token is.
    pub refresh: Option<SecretText>,
    /// By which client of the API each came, where that is known.
    pub clients: Clients,
}

impl Grant {
    /// An access token that came alone, or without the refresh token before.
    pub fn access(token: &SecretText, ends_at: Option<Timestamp>, client: Option<String>) -> Self {
        let clients = Clients { secret: client, ..Clients::default() };
        Self { access: Some(token.copy()), ends_at, refresh: None, clients }
    }

    /// What is in it, the refresh token first.
    pub fn tokens(&self) -> impl Iterator<Item = &SecretText> {
        let is_both =
            |access: &&SecretText| self.refresh.as_ref().is_some_and(|refresh| refresh.is(access.expose()));
        self.refresh.iter().chain(self.access.iter().filter(move |access| !is_both(access)))
    }

    /// Its access token, its refresh token, or both, as far as it has them; `None` where nothing is left.
    pub fn part(&self, has_access: bool, has_refresh: bool) -> Option<Self> {
        let Self { access, ends_at, refresh, mut clients } = self.copy();
        let (access, refresh) = (access.filter(|_| has_access), refresh.filter(|_| has_refresh));
        let ends_at = ends_at.filter(|_| access.is_some());
        clients.are_of_two_sign_ins &= access.is_some() && refresh.is_some();
        let is_any = access.is_some() || refresh.is_some();
        is_any.then_some(Self { access, ends_at, refresh, clients })
    }

    /// The same once more.
    #[must_use]
    pub fn copy(&self) -> Self {
        let copy = |token: &Option<SecretText>| token.as_ref().map(SecretText::copy);
        let (access, refresh) = (copy(&self.access), copy(&self.refresh));
        Self { access, ends_at: self.ends_at, refresh, clients: self.clients.clone() }
    }

    /// Those of its tokens that are such.
    pub fn those(&self, are_such: impl Fn(&SecretText) -> bool) -> Option<Self> {
        self.part(self.access.as_ref().is_some_and(&are_such), self.refresh.as_ref().is_some_and(&are_such))
    }

    /// What of it did not end by itself until now.
    pub fn living(&self, now: Timestamp) -> Option<Self> {
        self.part(self.ends_at.is_none_or(|end| now < end), true)
    }

    fn to_value(&self) -> Value {
        let texts = [(ACCESS, &self.access), (REFRESH, &self.refresh)].into_iter();
        let texts =
            texts.filter_map(|(name, token)| Some((name.to_owned(), token.as_ref()?.expose().into())));
        let mut members = texts.collect::<Map<_, _>>();
        if let Some(end) = self.ends_at {
            members.insert(ENDS_AT.to_owned(), end.as_millis().into());
        }
        self.clients.put_in(&mut members);
        members.into()
    }

    fn read(value: &Value) -> Option<Self> {
        let text = |name: &str| value[name].as_str().map(SecretText::from);
        let ends_at = value[ENDS_AT].as_i64().map(Timestamp::from_millis);
        let grant = match text("secret") {
            Some(token) => Self::of_one_token(&token, ends_at, value),
            None => Self {
                access: text(ACCESS),
                ends_at,
                refresh: text(REFRESH),
                clients: Clients::read(value.get(CLIENTS)),
            },
        };
        grant.part(true, true)
    }

    /// As each token was noted by itself, and not always which of both it is: of a refresh token nobody knows when it ends.
    fn of_one_token(token: &SecretText, ends_at: Option<Timestamp>, value: &Value) -> Self {
        let renews = value["renews"].as_bool();
        let client = value["client"].as_str().map(str::to_owned);
        Self {
            access: (renews != Some(true)).then(|| token.copy()),
            ends_at,
            refresh: renews.unwrap_or(ends_at.is_none()).then(|| token.copy()),
            clients: Clients::both(client),
        }
    }

    /// Those that are set aside among a record's secrets, the oldest first.
    pub(super) fn all_in(secrets: &Value) -> Vec<Self> {
        secrets[SET_ASIDE]
            .as_array()
            .map(|all| all.iter().filter_map(Self::read).collect())
            .unwrap_or_default()
    }

    /// Sets it aside as the newest among a record's secrets.
    pub(super) fn add_to(&self, secrets: &mut Map<String, Value>) {
        let all = secrets.entry(SET_ASIDE).or_insert_with(|| Value::Array(Vec::new()));
        if let Value::Array(all) = all {
            all.push(self.to_value());
        }
    }
}

/// Puts these in the place of what was set aside in the object that a record holds; `None` where it holds no secrets.
pub(super) fn set_aside(document: &mut SecretMap, grants: &[Grant]) -> Option<()> {
    let secrets = document.expose_mut().get_mut("secrets")?.as_object_mut()?;
    let old = secrets.shift_remove(SET_ASIDE);
    // Wiped as it ends.
    drop(SecretMap::from(Map::from_iter(old.map(|old| (SET_ASIDE.to_owned(), old)))));
    grants.iter().for_each(|grant| grant.add_to(secrets));
    Some(())
}
