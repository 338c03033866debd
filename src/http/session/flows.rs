//! Sign-ins under way: what a browser was sent elsewhere with, and has to bring back. Once, within ten minutes.
//!
//! Nothing is kept here meanwhile, so that however many begin, nobody's sign-in is pushed out: the browser keeps a pass,
//! and what it is to bring back is sealed in `state`, by that pass and a key of the gateway's together, for the provider that
//! it is sent to.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};

use crate::ambient::{Clock, Random, Timestamp};
use crate::message::DeviceUuid;
use crate::source::oauth2::{LIFE, Pending};
use crate::store::{Store, StoreError, Transaction};
use crate::vault::{Pass, SecretText};

/// The newest answers that are remembered. Whoever pushes one out ends nothing: a provider takes its code once, too.
const REMEMBERED: u32 = 10_000;
/// The name of the gateway's key.
const KEY: &str = "sign-in.key";

/// A browser that was sent elsewhere to sign in.
#[derive(Debug)]
pub(in crate::http) struct Flow {
    /// What it has to bring back.
    pub(in crate::http) pending: Pending,
    /// What for.
    pub(in crate::http) purpose: Purpose,
}

/// What a browser signs in for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(in crate::http) enum Purpose {
    /// To have a session, and then to see this page.
    Session {
        /// A path of the gateway.
        next: String,
    },
    /// To keep the credentials of an account at the API.
    Account {
        /// Who will own them.
        owner: DeviceUuid,
        /// Whose account it has to be.
        credentials: Option<DeviceUuid>,
        /// The page of the gateway to see then; none for that of the credentials.
        next: Option<String>,
        /// Whether it was begun on a page of the gateway, by who is signed in: only then does it prove anything.
        is_meant: bool,
    },
}

/// What is sealed: when it began, where the browser is sent back to, and what for.
type Sealed = (Timestamp, String, Purpose);

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
    pub async fn open(store: Store, (clock, random): (Clock, Random)) -> Result<Self, StoreError> {
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

    /// Begins a flow that leads over `provider` and ends at `redirect_url`; the browser gets the pass.
    pub(in crate::http) fn begin(
        &self,
        provider: &str,
        (redirect_url, purpose): (String, Purpose),
    ) -> (Flow, Pass) {
        let pass = Pass::fresh(&self.random);
        let both = self.key.with(&pass, provider);
        let sealed: Sealed = (self.clock.now(), redirect_url, purpose);
        let text = serde_json::to_vec(&sealed).expect("texts and times are JSON");
        let state = URL_SAFE_NO_PAD.encode(both.seal(&text, &self.random));
        (flow(sealed, state, &both), pass)
    }

    /// The flow of a browser with one of these passes that brings `state` back from `provider`, if `is_theirs` who brings it;
    /// no later answer is of it, whatever comes of this one. Anything else leaves all of them as they are.
    ///
    /// # Errors
    /// What the store reports.
    pub(in crate::http) async fn take(
        &self,
        passes: &[&Pass],
        (provider, state): (&str, &str),
        is_theirs: impl Fn(&Purpose) -> bool,
    ) -> Result<Option<Flow>, StoreError> {
        let read = |pass: &&Pass| Some((read(&self.key.with(pass, provider), state)?, pass.fingerprint()));
        let Some((flow, fingerprint)) =
            passes.iter().find_map(read).filter(|(flow, _)| is_theirs(&flow.purpose))
        else {
            return Ok(None);
        };
        let now = self.clock.now();
        let answer =
            move |transaction: &Transaction<'_>| transaction.answer_flow(&fingerprint, now, REMEMBERED);
        let is_first = self.store.write::<_, StoreError, _>(answer).await?;
        Ok(is_first.then_some(flow))
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

fn read(both: &Pass, state: &str) -> Option<Flow> {
    let text = both.open(&URL_SAFE_NO_PAD.decode(state).ok()?)?;
    Some(flow(serde_json::from_slice(&text).ok()?, state.to_owned(), both))
}

fn flow((begun_at, redirect_url, purpose): Sealed, state: String, both: &Pass) -> Flow {
    let verifier = SecretText::from(both.verifier());
    Flow { pending: Pending { state: state.into(), verifier, redirect_url, begun_at }, purpose }
}
