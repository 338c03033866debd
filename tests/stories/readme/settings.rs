//! The table of settings.

use endo::config::{Catalogue, Setting};
use serde_json::Value;

use super::readme;

fn table() -> String {
    let rows = Catalogue::new().iter().map(row).collect::<String>();
    format!("| Setting | Default | Meaning |\n|---|---|---|\n{rows}")
}

fn row(setting: &Setting) -> String {
    let default = match &setting.default {
        None => String::new(),
        Some(Value::String(text)) => format!("`{text}`"),
        Some(value) => format!("`{value}`"),
    };
    format!("| `{}` | {default} | {} |\n", setting.name, setting.meaning.replace('|', "\\|"))
}

#[test]
fn the_readme_lists_every_setting_with_its_default_and_meaning() {
    let table = table();
    assert!(readme().contains(&table), "README.md lacks this table:\n{table}");
}
