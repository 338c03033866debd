//! The bus's token of a session that is over ends where it came from.

use std::error::Error;
use std::time::Duration;

use tokio::time::timeout;

use crate::bus::Login;
use crate::http::entrance::Entrance;
use crate::telemetry::with_causes;

/// How long a browser waits for the bus.
const PATIENCE: Duration = Duration::from_secs(5);

/// Has the bus end the token that it gave for a session that is over, where it gave one. Whatever comes of that, the
/// session is over.
pub(super) async fn give_back(entrance: &Entrance, granted: Option<Login>) {
    let (Some(bus), Some(login)) = (&entrance.bus, granted) else { return };
    let device = login.uuid.clone();
    let failed = |error: &(dyn Error + 'static)| {
        tracing::warn!(error = with_causes(error), device.uuid = %device.logged(), "the bus did not end the token of a session that is over");
    };
    match timeout(PATIENCE, bus.end(login)).await {
        Ok(Ok(())) => {}
        Ok(Err(error)) => failed(&error),
        Err(error) => failed(&error),
    }
}
