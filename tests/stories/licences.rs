//! The licences of dependencies: what they are, and that `deny.toml` says what is true.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::process::Command;

use serde_json::Value;

struct Package {
    name: String,
    licence: Option<String>,
}

/// What is built for the targets that `deny.toml` names.
fn packages() -> Vec<Package> {
    policy()["graph"]["targets"]
        .as_array()
        .unwrap()
        .iter()
        .flat_map(|target| built_for(target.as_str().unwrap()))
        .collect()
}

fn built_for(target: &str) -> Vec<Package> {
    let output = Command::new(env!("CARGO"))
        .args(["metadata", "--locked", "--format-version", "1", "--filter-platform", target])
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let metadata: Value = serde_json::from_slice(&output.stdout).unwrap();
    let built: BTreeSet<_> =
        metadata["resolve"]["nodes"].as_array().unwrap().iter().map(|node| node["id"].as_str()).collect();
    let packages = metadata["packages"].as_array().unwrap().iter();
    packages.filter(|package| built.contains(&package["id"].as_str())).map(package).collect()
}

fn package(package: &Value) -> Package {
    Package {
        name: package["name"].as_str().unwrap().to_owned(),
        licence: package["license"].as_str().map(str::to_owned),
    }
}

fn policy() -> toml::Table {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("deny.toml");
    toml::from_str(&fs::read_to_string(path).unwrap()).unwrap()
}

fn allowed_licences() -> Vec<String> {
    let allowed = policy()["licenses"]["allow"].as_array().unwrap().clone();
    allowed.into_iter().map(|licence| licence.as_str().unwrap().to_owned()).collect()
}

/// Whether an SPDX expression can be kept with these licences; `/` is the old way to write `OR`.
fn satisfied(expression: &str, allowed: &[String]) -> bool {
    let spaced = expression.replace('/', " OR ").replace('(', " ( ").replace(')', " ) ");
    let mut words = spaced.split_whitespace().peekable();
    let verdict = any_of(&mut words, allowed);
    verdict && words.next().is_none()
}

type Words<'a> = std::iter::Peekable<std::str::SplitWhitespace<'a>>;

fn any_of(words: &mut Words<'_>, allowed: &[String]) -> bool {
    let mut verdict = all_of(words, allowed);
    while words.next_if_eq(&"OR").is_some() {
        verdict |= all_of(words, allowed);
    }
    verdict
}

fn all_of(words: &mut Words<'_>, allowed: &[String]) -> bool {
    let mut verdict = one(words, allowed);
    while words.next_if_eq(&"AND").is_some() {
        verdict &= one(words, allowed);
    }
    verdict
}

fn one(words: &mut Words<'_>, allowed: &[String]) -> bool {
    if words.next_if_eq(&"(").is_some() {
        let verdict = any_of(words, allowed);
        return words.next_if_eq(&")").is_some() && verdict;
    }
    let mut licence = words.next().unwrap_or_default().to_owned();
    if words.next_if_eq(&"WITH").is_some() {
        licence = format!("{licence} WITH {}", words.next().unwrap_or_default());
    }
    allowed.contains(&licence)
}

#[test]
fn every_dependency_can_be_used_under_a_licence_that_the_policy_allows() {
    let allowed = allowed_licences();
    let packages = packages();
    assert!(packages.iter().any(|package| package.name == "endo"));
    for Package { name, licence } in packages {
        let licence = licence.unwrap_or_else(|| panic!("{name} declares no licence"));
        assert!(satisfied(&licence, &allowed), "{name} is under {licence}");
    }
}

#[test]
fn every_licence_that_the_policy_allows_is_permissive_and_needed() {
    let allowed = allowed_licences();
    let packages = packages();
    for licence in &allowed {
        assert!(!licence.contains("GPL"), "{licence} asks for source code");
        let others: Vec<_> = allowed.iter().filter(|other| *other != licence).cloned().collect();
        let needed = |package: &Package| !satisfied(package.licence.as_deref().unwrap_or_default(), &others);
        assert!(packages.iter().any(needed), "no dependency needs {licence}");
    }
}

#[test]
fn no_banned_crate_is_a_dependency() {
    let packages = packages();
    for banned in policy()["bans"]["deny"].as_array().unwrap() {
        let name = banned["crate"].as_str().unwrap();
        assert!(packages.iter().all(|package| package.name != name), "{name}: {}", banned["reason"]);
    }
}

#[test]
fn the_one_advisory_that_is_ignored_has_a_reason_and_a_crate() {
    let policy = policy();
    let ignored = policy["advisories"]["ignore"].as_array().unwrap();
    let [advisory] = ignored.as_slice() else { panic!("{ignored:?}") };
    assert_eq!(advisory["id"].as_str(), Some("RUSTSEC-2023-0071"));
    assert!(advisory["reason"].as_str().is_some_and(|reason| !reason.is_empty()));
    assert!(packages().iter().any(|package| package.name == "rsa"));
}

#[test]
fn an_expression_is_kept_by_one_side_of_or_and_by_both_of_and() {
    let allowed = ["MIT".to_owned(), "ISC".to_owned()];
    for good in ["MIT", "MIT OR GPL-3.0-only", "GPL-3.0/MIT", "MIT AND ISC", "(GPL-2.0 OR MIT) AND ISC"] {
        assert!(satisfied(good, &allowed), "{good}");
    }
    for bad in [
        "",
        "GPL-3.0-only",
        "AGPL-3.0",
        "LGPL-2.1",
        "MIT AND GPL-3.0",
        "MIT AND (GPL-2.0 OR AGPL-3.0)",
        "GPL-3.0 OR LGPL-3.0",
        "MIT WITH Something-exception",
        "(MIT",
        "MIT)",
        "MIT ISC",
    ] {
        assert!(!satisfied(bad, &allowed), "{bad}");
    }
}
