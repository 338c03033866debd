//! The table of settings.

use endo::config::{Catalogue, Setting};
use serde_json::Value;

use super::page;

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
fn the_page_of_settings_lists_each_with_its_default_and_meaning() {
    let table = table();
    assert!(page("docs/settings.md").contains(&table), "docs/settings.md lacks this table:\n{table}");
}
