//! (d) Until the shipped program is ready, and (e) the memory it keeps.

use std::io::{BufRead, BufReader, Lines};
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, ChildStdout, Command, Stdio};
use std::time::{Duration, Instant};

use super::connection::Connection;
use super::load::{Latencies, Load, on_its_own_thread};
use super::scene::{self, Scene};
use super::table::{Table, Target, millis};
use super::{fake_api, machine, whole_path};

/// How long a process rests before its memory counts as idle.
const REST: Duration = Duration::from_secs(1);

/// A running `endo serve`; ends when dropped.
struct Served {
    process: Child,
    /// Kept open: it may go on printing.
    _lines: Lines<BufReader<ChildStdout>>,
    bus: SocketAddr,
    ready: Duration,
}

/// Starts the program on a directory that was used before.
pub(crate) fn measure(table: &mut Table) {
    let runtime = scene::runtime();
    let (url, cast, directory) = runtime.block_on(async {
        let url = fake_api::start().await;
        let (cast, directory) = Scene::open(&url).await.close().await;
        (url, cast, directory)
    });
    table.head("(d) endo serve until it answers, (e) its memory");
    let starts: Vec<_> = (0..5).map(|_| Served::start(directory.path(), &url).ready).collect();
    let ready = millis(Latencies::from(starts).quantile(0.5));
    let served = Served::start(directory.path(), &url);
    let rest = || runtime.block_on(async { tokio::time::sleep(REST).await });
    rest();
    let idle = served.resident();
    let load = Load { connections: 64, lasting: Duration::from_secs(4), rate: None };
    let replies = on_its_own_thread(whole_path::ask(served.bus, &cast, "ListEventsByUser", load));
    table.figure("replies per second of this process", replies.rate, "");
    table.figure("resident under load", served.resident(), "MiB");
    rest();
    table.figure("resident a second later", served.resident(), "MiB");
    table.hold("ready after ms, median of 5", ready, Target::AtMost(200.0));
    table.hold("MiB resident when idle", idle, Target::AtMost(20.0));
}

impl Served {
    fn start(directory: &Path, api: &str) -> Self {
        let begun = Instant::now();
        let mut process = Command::new(env!("CARGO_BIN_EXE_endo"))
            .args([
                "serve",
                "--listen=127.0.0.1:0",
                "--bus-listen=127.0.0.1:0",
                "--set=log.level=warn",
                "--data-dir",
            ])
            .arg(directory)
            .arg(format!("--set=source.base_url={api}"))
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(process.stdout.take().unwrap()).lines();
        let mut address = |name: &str| {
            let line = lines.next().expect("it says where it listens").unwrap();
            let address = line.strip_prefix(name).and_then(|rest| rest.trim().strip_prefix("http://"));
            address.unwrap_or_else(|| panic!("{line}")).parse().unwrap()
        };
        let (gateway, bus) = (address("gateway"), address("bus"));
        on_its_own_thread(async move { Connection::open(gateway).await.ask("/livez").await });
        Self { process, _lines: lines, bus, ready: begun.elapsed() }
    }

    fn resident(&self) -> f64 {
        machine::resident(self.process.id())
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        // What it has on disk survives that; it is even measured elsewhere.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
