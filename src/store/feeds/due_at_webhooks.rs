//! What is due at webhooks, each host, each device that has webhooks there, each of these and each line at one in its turn, but
//! for what is passed over.

use super::handed::{PermitLine, Waiting, Wanted, one_of_each};
use super::keys::DeviceAtHost;
use crate::ambient::Timestamp;
use crate::memory::weight;
use crate::store::columns::text;
use crate::store::{LineKey, StoreError, Transaction, View, WebhookKey, Work};

impl View<'_> {
    /// The deliveries to webhooks that are due: one of each host and then the next of each, of a host one of each device and then
    /// the next of each, of a device there one of each webhook, and of a webhook one of each line, first who waits longest for a
    /// turn, and those last who have calls in hand, the fewer the sooner; where not everybody is called at a host it is another order
    /// ([`Rationed`](crate::store::Rationed)). No more is looked at than what is due at whoever gets one and whoever is passed over,
    /// a host, or a device there, at once.
    ///
    /// # Errors
    /// What the database reports.
    pub(super) fn due_at_webhooks(&self, wanted: Wanted<'_>) -> Result<Vec<Waiting>, StoreError> {
        self.in_turn("hosts", wanted, |host| match (wanted.but.has_host(host), wanted.but.rationed(host)) {
            (true, _) => Ok(Vec::new()),
            (false, Some(rationed)) => self.due_at_rationed(host, rationed, wanted),
            (false, None) => self.in_turn(host, wanted, |device| self.due_of_device(device, wanted)),
        })
    }

    /// The same of a device at a host.
    fn due_of_device(&self, at_host: &str, wanted: Wanted<'_>) -> Result<Vec<Waiting>, StoreError> {
        if wanted.but.has_device(&DeviceAtHost::named(at_host)) {
            return Ok(Vec::new());
        }
        self.in_turn(at_host, wanted, |webhook| match wanted.passes_over(webhook) {
            true => Ok(Vec::new()),
            false => self.in_turn(webhook, wanted, |line| match wanted.but.has_line(line) {
                true => Ok(Vec::new()),
                false => self.due_in_line_at_webhook(line, wanted),
            }),
        })
    }

    /// When there is something due again, as far as the clock goes on as it does.
    ///
    /// # Errors
    /// What the database reports.
    pub(super) fn next_due_at_webhooks(&self, now: Timestamp) -> Result<Option<Timestamp>, StoreError> {
        // A turn is not before the last one, which is later than now where the clock was set back since.
        let sql = "SELECT min(since) FROM turns WHERE queue = 'hosts' AND since > ?1";
        let turn: Option<_> = self.value(sql, [now])?;
        Ok(self.next_due(Work::Webhook, now)?.into_iter().chain(turn).min())
    }

    /// What is `due_of` those who stand in a queue, as far as something is: the first of each, then the second, as much as is
    /// asked for.
    fn in_turn(
        &self,
        queue: &str,
        wanted: Wanted<'_>,
        due_of: impl Fn(&str) -> Result<Vec<Waiting>, StoreError>,
    ) -> Result<Vec<Waiting>, StoreError> {
        let sql = "SELECT who FROM turns WHERE queue = ?1 AND since <= ?2 ORDER BY since, who";
        let mut statement = self.prepare(sql)?;
        let mut standing = statement.query((queue, wanted.now))?;
        let (mut of_each, mut had_a_turn) = (Vec::new(), Vec::new());
        let add = |of_each: &mut Vec<_>, who: &str| {
            let due = due_of(who)?;
            of_each.extend((!due.is_empty()).then_some(due));
            Ok::<_, StoreError>(())
        };
        while of_each.len() < wanted.most
            && let Some(row) = standing.next()?
        {
            let who = text(row, 0)?;
            match wanted.but.last_turn_of(who) {
                Some(turn) => had_a_turn.push((turn, who.to_owned())),
                None => add(&mut of_each, who)?,
            }
        }
        had_a_turn.sort_unstable();
        for (_, who) in had_a_turn {
            if of_each.len() < wanted.most {
                add(&mut of_each, &who)?;
            }
        }
        Ok(one_of_each(&of_each).take(wanted.most).collect())
    }

    pub(super) fn due_in_line_at_webhook(
        &self,
        line: &str,
        wanted: Wanted<'_>,
    ) -> Result<Vec<Waiting>, StoreError> {
        let sql = "SELECT seq, octet_length(body) + weight, device FROM deliveries
                   WHERE line_at_webhook = ?1 AND due_at <= ?2 ORDER BY due_at, seq";
        let mut statement = self.prepare(sql)?;
        wanted.of(statement.query((line, wanted.now))?, weight::of_call)
    }
}

impl Wanted<'_> {
    /// Whether a webhook gets no call now. One gets none whose device has to wait for the least that there is.
    pub(super) fn passes_over(&self, webhook: &str) -> bool {
        let DeviceAtHost { device, .. } = DeviceAtHost::with(webhook);
        self.but.has_webhook(webhook) || self.awaited.contains(&PermitLine::of(&device, 0))
    }

    /// The same, or none of its device there.
    pub(super) fn passes_over_device_of(&self, webhook: &str) -> bool {
        self.but.has_device(&DeviceAtHost::with(webhook)) || self.passes_over(webhook)
    }
}

impl Transaction<'_> {
    /// Puts a line, its webhook, the device of that at its host, and the host behind all others that wait for a turn now; who has
    /// nothing waiting waits for none.
    ///
    /// # Errors
    /// What the database reports.
    pub fn had_a_turn(&self, line: &LineKey, now: Timestamp) -> Result<(), StoreError> {
        self.wait_for_a_turn(line, Some(now))
    }

    /// Notes that less waits in a line, which had no turn: it stands where it would if that had never waited.
    pub(super) fn has_less_waiting(&self, line: &LineKey) -> Result<(), StoreError> {
        self.wait_for_a_turn(line, None)
    }

    fn wait_for_a_turn(&self, line: &LineKey, had_at: Option<Timestamp>) -> Result<(), StoreError> {
        let again = "INSERT INTO turns (who, queue, due_at, had_at)
                     SELECT line_at_webhook, webhook, due_at, coalesce(?2, 0) FROM deliveries
                     WHERE line_at_webhook = ?1 ORDER BY due_at LIMIT 1
                     ON CONFLICT (who) DO UPDATE SET due_at = excluded.due_at, had_at = coalesce(?2, had_at)";
        let of_a_line = self.change(again, (&line.text, had_at))?;
        self.wait_no_more(&line.text, of_a_line == 0)?;
        // Theirs is at least as late as that of any who stands in their queue, also where the clock was set back.
        let again = "INSERT INTO turns (who, queue, due_at, had_at)
                     SELECT queue, ?3, since, coalesce(?2, 0) FROM turns WHERE queue = ?1 ORDER BY since LIMIT 1
                     ON CONFLICT (who) DO UPDATE
                     SET due_at = excluded.due_at, had_at = max(had_at, excluded.had_at)";
        let WebhookKey { host, text, .. } = &line.webhook;
        let device = line.webhook.device_at_host().name();
        for (who, queue) in [(&**text, &*device), (&device, host), (host, "hosts")] {
            let waits = self.change(again, (who, had_at, queue))?;
            self.wait_no_more(who, waits == 0)?;
        }
        Ok(())
    }

    fn wait_no_more(&self, who: &str, has_nothing: bool) -> Result<(), StoreError> {
        if has_nothing {
            self.execute("DELETE FROM turns WHERE who = ?1", [who])?;
        }
        Ok(())
    }
}
