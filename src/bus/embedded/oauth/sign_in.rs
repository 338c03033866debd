//! Sign-ins on the bus's own page: short, and known by a secret that only the browser keeps.

use std::net::IpAddr;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use thiserror::Error;
use zeroize::Zeroizing;

use super::super::whitelist::{named_beside, open_lists};
use super::super::{BusError, EmbeddedBus};
use super::client::one_line;
use crate::ambient::Random;
use crate::bus::Login;
use crate::message::DeviceUuid;
use crate::store::{Account, Kept, StoredSignIn, TokenHash, Transaction, View, WayIn};

/// The newest that one device, and that all devices together keep.
const KEPT: Kept = Kept { of_device: 16, in_all: 10_000 };

/// What a browser is known by: 32 random bytes as base64url. It proves nothing before somebody signs in.
#[derive(Clone)]
pub struct SignInId(Zeroizing<String>);

impl SignInId {
    /// How long a sign-in lasts.
    pub const LIFE: Duration = Duration::from_secs(60 * 60);

    /// One that nobody has had.
    pub fn fresh(random: &Random) -> Self {
        let bytes = Zeroizing::new(random.bytes::<32>());
        Self(Zeroizing::new(URL_SAFE_NO_PAD.encode(bytes.as_ref())))
    }

    /// The one that a browser sent, if it can be one.
    pub fn parse(text: &str) -> Option<Self> {
        let is_fit =
            text.len() == 43 && text.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_".contains(&b));
        is_fit.then(|| Self(Zeroizing::new(text.to_owned())))
    }

    /// The text itself, for the browser's cookie alone.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Debug for SignInId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("SignInId([redacted])")
    }
}

/// A device that is signed in, and the token that proved it.
#[derive(Clone, Debug)]
pub struct SignedIn {
    /// The device.
    pub device: DeviceUuid,
    /// What it is called, in one line.
    pub name: Option<String>,
    /// Which lists put it into everybody's hands, and who else is on those.
    pub open: Open,
    pub(super) proof: i64,
}

/// How open a device is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Open {
    /// The lists by which everybody configures it, makes tokens of it, or acts as it. Empty where nobody does.
    pub lists: Vec<String>,
    /// Who else may.
    pub beside: Vec<String>,
}

/// Why nobody is signed in.
#[derive(Debug, Error)]
pub enum NoSignIn {
    /// The token is not one of the device's, nor were many before.
    #[error("too many wrong tokens")]
    TooOften,
    /// The bus refuses: [`BusError::Forbidden`] where the token is not one of the device's.
    #[error(transparent)]
    Bus(#[from] BusError),
}

impl EmbeddedBus {
    /// Who is signed in under `id`, if anybody is.
    ///
    /// # Errors
    /// What the store reports.
    pub fn signed_in(&self, view: &View<'_>, id: &SignInId) -> Result<Option<SignedIn>, BusError> {
        let Some(found) = view.sign_in(&self.sign_in_hash(id))? else { return Ok(None) };
        let now = self.clock.now();
        let is_over = now < found.began_at || now.since(found.began_at) >= SignInId::LIFE;
        let Some(document) = view.device(&found.device)?.filter(|_| !is_over) else { return Ok(None) };
        let name = document.get("name").and_then(|name| one_line(name.as_str()?));
        let open = Open { lists: open_lists(&document), beside: named_beside(&document) };
        Ok(Some(SignedIn { device: found.device, name, open, proof: found.token }))
    }

    /// Signs the device of `login` in, under an id that nobody knew before. A wrong token costs one look; the right one
    /// is taken whatever was tried before, as it is too long to be guessed.
    ///
    /// # Errors
    /// [`NoSignIn`].
    pub async fn sign_in(&self, login: Login, from: Option<IpAddr>) -> Result<SignInId, NoSignIn> {
        let shown = login.clone();
        let (proof, account) = (Account::Proof(login.uuid.clone()), Account::Of(login.uuid.clone()));
        let proven = self.look_for(proof, move |bus, view| bus.authenticate(view, &shown)).await;
        let is_wrong = matches!(proven, Err(BusError::Forbidden));
        if is_wrong && self.attempts.count_wrong(&(from, login.uuid.clone()), self.clock.now()) {
            return Err(NoSignIn::TooOften);
        }
        proven?;
        let begin = move |bus: &Self, transaction: &Transaction<'_>| bus.begin_sign_in(transaction, &login);
        Ok(self.change_for(account, begin).await?)
    }

    fn begin_sign_in(&self, transaction: &Transaction<'_>, login: &Login) -> Result<SignInId, BusError> {
        let hash = TokenHash::of(&login.token, &login.uuid, &self.pepper);
        let token = transaction.token_seq(&login.uuid, &hash)?.ok_or(BusError::Forbidden)?;
        let now = self.clock.now();
        transaction.forget_sign_ins(now.minus(SignInId::LIFE))?;
        let id = SignInId::fresh(&self.random);
        let sign_in = StoredSignIn { device: login.uuid.clone(), token, began_at: now };
        transaction.let_in(WayIn::SignIn)?;
        transaction.add_sign_in(&self.sign_in_hash(&id), &sign_in, KEPT)?;
        Ok(id)
    }

    /// Ends the sign-in of `id`, if there is one.
    ///
    /// # Errors
    /// What the store reports.
    pub fn sign_out(&self, transaction: &Transaction<'_>, id: &SignInId) -> Result<(), BusError> {
        Ok(transaction.remove_sign_in(&self.sign_in_hash(id))?)
    }

    /// Hashed as if it were a token of the bus itself.
    fn sign_in_hash(&self, id: &SignInId) -> TokenHash {
        TokenHash::of(id.expose(), &self.service, &self.pepper)
    }
}
