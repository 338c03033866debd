//! The links between the pages.

use std::fs;
use std::path::{Path, PathBuf};

use regex::Regex;

use super::page;

/// Every page, by its path from the root of the repository.
fn pages() -> Vec<String> {
    let docs = fs::read_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("docs")).unwrap();
    let docs = docs.map(|entry| format!("docs/{}", entry.unwrap().file_name().to_str().unwrap()));
    docs.chain(["README.md".to_owned()]).collect()
}

/// The names by which the headings of a page are linked to.
fn anchors(page: &str) -> Vec<String> {
    let headings = page.lines().filter(|line| line.starts_with('#'));
    let name =
        |line: &str| line.trim_start_matches(['#', ' ']).to_lowercase().replace(' ', "-").replace(',', "");
    headings.map(name).collect()
}

#[test]
fn every_link_leads_to_a_page_and_a_heading_that_are_there() {
    let link = Regex::new(r"\]\(([\w./-]+\.md)(?:#([\w-]+))?\)").unwrap();
    let mut followed = Vec::new();
    for from in pages() {
        for found in link.captures_iter(&page(&from)) {
            let target: PathBuf = Path::new(&from).parent().unwrap().join(&found[1]);
            let target = target.to_str().unwrap().replace("docs/../", "");
            let headings = anchors(&page(&target));
            let is_there = |anchor: &str| headings.iter().any(|heading| heading == anchor);
            assert!(found.get(2).is_none_or(|anchor| is_there(anchor.as_str())), "{from}: {}", &found[0]);
            followed.push(target);
        }
    }
    assert!(pages().iter().all(|page| followed.contains(page)), "no link leads to some page: {followed:?}");
}
