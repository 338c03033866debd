//! The process environment: the settings in it, and what else may be called `ENDO_…`.

use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};

use super::catalogue::{Catalogue, Setting};
use super::layers::Given;
use super::{ConfigError, Origin, originals, suggestion, value};

/// What generated gateways of the original contract read (`spec/meshblu.md` 9.1), whatever their name.
const ORIGINALS: [&str; 7] = [
    "_SERVICE_URL",
    "_SKIP_EXPRESS",
    "_MANAGER_URL",
    "_STATIC_SCHEMAS_PATH",
    "_CLIENT_ID",
    "_CLIENT_SECRET",
    "_CALLBACK_URL",
];

/// What they read of pages that are not the gateway's; only the bus's own is used here.
const PAGES: [&str; 2] = ["_OAUTH_URL", "_AUTH_URL"];

/// The variables of the process that configuration may depend on.
#[expect(clippy::disallowed_methods, reason = "the one place that reads the environment")]
pub(super) fn of_process() -> Vec<(OsString, OsString)> {
    let known = |name: &OsStr| {
        ["HOME", "XDG_DATA_HOME"].iter().chain(&originals::VARIABLES).any(|known| name == *known)
    };
    let wanted = |name: &OsStr| known(name) || is_ours(name);
    std::env::vars_os().filter(|(name, _)| wanted(name)).collect()
}

fn is_ours(name: &OsStr) -> bool {
    name.as_encoded_bytes().starts_with(b"ENDO_")
}

/// The settings in the environment, and the variables in it that mean nothing here. An empty variable sets nothing.
///
/// # Errors
/// [`ConfigError`] for a variable that is probably a misspelt one of ours, and for a value that its setting does not
/// take.
pub(super) fn given(
    catalogue: &Catalogue,
    environment: &[(OsString, OsString)],
) -> Result<(Vec<Given>, Vec<String>), ConfigError> {
    let (mut given, mut strange) = (Vec::new(), Vec::new());
    for (name, text) in environment.iter().filter(|(name, text)| is_ours(name) && !text.is_empty()) {
        let shown = name.to_string_lossy();
        match catalogue.iter().find(|setting| setting.variable == shown) {
            Some(setting) => given.push(one(setting, &shown, text)?),
            None if is_of_others(&shown, &text.to_string_lossy()) => {}
            None if is_of_a_page(&shown) || is_of_a_service(catalogue, environment, &shown) => {
                strange.push(shown.into_owned())
            }
            None => {
                let suggestion =
                    suggestion::variable(catalogue, &shown).map(|setting| setting.variable.clone());
                return Err(ConfigError::UnknownVariable { name: shown.into_owned(), suggestion });
            }
        }
    }
    Ok((given, strange))
}

fn one(setting: &Setting, name: &str, text: &OsStr) -> Result<Given, ConfigError> {
    let origin = Origin::Environment(name.to_owned());
    let Some(text) = text.to_str() else {
        let name = setting.name.clone();
        return Err(ConfigError::Value { origin, name, expected: "valid UTF-8".into(), found: None });
    };
    Ok(Given { name: setting.name.clone(), value: value::parse(setting, text, &origin)?, origin })
}

/// Whether a variable that no setting has is an old service's own, `ENDO_PODIO_PAGE_SIZE`: by the service's name, which
/// its address tells, or else by its unlikeness to ours.
fn is_of_a_service(catalogue: &Catalogue, environment: &[(OsString, OsString)], name: &str) -> bool {
    let of_known = |(other, text): &(OsString, OsString)| {
        let service = other.to_str().and_then(|other| other.strip_suffix("SERVICE_URL"));
        let is_prefix = |prefix: &str| prefix.len() > "ENDO_".len() && name.starts_with(prefix);
        is_ours(other) && !text.is_empty() && service.is_some_and(is_prefix)
    };
    let is_unlike_ours = || match name.trim_start_matches("ENDO_").split_once('_') {
        Some((first, _)) => {
            !catalogue.has_section(&first.to_lowercase()) && suggestion::variable(catalogue, name).is_none()
        }
        None => false,
    };
    environment.iter().any(of_known) || is_unlike_ours()
}

fn is_of_a_page(name: &str) -> bool {
    PAGES.iter().any(|ending| name.ends_with(ending))
}

fn is_of_others(name: &str, text: &str) -> bool {
    name.starts_with("ENDO_TEST_")
        || name == originals::PROVIDER
        || ORIGINALS.iter().any(|ending| name.ends_with(ending))
        || is_of_kubernetes(name, text)
}

/// Kubernetes tells every pod about a service called `endo` in such variables, `ENDO_PORT=tcp://10.0.0.1:8080`.
fn is_of_kubernetes(name: &str, text: &str) -> bool {
    let of_port = |(_, rest): (&str, &str)| rest.starts_with(|c: char| c.is_ascii_digit());
    name.split_once("_PORT_").is_some_and(of_port)
        || name.ends_with("_PORT") && text.contains("://")
        || name.ends_with("_SERVICE_HOST")
        || name.contains("_SERVICE_PORT")
}

/// Where data goes when nobody says where: the XDG base directory, or the working directory without a home.
pub(super) fn data_dir(environment: &[(OsString, OsString)]) -> PathBuf {
    let directory = |wanted: &str| {
        let (_, value) = environment.iter().find(|(name, _)| name == wanted)?;
        Some(Path::new(value)).filter(|path| path.is_absolute())
    };
    let xdg = directory("XDG_DATA_HOME").map(Path::to_path_buf);
    let share = xdg.or_else(|| Some(directory("HOME")?.join(".local/share")));
    share.map_or_else(|| PathBuf::from("endo-data"), |share| share.join("endo"))
}
