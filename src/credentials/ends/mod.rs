//! The ends of secrets at their API: what is told to it, when, and what is left alone for the sake of others.

pub(super) mod aftermath;
pub(super) mod answers;
pub(super) mod arrivals;
pub(super) mod asking;
pub(super) mod end;
pub(super) mod gate;
pub(super) mod held_tokens;
pub(super) mod hindrance;
pub(super) mod in_use;
pub(super) mod judgement;
pub(super) mod left;
pub(super) mod lost_answers;
pub(super) mod noting;
pub(super) mod of_use;
pub(super) mod questions;
pub(super) mod set_aside;
pub(super) mod stranded;
pub(super) mod strays;
pub(super) mod telling;
