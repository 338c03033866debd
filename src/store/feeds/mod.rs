//! Work that is due, handed out to whoever does it, each line in its turn.

pub(super) mod due;
pub(super) mod due_at_webhooks;
pub(super) mod feed;
pub(super) mod handed;
pub(super) mod job_lines;
pub(super) mod keys;
pub(super) mod next;
pub(super) mod overdue;
pub(super) mod passed_over;
pub(super) mod place;
pub(super) mod rationed;
pub(super) mod untroubled;
