//! The sessions of browsers: opaque, kept on this side, over after a time.

use std::time::Duration;

use zeroize::Zeroizing;

use super::Session;
use crate::ambient::{Clock, Random, Timestamp};
use crate::bus::{Granted, Login};
use crate::message::DeviceUuid;
use crate::store::{MostSessions, Store, StoreError, StoredSession, Transaction, View, WayIn};
use crate::vault::Pass;

/// A session ends when it was not used for so long.
const IDLE: Duration = Duration::from_secs(2 * 60 * 60);
/// A session ends so long after its beginning, used or not.
const LIFE: Duration = Duration::from_secs(24 * 60 * 60);
/// Use is noted no oftener than this.
const NOTED: Duration = Duration::from_secs(60);
/// Those of one owner that were there before all others: newer ones neither push them out nor use up what may be tried in
/// them.
const SETTLED: u32 = 3;
/// How long a session lasts before it counts as one of those.
const SETTLES_AFTER: Duration = Duration::from_secs(600);
/// The most that are kept.
const MOST: MostSessions = MostSessions { oldest: SETTLED, newest: 13, in_all: 10_000 };

/// The sessions of a gateway. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Sessions {
    pub(super) store: Store,
    clock: Clock,
    random: Random,
}

/// By what somebody is let in.
#[derive(Clone, Copy, Debug)]
pub(in crate::http) enum Admission<'a> {
    /// A login that programs use too.
    Own(&'a Login),
    /// What the bus granted for this session alone.
    Granted(&'a Granted),
}

/// A session that begins.
#[derive(Debug)]
pub(in crate::http) struct Begun {
    /// What the browser gets.
    pub(in crate::http) pass: Pass,
    /// What the bus had granted for the one before, which is over.
    pub(in crate::http) before: Option<Login>,
}

/// That the owner of a session proved control of the account behind credentials.
#[derive(Debug)]
pub(in crate::http) struct Proof {
    /// Which credentials.
    pub(in crate::http) credentials: DeviceUuid,
    /// When.
    pub(in crate::http) at: Timestamp,
}

impl Sessions {
    /// The sessions in this store.
    pub fn new(store: Store, clock: Clock, random: Random) -> Self {
        Self { store, clock, random }
    }

    /// Begins a session of whoever is let in, whom the bus knows, under a pass that nobody knew before. It takes the place of
    /// `before`, what the browser had until now, and goes on with what was begun in that, if it was the same person's; who
    /// somebody else was is signed out on the page of the bus in this process, too.
    ///
    /// # Errors
    /// What the store reports.
    pub(in crate::http) async fn begin(
        &self,
        admission: Admission<'_>,
        before: Option<Pass>,
    ) -> Result<Begun, StoreError> {
        let (pass, now) = (Pass::fresh(&self.random), self.clock.now());
        let fingerprint = pass.fingerprint();
        let (login, is_granted, token) = match admission {
            Admission::Own(login) => (login, false, None),
            Admission::Granted(granted) => (&granted.login, true, granted.token),
        };
        let mut session = StoredSession {
            owner: login.uuid.clone(),
            line: fingerprint,
            login: pass.seal(login.token.as_bytes(), &self.random),
            is_granted,
            token,
            began_at: now,
            seen_at: now,
        };
        let over = before.as_ref().map(Pass::fingerprint);
        let begin = move |transaction: &Transaction<'_>| {
            let over = over.map(|over| transaction.take_session(&over)).transpose()?.flatten();
            match &over {
                Some(over) if over.owner == session.owner => session.line = over.line,
                Some(over) => transaction.remove_sign_ins_of(&over.owner)?,
                None => {}
            }
            // What is over keeps nobody's place.
            transaction.forget_sessions(now.minus(LIFE), now.minus(IDLE))?;
            transaction.let_in(WayIn::Session)?;
            transaction.add_session(&fingerprint, &session, MOST)?;
            Ok(over)
        };
        let over = self.store.write::<_, StoreError, _>(begin).await?;
        Ok(Begun { pass, before: before.and_then(|before| granted(&before, over)) })
    }

    /// A pass that nobody knew before for a session in which somebody signed in at the API. What was proved by that is noted with
    /// it: whoever else knows the pass of before has no share in it. Where that pass is over, there is none, and nothing is noted.
    ///
    /// # Errors
    /// What the store reports; then nothing is noted, and the session is as it was.
    pub(in crate::http) async fn renew(
        &self,
        session: &Session,
        proof: Option<Proof>,
    ) -> Result<Option<Pass>, StoreError> {
        let pass = Pass::fresh(&self.random);
        let (before, after) = (session.pass.fingerprint(), pass.fingerprint());
        let login = pass.seal(session.login.token.as_bytes(), &self.random);
        let owner = session.owner.clone();
        let renew = move |transaction: &Transaction<'_>| {
            let is_there = transaction.renew_session(&before, &after, &login)?;
            // Who ended it meanwhile, or gave it another pass, may not be who signed in.
            if let Some(Proof { credentials, at }) = proof.filter(|_| is_there) {
                transaction.note_proof(&owner, &credentials, at)?;
            }
            Ok(is_there)
        };
        Ok(self.store.write::<_, StoreError, _>(renew).await?.then_some(pass))
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
        let Some(login) = login(pass, &session) else { return Ok(None) };
        if now.since(session.seen_at) >= NOTED {
            let see = move |transaction: &Transaction<'_>| transaction.see_session(&fingerprint, now);
            self.store.write::<_, StoreError, _>(see).await?;
        }
        Ok(Some((session, login)))
    }

    /// Which of the sessions it is that its owner has had the longest, counted from the oldest; none where it is none of
    /// those few, or has not lasted long.
    ///
    /// # Errors
    /// What the store reports.
    pub(in crate::http) async fn rank(&self, session: &Session) -> Result<Option<u32>, StoreError> {
        let (fingerprint, now) = (session.pass.fingerprint(), self.clock.now());
        if now.since(session.began_at) < SETTLES_AFTER {
            return Ok(None);
        }
        let (began, seen) = (now.minus(LIFE), now.minus(IDLE));
        let older = move |view: &View<'_>| view.older_sessions(&fingerprint, began, seen);
        let rank = self.store.read::<_, StoreError, _>(older).await?;
        Ok((rank < SETTLED).then_some(rank))
    }

    /// Ends the session of this pass; answers what the bus had granted for it. Its owner is signed out on the page of the bus
    /// in this process too, in every browser: that page would let whoever comes next in again unasked.
    ///
    /// # Errors
    /// What the store reports.
    pub(in crate::http) async fn end(&self, pass: &Pass) -> Result<Option<Login>, StoreError> {
        let fingerprint = pass.fingerprint();
        let end = move |transaction: &Transaction<'_>| {
            let over = transaction.take_session(&fingerprint)?;
            over.iter().try_for_each(|over| transaction.remove_sign_ins_of(&over.owner))?;
            Ok(over)
        };
        Ok(granted(pass, self.store.write::<_, StoreError, _>(end).await?))
    }

    /// Forgets sessions that are over.
    ///
    /// # Errors
    /// What the store reports.
    pub async fn forget_old(&self) -> Result<(), StoreError> {
        let now = self.clock.now();
        let (began, seen) = (now.minus(LIFE), now.minus(IDLE));
        let forget = move |transaction: &Transaction<'_>| transaction.forget_sessions(began, seen);
        self.store.write::<_, StoreError, _>(forget).await
    }
}

/// The login that is sealed in a session.
fn login(pass: &Pass, session: &StoredSession) -> Option<Login> {
    let token = pass.open(&session.login).and_then(|token| String::from_utf8(token.to_vec()).ok());
    token.map(|token| Login { uuid: session.owner.clone(), token: Zeroizing::new(token) })
}

/// The login of a session that is over, where the bus granted it for that alone.
fn granted(pass: &Pass, over: Option<StoredSession>) -> Option<Login> {
    over.filter(|session| session.is_granted).and_then(|session| login(pass, &session))
}
