//! The sessions of browsers: opaque, kept on this side, over after a time.

use std::time::Duration;

use zeroize::Zeroizing;

use crate::ambient::{Clock, Random};
use crate::bus::Login;
use crate::store::{Store, StoreError, StoredSession, Transaction};
use crate::vault::Pass;

/// A session ends when it was not used for so long.
const IDLE: Duration = Duration::from_secs(2 * 60 * 60);
/// A session ends so long after its beginning, used or not.
const LIFE: Duration = Duration::from_secs(24 * 60 * 60);
/// Use is noted no oftener than this.
const NOTED: Duration = Duration::from_secs(60);
/// The newest that one owner keeps, and that all owners together keep.
const KEPT: (u32, u32) = (16, 10_000);

/// The sessions of a gateway. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Sessions {
    pub(super) store: Store,
    clock: Clock,
    random: Random,
}

impl Sessions {
    /// The sessions in this store.
    pub fn new(store: Store, (clock, random): (Clock, Random)) -> Self {
        Self { store, clock, random }
    }

    /// Begins a session of whoever `login` is of, which the bus knows, under a pass that nobody knew before; `before`, what
    /// the browser had until now, ends.
    ///
    /// # Errors
    /// What the store reports.
    pub(in crate::http) async fn begin(
        &self,
        login: &Login,
        before: Option<Pass>,
    ) -> Result<Pass, StoreError> {
        let (pass, now) = (Pass::fresh(&self.random), self.clock.now());
        let session = StoredSession {
            owner: login.uuid.clone(),
            login: pass.seal(login.token.as_bytes(), &self.random),
            began_at: now,
            seen_at: now,
        };
        let fingerprint = pass.fingerprint();
        let begin = move |transaction: &Transaction<'_>| {
            if let Some(before) = before {
                transaction.remove_session(&before.fingerprint())?;
            }
            transaction.add_session(&fingerprint, &session, KEPT)
        };
        self.store.write::<_, StoreError, _>(begin).await?;
        Ok(pass)
    }

    /// The session of this pass, if it is not over, with the login that is sealed in it.
    pub(super) async fn find(&self, pass: &Pass) -> Result<Option<(StoredSession, Login)>, StoreError> {
        let (fingerprint, now) = (pass.fingerprint(), self.clock.now());
        let found = self.store.read::<_, StoreError, _>(move |view| view.session(&fingerprint)).await?;
        let is_over = |session: &StoredSession| {
            now < session.began_at
                || now.since(session.began_at) >= LIFE
                || now.since(session.seen_at) >= IDLE
        };
        let Some(session) = found.filter(|session| !is_over(session)) else { return Ok(None) };
        let token = pass.open(&session.login).and_then(|token| String::from_utf8(token.to_vec()).ok());
        let Some(token) = token.map(Zeroizing::new) else { return Ok(None) };
        if now.since(session.seen_at) >= NOTED {
            let see = move |transaction: &Transaction<'_>| transaction.see_session(&fingerprint, now);
            self.store.write::<_, StoreError, _>(see).await?;
        }
        let login = Login { uuid: session.owner.clone(), token };
        Ok(Some((session, login)))
    }

    /// Ends the session of this pass.
    ///
    /// # Errors
    /// What the store reports.
    pub(in crate::http) async fn end(&self, pass: &Pass) -> Result<(), StoreError> {
        let fingerprint = pass.fingerprint();
        let end = move |transaction: &Transaction<'_>| transaction.remove_session(&fingerprint);
        self.store.write::<_, StoreError, _>(end).await
    }

    /// Forgets sessions that are over.
    ///
    /// # Errors
    /// What the store reports.
    pub async fn forget_old(&self) -> Result<(), StoreError> {
        let now = self.clock.now();
        let over = (now.minus(LIFE), now.minus(IDLE));
        let forget = move |transaction: &Transaction<'_>| transaction.forget_sessions(over);
        self.store.write::<_, StoreError, _>(forget).await
    }
}
