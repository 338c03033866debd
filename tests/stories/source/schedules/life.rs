//! One simulated life: who does what when, what must hold at every step, and what it ends with.

mod forgetting;
mod sign_ins;

use std::collections::{BTreeSet, HashSet};
use std::future::poll_fn;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::Poll;
use std::time::Duration;

use endo::ambient::{Ambient, Random};
use endo::message::DeviceUuid;
use endo::source::oauth2::{OAuthError, Tokens};
use endo::source::renewal::{
    BeforeUse, Demand, Health, Rejection, RenewalError, RenewalSettings, Renewed, Renewer, Standing, Upstream,
};
use endo::store::{RenewalStage, Store, StoreError, StoredRecord, StoredRenewal};
use futures_util::future::BoxFuture;

use forgetting::records;
use sign_ins::Arrival;

use super::super::{Hand, owners, read};
use super::model::{Dice, Kind, Parked, Provider};
use crate::support::store::open;

/// What a life ended with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ending {
    /// The credential works.
    Alive,
    /// It does not, and says so.
    Dead,
}

type Task = BoxFuture<'static, Result<Renewed, RenewalError>>;

/// One process.
struct Process {
    renewer: Arc<Renewer>,
    /// What it is at, and the request of it that waits for the driver.
    task: Option<Task>,
    number: u64,
}

pub(super) struct Life {
    pub(super) seed: u64,
    pub(super) renewed: usize,
    pub(super) still_good: usize,
    pub(super) crashes: usize,
    pub(super) reopenings: usize,
    /// Sign-ins that brought no other refresh token, by what became of the one before.
    pub(super) taken_over: usize,
    pub(super) taken_over_under_way: usize,
    pub(super) let_go: usize,
    /// How often a sign-in brought a refresh token again that had been sent.
    pub(super) handed_out_again: usize,
    /// How often that was spent, and another given for it, before the sign-in was kept.
    pub(super) kept_late: usize,
    /// How often it had been given up.
    pub(super) given_anew: usize,
    /// Sign-ins that are not kept yet.
    arriving: Vec<Arrival>,
    /// Refresh tokens for which another was given, and kept.
    spent: HashSet<String>,
    /// How often an access token without a known end was good when its refresh token was over.
    pub(super) outlived: usize,
    /// Owners who left, by what was under way.
    pub(super) left: usize,
    pub(super) left_under_way: usize,
    pub(super) left_in_doubt: usize,
    /// How many owners came, and who of them is left.
    came: u64,
    owners: BTreeSet<u64>,
    /// Credentials that were forgotten, and by what was under way.
    pub(super) forgotten: usize,
    pub(super) forgotten_under_way: usize,
    /// Sign-ins since that brought the refresh token of forgotten credentials again, by what became of that.
    pub(super) brought_again: usize,
    pub(super) inherited: usize,
    pub(super) doubts_taken_over: usize,
    /// Copies that are not told to the provider since what is kept may be what a lost answer brought.
    pub(super) spared: usize,
    /// Whether there are none by now.
    is_forgotten: bool,
    /// Access tokens of which the provider did not say when they end.
    endless: HashSet<String>,
    /// Whether somebody was told to sign in again, or knows by himself.
    is_told_so: bool,
    pub(super) ending: Option<Ending>,
    kind: Kind,
    dice: Dice,
    hand: Hand,
    directory: PathBuf,
    device: DeviceUuid,
    provider: Arc<Mutex<Provider>>,
    store: Option<Store>,
    processes: Vec<Process>,
    numbers: u64,
}

/// Answers once the driver has released the request of this process.
async fn released(provider: Arc<Mutex<Provider>>, number: u64) {
    lock(&provider).parked.insert(number, Parked { released: false, waker: None });
    poll_fn(|context| {
        let mut provider = lock(&provider);
        let parked = provider.parked.get_mut(&number).expect("it was put there");
        if parked.released {
            provider.parked.remove(&number);
            return Poll::Ready(());
        }
        parked.waker = Some(context.waker().clone());
        Poll::Pending
    })
    .await;
}

/// A refresh token that a process sends.
struct Sent {
    number: u64,
    token: String,
    /// Whether the request is done when it comes, or when its answer leaves: much later.
    is_early: bool,
}

async fn refreshed(provider: Arc<Mutex<Provider>>, sent: Sent) -> Result<Tokens, OAuthError> {
    let Sent { number, token, is_early } = sent;
    let early = is_early.then(|| lock(&provider).refresh(&token));
    released(Arc::clone(&provider), number).await;
    let mut provider = lock(&provider);
    let answer = early.unwrap_or_else(|| provider.refresh(&token));
    if answer.as_ref().is_ok_and(|tokens| tokens.refresh.is_some()) {
        provider.received.entry(number).or_default().push(token);
    }
    answer
}

fn lock(provider: &Mutex<Provider>) -> MutexGuard<'_, Provider> {
    provider.lock().unwrap_or_else(PoisonError::into_inner)
}

/// What happened is told only where something went wrong.
impl Drop for Life {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("seed {}, {:?}:\n  {}", self.seed, self.kind, self.provider().log.join("\n  "));
        }
    }
}

impl Life {
    pub(super) async fn begin(
        seed: u64,
        kind: Kind,
        mut dice: Dice,
        (store, directory): (Store, &Path),
    ) -> Self {
        let provider = Provider::new(seed, kind, Dice::new(dice.next()));
        let mut life = Self {
            seed,
            renewed: 0,
            still_good: 0,
            crashes: 0,
            reopenings: 0,
            taken_over: 0,
            taken_over_under_way: 0,
            let_go: 0,
            handed_out_again: 0,
            kept_late: 0,
            given_anew: 0,
            arriving: Vec::new(),
            spent: HashSet::new(),
            outlived: 0,
            left: 0,
            left_under_way: 0,
            left_in_doubt: 0,
            came: 0,
            forgotten: 0,
            forgotten_under_way: 0,
            brought_again: 0,
            inherited: 0,
            doubts_taken_over: 0,
            spared: 0,
            is_forgotten: false,
            owners: BTreeSet::new(),
            endless: HashSet::new(),
            is_told_so: false,
            ending: None,
            kind,
            dice,
            hand: Hand::new(),
            directory: directory.to_owned(),
            device: format!("device-{seed}").into(),
            provider: Arc::new(Mutex::new(provider)),
            store: Some(store),
            processes: Vec::new(),
            numbers: 0,
        };
        life.sign_in().await;
        life.processes = (0..2).map(|_| life.process()).collect();
        life
    }

    pub(super) fn provider(&self) -> MutexGuard<'_, Provider> {
        lock(&self.provider)
    }

    fn store(&self) -> &Store {
        self.store.as_ref().unwrap()
    }

    /// The provider, as this process reaches it.
    fn upstream(&mut self, number: u64) -> Upstream {
        let (refreshing, probing) = (Arc::clone(&self.provider), Arc::clone(&self.provider));
        let early = Mutex::new(Dice::new(self.dice.next()));
        Upstream {
            refresh: Box::new(move |token| {
                let is_early = early.lock().unwrap_or_else(PoisonError::into_inner).percent(50);
                let (provider, token) = (Arc::clone(&refreshing), token.expose().to_owned());
                Box::pin(refreshed(provider, Sent { number, token, is_early }))
            }),
            probe: Box::new(move |token| {
                let provider = Arc::clone(&probing);
                Box::pin(async move {
                    released(Arc::clone(&provider), number).await;
                    lock(&provider).probe(token.expose())
                })
            }),
            retry: self.kind.retry(),
            client: "client".to_owned(),
        }
    }

    /// A process that just started.
    fn process(&mut self) -> Process {
        self.numbers += 1;
        let number = self.numbers;
        let upstream = self.upstream(number);
        let settings = RenewalSettings { patience: Duration::ZERO, ..RenewalSettings::default() };
        let bytes = Mutex::new(Dice::new(self.dice.next()));
        let random = Random::from_fn(move |all| {
            let mut dice = bytes.lock().unwrap_or_else(PoisonError::into_inner);
            all.iter_mut().for_each(|byte| *byte = dice.next() as u8);
        });
        let ambient = Ambient { clock: self.hand.clock(), random };
        let renewer =
            Renewer::new(self.store().clone(), records(&self.hand), upstream, ambient).with(settings);
        Process { renewer: Arc::new(renewer), task: None, number }
    }

    fn note(&self, text: String) {
        self.provider().log.push(text);
    }

    async fn record(&self) -> StoredRecord {
        let device = self.device.clone();
        self.store().read::<_, StoreError, _>(move |view| view.record(&device)).await.unwrap().unwrap()
    }

    async fn renewal(&self) -> StoredRenewal {
        let device = self.device.clone();
        self.store().read::<_, StoreError, _>(move |view| view.renewal(&device)).await.unwrap().unwrap()
    }

    /// One thing that happens.
    pub(super) async fn step(&mut self) {
        let which = self.dice.below(2) as usize;
        if self.is_forgotten {
            return self.while_forgotten(which).await;
        }
        if std::mem::take(&mut self.is_told_so) && self.dice.percent(80) {
            return self.sign_in_without_another_refresh_token(10).await;
        }
        if self.dice.percent(20) {
            self.keep_what_came().await;
        }
        match self.dice.below(108) {
            0..50 => self.act(which).await,
            50..75 => {
                let longest = [15, 400, 400, 4000][self.dice.below(4) as usize];
                let span = Duration::from_secs(1 + self.dice.below(longest));
                self.note(format!("{} s pass", span.as_secs()));
                if self.dice.percent(5) {
                    self.hand.back(span)
                } else {
                    self.hand.forward(span)
                }
                // Access tokens end when their time has come, and before.
                if self.dice.percent(20) {
                    self.note("all access tokens end".to_owned());
                    self.provider().access.clear();
                }
            }
            75..84 => self.crash(which),
            84..86 => self.reopen(),
            86..88 => self.sign_in().await,
            88..91 => self.sign_in_without_another_refresh_token(70).await,
            91..95 => self.leave().await,
            95..100 => self.expire().await,
            100..104 => self.forget().await,
            _ => {
                self.provider().withdraw();
                self.is_told_so = true;
            }
        }
    }

    /// What works is used: nobody gives an access token up that the provider still takes, unless its time has come.
    pub(super) async fn check_use(&mut self) {
        if self.is_forgotten {
            return;
        }
        let (record, renewal) = (self.record().await, self.renewal().await);
        let (access, _) = read(&record);
        let works = self.provider().access.contains(&access);
        let before_use = BeforeUse::of(Some(&renewal), record.generation, self.hand.now(), true);
        if works && self.endless.contains(&access) && is_over(&renewal) {
            assert_eq!(before_use, BeforeUse::Use, "seed {}: {access} works", self.seed);
            self.outlived += 1;
        }
    }

    /// The provider ends the access token that is in use.
    async fn expire(&mut self) {
        let (access, _) = read(&self.record().await);
        self.note(format!("{access} ends"));
        self.provider().access.remove(&access);
    }

    /// A process begins to renew, or goes on where it waits.
    async fn act(&mut self, which: usize) {
        if self.processes[which].task.is_none() {
            let record = self.record().await;
            let good = self.provider().access.contains(&read(&record).0);
            let demand = match good {
                true => Demand::Due,
                false => Demand::Rejected(Rejection::by_the_api(record.generation)),
            };
            self.begin_task(which, demand);
        }
        self.run(which).await;
    }

    fn begin_task(&mut self, which: usize, demand: Demand) {
        let process = &mut self.processes[which];
        let (renewer, device) = (Arc::clone(&process.renewer), self.device.clone());
        process.task = Some(Box::pin(async move { renewer.renew(&device, demand).await }));
        let number = process.number;
        self.note(format!("process {number} begins: {demand:?}"));
    }

    /// Lets a process run until its next request waits for an answer, or it stops at an await, or dies there.
    async fn run(&mut self, which: usize) {
        let number = self.processes[which].number;
        if let Some(parked) = self.provider().parked.get_mut(&number) {
            parked.released = true;
            if let Some(waker) = parked.waker.take() {
                waker.wake();
            }
        }
        let Some(mut task) = self.processes[which].task.take() else { return };
        let (provider, calm) = (Arc::clone(&self.provider), self.provider().calm);
        let dice = &mut self.dice;
        let ended = poll_fn(|context| match task.as_mut().poll(context) {
            Poll::Ready(outcome) => Poll::Ready(Stop::Ended(outcome)),
            Poll::Pending => {
                let provider = provider.lock().unwrap_or_else(PoisonError::into_inner);
                let waits = provider.parked.get(&number).is_some_and(|parked| !parked.released);
                match waits {
                    true => Poll::Ready(Stop::Waits),
                    false if calm => Poll::Pending,
                    false if dice.percent(4) => Poll::Ready(Stop::Dies),
                    false if dice.percent(10) => Poll::Ready(Stop::Waits),
                    false => Poll::Pending,
                }
            }
        })
        .await;
        match ended {
            Stop::Waits => self.processes[which].task = Some(task),
            Stop::Dies => {
                drop(task);
                self.crash(which);
            }
            Stop::Ended(outcome) => self.ended(number, &outcome).await,
        }
    }

    async fn ended(&mut self, number: u64, outcome: &Result<Renewed, RenewalError>) {
        self.note(format!("process {number} ends: {outcome:?}"));
        let held = match self.is_forgotten {
            true => None,
            false => {
                let record = self.record().await;
                assert_eq!(
                    owners(&record),
                    self.owners,
                    "seed {}: a renewal brings somebody back",
                    self.seed
                );
                read(&record).1
            }
        };
        let received = self.provider().received.remove(&number).unwrap_or_default();
        for spent in received {
            assert!(held.as_ref() != Some(&spent), "seed {}: what {spent} brought is lost", self.seed);
            self.spent.insert(spent);
        }
        match outcome {
            Ok(Renewed::New) => self.renewed += 1,
            Ok(Renewed::StillGood) => self.still_good += 1,
            Ok(_) => {}
            Err(RenewalError::NoRecord) => assert!(self.forgotten > 0, "seed {}", self.seed),
            Err(RenewalError::Dead { reason }) => {
                assert!(!reason.is_empty());
                self.is_told_so = true;
            }
            Err(
                RenewalError::Busy
                | RenewalError::Resting
                | RenewalError::Fruitless
                | RenewalError::Unavailable(_),
            ) => {}
            Err(error) => panic!("seed {}: {error:?}", self.seed),
        }
    }

    /// A process dies, wherever it is; another takes its place.
    fn crash(&mut self, which: usize) {
        self.crashes += 1;
        let number = self.processes[which].number;
        self.note(format!("process {number} dies"));
        self.processes[which].task = None;
        self.provider().parked.remove(&number);
        self.processes[which] = self.process();
    }

    /// The machine dies: every process does, and the store is opened again.
    fn reopen(&mut self) {
        self.reopenings += 1;
        self.note("the machine dies".to_owned());
        self.processes.clear();
        self.provider().parked.clear();
        self.store = None;
        self.store = Some(open(&self.directory));
        self.processes = (0..2).map(|_| self.process()).collect();
    }

    /// Nothing fails any more: whatever is known by then has to be right.
    pub(super) async fn come_to_rest(&mut self) {
        self.provider().calm = true;
        if self.is_forgotten {
            self.come_back().await;
        }
        self.keep_what_came().await;
        for which in 0..2 {
            while self.processes[which].task.is_some() {
                self.run(which).await;
            }
        }
        if std::mem::take(&mut self.is_told_so) && self.dice.percent(30) {
            self.sign_in_without_another_refresh_token(0).await;
        }
        // The secret that is there now, and the one that its refresh token buys.
        self.conclude().await;
        if self.ending == Some(Ending::Alive) {
            self.expire().await;
            self.conclude().await;
        }
    }

    /// Ends every process; the store is for the next life.
    pub(super) fn close(&mut self) -> Store {
        self.processes.clear();
        self.store.take().unwrap()
    }

    async fn conclude(&mut self) {
        self.ending = None;
        for _ in 0..4 {
            let record = self.record().await;
            if self.provider().access.contains(&read(&record).0) {
                self.ending = Some(Ending::Alive);
                return;
            }
            // Past every lease and every rest.
            self.hand.forward(Duration::from_secs(2 * 3600));
            self.begin_task(0, Demand::Rejected(Rejection::by_the_api(record.generation)));
            while self.processes[0].task.is_some() {
                self.run(0).await;
            }
            if is_over(&self.renewal().await) {
                return self.check_death().await;
            }
        }
    }

    /// It may be dead only if the provider said so, or if its refresh token was sent as often as it may be, as far as
    /// anybody can know: whoever died after the intent and before the request cannot tell. It stays dead without another request, and says why.
    async fn check_death(&mut self) {
        let renewal = self.renewal().await;
        match read(&self.record().await).1 {
            Some(refresh) => self.check_death_of(&renewal, &refresh),
            // It was over, and said so, when somebody signed in who brought no other.
            None => assert!(self.let_go > 0, "seed {}: a refresh token is gone", self.seed),
        }
        let generation = self.record().await.generation;
        let health = Standing::of(Some(&renewal), generation, self.hand.now(), None).health;
        assert!(matches!(health, Health::Dead { reason } if !reason.is_empty()), "seed {}", self.seed);
        let requests = self.provider().requests;
        self.hand.forward(Duration::from_secs(2 * 3600));
        self.begin_task(0, Demand::Rejected(Rejection::by_the_api(generation)));
        self.run(0).await;
        assert!(self.processes[0].task.is_none());
        assert_eq!(self.provider().requests, requests, "seed {}: the dead are asked for", self.seed);
        self.ending = Some(Ending::Dead);
    }

    fn check_death_of(&self, renewal: &StoredRenewal, refresh: &str) {
        let sent = self.provider().sent.get(refresh).copied().unwrap_or_default();
        if renewal.refresh.as_ref().is_some_and(|refresh| refresh.stage == RenewalStage::Spent) {
            // Another was given for it, which nobody had any more when somebody came with this one.
            return assert!(sent >= 1, "seed {}: {refresh} was never sent", self.seed);
        }
        let enough = self.kind.uses();
        let refused = self.provider().refused.contains(refresh);
        let noted = renewal.refresh.as_ref().map_or(0, |refresh| refresh.sent);
        assert!(refused || noted >= enough, "seed {}: given up after {noted}", self.seed);
        let nobody_died = self.crashes + self.reopenings == 0;
        let may_be = refused || sent >= enough;
        assert!(!nobody_died || may_be, "seed {}: {refresh} was given up after {sent}", self.seed);
    }
}

/// Whether nothing renews the secret any more.
fn is_over(renewal: &StoredRenewal) -> bool {
    renewal.refresh.as_ref().is_none_or(|refresh| !refresh.renews())
}

/// Why a process stopped running.
enum Stop {
    Waits,
    Dies,
    Ended(Result<Renewed, RenewalError>),
}
