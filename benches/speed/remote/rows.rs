//! The rows of the table: the yardstick and the gateway in turn, each several times, the middle one of each printed.

use std::time::Duration;

use super::bus::{Bus, Count};
use super::child::Child;
use super::posts::{CONNECTIONS, Form, Posts};
use crate::load::{Load, Measured, on_its_own_thread};
use crate::machine;
use crate::table::{Table, Target, millis};

/// How often each is measured, in turn: other programs on the machine come and go.
const PASSES: usize = 3;
const PASS: Duration = Duration::from_secs(2);

/// One pass: what came of it, and where the processors' time went for each message.
struct Pass {
    measured: Measured,
    times: Times,
    calls: Count,
}

/// Processor time: of what is measured, of the bus and the load, and of nobody.
struct Times {
    own: Duration,
    around: Duration,
    idle: Duration,
}

impl Times {
    fn now(child: &Child) -> Self {
        Self { own: machine::spent_by(child.id()), around: machine::spent_here(), idle: machine::idle() }
    }

    /// What passed since `earlier`, for one of `count` messages.
    fn since(&self, earlier: &Self, count: u32) -> Self {
        let each = |now: Duration, then: Duration| now.saturating_sub(then) / count;
        Self {
            own: each(self.own, earlier.own),
            around: each(self.around, earlier.around),
            idle: each(self.idle, earlier.idle),
        }
    }
}

/// Measures webhooks of both forms against the yardstick.
pub(crate) fn measure(table: &mut Table) {
    let directory = machine::directory();
    let bus = Bus::start();
    let mut gateway = Child::gateway(&bus.url(), directory.path());
    let yardstick = Child::yardstick(&bus.url());
    let mut track = Track { posts: Posts::new(&bus), bus: &bus };
    table.head(&format!("(g) POST /v2/messages, {CONNECTIONS} connections"));
    for (child, form) in [(&yardstick, Form::Old), (&gateway, Form::Old), (&gateway, Form::Own)] {
        track.pass(child, form, PASS / 4);
    }
    let warm = gateway.ask();
    let (mut idle, mut old, mut own) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..PASSES {
        idle.push(track.pass(&yardstick, Form::Old, PASS));
        old.push(track.pass(&gateway, Form::Old, PASS));
        own.push(track.pass(&gateway, Form::Own, PASS));
    }
    let operations = gateway.ask() - warm;
    let messages: u64 = old.iter().chain(&own).map(|pass| pass.calls.messages).sum();
    let (idle, old, own) = (middle(idle), middle(old), middle(own));
    table.load("an empty handler, the same calls of the bus", &idle.measured, None);
    let rows = [("signed as of old", old), ("signed by RFC 9421, named", own)];
    for (name, pass) in rows {
        let of = idle.measured.rate;
        table.load(&format!("the gateway, {name}"), &pass.measured, Some(of));
        table.note(&pass.explained());
        let hold = |table: &mut Table, what: &str, figure, target| {
            table.hold(&format!("{what}, {name}"), figure, target);
        };
        hold(table, "share of the empty handler", pass.measured.rate / of, Target::AtLeast(0.4));
        hold(table, "p99 ms", millis(pass.measured.latencies.quantile(0.99)), Target::AtMost(10.0));
        hold(table, "the gateway's cpu ms a message", millis(pass.measured.cpu), Target::AtMost(0.25));
    }
    table.figure("messages of a warm record", messages as f64, "");
    table.hold("private-key operations for them", operations as f64, Target::AtMost(0.0));
    table.figure("resident after that", machine::resident(gateway.id()), "MiB");
}

/// What every pass goes over.
struct Track<'a> {
    posts: Posts<'a>,
    bus: &'a Bus,
}

impl Track<'_> {
    fn pass(&mut self, child: &Child, form: Form, lasting: Duration) -> Pass {
        let (before, measured) = on_its_own_thread(async {
            let rounds = self.posts.ready(child.address, form).await;
            self.bus.calls.take();
            // Signing is over before anything is measured.
            let before = Times::now(child);
            (before, Load { connections: CONNECTIONS, lasting, rate: None }.press(rounds).await)
        });
        let count = u32::try_from(measured.latencies.count()).unwrap();
        let times = Times::now(child).since(&before, count);
        let calls = self.bus.calls.take();
        assert_eq!(calls.messages, u64::from(count), "one reply a message");
        Pass { measured: Measured { cpu: times.own, ..measured }, times, calls }
    }
}

/// The pass whose rate is in the middle.
fn middle(mut passes: Vec<Pass>) -> Pass {
    passes.sort_by(|one, other| one.measured.rate.total_cmp(&other.measured.rate));
    passes.swap_remove(passes.len() / 2)
}

impl Pass {
    /// What bounds it: the processors where little of their time is left, else what is waited for.
    fn explained(&self) -> String {
        let cores = std::thread::available_parallelism().unwrap().get() as f64;
        let whole = cores / self.measured.rate;
        let share = |time: Duration| time.as_secs_f64() / whole * 100.0;
        let (own, around, idle) = (share(self.times.own), share(self.times.around), share(self.times.idle));
        let others = (100.0 - own - around - idle).max(0.0);
        let bound = if idle < 15.0 {
            "the cores"
        } else {
            "what waits for one another: commits and calls of the bus"
        };
        let Count { subscriptions, searches, messages } = self.calls;
        format!(
            "    bound by {bound}: of {cores} cores the gateway takes {own:.0} %, bus and load {around:.0} %, \
             other programs {others:.0} %; idle {idle:.0} %\n    calls of the bus: {searches} searches, {messages} \
             messages, {subscriptions} for subscriptions"
        )
    }
}
