//! Sign-ins under way: what a browser was sent elsewhere with, and has to bring back. Once, within ten minutes.
//!
//! Nothing is kept here meanwhile, so that however many begin, nobody's sign-in is pushed out: the browser keeps a pass,
//! and what it is to bring back is sealed in `state`, by that pass and a key of the gateway's together, for the provider that
//! it is sent to and the session in which that was begun.

use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::ambient::{Clock, Random, Timestamp};
use crate::source::oauth2::{LIFE, Pending};
use crate::store::{Store, StoreError, Transaction};
use crate::vault::{Pass, SecretText};

/// The newest answers that are remembered. Whoever pushes one out ends nothing: a provider takes its code once, too.
const REMEMBERED: u32 = 10_000;
/// How long a browser may take from one of the gateway's pages to the next.
const STEP: Duration = Duration::from_secs(60);
/// The name of the gateway's key.
const KEY: &str = "sign-in.key";

/// What a voucher is sealed for. No provider's address begins so.
const ON_THE_WAY: &[u8] = b"on the way";

/// Over whom a sign-in leads, and in which session.
#[derive(Clone, Copy, Debug)]
pub(in crate::http) struct Course<'a> {
    /// The provider that the browser is sent to.
    pub(in crate::http) provider: &'a str,
    /// The line of the session in which it begins and ends; none where a session is what comes of it.
    pub(in crate::http) line: Option<&'a [u8; 32]>,
}

/// A browser that came back from where it was sent to sign in.
#[derive(Debug)]
pub(in crate::http) struct Flow<P> {
    /// What it had to bring back.
    pub(in crate::http) pending: Pending,
    /// What for.
    pub(in crate::http) purpose: P,
}

/// What a browser's answer is worth.
#[derive(Debug)]
pub(in crate::http) enum ComeBack<P> {
    /// It is of this flow, and the first.
    First(Flow<P>),
    /// It is of one that was answered before.
    Again,
    /// It is of none that this browser began here.
    Strange,
}

/// What is sealed: when it began, where the browser is sent back to, and what for.
type Sealed<P> = (Timestamp, String, P);

/// The sign-ins under way. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Flows {
    store: Store,
    key: Pass,
    clock: Clock,
    random: Random,
}

impl Flows {
    /// The flows of the gateway with this store, by its key, which is made where there is none.
    ///
    /// # Errors
    /// What the store reports.
    pub async fn open(store: Store, clock: Clock, random: Random) -> Result<Self, StoreError> {
        let fresh = Pass::fresh(&random);
        let key = move |transaction: &Transaction<'_>| {
            let known = transaction.fact(KEY)?.and_then(|text| Pass::parse(str::from_utf8(&text).ok()?));
            if let Some(known) = known {
                return Ok(known);
            }
            transaction.remember_fact(KEY, fresh.expose().as_bytes())?;
            Ok(fresh)
        };
        let key = store.write::<_, StoreError, _>(key).await?;
        Ok(Self { store, key, clock, random })
    }

    /// Begins a flow that ends at `redirect_url`: what the browser has to bring back, and the pass that it gets.
    pub(in crate::http) fn begin<P: Serialize>(
        &self,
        course: Course<'_>,
        redirect_url: String,
        purpose: &P,
    ) -> (Pending, Pass) {
        let pass = Pass::fresh(&self.random);
        let both = self.key.with(&pass, &course.context());
        let begun_at = self.clock.now();
        let sealed = (begun_at, &redirect_url, purpose);
        let text = serde_json::to_vec(&sealed).expect("texts and times are JSON");
        let state = URL_SAFE_NO_PAD.encode(both.seal(&text, &self.random));
        (pending(&both, state, begun_at, redirect_url), pass)
    }

    /// The same for a program, which keeps no cookie: `state` holds the pass itself, and the line is that of its login.
    pub(in crate::http) fn begin_for_program<P: Serialize>(
        &self,
        course: Course<'_>,
        redirect_url: String,
        purpose: &P,
    ) -> (Pending, Pass) {
        let (mut pending, pass) = self.begin(course, redirect_url, purpose);
        pending.state = format!("{}.{}", *pass.expose(), pending.state.expose()).into();
        (pending, pass)
    }

    /// The flow of a program that brings `state` back on this course, as [`Flows::come_back`].
    ///
    /// # Errors
    /// What the store reports.
    pub(in crate::http) async fn come_back_for_program<P: DeserializeOwned>(
        &self,
        course: Course<'_>,
        state: &str,
    ) -> Result<ComeBack<P>, StoreError> {
        let parts = state.split_once('.').and_then(|(pass, sealed)| Some((Pass::parse(pass)?, sealed)));
        let Some((pass, sealed)) = parts else { return Ok(ComeBack::Strange) };
        Ok(match self.come_back(course, &[&pass], sealed).await? {
            ComeBack::First(Flow { pending, purpose }) => {
                let pending = Pending { state: state.to_owned().into(), ..pending };
                ComeBack::First(Flow { pending, purpose })
            }
            other => other,
        })
    }

    /// The flow of a browser with one of these passes that brings `state` back on this course; no later answer is of it,
    /// whatever comes of this one. Anything else leaves all of them as they are.
    ///
    /// # Errors
    /// What the store reports.
    pub(in crate::http) async fn come_back<P: DeserializeOwned>(
        &self,
        course: Course<'_>,
        passes: &[&Pass],
        state: &str,
    ) -> Result<ComeBack<P>, StoreError> {
        let context = course.context();
        let read = |pass: &&Pass| Some((read(&self.key.with(pass, &context), state)?, pass.fingerprint()));
        let Some((flow, fingerprint)) = passes.iter().find_map(read) else { return Ok(ComeBack::Strange) };
        let now = self.clock.now();
        let answer =
            move |transaction: &Transaction<'_>| transaction.answer_flow(&fingerprint, now, REMEMBERED);
        let is_first = self.store.write::<_, StoreError, _>(answer).await?;
        Ok(if is_first { ComeBack::First(flow) } else { ComeBack::Again })
    }

    /// What shows soon after, in the session with this pass alone, that its user meant to come where it leads.
    pub(in crate::http) fn vouch(&self, session: &Pass) -> String {
        let now = self.clock.now().as_millis().to_be_bytes();
        URL_SAFE_NO_PAD.encode(self.key.with(session, ON_THE_WAY).seal(&now, &self.random))
    }

    /// Whether `text` shows that in this session.
    pub(in crate::http) fn is_vouched(&self, session: &Pass, text: &str) -> bool {
        let sealed = URL_SAFE_NO_PAD.decode(text).unwrap_or_default();
        let millis = self.key.with(session, ON_THE_WAY).open(&sealed);
        let millis = millis.and_then(|bytes| Some(i64::from_be_bytes(bytes.as_slice().try_into().ok()?)));
        let now = self.clock.now();
        millis.map(Timestamp::from_millis).is_some_and(|at| at <= now && now.since(at) <= STEP)
    }

    /// Forgets the answers of flows that are over anyhow.
    ///
    /// # Errors
    /// What the store reports.
    pub async fn forget_old(&self) -> Result<(), StoreError> {
        let before = self.clock.now().minus(LIFE);
        let forget = move |transaction: &Transaction<'_>| transaction.forget_flows(before);
        self.store.write::<_, StoreError, _>(forget).await
    }
}

impl Course<'_> {
    /// What `state` is sealed for. No provider's address holds a zero.
    fn context(&self) -> Vec<u8> {
        let line = self.line.map(|line| [&[0], line.as_slice()].concat()).unwrap_or_default();
        [self.provider.as_bytes(), &line].concat()
    }
}

fn read<P: DeserializeOwned>(both: &Pass, state: &str) -> Option<Flow<P>> {
    let text = both.open(&URL_SAFE_NO_PAD.decode(state).ok()?)?;
    let (begun_at, redirect_url, purpose): Sealed<P> = serde_json::from_slice(&text).ok()?;
    Some(Flow { pending: pending(both, state.to_owned(), begun_at, redirect_url), purpose })
}

fn pending(both: &Pass, state: String, begun_at: Timestamp, redirect_url: String) -> Pending {
    let verifier = SecretText::from(both.verifier());
    Pending { state: state.into(), verifier, redirect_url, begun_at }
}
