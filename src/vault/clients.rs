//! By which client of the API the tokens in a record came: it takes them from no other (RFC 6749, 6; RFC 7009, 2.1). Inside the
//! seal, so that nobody puts another in its place.

use serde_json::{Map, Value};

/// What names them among a record's secrets.
pub(super) const CLIENTS: &str = "clients";

const SECRET: &str = "secret";
const REFRESH_TOKEN: &str = "refreshToken";

/// As which client of the API the gateway got each token, where that is known: a record of the original gateway does not say, nor
/// does one of an API without clients.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Clients {
    /// That of the access token.
    pub secret: Option<String>,
    /// That of the refresh token: a sign-in may have brought none, so that the one before stayed.
    pub refresh_token: Option<String>,
}

impl Clients {
    /// Both came by this one.
    pub fn both(client: Option<String>) -> Self {
        Self { secret: client.clone(), refresh_token: client }
    }

    /// What a record's secrets have under [`CLIENTS`].
    pub(super) fn read(noted: Option<&Value>) -> Self {
        let client = |name: &str| noted?.get(name)?.as_str().map(str::to_owned);
        Self { secret: client(SECRET), refresh_token: client(REFRESH_TOKEN) }
    }

    /// Puts these among a record's secrets, in place of those before.
    pub(super) fn put_in(&self, secrets: &mut Map<String, Value>) {
        let known = [(SECRET, &self.secret), (REFRESH_TOKEN, &self.refresh_token)];
        let known = known
            .into_iter()
            .filter_map(|(name, client)| Some((name.to_owned(), Value::from(client.as_deref()?))));
        match known.collect::<Map<_, _>>() {
            none if none.is_empty() => drop(secrets.shift_remove(CLIENTS)),
            known => drop(secrets.insert(CLIENTS.to_owned(), known.into())),
        }
    }
}
