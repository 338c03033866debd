//! Sign-ins under way: what is remembered, bound to one browser, until it is back. Once, for ten minutes.

use serde::{Deserialize, Serialize};
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

use crate::ambient::{Clock, Random, Timestamp};
use crate::message::DeviceUuid;
use crate::source::oauth2::{LIFE, Pending};
use crate::store::{Store, StoreError, Transaction};
use crate::vault::Pass;

/// The newest that are remembered.
const KEPT: u32 = 10_000;

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
        #[serde(default)]
        next: Option<String>,
        /// Whether it was begun on a page of the gateway, by who is signed in: only then does it prove anything.
        #[serde(default)]
        is_meant: bool,
    },
}

/// The form in which a flow is sealed.
#[derive(Serialize, Deserialize)]
struct Written {
    state: Zeroizing<String>,
    verifier: Zeroizing<String>,
    redirect_url: String,
    begun_at: Timestamp,
    purpose: Purpose,
}

impl Written {
    fn open(sealed: &[u8], pass: &Pass) -> Option<Self> {
        serde_json::from_slice(&pass.open(sealed)?).ok()
    }

    fn is_of(&self, state: &str) -> bool {
        self.state.as_bytes().ct_eq(state.as_bytes()).into()
    }

    fn flow(self) -> Flow {
        let pending = Pending {
            state: self.state.as_str().into(),
            verifier: self.verifier.as_str().into(),
            redirect_url: self.redirect_url,
            begun_at: self.begun_at,
        };
        Flow { pending, purpose: self.purpose }
    }
}

/// The sign-ins under way. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Flows {
    store: Store,
    clock: Clock,
    random: Random,
}

impl Flows {
    /// The flows in this store.
    pub fn new(store: Store, (clock, random): (Clock, Random)) -> Self {
        Self { store, clock, random }
    }

    /// Remembers a flow; the browser gets the pass.
    pub(in crate::http) async fn begin(&self, flow: &Flow) -> Result<Pass, StoreError> {
        let pass = Pass::fresh(&self.random);
        let pending = &flow.pending;
        let written = Written {
            state: Zeroizing::new(pending.state.expose().to_owned()),
            verifier: Zeroizing::new(pending.verifier.expose().to_owned()),
            redirect_url: pending.redirect_url.clone(),
            begun_at: pending.begun_at,
            purpose: flow.purpose.clone(),
        };
        let bytes = Zeroizing::new(serde_json::to_vec(&written).expect("texts and times are JSON"));
        let (sealed, now) = (pass.seal(&bytes, &self.random), self.clock.now());
        let fingerprint = pass.fingerprint();
        let begin = move |transaction: &Transaction<'_>| {
            transaction.forget_flows(now.minus(LIFE))?;
            transaction.add_flow(&fingerprint, (&sealed, now), KEPT)
        };
        self.store.write::<_, StoreError, _>(begin).await?;
        Ok(pass)
    }

    /// The flow of this browser that brings `state` back; it is forgotten from now on, whatever comes of it. Any other
    /// state leaves all of them as they are.
    pub(in crate::http) async fn take(
        &self,
        passes: &[Pass],
        state: &str,
    ) -> Result<Option<(Flow, Pass)>, StoreError> {
        let (passes, state) = (passes.to_owned(), Zeroizing::new(state.to_owned()));
        let take = move |transaction: &Transaction<'_>| {
            for pass in passes {
                let fingerprint = pass.fingerprint();
                let sealed = transaction.flow(&fingerprint)?;
                if let Some(written) = sealed.and_then(|sealed| Written::open(&sealed, &pass))
                    && written.is_of(&state)
                {
                    transaction.forget_flow(&fingerprint)?;
                    return Ok(Some((written.flow(), pass)));
                }
            }
            Ok(None)
        };
        self.store.write::<_, StoreError, _>(take).await
    }

    /// Forgets flows that are over.
    ///
    /// # Errors
    /// What the store reports.
    pub async fn forget_old(&self) -> Result<(), StoreError> {
        let before = self.clock.now().minus(LIFE);
        let forget = move |transaction: &Transaction<'_>| transaction.forget_flows(before);
        self.store.write::<_, StoreError, _>(forget).await
    }
}
