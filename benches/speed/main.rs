//! How fast the gateway is, and what it costs: one run, one table, on loopback alone.
//!
//! `cargo bench --bench speed` measures everything; `-- acceptance` or the name of another part, that part alone.
#![expect(clippy::unwrap_used, reason = "a figure that cannot be had ends the run")]

mod acceptance;
mod connection;
mod fake_api;
mod load;
mod machine;
mod own_share;
mod process;
mod remote;
mod scene;
mod table;
mod trivial;
mod whole_path;
mod yardstick;

use std::collections::BTreeMap;

use table::Table;

fn main() {
    let words: Vec<String> = std::env::args().skip(1).filter(|word| !word.starts_with('-')).collect();
    if remote::play(&words) {
        return;
    }
    let wanted = |part: &str| words.is_empty() || words.iter().any(|word| word == part);
    let mut table = Table::default();
    machine::describe(&mut table);
    let yardstick = if wanted("yardstick") { yardstick::measure(&mut table) } else { BTreeMap::new() };
    if wanted("acceptance") {
        acceptance::measure(&mut table, &yardstick);
    }
    if wanted("whole-path") {
        whole_path::measure(&mut table);
    }
    if wanted("process") {
        process::measure(&mut table);
    }
    if wanted("remote") {
        remote::measure(&mut table);
    }
    table.close();
}
