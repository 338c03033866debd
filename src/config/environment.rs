//! The process environment: the settings in it, and what else may be called `ENDO_…`.

use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};

use super::catalogue::Catalogue;
use super::layers::Given;
use super::{ConfigError, Origin, originals, suggestion, value};

/// What generated gateways of the original contract read (`spec/meshblu.md` 9.1), whatever their name.
const ORIGINALS: [&str; 8] = [
    "_SERVICE_URL",
    "_MANAGER_URL",
    "_STATIC_SCHEMAS_PATH",
    "_CLIENT_ID",
    "_CLIENT_SECRET",
    "_CALLBACK_URL",
    "_OAUTH_URL",
    "_AUTH_URL",
];

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

/// The settings in the environment. An empty variable sets nothing.
pub(super) fn given(
    catalogue: &Catalogue,
    environment: &[(OsString, OsString)],
) -> Result<Vec<Given>, ConfigError> {
    environment
        .iter()
        .filter(|(name, text)| is_ours(name) && !text.is_empty())
        .filter(|(name, text)| {
            let name = name.to_string_lossy();
            catalogue.iter().any(|setting| setting.variable == name)
                || !is_of_others(&name, &text.to_string_lossy())
        })
        .map(|(name, text)| one(catalogue, name, text))
        .collect()
}

fn one(catalogue: &Catalogue, name: &OsStr, text: &OsStr) -> Result<Given, ConfigError> {
    let name = name.to_string_lossy();
    let setting = catalogue.iter().find(|setting| setting.variable == name).ok_or_else(|| {
        let suggestion = suggestion::variable(catalogue, &name).map(|setting| setting.variable.clone());
        ConfigError::UnknownVariable { name: name.to_string(), suggestion }
    })?;
    let origin = Origin::Environment(name.into_owned());
    let Some(text) = text.to_str() else {
        let name = setting.name.clone();
        return Err(ConfigError::Value { origin, name, expected: "valid UTF-8".into(), found: None });
    };
    Ok(Given { name: setting.name.clone(), value: value::parse(setting, text, &origin)?, origin })
}

fn is_of_others(name: &str, text: &str) -> bool {
    name.starts_with("ENDO_TEST_")
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
