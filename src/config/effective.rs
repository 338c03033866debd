//! The configuration in force, and where each value of it came from.

use std::collections::BTreeMap;
use std::fmt::{self, Write};
use std::path::PathBuf;

use toml::{Table, Value};

use super::catalogue::{Catalogue, Setting};
use super::{Config, Notice};

/// The configuration in force.
#[derive(Clone, Debug)]
pub struct Effective {
    /// The settings.
    pub config: Config,
    pub(super) origins: BTreeMap<String, Origin>,
    pub(super) notices: Vec<Notice>,
}

/// Where the value of a setting came from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Origin {
    /// Nobody set it.
    Default,
    /// This file.
    File(PathBuf),
    /// The environment variable of this name.
    Environment(String),
    /// The flag of this name, as it is written: `--data-dir`.
    Flag(&'static str),
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Default => f.write_str("default"),
            Self::File(path) => write!(f, "{}", path.display()),
            Self::Environment(name) => f.write_str(name),
            Self::Flag(name) => f.write_str(name),
        }
    }
}

impl Effective {
    /// Where the setting of this name (`listen.gateway`) got its value.
    pub fn origin(&self, name: &str) -> &Origin {
        self.origins.get(name).unwrap_or(&Origin::Default)
    }

    /// What is in the environment of an original gateway and does nothing here.
    pub fn notices(&self) -> &[Notice] {
        &self.notices
    }

    /// The configuration as an `endo.toml` that says of each value where it came from. Secrets and settings
    /// without a value are comments.
    pub fn to_toml(&self) -> String {
        let values = Table::try_from(&self.config).expect("settings are texts, numbers, lists and tables");
        let mut text = String::new();
        let mut current = None;
        for setting in Catalogue::new().iter() {
            let (section, field) = setting.section_and_field();
            if section != current {
                let _ = write!(text, "\n[{}]\n", section.unwrap_or_default());
                current = section;
            }
            let fields = section.map_or(Some(&values), |section| values.get(section)?.as_table());
            text.push_str(&self.line(setting, fields.and_then(|fields| fields.get(field))));
        }
        text
    }

    fn line(&self, setting: &Setting, value: Option<&Value>) -> String {
        let (_, field) = setting.section_and_field();
        let origin = one_line(self.origin(&setting.name));
        match value {
            Some(value) => format!("{field} = {value} # {origin}\n"),
            None if setting.secret && self.origins.contains_key(&setting.name) => {
                format!("# {field} = [redacted] # {origin}\n")
            }
            None => format!("# {field} is not set\n"),
        }
    }
}

/// A comment ends with its line, whatever a path holds.
fn one_line(origin: &Origin) -> String {
    origin.to_string().replace(char::is_control, "?")
}
