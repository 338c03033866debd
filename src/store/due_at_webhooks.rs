//! What is due at webhooks, of which some may be passed over.

use std::collections::HashSet;

use serde_json::json;

use super::{PassedOver, StoreError, View, WebhookKey};
use crate::ambient::Timestamp;

/// How many of the oldest that are due are looked at before it is gone from webhook to webhook.
const OLDEST: usize = 128;

/// Deliveries to webhooks, but for what is passed over and what is in hand.
#[derive(Clone, Copy)]
pub(super) struct Free<'a> {
    pub(super) but: &'a PassedOver,
    pub(super) in_hand: &'a HashSet<i64>,
    pub(super) now: Timestamp,
    /// The most that is asked for.
    pub(super) limit: usize,
}

impl View<'_> {
    /// The places of deliveries to webhooks that are due: the oldest, where one of the first that are due may
    /// be made. Else each host comes in turn, whatever waits at the others, and where few webhooks are due, each of them: it
    /// goes from webhook to webhook then, and over a whole host at once, so that what waits at one of them takes no longer for
    /// being much.
    ///
    /// # Errors
    /// What the database reports.
    pub(super) fn due_at_webhooks(&self, free: Free<'_>) -> Result<Vec<i64>, StoreError> {
        let limit = free.limit;
        let oldest = self.free_of_the_oldest(free)?;
        if !oldest.is_empty() {
            return Ok(oldest);
        }
        let firsts = self.first_at_each(free)?;
        if firsts.len() >= limit {
            return Ok(firsts.into_iter().map(|(_, seq)| seq).collect());
        }
        let of_each = firsts.iter().map(|(webhook, _)| self.due_at(webhook, free));
        let of_each: Vec<Vec<i64>> = of_each.collect::<Result<_, _>>()?;
        let in_turn = (0..limit).flat_map(|place| of_each.iter().filter_map(move |due| due.get(place)));
        Ok(in_turn.take(limit).copied().collect())
    }

    /// What is free of the oldest that are due, which are a bounded number.
    fn free_of_the_oldest(
        &self,
        Free { but, in_hand, now, limit }: Free<'_>,
    ) -> Result<Vec<i64>, StoreError> {
        let sql = "SELECT seq, webhook FROM deliveries WHERE work = 1 AND due_at <= ?1 ORDER BY due_at, seq LIMIT ?2";
        let resting: HashSet<_> = but.webhooks.iter().map(WebhookKey::text).collect();
        let is_free = |webhook: &String| {
            let host = webhook.split(' ').next().unwrap_or_default();
            let is_host = |other: &String| other == host;
            let has_room =
                !but.hosts.iter().any(is_host) && but.only.iter().all(|only| only.iter().any(is_host));
            has_room && !resting.contains(webhook)
        };
        let mut statement = self.prepare(sql)?;
        let rows =
            statement.query_map((now.as_millis(), OLDEST as i64), |row| Ok((row.get(0)?, row.get(1)?)))?;
        let oldest: Vec<(i64, String)> = rows.collect::<Result<_, _>>()?;
        let free = oldest.into_iter().filter(|(seq, webhook)| !in_hand.contains(seq) && is_free(webhook));
        Ok(free.map(|(seq, _)| seq).take(limit).collect())
    }

    /// The oldest that is due at each webhook, with that, one of each host and then the next of each.
    fn first_at_each(
        &self,
        Free { but, in_hand, now, limit }: Free<'_>,
    ) -> Result<Vec<(String, i64)>, StoreError> {
        let sql = "WITH RECURSIVE waiting (webhook) AS (
                       SELECT min(webhook) FROM deliveries WHERE webhook IS NOT NULL
                       UNION ALL
                       SELECT (SELECT min(webhook) FROM deliveries WHERE webhook > CASE
                           WHEN substr(waiting.webhook, 1, instr(waiting.webhook, ' ') - 1)
                               IN (SELECT value FROM json_each(?3))
                           THEN substr(waiting.webhook, 1, instr(waiting.webhook, ' ') - 1) || '!'
                           ELSE waiting.webhook END)
                       FROM waiting WHERE webhook IS NOT NULL),
                   of_hosts AS (
                       SELECT webhook, substr(webhook, 1, instr(webhook, ' ') - 1) AS host FROM waiting
                       WHERE webhook NOT IN (SELECT value FROM json_each(?5))),
                   firsts AS (
                       SELECT webhook, host, (
                           SELECT seq FROM deliveries WHERE webhook = of_hosts.webhook AND due_at <= ?1
                           AND seq NOT IN (SELECT value FROM json_each(?6)) ORDER BY due_at, seq LIMIT 1) AS seq
                       FROM of_hosts WHERE host NOT IN (SELECT value FROM json_each(?3))
                       AND (?4 IS NULL OR host IN (SELECT value FROM json_each(?4))))
                   SELECT webhook, seq FROM firsts WHERE seq IS NOT NULL
                   ORDER BY row_number() OVER (PARTITION BY host ORDER BY seq), seq LIMIT ?2";
        let resting: Vec<_> = but.webhooks.iter().map(WebhookKey::text).collect();
        let (hosts, resting) = (json!(but.hosts).to_string(), json!(resting).to_string());
        let only = but.only.as_ref().map(|only| json!(only).to_string());
        let in_hand = json!(in_hand).to_string();
        let mut statement = self.prepare(sql)?;
        let asked = (now.as_millis(), limit as i64, hosts, only, resting, in_hand);
        let rows = statement.query_map(asked, |row| Ok((row.get(0)?, row.get(1)?)))?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// What is due at a webhook and in nobody's hands, oldest first.
    fn due_at(
        &self,
        webhook: &str,
        Free { in_hand, now, limit, .. }: Free<'_>,
    ) -> Result<Vec<i64>, StoreError> {
        let sql = "SELECT seq FROM deliveries WHERE webhook = ?1 AND due_at <= ?2
                   AND seq NOT IN (SELECT value FROM json_each(?4)) ORDER BY due_at, seq LIMIT ?3";
        let mut statement = self.prepare(sql)?;
        let asked = (webhook, now.as_millis(), limit as i64, json!(in_hand).to_string());
        let rows = statement.query_map(asked, |row| row.get(0))?;
        Ok(rows.collect::<Result<_, _>>()?)
    }
}
