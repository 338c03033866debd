//! From the places where settings stand to the configuration in force.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::{fs, io};

use toml::{Table, Value};

use super::catalogue::Catalogue;
use super::layers::{Given, Layers};
use super::originals::MeshbluJson;
use super::provider::{self, ProviderOf};
use super::{BusKind, ConfigError, Effective, Origin, environment, originals, suggestion, value};

/// Where settings are looked for. May hold secrets, hence no `Debug`.
#[derive(Clone, Default)]
pub struct Sources {
    /// The file to read; without one, `endo.toml` in the data directory if it is there.
    pub file: Option<PathBuf>,
    /// Environment variables. Those that are not called `ENDO_…` set nothing.
    pub environment: Vec<(OsString, OsString)>,
    /// Flags, the last one wins.
    pub flags: Vec<Flag>,
    /// The `meshblu.json` of an original gateway; it is read if it is there.
    pub meshblu_json: Option<PathBuf>,
    /// The catalogue of providers, for the name that an original gateway's variables carry; without it, it has none.
    pub provider_of: Option<ProviderOf>,
}

/// One setting as the command line gives it. May hold a secret, hence no `Debug`.
#[derive(Clone)]
pub struct Flag {
    /// The flag as it is written: `--data-dir`.
    pub flag: &'static str,
    /// The setting: `data_dir`.
    pub setting: String,
    /// Its value, in the form the environment has it.
    pub text: String,
}

impl Flag {
    /// This flag, for this setting.
    pub fn of(flag: &'static str, setting: &str, text: &str) -> Self {
        Self { flag, setting: setting.to_owned(), text: text.to_owned() }
    }
}

impl Sources {
    /// These flags, this file, and the environment of the process, with this catalogue of providers.
    pub fn of_process(file: Option<PathBuf>, flags: Vec<Flag>, provider_of: ProviderOf) -> Self {
        Self {
            file,
            environment: environment::of_process(),
            flags,
            meshblu_json: Some("meshblu.json".into()),
            provider_of: Some(provider_of),
        }
    }
}

/// The configuration in force: defaults, under the `meshblu.json` of an original gateway, under the file, under the
/// variables of an original gateway, under the environment, under the flags.
///
/// # Errors
/// [`ConfigError`] for a file that can not be read, a name that no setting has, and a value that its setting
/// does not take.
pub fn load(sources: &Sources) -> Result<Effective, ConfigError> {
    let catalogue = Catalogue::new();
    let (environment, strange) = environment::given(&catalogue, &sources.environment)?;
    let flags =
        sources.flags.iter().map(|flag| flag_given(&catalogue, flag)).collect::<Result<Vec<_>, _>>()?;
    let usual = environment::data_dir(&sources.environment);
    let data_dir = data_dir(&flags).or_else(|| data_dir(&environment));
    let file = match &sources.file {
        Some(file) => file_given(&catalogue, file)?,
        None => inside(&catalogue, &data_dir.unwrap_or_else(|| usual.clone()))?,
    };
    let meshblu_json = sources.meshblu_json.as_deref().map_or(Ok(None), MeshbluJson::read)?;
    let by_dns = originals::asks_dns(&sources.environment, meshblu_json.as_ref());
    let is_looked_up = by_dns.is_some();
    let meshblu =
        meshblu_json.as_ref().map_or(Ok(Vec::new()), |file| file.given(&catalogue, is_looked_up))?;
    let originals = originals::given(&catalogue, &sources.environment, meshblu_json.as_ref())?;
    let over = environment.iter().chain(&flags);
    originals::check_agreement(&originals, over.clone())?;
    let named = provider::named(&originals, over);
    let told = meshblu.iter().chain(&originals).find(|given| originals::is_of_meshblu(given));
    let told = told.map(|given| given.origin.clone());
    let secret_files = secret_files(&catalogue, meshblu.iter().chain(&file));
    let layers = Layers::default().lay(meshblu).lay(file).lay(originals).lay(environment).lay(flags);
    let mut effective = layers.settle()?;
    effective.config.secret_files = secret_files;
    if let Some(told) = told.filter(|_| *effective.origin("bus.kind") == Origin::Default) {
        return Err(ConfigError::NoUuid { told });
    }
    let is_elsewhere = effective.config.bus.kind == BusKind::Meshblu;
    let is_untold = *effective.origin("bus.url") == Origin::Default;
    if let Some(told) = by_dns.filter(|_| is_elsewhere && is_untold) {
        return Err(ConfigError::AsksDns { told });
    }
    provider::settle(&mut effective, named, sources.provider_of)?;
    effective.notices = originals::notices(&catalogue, &sources.environment, &strange);
    if *effective.origin("data_dir") == Origin::Default {
        effective.config.data_dir = usual;
    }
    Ok(effective)
}

/// The files that give a secret, also one that another place takes the place of.
fn secret_files<'a>(catalogue: &Catalogue, given: impl Iterator<Item = &'a Given>) -> Vec<PathBuf> {
    let holds = |given: &&Given| catalogue.named(&given.name).is_some_and(|setting| setting.secret);
    let file = |given: &Given| match &given.origin {
        Origin::File(path) => std::path::absolute(path).ok(),
        _ => None,
    };
    let mut files: Vec<_> = given.filter(holds).filter_map(file).collect();
    files.dedup();
    files
}

fn data_dir(given: &[Given]) -> Option<PathBuf> {
    given.iter().rfind(|given| given.name == "data_dir")?.value.as_str().map(PathBuf::from)
}

fn flag_given(catalogue: &Catalogue, flag: &Flag) -> Result<Given, ConfigError> {
    let origin = Origin::Flag(flag.flag);
    let setting = catalogue.named(&flag.setting).ok_or_else(|| unknown(catalogue, &flag.setting, &origin))?;
    Ok(Given { name: setting.name.clone(), value: value::parse(setting, &flag.text, &origin)?, origin })
}

fn unknown(catalogue: &Catalogue, name: &str, origin: &Origin) -> ConfigError {
    ConfigError::UnknownSetting {
        origin: origin.clone(),
        suggestion: suggestion::setting(catalogue, name).map(|setting| setting.name.clone()),
        name: name.to_owned(),
    }
}

fn inside(catalogue: &Catalogue, data_dir: &Path) -> Result<Vec<Given>, ConfigError> {
    let path = data_dir.join("endo.toml");
    match file_given(catalogue, &path) {
        Err(ConfigError::File { source, .. }) if is_absent(&source) => Ok(Vec::new()),
        Ok(given) if given.iter().any(|given| elsewhere(given, data_dir)) => {
            Err(ConfigError::DataDirInside { path })
        }
        result => result,
    }
}

fn elsewhere(given: &Given, data_dir: &Path) -> bool {
    given.name == "data_dir" && given.value.as_str().map(Path::new) != Some(data_dir)
}

fn is_absent(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory)
}

fn file_given(catalogue: &Catalogue, path: &Path) -> Result<Vec<Given>, ConfigError> {
    let text =
        fs::read_to_string(path).map_err(|source| ConfigError::File { path: path.to_owned(), source })?;
    let document: Table = toml::from_str(&text).map_err(|error| syntax(path, &text, &error))?;
    let origin = Origin::File(path.to_owned());
    let mut all = Vec::new();
    for (name, value) in document {
        match (catalogue.named(&name), value) {
            (None, Value::Table(section)) if !section.is_empty() || catalogue.has_section(&name) => {
                all.extend(section.into_iter().map(|(field, value)| (format!("{name}.{field}"), value)));
            }
            (_, value) => all.push((name, value)),
        }
    }
    all.into_iter().map(|(name, value)| file_value(catalogue, name, value, &origin)).collect()
}

fn file_value(
    catalogue: &Catalogue,
    name: String,
    value: Value,
    origin: &Origin,
) -> Result<Given, ConfigError> {
    let setting = catalogue.named(&name).ok_or_else(|| unknown(catalogue, &name, origin))?;
    value::check(setting, &value, origin)?;
    Ok(Given { name, value, origin: origin.clone() })
}

fn syntax(path: &Path, text: &str, error: &toml::de::Error) -> ConfigError {
    let before = error.span().and_then(|span| text.get(..span.start)).unwrap_or_default();
    let line = before.matches('\n').count() + 1;
    ConfigError::Syntax { path: path.to_owned(), line, reason: error.message().to_owned() }
}
