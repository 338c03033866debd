//! The circuit breaker.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use endo::ambient::Timestamp;
use endo::egress::{Admission, Breaker, BreakerSettings};
use proptest::prelude::*;

use super::*;

const REST: Duration = Duration::from_millis(100);
const FAILURES: u32 = 3;

/// A breaker whose time is in the test's hands.
fn breaker() -> (Arc<Breaker>, Arc<AtomicI64>) {
    let now = Arc::new(AtomicI64::new(0));
    let told = Arc::clone(&now);
    let clock = Clock::from_fn(move || Timestamp::from_millis(told.load(Ordering::Relaxed)));
    (Breaker::new(BreakerSettings { failures: FAILURES, rest: REST }, clock), now)
}

fn fail(breaker: &Arc<Breaker>, times: u32) {
    for _ in 0..times {
        drop(breaker.admit().unwrap());
    }
}

#[test]
fn it_opens_after_failures_in_a_row_and_lets_one_trial_through_after_its_rest() {
    let (breaker, now) = breaker();
    fail(&breaker, FAILURES - 1);
    breaker.admit().unwrap().succeeded();
    fail(&breaker, FAILURES);
    assert_eq!(breaker.admit().unwrap_err().after, REST);
    now.store(99, Ordering::Relaxed);
    assert_eq!(breaker.admit().unwrap_err().after, Duration::from_millis(1));
    now.store(100, Ordering::Relaxed);
    let trial = breaker.admit().unwrap();
    assert!(breaker.admit().is_err());
    drop(trial);
    assert!(breaker.admit().is_err());
    now.store(200, Ordering::Relaxed);
    breaker.admit().unwrap().succeeded();
    fail(&breaker, FAILURES - 1);
    assert!(breaker.admit().is_ok());
}

#[test]
fn a_clock_that_is_set_back_does_not_keep_it_open() {
    let (breaker, now) = breaker();
    now.store(1_000_000, Ordering::Relaxed);
    fail(&breaker, FAILURES);
    now.store(0, Ordering::Relaxed);
    assert!(breaker.admit().is_ok());
}

#[derive(Clone, Debug)]
enum Step {
    Admit,
    Succeed(usize),
    Fail(usize),
    Withdraw(usize),
    Wait(i64),
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        3 => Just(Step::Admit),
        1 => any::<usize>().prop_map(Step::Succeed),
        3 => any::<usize>().prop_map(Step::Fail),
        1 => any::<usize>().prop_map(Step::Withdraw),
        1 => (0..150i64).prop_map(Step::Wait),
    ];
    prop::collection::vec(step, 0..200)
}

/// What a breaker may do, told by its history alone.
#[derive(Default)]
struct History {
    /// Failures since the last success that counted.
    row: u32,
    opened: Option<i64>,
    trial: Option<u64>,
    /// What was admitted before this one has no say.
    since: u64,
    admitted: u64,
}

impl History {
    fn is_untroubled(&self) -> bool {
        self.row == 0 && self.opened.is_none() && self.trial.is_none()
    }

    fn may_enter(&self, now: i64) -> bool {
        self.trial.is_none() && self.opened.is_none_or(|opened| now - opened >= 100)
    }

    fn entered(&mut self) -> u64 {
        self.admitted += 1;
        if self.opened.take().is_some() {
            self.trial = Some(self.admitted);
            self.since = self.admitted;
        }
        self.admitted
    }

    fn withdrew(&mut self, call: u64, now: i64) {
        if call >= self.since && self.trial.take().is_some() {
            self.opened = Some(now - 100);
            self.since = self.admitted + 1;
        }
    }

    fn ended(&mut self, call: u64, succeeded: bool, now: i64) {
        if call < self.since {
            return;
        }
        let was_trial = self.trial.take().is_some();
        self.row = if succeeded { 0 } else { self.row + 1 };
        if !succeeded && (was_trial || self.row >= FAILURES) {
            self.opened = Some(now);
        }
        if was_trial || self.opened.is_some() {
            self.since = self.admitted + 1;
            self.row = 0;
        }
    }
}

proptest! {
    #[test]
    fn it_does_what_its_history_asks_for(steps in steps()) {
        let (breaker, clock) = breaker();
        let (mut history, mut now) = (History::default(), 0);
        let mut calls: Vec<(u64, Admission)> = Vec::new();
        for step in steps {
            match step {
                Step::Wait(millis) => { now += millis; clock.store(now, Ordering::Relaxed); }
                Step::Admit => {
                    let resting = breaker.resting();
                    let admitted = breaker.admit();
                    prop_assert_eq!(admitted.as_ref().err(), resting.as_ref());
                    prop_assert_eq!(admitted.is_ok(), history.may_enter(now));
                    match admitted {
                        Ok(admission) => calls.push((history.entered(), admission)),
                        Err(resting) => prop_assert!(!resting.after.is_zero() && resting.after <= REST),
                    }
                }
                Step::Succeed(which) if !calls.is_empty() => {
                    let (call, admission) = calls.swap_remove(which % calls.len());
                    admission.succeeded();
                    history.ended(call, true, now);
                }
                Step::Fail(which) if !calls.is_empty() => {
                    let (call, admission) = calls.swap_remove(which % calls.len());
                    drop(admission);
                    history.ended(call, false, now);
                }
                Step::Withdraw(which) if !calls.is_empty() => {
                    let (call, admission) = calls.swap_remove(which % calls.len());
                    admission.withdrawn();
                    history.withdrew(call, now);
                }
                Step::Succeed(_) | Step::Fail(_) | Step::Withdraw(_) => {}
            }
            prop_assert_eq!(breaker.untroubled(), history.is_untroubled());
        }
    }
}
