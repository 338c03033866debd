//! The settings themselves: one small struct a section, each field with its meaning and default.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Bus, Credentials, Egress, Http, Records, Secret, Source, Store, Webhooks};

/// The settings of the gateway, as `endo.toml` holds them.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
#[schemars(title = "endo.toml")]
pub struct Config {
    /// The directory of the database and the keys. Without this setting: `endo` in the user's data directory
    /// (`$XDG_DATA_HOME`, or `~/.local/share`), and `endo-data` in the working directory where there is none.
    #[schemars(transform = without_default)]
    pub data_dir: PathBuf,
    /// Where the gateway and the bus listen.
    pub listen: Listen,
    /// The device network that carries messages.
    pub bus: Bus,
    /// How stored credentials are sealed and remembered.
    pub records: Records,
    /// How credentials are managed.
    pub credentials: Credentials,
    /// What the gateway can do, and how long it may take.
    pub jobs: Jobs,
    /// The API that the credentials are for.
    pub source: Source,
    /// What the commands that talk to GitHub themselves need.
    pub github: Github,
    /// Limits of every HTTP call that leaves.
    pub egress: Egress,
    /// How the embedded bus calls the webhooks of devices.
    pub webhooks: Webhooks,
    /// What the database keeps, and for how long.
    pub store: Store,
    /// Limits of the gateway's own HTTP server.
    pub http: Http,
    /// What is written to standard error.
    pub log: Log,
    /// The files that hold secrets among the settings, as far as they come from files.
    #[serde(skip)]
    pub secret_files: Vec<PathBuf>,
}

fn without_default(schema: &mut schemars::Schema) {
    schema.remove("default");
}

impl Default for Config {
    fn default() -> Self {
        Self {
            data_dir: "endo-data".into(),
            listen: Listen::default(),
            bus: Bus::default(),
            records: Records::default(),
            credentials: Credentials::default(),
            jobs: Jobs::default(),
            source: Source::default(),
            github: Github::default(),
            egress: Egress::default(),
            webhooks: Webhooks::default(),
            store: Store::default(),
            http: Http::default(),
            log: Log::default(),
            secret_files: Vec::new(),
        }
    }
}

/// Where the gateway and the bus listen.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Listen {
    /// Address and port of the gateway; port 0 lets the system choose one.
    #[schemars(extend("format" = "socket-address"))]
    pub gateway: SocketAddr,
    /// Address and port of the embedded bus's API; port 0 lets the system choose one.
    #[schemars(extend("format" = "socket-address"))]
    pub bus: SocketAddr,
    /// Where others reach the gateway, as user devices and webhooks name it; without this setting `http://` and
    /// `listen.gateway`, or loopback where that is all addresses. Webhooks that are signed for it are believed also where a
    /// proxy passes on another `Host`, or takes off the path that it ends with; all links of the pages begin with that path,
    /// and their cookies are for the whole host. Where it is https, browsers keep the gateway's cookies for https alone, and
    /// the proxy should pass the `Host` header on. People who sign in with the embedded bus are sent to another address, that
    /// of `bus.oauth_url`.
    #[schemars(extend("format" = "uri"))]
    pub public_url: Option<String>,
}

impl Default for Listen {
    fn default() -> Self {
        let here = |port| (Ipv4Addr::LOCALHOST, port).into();
        Self { gateway: here(8080), bus: here(3000), public_url: None }
    }
}

/// What the gateway can do, and how long it may take.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Jobs {
    /// Directories with more jobs, beside the built-in ones; a job of a directory takes the place of a built-in one.
    pub directories: Vec<PathBuf>,
    /// The job type of messages that name none that is known; without it they are answered 404. With a `fallback`, which
    /// knows its own, that of messages that name none at all: the job runs that has a directory, or else the fallback.
    pub default_job_type: Option<String>,
    /// The external handler for messages of every job type that has no directory in `jobs.directories`, as
    /// `handler.url` in a `job.yaml`. It validates for itself, and its answers pass unstripped.
    pub fallback: Option<String>,
    /// A directory of JSON documents that are served at `/schemas/{name}`, beside the program's own.
    pub static_schemas: Option<PathBuf>,
    /// Whether external handlers may be on other machines, by https; they get opened secrets.
    pub remote_handlers: bool,
    /// How long one job may run, in seconds.
    #[schemars(range(min = 1, max = 3600))]
    pub time_limit_seconds: u64,
    /// How many jobs run at the same time. Those of one user device have half of what others leave, one at least.
    #[schemars(range(min = 1, max = 10_000))]
    pub concurrency: usize,
    /// How often a job is run again whose API could not answer, if it changed nothing there: after about half a second, and
    /// then after pauses that double, for ten seconds at most.
    #[schemars(range(max = 10))]
    pub repeats: u32,
}

impl Default for Jobs {
    fn default() -> Self {
        Self {
            directories: Vec::new(),
            default_job_type: None,
            fallback: None,
            static_schemas: None,
            remote_handlers: false,
            time_limit_seconds: 30,
            concurrency: 64,
            repeats: 2,
        }
    }
}

/// What the commands that talk to GitHub themselves need.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Github {
    /// The token `endo demo` talks to GitHub with; without it the demo brings its own API.
    #[serde(skip_serializing)]
    pub token: Option<Secret>,
}

/// What is written to standard error.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Log {
    /// How much is logged: `off`, `error`, `warn`, `info`, `debug` or `trace`, also for each part by itself:
    /// `info,endo::bus=debug`. Libraries are not logged.
    #[schemars(extend("format" = "log-filter"))]
    pub level: String,
    /// How a line looks.
    pub format: LogFormat,
}

impl Default for Log {
    fn default() -> Self {
        Self { level: "info".into(), format: LogFormat::Text }
    }
}

/// How a line of the log looks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum LogFormat {
    /// For people.
    Text,
    /// One JSON object a line.
    Json,
}
