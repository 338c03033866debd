//! What is due at webhooks, each host and each webhook of a host in its turn, but for what is passed over.

use std::collections::HashSet;

use rusqlite::Rows;

use super::{PassedOver, StoreError, Transaction, View, WebhookKey, Work};
use crate::ambient::Timestamp;
use crate::memory::Outlook;

/// Deliveries to webhooks, but for what is passed over and what is in hand.
#[derive(Clone, Copy)]
pub(super) struct Free<'a> {
    pub(super) but: &'a PassedOver,
    pub(super) in_hand: &'a HashSet<i64>,
    pub(super) now: Timestamp,
    /// The most that is asked for.
    pub(super) limit: usize,
    /// What of it fits into memory.
    pub(super) outlook: &'a Outlook,
}

impl View<'_> {
    /// The places of deliveries to webhooks that are due: one of each host and then the next of each, of a host one of each
    /// webhook and then the next of each, first who waits longest for a turn. No more is looked at than what is due at whoever
    /// gets one and whoever is passed over, a host at once.
    ///
    /// # Errors
    /// What the database reports.
    pub(super) fn due_at_webhooks(&self, free: Free<'_>) -> Result<Vec<i64>, StoreError> {
        let sql = "SELECT who FROM turns WHERE queue = 'hosts' AND since <= ?1 ORDER BY since, who";
        let mut statement = self.prepare(sql)?;
        let hosts = statement.query([free.now.as_millis()])?;
        in_turn(hosts, free.limit, |host| match free.but.has_host(host) {
            true => Ok(Vec::new()),
            false => self.due_at_host(host, free),
        })
    }

    /// When there is something due again, as far as the clock goes on as it does.
    ///
    /// # Errors
    /// What the database reports.
    pub(super) fn next_due_at_webhooks(&self, now: Timestamp) -> Result<Option<Timestamp>, StoreError> {
        // A turn is not before the last one, which is later than now where the clock was set back since.
        let sql = "SELECT min(since) FROM turns WHERE queue = 'hosts' AND since > ?1";
        let next: Option<i64> = self.prepare(sql)?.query_row([now.as_millis()], |row| row.get(0))?;
        let turn = next.map(Timestamp::from_millis);
        Ok(self.next_due(Work::Webhook, now)?.into_iter().chain(turn).min())
    }

    fn due_at_host(&self, host: &str, free: Free<'_>) -> Result<Vec<i64>, StoreError> {
        let sql = "SELECT who FROM turns WHERE queue = ?1 AND since <= ?2 ORDER BY since, who";
        let mut statement = self.prepare(sql)?;
        let webhooks = statement.query((host, free.now.as_millis()))?;
        in_turn(webhooks, free.limit, |webhook| match free.but.has_webhook(webhook) {
            true => Ok(Vec::new()),
            false => self.due_at_webhook(webhook, free),
        })
    }

    /// What is due at a webhook and in nobody's hands, oldest first, up to what does not fit.
    fn due_at_webhook(
        &self,
        webhook: &str,
        Free { in_hand, now, limit, outlook, .. }: Free<'_>,
    ) -> Result<Vec<i64>, StoreError> {
        let sql = "SELECT seq, octet_length(body) FROM deliveries
                   WHERE webhook = ?1 AND due_at <= ?2 ORDER BY due_at, seq";
        let mut statement = self.prepare(sql)?;
        let mut rows = statement.query((webhook, now.as_millis()))?;
        let mut due = Vec::new();
        while due.len() < limit
            && let Some(row) = rows.next()?
        {
            let seq = row.get(0)?;
            if in_hand.contains(&seq) {
                continue;
            }
            let bytes: u32 = row.get(1)?;
            if !outlook.fits(bytes as usize) {
                if due.is_empty() {
                    outlook.leave_to_whom_it_is_too_small();
                }
                break;
            }
            due.push(seq);
        }
        Ok(due)
    }
}

impl Transaction<'_> {
    /// Puts a webhook, and its host, behind all others that wait for a turn now; who has nothing waiting waits for none.
    ///
    /// # Errors
    /// What the database reports.
    pub fn had_a_turn(&self, webhook: &WebhookKey, now: Timestamp) -> Result<(), StoreError> {
        let again = "INSERT INTO turns (who, queue, due_at, had_at)
                     SELECT webhook, host, due_at, ?2 FROM deliveries WHERE webhook = ?1 ORDER BY due_at LIMIT 1
                     ON CONFLICT (who) DO UPDATE SET due_at = excluded.due_at, had_at = excluded.had_at";
        // A host's is at least as late as any of its webhooks', also where the clock was set back.
        let of_host_again = "INSERT INTO turns (who, queue, due_at, had_at)
                             SELECT queue, 'hosts', since, ?2 FROM turns WHERE queue = ?1 ORDER BY since LIMIT 1
                             ON CONFLICT (who) DO UPDATE
                             SET due_at = excluded.due_at, had_at = max(had_at, excluded.had_at)";
        for (who, again) in [(&webhook.text(), again), (&webhook.host, of_host_again)] {
            if self.prepare(again)?.execute((who, now.as_millis()))? == 0 {
                self.prepare("DELETE FROM turns WHERE who = ?1")?.execute([who])?;
            }
        }
        Ok(())
    }
}

/// What is `due_of` those who stand in a queue, as far as something is: the first of each, then the second, at most `limit`.
fn in_turn(
    mut queue: Rows<'_>,
    limit: usize,
    due_of: impl Fn(&str) -> Result<Vec<i64>, StoreError>,
) -> Result<Vec<i64>, StoreError> {
    let mut of_each = Vec::new();
    while of_each.len() < limit
        && let Some(row) = queue.next()?
    {
        let due = due_of(row.get_ref(0)?.as_str().map_err(rusqlite::Error::from)?)?;
        of_each.extend((!due.is_empty()).then_some(due));
    }
    let in_turn = (0..limit).flat_map(|place| of_each.iter().filter_map(move |due| due.get(place)));
    Ok(in_turn.take(limit).copied().collect())
}
