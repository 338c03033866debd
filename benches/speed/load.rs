//! The load: so many connections for so long, as fast as answers come or at a given rate.

use std::time::{Duration, Instant};

use tokio::task::JoinSet;

use super::machine::CpuTime;

/// How much load, and for how long.
#[derive(Clone, Copy)]
pub(crate) struct Load {
    pub(crate) connections: usize,
    pub(crate) lasting: Duration,
    /// Messages a second of all connections together; `None` for as many as are answered.
    pub(crate) rate: Option<f64>,
}

/// What came of it.
pub(crate) struct Measured {
    pub(crate) rate: f64,
    pub(crate) latencies: Latencies,
    /// Processor time of everything but the load, a message.
    pub(crate) cpu: Duration,
}

/// Times, sorted.
pub(crate) struct Latencies(Vec<Duration>);

impl From<Vec<Duration>> for Latencies {
    fn from(mut times: Vec<Duration>) -> Self {
        times.sort_unstable();
        Self(times)
    }
}

impl Latencies {
    pub(crate) fn count(&self) -> usize {
        self.0.len()
    }

    pub(crate) fn quantile(&self, quantile: f64) -> Duration {
        let last = self.0.len().saturating_sub(1);
        self.0.get((last as f64 * quantile).round() as usize).copied().unwrap_or_default()
    }
}

/// Something a connection does again and again.
pub(crate) trait Round: Send + 'static {
    fn run(&mut self) -> impl Future<Output = ()> + Send;
}

impl Load {
    /// Lets every one of `rounds` go round for as long as the load lasts, on this thread.
    pub(crate) async fn press<R: Round>(self, rounds: Vec<R>) -> Measured {
        let (start, cpu) = (Instant::now(), CpuTime::now());
        let mut running = JoinSet::new();
        for (index, round) in rounds.into_iter().enumerate() {
            running.spawn(self.go_round(round, start, index));
        }
        let latencies: Vec<_> = running.join_all().await.into_iter().flatten().collect();
        let count = latencies.len().max(1);
        let cpu = CpuTime::now().spent_by_others_since(&cpu) / u32::try_from(count).unwrap();
        let rate = count as f64 / start.elapsed().as_secs_f64();
        Measured { rate, latencies: latencies.into(), cpu }
    }

    async fn go_round(self, mut round: impl Round, start: Instant, index: usize) -> Vec<Duration> {
        let mut latencies = Vec::with_capacity(1 << 16);
        let mut begun = start;
        while begun - start < self.lasting {
            begun = self.turn(start, index + latencies.len() * self.connections).await;
            round.run().await;
            latencies.push(begun.elapsed());
        }
        latencies
    }

    /// When the round of this number begins: with a rate its time counts from when it was due, whether or not the one
    /// before it was late.
    async fn turn(self, start: Instant, number: usize) -> Instant {
        let Some(rate) = self.rate else { return Instant::now() };
        let due = start + Duration::from_secs_f64(number as f64 / rate);
        tokio::time::sleep_until(due.into()).await;
        due
    }
}

/// Runs the load on a thread and a runtime of its own, so that the server's threads are as they are in production.
pub(crate) fn on_its_own_thread<T: Send>(load: impl Future<Output = T> + Send) -> T {
    std::thread::scope(|scope| {
        let runtime = || tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        scope.spawn(move || runtime().block_on(load)).join().unwrap()
    })
}
