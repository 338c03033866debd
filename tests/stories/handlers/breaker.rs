//! The circuit breaker.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use endo::ambient::Timestamp;
use endo::egress::{Admission, Breaker, BreakerSettings, Verdict};
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
        breaker.admit().unwrap().ends(Verdict::Failed);
    }
}

#[test]
fn it_opens_after_failures_in_a_row_and_lets_one_trial_through_after_its_rest() {
    let (breaker, now) = breaker();
    fail(&breaker, FAILURES - 1);
    breaker.admit().unwrap().ends(Verdict::Succeeded);
    fail(&breaker, FAILURES);
    assert_eq!(breaker.admit().unwrap_err().after, REST);
    now.store(99, Ordering::Relaxed);
    assert_eq!(breaker.admit().unwrap_err().after, Duration::from_millis(1));
    now.store(100, Ordering::Relaxed);
    let trial = breaker.admit().unwrap();
    assert!(breaker.admit().is_err());
    trial.ends(Verdict::Failed);
    assert!(breaker.admit().is_err());
    now.store(200, Ordering::Relaxed);
    breaker.admit().unwrap().ends(Verdict::Succeeded);
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

#[test]
fn a_trial_that_takes_long_keeps_others_out_for_one_rest_and_still_has_its_say() {
    let (breaker, now) = breaker();
    fail(&breaker, FAILURES);
    now.store(100, Ordering::Relaxed);
    let slow = breaker.admit().unwrap();
    now.store(199, Ordering::Relaxed);
    assert_eq!(breaker.admit().unwrap_err().after, Duration::from_millis(1));
    now.store(200, Ordering::Relaxed);
    let other = breaker.admit().unwrap();
    assert!(breaker.admit().is_err());
    slow.ends(Verdict::Late);
    assert!(breaker.admit().is_err(), "who gives up on one trial ends no other's rest");
    other.ends(Verdict::Succeeded);
    assert!(breaker.untroubled());
}

#[test]
fn calls_that_are_late_open_it_for_all_but_as_many_more() {
    let (breaker, now) = breaker();
    for _ in 0..FAILURES {
        breaker.admit().unwrap().ends(Verdict::Late);
    }
    assert!(breaker.is_open());
    let trials: Vec<_> = (0..FAILURES).map(|_| breaker.admit().unwrap()).collect();
    assert_eq!(breaker.admit().unwrap_err().after, REST);
    trials.into_iter().for_each(|trial| trial.ends(Verdict::Late));
    assert_eq!(breaker.admit().unwrap_err().after, REST);
    now.store(100, Ordering::Relaxed);
    let trial = breaker.admit().unwrap();
    assert_eq!(breaker.admit().unwrap_err().after, REST);
    trial.ends(Verdict::Succeeded);
    assert!(breaker.untroubled());
}

#[test]
fn one_that_is_opened_by_hand_rests_until_its_rest_is_over_or_ended() {
    let (breaker, now) = breaker();
    breaker.end_rest();
    breaker.open();
    assert_eq!(breaker.admit().unwrap_err().after, REST);
    breaker.end_rest();
    let trial = breaker.admit().unwrap();
    assert!(trial.is_trial() && breaker.admit().is_err());
    trial.ends(Verdict::Failed);
    now.store(50, Ordering::Relaxed);
    breaker.open();
    assert_eq!(breaker.admit().unwrap_err().after, Duration::from_millis(50));
    now.store(100, Ordering::Relaxed);
    breaker.admit().unwrap().ends(Verdict::Succeeded);
    assert!(!breaker.admit().unwrap().is_trial());
}

#[test]
fn a_call_that_ends_badly_while_another_succeeds_is_no_failure() {
    let (breaker, _) = breaker();
    let ends: [fn(Admission); 3] = [|call| call.ends(Verdict::Late), |call| call.ends(Verdict::Failed), drop];
    for end in ends {
        let calls: Vec<_> = (0..FAILURES).map(|_| breaker.admit().unwrap()).collect();
        breaker.admit().unwrap().ends(Verdict::Succeeded);
        calls.into_iter().for_each(end);
        assert!(breaker.untroubled());
    }
}

#[derive(Clone, Debug)]
enum Step {
    Admit,
    End(usize, Verdict),
    Wait(i64),
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let end = prop_oneof![
        1 => Just(Verdict::Succeeded),
        2 => Just(Verdict::Failed),
        2 => Just(Verdict::Late),
        1 => Just(Verdict::NotMade),
    ];
    let step = prop_oneof![
        3 => Just(Step::Admit),
        6 => (any::<usize>(), end).prop_map(|(which, end)| Step::End(which, end)),
        1 => (0..150i64).prop_map(Step::Wait),
    ];
    prop::collection::vec(step, 0..200)
}

/// What a breaker may do, told by its history alone.
#[derive(Default)]
struct History {
    /// Failures since the last success that counted.
    row: u32,
    /// While it is open.
    open: Option<Open>,
    /// What was admitted before this one has no say.
    since: u64,
    admitted: u64,
    succeeded: u64,
}

struct Open {
    /// From when on the next trial may begin.
    next_trial: i64,
    /// How many may begin before.
    at_once: u32,
}

/// A call, and how many had succeeded before.
struct Call {
    number: u64,
    succeeded_before: u64,
}

impl History {
    fn is_untroubled(&self) -> bool {
        self.row == 0 && self.open.is_none()
    }

    fn may_enter(&self, now: i64) -> bool {
        self.open.as_ref().is_none_or(|open| open.at_once > 0 || now >= open.next_trial)
    }

    fn entered(&mut self, now: i64) -> Call {
        self.admitted += 1;
        if let Some(Open { next_trial, at_once }) = &mut self.open {
            (*next_trial, *at_once) = (now + 100, at_once.saturating_sub(1));
        }
        Call { number: self.admitted, succeeded_before: self.succeeded }
    }

    fn ended(&mut self, call: Call, end: Verdict, now: i64) {
        let excused = end != Verdict::Succeeded && self.succeeded > call.succeeded_before;
        let end = if excused { Verdict::NotMade } else { end };
        self.succeeded += u64::from(end == Verdict::Succeeded);
        if call.number < self.since {
            return;
        }
        match (&mut self.open, end) {
            (_, Verdict::Succeeded) => self.close(),
            (None, Verdict::Failed | Verdict::Late) => self.one_more(end, now),
            (Some(open), Verdict::Failed) => *open = Open { next_trial: now + 100, at_once: 0 },
            (Some(open), Verdict::NotMade) => open.at_once = open.at_once.max(1),
            (Some(_), Verdict::Late) | (None, Verdict::NotMade) => {}
        }
    }

    fn one_more(&mut self, end: Verdict, now: i64) {
        self.row += 1;
        if self.row == FAILURES {
            let at_once = if end == Verdict::Late { FAILURES } else { 0 };
            let open = Open { next_trial: now + 100, at_once };
            (self.row, self.open, self.since) = (0, Some(open), self.admitted + 1);
        }
    }

    fn close(&mut self) {
        if self.open.take().is_some() {
            self.since = self.admitted + 1;
        }
        self.row = 0;
    }
}

proptest! {
    #[test]
    fn it_does_what_its_history_asks_for(steps in steps()) {
        let (breaker, clock) = breaker();
        let (mut history, mut now) = (History::default(), 0);
        let mut calls: Vec<(Call, Admission)> = Vec::new();
        for step in steps {
            match step {
                Step::Wait(millis) => { now += millis; clock.store(now, Ordering::Relaxed); }
                Step::Admit => {
                    let resting = breaker.resting_for(REST);
                    let admitted = breaker.admit();
                    prop_assert_eq!(admitted.as_ref().err(), resting.as_ref());
                    prop_assert_eq!(admitted.is_ok(), history.may_enter(now));
                    match admitted {
                        Ok(admission) => calls.push((history.entered(now), admission)),
                        Err(resting) => prop_assert!(!resting.after.is_zero() && resting.after <= REST),
                    }
                }
                Step::End(which, end) if !calls.is_empty() => {
                    let (call, admission) = calls.swap_remove(which % calls.len());
                    admission.ends(end);
                    history.ended(call, end, now);
                }
                Step::End(..) => {}
            }
            prop_assert_eq!(breaker.untroubled(), history.is_untroubled());
            prop_assert_eq!(breaker.is_open(), history.open.is_some());
        }
    }
}
