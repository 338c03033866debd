//! The settings of an original gateway: its environment variables and its `meshblu.json` (`spec/meshblu.md` 9.1).

use std::ffi::OsString;
use std::fmt;
use std::path::{Path, PathBuf};

use serde_json::Value;

use super::catalogue::Catalogue;
use super::layers::Given;
use super::{ConfigError, Origin, value};

/// What an original gateway calls without its own name in it.
pub(super) const VARIABLES: [&str; 9] = [
    "MESHBLU_UUID",
    "MESHBLU_TOKEN",
    "MESHBLU_PRIVATE_KEY",
    "MESHBLU_HOSTNAME",
    "MESHBLU_PORT",
    "MESHBLU_PROTOCOL",
    RESOLVE_SRV,
    "PORT",
    "APP_OCTOBLU_HOST",
];

/// What it calls with its own name in front, and the settings of ours that it means.
const OWN: [(&str, &str); 6] = [
    (SKIP_EXPRESS, "bus.intake"),
    ("_SERVICE_URL", "listen.public_url"),
    ("_STATIC_SCHEMAS_PATH", "jobs.static_schemas"),
    ("_CLIENT_ID", "source.client_id"),
    ("_CLIENT_SECRET", "source.client_secret"),
    ("_CALLBACK_URL", "source.redirect_url"),
];

/// With `true` the original read its messages off the firehose, and else nothing.
const SKIP_EXPRESS: &str = "_SKIP_EXPRESS";

/// With `true` the original looked up in DNS where its Meshblu is, by SRV records.
const RESOLVE_SRV: &str = "MESHBLU_RESOLVE_SRV";

/// Where people sign in with the bus.
pub(super) const PROVIDER: &str = "ENDO_OCTOBLU_OAUTH_URL";

/// Where the original looked for a Meshblu when nobody told.
const HOSTNAME: &str = "meshblu.octoblu.com";

/// Something of an original gateway that is not needed here; its text is for the operator.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Notice(String);

impl fmt::Display for Notice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Where a Meshblu is and who the gateway is there, as one place tells.
struct Meshblu {
    uuid: Option<String>,
    token: Option<String>,
    private_key: Option<String>,
    address: Address,
}

/// Where a Meshblu is; what one place does not tell, another may.
struct Address {
    hostname: Option<Told>,
    port: Option<Told>,
    protocol: Option<Told>,
}

/// A part of an address, and who tells it.
#[derive(Clone)]
struct Told {
    text: String,
    origin: Origin,
}

/// The settings in the variables of an original gateway. An empty variable sets nothing; the port counts only where a
/// Meshblu is named, for other programs have one too.
pub(super) fn given(
    catalogue: &Catalogue,
    environment: &[(OsString, OsString)],
    beside: Option<&MeshbluJson>,
) -> Result<Vec<Given>, ConfigError> {
    let is_looked_up = asks_dns(environment, beside).is_some();
    let variable = |name: &str| text(environment, name);
    let part = |name: &str| {
        let origin = Origin::Environment(name.to_owned());
        variable(name).map(|text| Told { text, origin })
    };
    let address = Address {
        hostname: part("MESHBLU_HOSTNAME"),
        port: part("MESHBLU_PORT"),
        protocol: part("MESHBLU_PROTOCOL"),
    };
    let beside = beside.map(MeshbluJson::meshblu);
    let is_original =
        variable("MESHBLU_UUID").is_some() || beside.as_ref().is_some_and(|file| file.uuid.is_some());
    let meshblu = Meshblu {
        uuid: variable("MESHBLU_UUID"),
        token: variable("MESHBLU_TOKEN"),
        private_key: variable("MESHBLU_PRIVATE_KEY"),
        address: address.completed_by(beside.map(|file| file.address)).unless_looked_up(is_looked_up),
    };
    let mut all = meshblu.settings(&|name| Origin::Environment(name.to_owned()));
    if let Some(port) = variable("PORT").filter(|_| is_original) {
        all.push(("listen.gateway", format!("0.0.0.0:{port}"), Origin::Environment("PORT".to_owned())));
    }
    all.extend(
        variable(PROVIDER).map(|url| ("bus.oauth_url", url, Origin::Environment(PROVIDER.to_owned()))),
    );
    for (ending, setting) in OWN {
        let told = own(catalogue, environment, ending).filter_map(|(name, text)| match ending {
            SKIP_EXPRESS => (text == "true").then(|| (name, "firehose".to_owned())),
            _ => Some((name, text)),
        });
        all.extend(told.map(|(name, text)| (setting, text, Origin::Environment(name))));
    }
    all.into_iter().map(|(name, text, origin)| one(catalogue, name, &text, origin)).collect()
}

/// The members of a `meshblu.json` that are text.
const TEXTS: [&str; 6] = ["uuid", "token", "privateKey", "hostname", "server", "protocol"];

/// A `meshblu.json`.
pub(super) struct MeshbluJson {
    path: PathBuf,
    document: Value,
}

impl MeshbluJson {
    /// The one at `path`, if there is one.
    ///
    /// # Errors
    /// [`ConfigError`] where it cannot be read, or does not say what it is to say as it is to.
    pub(super) fn read(path: &Path) -> Result<Option<Self>, ConfigError> {
        let failed = |source| ConfigError::File { path: path.to_owned(), source };
        let text = match std::fs::read_to_string(path) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            text => text.map_err(failed)?,
        };
        let syntax = |line, reason: &str| ConfigError::Syntax {
            path: path.to_owned(),
            line,
            reason: reason.to_owned(),
        };
        let document: Value =
            serde_json::from_str(&text).map_err(|error| syntax(error.line(), "this is not JSON"))?;
        let members = document
            .as_object()
            .ok_or_else(|| syntax(1, "a meshblu.json is a JSON object, and this is none"))?;
        let is_text = |name: &&str| members.get(*name).is_none_or(|told| told.is_string() || told.is_null());
        if let Some(name) = TEXTS.iter().find(|name| !is_text(name)) {
            let (origin, name) = (Origin::File(path.to_owned()), (*name).to_owned());
            return Err(ConfigError::Value { origin, name, expected: "text".to_owned(), found: None });
        }
        Ok(Some(Self { path: path.to_owned(), document }))
    }

    /// The settings in it; its host may have to be looked up.
    pub(super) fn given(&self, catalogue: &Catalogue, is_looked_up: bool) -> Result<Vec<Given>, ConfigError> {
        let meshblu = self.meshblu();
        let meshblu = Meshblu { address: meshblu.address.unless_looked_up(is_looked_up), ..meshblu };
        let settings = meshblu.settings(&|_| self.origin()).into_iter();
        settings.map(|(name, text, origin)| one(catalogue, name, &text, origin)).collect()
    }

    fn meshblu(&self) -> Meshblu {
        let member = |name: &str| match &self.document[name] {
            Value::String(text) => trimmed(text),
            Value::Number(number) => Some(number.to_string()),
            _ => None,
        };
        let part = |name: &str| member(name).map(|text| Told { text, origin: self.origin() });
        Meshblu {
            uuid: member("uuid"),
            token: member("token"),
            private_key: member("privateKey"),
            address: Address {
                hostname: part("hostname").or_else(|| part("server")),
                port: part("port"),
                protocol: part("protocol"),
            },
        }
    }

    /// Itself, if it has the address of its Meshblu looked up in DNS.
    fn asks_dns(&self) -> Option<Origin> {
        (self.document["resolveSrv"] == Value::Bool(true)).then(|| self.origin())
    }

    fn origin(&self) -> Origin {
        Origin::File(self.path.clone())
    }
}

/// Who has the address of a Meshblu looked up in DNS, if anybody does.
pub(super) fn asks_dns(environment: &[(OsString, OsString)], beside: Option<&MeshbluJson>) -> Option<Origin> {
    let told = text(environment, RESOLVE_SRV).filter(|told| told == "true");
    let variable = told.map(|_| Origin::Environment(RESOLVE_SRV.to_owned()));
    variable.or_else(|| beside.and_then(MeshbluJson::asks_dns))
}

/// Makes sure that no setting is told differently by two variables of original gateways, unless `over` tells it anyhow.
///
/// # Errors
/// [`ConfigError::TwoServices`].
pub(super) fn check_agreement<'a>(
    originals: &[Given],
    over: impl Iterator<Item = &'a Given> + Clone,
) -> Result<(), ConfigError> {
    for (index, given) in originals.iter().enumerate() {
        let differs = |other: &&Given| other.name == given.name && other.value != given.value;
        if let Some(other) = originals[index + 1..].iter().find(differs)
            && !over.clone().any(|over| over.name == given.name)
        {
            let (first, second) = (given.origin.clone(), other.origin.clone());
            return Err(ConfigError::TwoServices { setting: given.name.clone(), first, second });
        }
    }
    Ok(())
}

/// Whether it is about where a Meshblu is or who the gateway is there.
pub(super) fn is_of_meshblu(given: &Given) -> bool {
    ["bus.url", "bus.token", "records.private_key"].contains(&given.name.as_str())
}

/// What is in the environment and does nothing here; `strange` is what nobody knows.
pub(super) fn notices(
    catalogue: &Catalogue,
    environment: &[(OsString, OsString)],
    strange: &[String],
) -> Vec<Notice> {
    let manager = own(catalogue, environment, "_MANAGER_URL").map(|(name, _)| name);
    let app = text(environment, "APP_OCTOBLU_HOST").map(|_| "APP_OCTOBLU_HOST".to_owned());
    let unused = manager.chain(app).map(|name| {
        Notice(format!("{name} is not used: what owners see and do is the gateway's own, at /console"))
    });
    let unknown = (!strange.is_empty()).then(|| {
        Notice(format!("no setting is called so, and nothing here reads it: {}", strange.join(", ")))
    });
    unused.chain(unknown).collect()
}

impl Meshblu {
    fn settings(&self, origin: &dyn Fn(&str) -> Origin) -> Vec<(&'static str, String, Origin)> {
        let mut all = Vec::new();
        if self.uuid.is_some() {
            all.push(("bus.kind", "meshblu".to_owned(), origin("MESHBLU_UUID")));
        }
        let texts = [
            ("bus.uuid", &self.uuid, "MESHBLU_UUID"),
            ("bus.token", &self.token, "MESHBLU_TOKEN"),
            ("records.private_key", &self.private_key, "MESHBLU_PRIVATE_KEY"),
        ];
        for (setting, text, variable) in texts {
            all.extend(text.iter().map(|text| (setting, text.clone(), origin(variable))));
        }
        all.extend(self.address.url().map(|url| ("bus.url", url.text, url.origin)));
        all
    }
}

impl Address {
    /// Each part by itself, as the original took them; where this place tells none, nothing is to be completed.
    fn completed_by(self, other: Option<Self>) -> Self {
        let Some(other) = other.filter(|_| self.told().is_some()) else { return self };
        Self {
            hostname: self.hostname.or(other.hostname),
            port: self.port.or(other.port),
            protocol: self.protocol.or(other.protocol),
        }
    }

    /// None where its host is to be looked up: the rest of it is no address then.
    fn unless_looked_up(self, is_looked_up: bool) -> Self {
        if is_looked_up && self.hostname.is_none() {
            return Self { hostname: None, port: None, protocol: None };
        }
        self
    }

    /// Who tells of it first.
    fn told(&self) -> Option<&Origin> {
        let parts = [&self.hostname, &self.port, &self.protocol];
        let variable = |origin: &&Origin| matches!(origin, Origin::Environment(_));
        let mut origins = parts.into_iter().flatten().map(|part| &part.origin);
        origins.clone().find(variable).or_else(|| origins.next())
    }

    /// Who tells of a protocol that no address of a Meshblu begins with; then that is what is wrong with the address.
    fn odd_protocol(&self) -> Option<&Origin> {
        let protocol = self.protocol.as_ref().filter(|told| !["http", "https"].contains(&&*told.text))?;
        Some(&protocol.origin)
    }

    /// Over TLS, unless somebody says otherwise, as the original's client; the service proves itself there.
    fn url(&self) -> Option<Told> {
        let origin = self.odd_protocol().or(self.told())?.clone();
        let text = |part: &Option<Told>| part.as_ref().map(|part| part.text.clone());
        let protocol = text(&self.protocol).unwrap_or_else(|| "https".to_owned());
        let hostname = text(&self.hostname).unwrap_or_else(|| HOSTNAME.to_owned());
        let port = text(&self.port).map(|port| format!(":{port}")).unwrap_or_default();
        Some(Told { text: format!("{protocol}://{hostname}{port}"), origin })
    }
}

fn one(catalogue: &Catalogue, name: &str, text: &str, origin: Origin) -> Result<Given, ConfigError> {
    let setting = catalogue.named(name).expect("the settings named here exist");
    Ok(Given { name: name.to_owned(), value: value::parse(setting, text, &origin)?, origin })
}

fn text(environment: &[(OsString, OsString)], wanted: &str) -> Option<String> {
    let (_, text) = environment.iter().find(|(name, _)| name == wanted)?;
    text.to_str().and_then(trimmed)
}

/// Without the blanks around it, as the original read it: a file that holds a token ends with a new line. None where nothing is
/// left.
fn trimmed(text: &str) -> Option<String> {
    let text = text.trim();
    (!text.is_empty()).then(|| text.to_owned())
}

/// The variables of a gateway called anything, `ENDO_GITHUB_SERVICE_URL`; those of our settings are none.
fn own<'a>(
    catalogue: &'a Catalogue,
    environment: &'a [(OsString, OsString)],
    ending: &'a str,
) -> impl Iterator<Item = (String, String)> + 'a {
    environment.iter().filter_map(move |(name, text)| {
        let (name, text) = (name.to_str()?, trimmed(text.to_str()?)?);
        let is_setting = || catalogue.iter().any(|setting| setting.variable == name);
        (name.starts_with("ENDO_") && name.ends_with(ending) && !is_setting())
            .then(|| (name.to_owned(), text))
    })
}
