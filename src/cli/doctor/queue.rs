//! What waits, and what was given up.

use super::finding::Check;
use crate::cli::operation::OperationError;
use crate::cli::perform::read;
use crate::gateway::Gateway;
use crate::store::{View, Work};

const NAME: &str = "queue";

/// Tells it; neither is wrong by itself.
pub(super) async fn queue(gateway: &Gateway) -> Result<Check, OperationError> {
    let look = |view: &View<'_>| {
        let waiting = view.waiting(Work::Job)? + view.waiting(Work::Webhook)?;
        Ok((waiting, view.given_up()?, view.dead_letters(None, 1)?.pop()))
    };
    let (waiting, given_up, newest) = read(gateway, look).await?;
    let waiting = match waiting {
        0 => "nothing waits".to_owned(),
        1 => "1 delivery waits".to_owned(),
        waiting => format!("{waiting} deliveries wait"),
    };
    let given_up = match newest {
        None => "nothing was given up".to_owned(),
        Some(newest) => {
            let died = newest.died_at.iso_seconds();
            format!("given up and kept: {given_up}, the newest {died} (`endo dead-letters ls` says why)")
        }
    };
    Ok(Check::well(NAME, format!("{waiting}; {given_up}")))
}
