//! What the machine gives: cores, processor time, and how long the disk takes to be sure.

use std::fs::{self, File};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use tempfile::TempDir;

use super::load::Latencies;
use super::table::Table;

/// Linux counts processor time in hundredths of a second, whatever the machine.
const TICK: Duration = Duration::from_millis(10);
/// The size of two pages of the write-ahead log with their heads.
const WRITTEN: [u8; 8240] = [7; 8240];

/// A directory on the disk that the build is on, removed at the end.
pub(crate) fn directory() -> TempDir {
    tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap()
}

/// One line about the machine.
pub(crate) fn describe(table: &mut Table) {
    let cores = std::thread::available_parallelism().unwrap();
    let syncs = syncs();
    table.note(&format!(
        "{cores} cores, shared by the gateway and the load; this disk syncs 8 KiB in {:.2} ms (p50), {:.2} ms (p99)",
        syncs.quantile(0.5).as_secs_f64() * 1e3,
        syncs.quantile(0.99).as_secs_f64() * 1e3,
    ));
}

fn syncs() -> Latencies {
    let directory = directory();
    let file = File::create(directory.path().join("sync")).unwrap();
    let sync = |number: u64| {
        file.write_all_at(&WRITTEN, number * WRITTEN.len() as u64).unwrap();
        let start = Instant::now();
        file.sync_data().unwrap();
        start.elapsed()
    };
    (0..500).map(sync).collect::<Vec<_>>().into()
}

/// Processor time of this process, and of this thread alone.
pub(crate) struct CpuTime {
    process: Duration,
    thread: Duration,
}

impl CpuTime {
    pub(crate) fn now() -> Self {
        Self { process: spent("/proc/self/stat"), thread: spent("/proc/thread-self/stat") }
    }

    /// What all other threads of this process spent since `earlier`, which this thread noted.
    pub(crate) fn spent_by_others_since(&self, earlier: &Self) -> Duration {
        (self.process - earlier.process).saturating_sub(self.thread - earlier.thread)
    }
}

/// Processor time of another process.
pub(crate) fn spent_by(process: u32) -> Duration {
    spent(&format!("/proc/{process}/stat"))
}

/// Processor time of this process.
pub(crate) fn spent_here() -> Duration {
    spent("/proc/self/stat")
}

/// Processor time that all cores had nothing to do with.
pub(crate) fn idle() -> Duration {
    let text = fs::read_to_string("/proc/stat").unwrap();
    let fields = || text.lines().next().unwrap().split_whitespace();
    let ticks = |field: usize| fields().nth(field).unwrap().parse::<u32>().unwrap();
    // Idle, and idle while a disk was waited for.
    (ticks(4) + ticks(5)) * TICK
}

fn spent(stat: &str) -> Duration {
    let text = fs::read_to_string(stat).unwrap();
    // The name of the program, in brackets, may hold anything.
    let (_, fields) = text.rsplit_once(')').unwrap();
    let ticks = |field: usize| fields.split_whitespace().nth(field).unwrap().parse::<u32>().unwrap();
    (ticks(11) + ticks(12)) * TICK
}

/// Resident memory of a process in MiB.
pub(crate) fn resident(process: u32) -> f64 {
    let status = fs::read_to_string(PathBuf::from(format!("/proc/{process}/status"))).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
    let kilobytes: f64 = line.trim().trim_end_matches("kB").trim().parse().unwrap();
    kilobytes / 1024.0
}

/// The size of a directory's database with its log, in MiB.
pub(crate) fn database_size(directory: &Path) -> f64 {
    let size = |name| fs::metadata(directory.join(name)).map_or(0, |file| file.len());
    (size("endo.db") + size("endo.db-wal")) as f64 / f64::from(1 << 20)
}
