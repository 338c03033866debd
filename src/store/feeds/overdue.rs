//! Gives up what waited too long for a webhook.

use std::collections::HashSet;

use crate::ambient::Timestamp;
use crate::store::{Account, Death, Feed, LineKey, StoreError, Transaction, View, WebhookKey};

/// So much is given up at a time, so that nobody waits.
const AT_ONCE: usize = 32;

impl Feed {
    /// Gives up all that `webhook` has had due since before `due_before` and nobody has in hand; answers how much. That is
    /// nobody's turn: who has more waiting keeps their place.
    ///
    /// # Errors
    /// What the store reports.
    pub async fn give_up_overdue(
        &self,
        webhook: &WebhookKey,
        due_before: Timestamp,
        death: &Death<'static>,
    ) -> Result<usize, StoreError> {
        let mut given_up = 0;
        loop {
            let account = Account::Of(webhook.device.clone());
            let (webhook, death, in_flight) = (webhook.clone(), death.clone(), self.in_flight.clone());
            let some = move |transaction: &Transaction<'_>| {
                let in_hand = in_flight.all().clone();
                let overdue = transaction.overdue(&webhook, due_before, &in_hand)?;
                for (seq, line) in &overdue {
                    transaction.give_up(*seq, &death)?;
                    transaction.has_less_waiting(line)?;
                }
                Ok(overdue.len())
            };
            match self.store.write_for::<_, StoreError, _>(account, some).await? {
                0 => return Ok(given_up),
                more => given_up += more,
            }
        }
    }
}

impl View<'_> {
    fn overdue(
        &self,
        webhook: &WebhookKey,
        due_before: Timestamp,
        in_hand: &HashSet<i64>,
    ) -> Result<Vec<(i64, LineKey)>, StoreError> {
        let sql = "SELECT seq, coalesce(user_device, '') FROM turns JOIN deliveries ON line_at_webhook = who
                   WHERE queue = ?1 AND deliveries.due_at < ?2";
        let mut statement = self.prepare(sql)?;
        let mut rows = statement.query((webhook.text(), due_before.as_millis()))?;
        let mut overdue = Vec::new();
        while overdue.len() < AT_ONCE
            && let Some(row) = rows.next()?
        {
            let (seq, user_device) = (row.get(0)?, row.get::<_, String>(1)?.into());
            if !in_hand.contains(&seq) {
                overdue.push((seq, LineKey { webhook: webhook.clone(), user_device }));
            }
        }
        Ok(overdue)
    }
}
