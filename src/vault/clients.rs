//! By which client of the API the tokens in a record came: it takes them from no other (RFC 6749, 6; RFC 7009, 2.1); and whether
//! they came together. Inside the seal, so that nobody puts another in its place.

use serde_json::{Map, Value};

/// What names them among a record's secrets.
pub(super) const CLIENTS: &str = "clients";

const SECRET: &str = "secret";
const REFRESH_TOKEN: &str = "refreshToken";
const OF_TWO_SIGN_INS: &str = "ofTwoSignIns";

/// As which client of the API the gateway got each token, where that is known: a record of the original gateway does not say, nor
/// does one of an API without clients.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Clients {
    /// That of the access token.
    pub secret: Option<String>,
    /// That of the refresh token: a sign-in may have brought none, so that the one before stayed.
    pub refresh_token: Option<String>,
    /// Whether the access token is of a sign-in that brought no refresh token, and the refresh token of one before: an API that
    /// counts each sign-in by itself does not end one with the other. Of records that were sealed before this was noted nobody
    /// knows.
    pub are_of_two_sign_ins: bool,
}

impl Clients {
    /// Both came by this one.
    pub fn both(client: Option<String>) -> Self {
        Self { secret: client.clone(), refresh_token: client, are_of_two_sign_ins: false }
    }

    /// What a record's secrets have under [`CLIENTS`].
    pub(super) fn read(noted: Option<&Value>) -> Self {
        let client = |name: &str| noted?.get(name)?.as_str().map(str::to_owned);
        let are_of_two_sign_ins = noted.is_some_and(|noted| noted[OF_TWO_SIGN_INS] == true);
        Self { secret: client(SECRET), refresh_token: client(REFRESH_TOKEN), are_of_two_sign_ins }
    }

    /// Puts these among a record's secrets, in place of those before.
    pub(super) fn put_in(&self, secrets: &mut Map<String, Value>) {
        let known = [(SECRET, &self.secret), (REFRESH_TOKEN, &self.refresh_token)];
        let known = known
            .into_iter()
            .filter_map(|(name, client)| Some((name.to_owned(), Value::from(client.as_deref()?))));
        let are_of_two = self.are_of_two_sign_ins.then(|| (OF_TWO_SIGN_INS.to_owned(), Value::from(true)));
        match known.chain(are_of_two).collect::<Map<_, _>>() {
            none if none.is_empty() => drop(secrets.shift_remove(CLIENTS)),
            known => drop(secrets.insert(CLIENTS.to_owned(), known.into())),
        }
    }
}
