//! A bus of ours in the place of a Meshblu elsewhere. On the way to it one call can be held: before the bus sees it, or once
//! it has done what it was asked to.

#![expect(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

use std::sync::{Arc, Mutex};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use endo::bus::embedded::EmbeddedBus;
use endo::store::{Lookup, View};
use reqwest::Client;
use serde_json::{Value, json};
use tokio::io::{AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Notify;
use tokio::task::JoinHandle;

use super::bus::{Device, TestBus};
use super::fake_api::{Seen, read};

/// When a call is held.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Moment {
    /// The bus never sees it.
    Before,
    /// The bus has done it, and nobody is told.
    After,
}

/// Which call is held.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Hold {
    /// Which calls count.
    pub(crate) of: fn(&Seen) -> bool,
    /// How many of them are let through.
    pub(crate) after: usize,
    /// When it is held.
    pub(crate) moment: Moment,
}

impl Hold {
    /// Holds the call that comes after so many, whichever they are.
    pub(crate) fn after(after: usize, moment: Moment) -> Self {
        Self { of: |_| true, after, moment }
    }
}

/// The way to the bus.
#[derive(Default)]
struct Way {
    hold: Mutex<Option<Hold>>,
    call: Mutex<String>,
    held_calls: Mutex<usize>,
    /// What whoever signs in with the bus is granted.
    granted: Mutex<String>,
    held: Notify,
    released: Notify,
}

/// The bus, and the way to it; it ends when dropped.
pub(crate) struct HeldBus {
    pub(crate) bus: TestBus,
    pub(crate) url: String,
    /// Whoever signs in with the bus first.
    pub(crate) owner: Device,
    way: Arc<Way>,
    task: JoinHandle<()>,
}

impl HeldBus {
    pub(crate) async fn start() -> Self {
        let bus = TestBus::open().await;
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let way = Arc::<Way>::default();
        let porter = Porter {
            way: Arc::clone(&way),
            client: Client::builder().no_proxy().tls_certs_only([]).build().unwrap(),
            bus: format!("http://{}", bus.address),
        };
        let owner = person(&bus, &way).await;
        let task = tokio::spawn(serve(listener, Arc::new(porter)));
        Self { bus, url, owner, way, task }
    }

    /// Somebody else, who signs in with the bus from now on.
    pub(crate) async fn somebody_else(&self) -> Device {
        person(&self.bus, &self.way).await
    }

    /// From now on calls are let through but for this one.
    pub(crate) fn hold(&self, hold: Option<Hold>) {
        *self.way.hold.lock().unwrap() = hold;
    }

    /// The call that is held, or was last: `"POST /messages"`.
    pub(crate) fn held(&self) -> String {
        self.way.call.lock().unwrap().clone()
    }

    /// How many calls were held so far.
    pub(crate) fn held_calls(&self) -> usize {
        *self.way.held_calls.lock().unwrap()
    }

    /// What is held goes on.
    pub(crate) fn release(&self) {
        self.way.released.notify_one();
    }

    /// Every device there is.
    pub(crate) async fn devices(&self) -> Vec<Value> {
        let look = |_: &EmbeddedBus, view: &View<'_>| {
            let mut all = Vec::new();
            view.visit_devices(&Lookup::Everything, usize::MAX, |device| {
                all.push(Value::clone(&device.document));
                true
            })?;
            Ok(all)
        };
        self.bus.bus.look(look).await.unwrap()
    }

    /// What comes of `act`, unless a call is held on the way.
    pub(crate) async fn unless_held<T>(&self, act: impl Future<Output = T>) -> Option<T> {
        tokio::select! {
            biased;
            () = self.way.held.notified() => None,
            done = act => Some(done),
        }
    }
}

/// Somebody new, who signs in with the bus from now on.
async fn person(bus: &TestBus, way: &Way) -> Device {
    let person = bus.register(json!({"type": "octoblu:user", "configureWhitelist": []})).await;
    *way.granted.lock().unwrap() = STANDARD.encode(format!("{}:{}", person.uuid, person.token));
    person
}

impl Drop for HeldBus {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Way {
    /// When this call is held, if it is.
    fn holds(&self, seen: &Seen) -> Option<Moment> {
        let mut hold = self.hold.lock().unwrap();
        let left = hold.as_mut().filter(|hold| (hold.of)(seen))?;
        match left.after.checked_sub(1) {
            Some(after) => {
                left.after = after;
                None
            }
            None => hold.take().map(|hold| hold.moment),
        }
    }
}

/// Carries calls to the bus, and its answers back.
struct Porter {
    way: Arc<Way>,
    client: Client,
    bus: String,
}

impl Porter {
    async fn carry(&self, mut stream: BufReader<TcpStream>) {
        let Some(seen) = read(&mut stream).await else { return };
        let held = self.way.holds(&seen);
        if held == Some(Moment::Before) {
            self.keep_waiting(&seen).await;
        }
        let answer = match seen.target.as_str() {
            // Whatever the code is: somebody said yes.
            "/access_token" => {
                let granted = json!({"access_token": *self.way.granted.lock().unwrap()}).to_string();
                written(200, "application/json", granted.as_bytes())
            }
            _ => self.ask(&seen).await,
        };
        if held == Some(Moment::After) {
            self.keep_waiting(&seen).await;
        }
        // Whoever asked may be gone.
        drop(stream.write_all(&answer).await);
    }

    async fn keep_waiting(&self, seen: &Seen) {
        *self.way.call.lock().unwrap() = format!("{} {}", seen.method, seen.target);
        *self.way.held_calls.lock().unwrap() += 1;
        self.way.held.notify_one();
        self.way.released.notified().await;
    }

    async fn ask(&self, seen: &Seen) -> Vec<u8> {
        let url = format!("{}{}", self.bus, seen.target);
        let mut request = self.client.request(seen.method.parse().unwrap(), url).body(seen.body.clone());
        for (name, value) in &seen.headers {
            if !["host", "connection", "content-length"].contains(&&**name) {
                request = request.header(name, value);
            }
        }
        let answer = request.send().await.unwrap();
        let kind = answer.headers().get("content-type").map_or("", |kind| kind.to_str().unwrap()).to_owned();
        let status = answer.status().as_u16();
        written(status, &kind, &answer.bytes().await.unwrap())
    }
}

fn written(status: u16, kind: &str, body: &[u8]) -> Vec<u8> {
    let length = match status {
        204 => String::new(),
        _ => format!("content-type: {kind}\r\ncontent-length: {}\r\n", body.len()),
    };
    let head = format!("HTTP/1.1 {status} Said So\r\nconnection: close\r\n{length}\r\n");
    [head.as_bytes(), body].concat()
}

async fn serve(listener: TcpListener, porter: Arc<Porter>) {
    while let Ok((stream, _)) = listener.accept().await {
        let porter = Arc::clone(&porter);
        tokio::spawn(async move { porter.carry(BufReader::new(stream)).await });
    }
}
