//! An opened secret stays where it is.

use std::fs;
use std::path::{Path, PathBuf};

use endo::vault::Credentials;

/// Whoever is to hand secrets to external handlers is named here.
const CALLERS: [&str; 0] = [];

trait NeverBoth<Marker> {
    fn hold() {}
}

struct Clones;
struct Serializes;

impl<T> NeverBoth<()> for T {}
impl<T: Clone> NeverBoth<Clones> for T {}
impl<T: serde::Serialize> NeverBoth<Serializes> for T {}

/// Does not compile once `Credentials` is `Clone` or `Serialize`: then the marker is ambiguous.
#[test]
fn credentials_can_be_neither_copied_nor_serialized() {
    <Credentials as NeverBoth<_>>::hold();
}

#[test]
fn only_named_files_disclose_secrets() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut callers: Vec<String> = sources(&root.join("src"))
        .into_iter()
        .chain(sources(&root.join("jobs")))
        .map(|path| path.strip_prefix(root).unwrap().display().to_string())
        .filter(|path| !path.starts_with("src/vault/"))
        .filter(|path| fs::read_to_string(root.join(path)).unwrap().contains("disclose_to_handler"))
        .collect();
    callers.sort();
    assert_eq!(callers, CALLERS);
}

fn sources(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files.extend(sources(&path));
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            files.push(path);
        }
    }
    files
}
