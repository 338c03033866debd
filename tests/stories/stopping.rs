//! The program is told to stop while it asks the API by itself: what that answers is waited for, and kept.

#![expect(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

use std::net::TcpStream;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use endo::config::{Config, RevocationWay};
use endo::credentials::{Account, ApiAnswer, ApiVerdict, Asked, Renewed, Revoker};
use endo::gateway::{Ambient, Gateway};
use endo::message::DeviceUuid;
use endo::vault::SecretText;
use tokio::sync::Semaphore;

use crate::renewing::until;
use crate::support::account::octocat;
use crate::support::fake_api::Answer;
use crate::support::provider::{FakeProvider, Fault, form};
use crate::support::shell::{Served, Shell};

const SIGNALS: [&str; 3] = ["TERM", "INT", "HUP"];
const HOUR: Duration = Duration::from_secs(60 * 60);

/// Where the program runs, and what it asks.
struct Scene {
    shell: Shell,
    provider: FakeProvider,
    gate: Arc<Semaphore>,
    /// How the API is told that a token is over.
    way: RevocationWay,
}

impl Scene {
    async fn set() -> Self {
        let scene = Self::told_by(RevocationWay::Bearer, "bearer").await;
        scene.provider.gives_its_current_token_again();
        scene
    }

    /// The same, where the API is told so, which is called so in the settings.
    async fn told_by(way: RevocationWay, name: &str) -> Self {
        let (shell, provider) = (Shell::with_key(), FakeProvider::start().await);
        let way_and_retry = format!("revocation_way = \"{name}\"\nrefresh_retry = \"never\"\n");
        std::fs::write(shell.data().join("endo.toml"), provider.settings_text() + &way_and_retry).unwrap();
        Self { shell, provider, gate: Arc::new(Semaphore::new(0)), way }
    }

    /// The gateway while the program does not run.
    async fn gateway(&self) -> Gateway {
        let mut source = self.provider.settings();
        source.revocation_way = self.way;
        let config = Config { data_dir: self.shell.data(), source, ..Config::default() };
        Gateway::open(config, Ambient::system()).await.unwrap()
    }

    /// Keeps `access-1` and `refresh-1`, which were given so long ago for an hour.
    async fn keep(&self, ago: Duration) -> DeviceUuid {
        let gateway = self.gateway().await;
        let (access, refresh) = self.provider.grant();
        let asked = gateway.credentials.asking().await.unwrap();
        let account = Account {
            refresh_token: Some(SecretText::from(&*refresh)),
            asked: Some(Asked { at: asked.at.minus(ago), ..asked }),
            lifetime: Some(HOUR),
            ..octocat(42, &access, gateway.owner.as_ref().unwrap().uuid.as_str())
        };
        gateway.credentials.keep(account).await.unwrap()
    }

    /// Forgets the secret while the program does not run.
    async fn forget(&self, credentials: &DeviceUuid) {
        let gateway = self.gateway().await;
        let owned = gateway.credentials.held(credentials.clone()).await.unwrap();
        gateway.credentials.forget(&owned, &Revoker::Operator).await.unwrap();
    }

    /// What the newest receipt says of the API.
    async fn told(&self, credentials: &DeviceUuid) -> ApiAnswer {
        let receipts = self.gateway().await.credentials.receipts(Some(credentials.clone()), None).await;
        receipts.unwrap().shown.remove(0).api.unwrap()
    }

    /// The program, once it has sent the refresh token by itself; the answer waits.
    async fn renews(&self) -> Served {
        self.provider.plan([Fault::Slow(Arc::clone(&self.gate))]);
        let served = self.shell.serve(&[]);
        until(|| self.provider.token_requests() == 1).await;
        served
    }

    /// Stops it by this signal; the answer comes once it has let go of all that waits for nothing.
    async fn stops(&self, mut served: Served, signal: &str) {
        let front = served.told("gateway").trim_start_matches("http://").to_owned();
        served.signal(signal);
        served.logs("stopping");
        until(|| TcpStream::connect(&front).is_err()).await;
        self.gate.add_permits(1);
        assert_eq!(served.end().code(), Some(0), "{signal}");
    }

    fn sent(&self) -> Vec<String> {
        let sent = self.provider.api.seen().into_iter().filter(|seen| seen.target == "/token");
        sent.map(|seen| form(&seen).remove("refresh_token").unwrap()).collect()
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_renewed_ahead_of_its_end_while_the_program_stops_is_kept() {
    for signal in SIGNALS {
        let scene = Scene::set().await;
        let credentials = scene.keep(Duration::from_secs(55 * 60)).await;
        let served = scene.renews().await;
        scene.stops(served, signal).await;
        let gateway = scene.gateway().await;
        let renewed = gateway.credentials.renew_refused(&credentials, 1).await.unwrap();
        assert_eq!((renewed, scene.sent()), (Renewed::Newer, vec!["refresh-1".to_owned()]), "{signal}");
        assert!(scene.provider.reused().is_empty());
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_renewed_for_its_end_while_the_program_stops_is_ended_after_the_next_start() {
    for signal in SIGNALS {
        let scene = Scene::set().await;
        let credentials = scene.keep(Duration::ZERO).await;
        scene.provider.expire("access-1");
        scene.forget(&credentials).await;
        let served = scene.renews().await;
        scene.stops(served, signal).await;
        assert_eq!(scene.provider.ended(), ["access-1"]);

        let served = scene.shell.serve(&[]);
        until(|| scene.provider.ended().len() == 2).await;
        served.signal(signal);
        assert_eq!(served.end().code(), Some(0), "{signal}");
        assert_eq!(scene.provider.ended(), ["access-1", "access-2"]);
        assert_eq!(scene.sent(), ["refresh-1"]);
        assert!(!scene.provider.takes("refresh-2"));
        assert_eq!(scene.told(&credentials).await.verdict, ApiVerdict::Revoked);
    }
}

/// The answer to the end of the one token comes while the program stops.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_end_of_the_other_token_of_a_pair_is_asked_for_after_the_next_start() {
    for status in [200, 503] {
        let scene = Scene::told_by(RevocationWay::Rfc7009, "rfc7009").await;
        let credentials = scene.keep(Duration::ZERO).await;
        scene.forget(&credentials).await;
        scene.provider.refuses_what_is_over();
        scene.provider.revocation_meets([Answer::new(status, &[], "").behind(&scene.gate)]);
        // What it says that it ended is over there.
        if status == 200 {
            scene.provider.expire("refresh-1");
        }
        let served = scene.shell.serve(&[]);
        until(|| !scene.provider.ended().is_empty()).await;
        scene.stops(served, "TERM").await;
        assert_eq!(scene.provider.ended(), ["refresh-1"], "{status}");
        let told = scene.told(&credentials).await;
        assert_eq!((told.verdict, told.some_ended), (ApiVerdict::Pending, status == 200));
        assert_eq!(told.said.is_some(), status == 503, "{told:?}");

        let left: &[&str] = if status == 200 { &["access-1"] } else { &["refresh-1", "access-1"] };
        let served = scene.shell.serve(&[]);
        until(|| scene.provider.ended().len() > left.len()).await;
        served.signal("TERM");
        assert_eq!(served.end().code(), Some(0));
        assert_eq!(scene.provider.ended()[1..], *left, "{status}");
        assert_eq!(scene.told(&credentials).await.verdict, ApiVerdict::Revoked);
    }
}

/// Its shell tells what it ends, which the kernel has told already.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_terminal_whose_end_is_told_twice_cuts_nothing_short() {
    let scene = Scene::set().await;
    let credentials = scene.keep(Duration::from_secs(55 * 60)).await;
    let mut served = scene.renews().await;
    served.signal("HUP");
    served.logs("stopping");
    served.signal("HUP");
    scene.gate.add_permits(1);
    assert_eq!(served.end().code(), Some(0));
    let renewed = scene.gateway().await.credentials.renew_refused(&credentials, 1).await.unwrap();
    assert_eq!((renewed, scene.sent().len()), (Renewed::Newer, 1));
}

#[test]
fn a_program_that_is_to_outlive_its_terminal_does() {
    let shell = Shell::with_key();
    let endo = shell.command(&["serve", "--listen", "127.0.0.1:0", "--bus-listen", "127.0.0.1:0"]);
    let mut command = Command::new("/bin/sh");
    // As `nohup` does.
    command.args(["-c", r#"trap "" HUP; exec "$0" "$@""#]).arg(endo.get_program()).args(endo.get_args());
    command.env_clear().env("HOME", shell.home.path()).stdin(Stdio::null());
    let served = Served::ready(command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap());
    let status = std::fs::read_to_string(format!("/proc/{}/status", served.id())).unwrap();
    let ignored = status.lines().find_map(|line| line.strip_prefix("SigIgn:")).unwrap();
    assert_eq!(u64::from_str_radix(ignored.trim(), 16).unwrap() & 1, 1, "{status}");
    served.signal("HUP");
    served.signal("TERM");
    assert_eq!(served.end().code(), Some(0));
}
