//! (c) Message to reply: posted over HTTP, answered by a job, read from the streaming read. (f) Keys used for it.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use endo::dispatch::{Desk, Dispatch, Endings, Repeats, turns};
use endo::job::Registry;
use endo::store::{Feed, Work};
use tokio::sync::{mpsc, oneshot, watch};

use super::connection::Connection;
use super::load::{Load, Measured, Round, on_its_own_thread};
use super::own_share::OwnShare;
use super::scene::{self, Cast, Scene};
use super::table::{Table, Target, millis};
use super::{fake_api, trivial};

/// Messages a second that the gateway has to carry.
const RATE: f64 = 3000.0;
/// Messages that are under way at most.
const UNDER_WAY: usize = 64;

/// A connection that sends a message and waits for its reply.
struct Asking {
    connection: Connection,
    request: Vec<u8>,
    replied: mpsc::Receiver<()>,
}

impl Round for Asking {
    async fn run(&mut self) {
        self.connection.exchange(&self.request).await;
        self.replied.recv().await.expect("the stream lasts");
    }
}

/// Measures a job that does nothing and one that calls an API, at full speed and at the rate that is asked for.
pub(crate) fn measure(table: &mut Table) {
    let share = OwnShare::install();
    let apis = scene::runtime();
    let url = apis.block_on(fake_api::start());
    let runtime = scene::runtime();
    let scene = runtime.block_on(Scene::open(&url));
    let (stop, stopped) = watch::channel(false);
    let worker = runtime.spawn(worker(&scene, trivial::registry()).run(stopped));
    let mut own = Duration::ZERO;
    let mut fastest: f64 = 0.0;
    table.head("(c) message to reply");
    let operations = || scene.gateway.vault.private_key_operations();
    let press = |job_type, load| on_its_own_thread(ask(scene.bus(), &scene.cast, job_type, load));
    press("Greet", load(None, 1));
    let (warm, mut messages) = (operations(), 0.0);
    for (job_type, name) in [("Greet", "a job that does nothing"), ("ListEventsByUser", "ListEventsByUser")] {
        for rate in [None, Some(RATE)] {
            share.take();
            let load = load(rate, 4);
            let measured = press(job_type, load);
            let share = share.take().quantile(0.5);
            let pace = rate.map_or("as fast as it goes".to_owned(), |rate| format!("{rate} per s offered"));
            table.load(&format!("{name}, {pace}"), &measured, None);
            table.figure("  in the gateway's hands, p50", millis(share), "ms");
            messages += measured.rate * load.lasting.as_secs_f64();
            if job_type == "Greet" {
                fastest = fastest.max(measured.rate);
                own = if rate.is_some() { share } else { own };
            }
        }
    }
    table.hold("replies per second", fastest, Target::AtLeast(RATE));
    table.hold("own share p50 ms at 3000 per s", millis(own), Target::AtMost(1.0));
    table.head("(f) keys");
    table.figure("messages of a warm record", messages, "");
    table.hold("private-key operations for them", (operations() - warm) as f64, Target::AtMost(0.0));
    stop.send(true).unwrap();
    runtime.block_on(worker).unwrap();
    runtime.block_on(scene.close());
}

fn load(rate: Option<f64>, seconds: u64) -> Load {
    Load { connections: UNDER_WAY, lasting: Duration::from_secs(seconds), rate }
}

/// Sends messages of this type to the bus at `bus` and waits for their replies.
pub(crate) async fn ask(bus: SocketAddr, cast: &Cast, job_type: &str, load: Load) -> Measured {
    let (senders, receivers): (Vec<_>, Vec<_>) = (0..load.connections).map(|_| mpsc::channel(1)).unzip();
    let listening = Connection::open(bus).await;
    let (request, (ready, readied)) = (cast.listen(), oneshot::channel());
    let mut ready = Some(ready);
    let mut lines = Lines::default();
    let stream = tokio::spawn(async move {
        let read = |bytes: &[u8]| {
            if let Some(ready) = ready.take() {
                ready.send(()).unwrap();
            }
            lines.read(bytes, |number| senders[number].try_send(()).unwrap());
        };
        listening.read_along(&request, read).await;
    });
    readied.await.unwrap();
    let mut rounds = Vec::new();
    for (number, replied) in receivers.into_iter().enumerate() {
        let connection = Connection::open(bus).await;
        rounds.push(Asking { connection, request: cast.send(job_type, number), replied });
    }
    let measured = load.press(rounds).await;
    stream.abort();
    measured
}

/// Finds the numbers of the messages that replies answer.
#[derive(Default)]
struct Lines(Vec<u8>);

impl Lines {
    fn read(&mut self, bytes: &[u8], mut reply: impl FnMut(usize)) {
        self.0.extend_from_slice(bytes);
        let Some(end) = self.0.iter().rposition(|&byte| byte == b'\n') else { return };
        for line in self.0[..end].split(|&byte| byte == b'\n') {
            if let Some(number) = number(line) {
                reply(number);
            }
        }
        self.0.drain(..=end);
    }
}

/// `"to":7` of a reply; anything but a success ends the run.
fn number(line: &[u8]) -> Option<usize> {
    const TO: &str = "\"to\":";
    let line = std::str::from_utf8(line).unwrap();
    let (_, rest) = line.split_once(TO)?;
    assert!(rest.contains("\"code\":200"), "{line}");
    let end = rest.find(|c: char| !c.is_ascii_digit()).unwrap();
    Some(rest[..end].parse().unwrap())
}

fn worker(scene: &Scene, registry: Arc<Registry>) -> Dispatch {
    let gateway = &scene.gateway;
    let clock = gateway.ambient.clock.clone();
    let feed = Feed::new(gateway.store.clone(), Work::Job, clock.clone(), Arc::clone(&gateway.job_bell));
    let desk = Desk {
        bus: gateway.bus.clone(),
        store: gateway.store.clone(),
        credentials: gateway.credentials.clone(),
        registry,
        workbench: gateway.workbench.clone(),
        repeats: Repeats::default(),
        sign_in: None,
        endings: Endings::default(),
        clock,
        random: gateway.ambient.random.clone(),
    };
    Dispatch::new(Arc::new(feed), Arc::new(desk), turns(gateway.config.jobs.concurrency))
}
