//! Ten thousand simulated lives of a credential: two processes that share a store renew it, while the provider fails,
//! answers are lost, clocks jump, and processes die at any await.

mod life;
mod model;

use std::path::Path;
use std::time::Instant;

use endo::store::Store;
use life::{Ending, Life};
use model::{Dice, Kind};

use crate::support::store::open;

/// The seed that a failure printed, to see it again; `None` for new ones.
const AGAIN: Option<u64> = None;
const SCHEDULES: u64 = 10_200;
/// How many share a database: opening one costs as much as several schedules.
const TOGETHER: u64 = 100;

/// What happened in all of them.
#[derive(Debug, Default)]
struct Tally {
    renewed: usize,
    still_good: usize,
    crashes: usize,
    reopenings: usize,
    lost: usize,
    taken_over: usize,
    taken_over_under_way: usize,
    let_go: usize,
    handed_out_again: usize,
    kept_late: usize,
    given_anew: usize,
    outlived: usize,
    left: usize,
    left_under_way: usize,
    left_in_doubt: usize,
    forgotten: usize,
    forgotten_under_way: usize,
    brought_again: usize,
    inherited: usize,
    doubts_taken_over: usize,
    spared: usize,
    alive: usize,
    dead: usize,
}

#[test]
fn no_schedule_spends_a_refresh_token_twice_or_loses_one_unseen() {
    let first = AGAIN.unwrap_or_else(|| u64::from_le_bytes(endo::ambient::Random::system().bytes()) >> 16);
    let schedules = if AGAIN.is_some() { 1 } else { SCHEDULES };
    let begun = Instant::now();
    let mut tally = Tally::default();
    for start in (0..schedules).step_by(TOGETHER as usize) {
        let (directory, runtime) = (memory(), runtime());
        let mut store = open(directory.path());
        for seed in (start..schedules.min(start + TOGETHER)).map(|n| first + n) {
            let mut life = runtime.block_on(play(seed, (store, directory.path())));
            tally.count(&life);
            store = life.close();
        }
    }
    eprintln!("{schedules} schedules from seed {first} in {:?}: {tally:?}", begun.elapsed());
    if AGAIN.is_none() {
        let Tally { renewed, still_good, crashes, reopenings, lost, alive, dead, .. } = tally;
        let Tally { taken_over, taken_over_under_way, handed_out_again, let_go, .. } = tally;
        let Tally { kept_late, given_anew, spared, .. } = tally;
        let Tally { left, left_under_way, left_in_doubt, outlived, .. } = tally;
        let Tally { forgotten, forgotten_under_way, brought_again, inherited, doubts_taken_over, .. } = tally;
        let of_renewals = [renewed, still_good, crashes, reopenings, lost, alive, dead];
        let of_sign_ins = [taken_over, taken_over_under_way, handed_out_again];
        let of_leavings = [left, left_under_way, left_in_doubt];
        let of_forgetting = [forgotten, forgotten_under_way, brought_again];
        let of_owners = of_sign_ins.iter().chain(&of_leavings).chain(&of_forgetting);
        assert!(of_renewals.iter().chain(of_owners).all(|count| *count > 50));
        assert!(kept_late > 10, "few sign-ins are kept after what they brought was spent");
        assert!(inherited > 10, "few sign-ins find what was given for a forgotten refresh token");
        assert!(doubts_taken_over > 10, "few sign-ins bring a forgotten refresh token that was sent");
        assert!(given_anew > 10, "few refresh tokens are given again that were given up");
        assert!(let_go > 10, "few are told to sign in again and do");
        assert!(spared > 10, "few sign-ins bring what a lost answer may have brought");
        assert!(outlived > 10, "few access tokens outlive what renews them");
    }
}

/// A directory that costs no disk where the machine has one.
fn memory() -> tempfile::TempDir {
    tempfile::tempdir_in(Path::new("/dev/shm")).or_else(|_| tempfile::tempdir()).unwrap()
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap()
}

async fn play(seed: u64, place: (Store, &Path)) -> Life {
    let mut dice = Dice::new(seed);
    let kind = Kind::ALL[dice.below(3) as usize];
    let mut life = Life::begin(seed, kind, dice, place).await;
    for _ in 0..12 {
        life.step().await;
        life.check_use().await;
    }
    life.come_to_rest().await;
    life
}

impl Tally {
    fn count(&mut self, life: &Life) {
        self.renewed += life.renewed;
        self.still_good += life.still_good;
        self.crashes += life.crashes;
        self.reopenings += life.reopenings;
        self.lost += life.provider().lost;
        self.taken_over += life.taken_over;
        self.taken_over_under_way += life.taken_over_under_way;
        self.let_go += life.let_go;
        self.handed_out_again += life.handed_out_again;
        self.kept_late += life.kept_late;
        self.given_anew += life.given_anew;
        self.outlived += life.outlived;
        self.left += life.left;
        self.left_under_way += life.left_under_way;
        self.left_in_doubt += life.left_in_doubt;
        self.forgotten += life.forgotten;
        self.forgotten_under_way += life.forgotten_under_way;
        self.brought_again += life.brought_again;
        self.inherited += life.inherited;
        self.doubts_taken_over += life.doubts_taken_over;
        self.spared += life.spared;
        match life.ending {
            Some(Ending::Alive) => self.alive += 1,
            Some(Ending::Dead) => self.dead += 1,
            None => panic!("seed {}: neither alive nor visibly dead", life.seed),
        }
    }
}
