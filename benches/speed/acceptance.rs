//! (b) `POST /messages`, answered once the delivery it leads to is on disk. No worker runs.

use std::collections::BTreeMap;
use std::time::Duration;

use super::connection::Connection;
use super::load::{Load, Measured, on_its_own_thread};
use super::machine::database_size;
use super::scene::{self, Scene};
use super::table::{Table, Target, millis};
use super::yardstick::{CONNECTIONS, Sending};

/// Measures each number of connections against the yardstick.
pub(crate) fn measure(table: &mut Table, yardstick: &BTreeMap<usize, f64>) {
    table.head("(b) POST /messages, acknowledged on disk");
    let runtime = scene::runtime();
    let scene = runtime.block_on(Scene::open("http://127.0.0.1:9"));
    let mut best: Option<Measured> = None;
    for connections in CONNECTIONS {
        let load = Load { connections, lasting: Duration::from_secs(3), rate: None };
        let measured = on_its_own_thread(press(&scene, load));
        table.load(&format!("{connections} connections"), &measured, yardstick.get(&connections).copied());
        if best.as_ref().is_none_or(|best| best.rate < measured.rate) {
            best = Some(measured);
        }
    }
    table.figure("database and log afterwards", database_size(scene.directory.path()), "MiB");
    runtime.block_on(scene.close());
    let best = best.unwrap();
    table.hold("acknowledged per second", best.rate, Target::AtLeast(10_000.0));
    table.hold("p99 ms at that rate", millis(best.latencies.quantile(0.99)), Target::AtMost(10.0));
}

async fn press(scene: &Scene, load: Load) -> Measured {
    let mut rounds = Vec::new();
    for number in 0..load.connections {
        let connection = Connection::open(scene.bus()).await;
        rounds.push(Sending { connection, request: scene.cast.send("ListEventsByUser", number) });
    }
    load.press(rounds).await
}
