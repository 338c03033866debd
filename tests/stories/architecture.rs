//! The plan of the house, kept: who imports whom, and what stands where.

use std::fs;
use std::path::{Path, PathBuf};

use regex::Regex;

/// What every room may import.
const FOR_ALL: &[&str] = &["ambient", "config", "telemetry"];

/// What a room may import besides.
enum Imports {
    These(&'static [&'static str]),
    AllBut(&'static [&'static str]),
}

use Imports::{AllBut, These};

/// Every room.
const ROOMS: &[(&str, Imports)] = &[
    ("ambient", These(&[])),
    ("config", These(&[])),
    ("telemetry", These(&[])),
    ("connection", These(&[])),
    ("lasting", These(&[])),
    ("lately", These(&[])),
    ("legible", These(&[])),
    ("memory", These(&[])),
    ("message", These(&[])),
    ("negotiation", These(&[])),
    ("paging", These(&[])),
    ("queueing", These(&[])),
    ("redaction", These(&[])),
    ("sharing", These(&["message"])),
    ("signature", These(&["redaction"])),
    ("vault", These(&["message", "redaction"])),
    ("egress", These(&["message", "redaction"])),
    ("store", These(&["memory", "message"])),
    (
        "bus",
        These(&[
            "connection",
            "lately",
            "legible",
            "memory",
            "message",
            "negotiation",
            "redaction",
            "sharing",
            "signature",
            "store",
            "egress",
        ]),
    ),
    ("source", These(&["lasting", "legible", "message", "redaction", "vault", "store", "egress"])),
    (
        "credentials",
        These(&["lasting", "lately", "message", "paging", "queueing", "bus", "vault", "source", "store"]),
    ),
    ("job", These(&["message", "redaction", "vault", "egress", "signature"])),
    ("jobs", These(&["job"])),
    (
        "dispatch",
        These(&["lasting", "memory", "message", "queueing", "sharing", "bus", "credentials", "job", "store"]),
    ),
    ("console", These(&["legible", "message", "credentials", "job"])),
    ("http", AllBut(&["gateway", "cli"])),
    ("gateway", AllBut(&["cli"])),
    ("cli", AllBut(&[])),
];

impl Imports {
    fn allow(&self, room: &str) -> bool {
        match self {
            These(rooms) => rooms.contains(&room),
            AllBut(rooms) => !rooms.contains(&room),
        }
    }
}

/// A file of the program.
struct SourceFile {
    /// From the root of the repository.
    path: PathBuf,
    text: String,
}

impl SourceFile {
    /// The path of its module, `["bus", "embedded"]`; empty for the roots of the crates.
    fn module(&self) -> Vec<String> {
        let mut parts: Vec<_> =
            self.path.with_extension("").iter().map(|part| part.to_str().unwrap().to_owned()).collect();
        if parts[0] == "src" {
            parts.remove(0);
        }
        if ["mod", "lib", "main"].contains(&parts.last().unwrap().as_str()) {
            parts.pop();
        }
        parts
    }

    fn code(&self) -> String {
        code(&self.text)
    }
}

/// The text without the lines that are comments.
fn code(text: &str) -> String {
    text.lines().filter(|line| !line.trim_start().starts_with("//")).collect::<Vec<_>>().join("\n")
}

fn files() -> Vec<SourceFile> {
    files_in(&["src", "jobs"])
}

fn files_in(directories: &[&str]) -> Vec<SourceFile> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut files = Vec::new();
    let mut directories: Vec<_> = directories.iter().map(|directory| root.join(directory)).collect();
    while let Some(directory) = directories.pop() {
        for entry in fs::read_dir(directory).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                directories.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let text = fs::read_to_string(&path).unwrap();
                files.push(SourceFile { path: path.strip_prefix(root).unwrap().to_owned(), text });
            }
        }
    }
    assert!(files.len() > 10);
    files
}

/// The rooms that code in a module of this depth names: after `crate::`, or after as many `super::` as lead out of
/// its own room.
fn rooms_named(code: &str, depth: usize) -> Vec<String> {
    let mut rooms = Vec::new();
    let way_out = "super::".repeat(depth);
    for way in ["crate::", &way_out] {
        for (start, _) in code.match_indices(way).filter(|_| !way.is_empty()) {
            if !follows_a_name(&code[..start]) {
                rooms.extend(first_names(&code[start + way.len()..]));
            }
        }
    }
    rooms
}

fn follows_a_name(before: &str) -> bool {
    before.ends_with(|c: char| c.is_alphanumeric() || c == '_' || c == '$') || before.ends_with("super::")
}

/// `store::Store` names `store`; `{store::{Store, Row}, bus}` names `store` and `bus`.
fn first_names(path: &str) -> Vec<String> {
    let Some(group) = path.trim_start().strip_prefix('{') else { return vec![name(path)] };
    let mut names = Vec::new();
    let mut depth = 0;
    let mut item = String::new();
    for c in group.chars() {
        match c {
            '}' if depth == 0 => break,
            ',' if depth == 0 => names.push(name(&std::mem::take(&mut item))),
            _ => {
                depth += i32::from(c == '{') - i32::from(c == '}');
                item.push(c);
            }
        }
    }
    names.push(name(&item));
    names.retain(|name| !name.is_empty());
    names
}

/// The parameters of every function that has a name, as they are written.
fn parameters(code: &str) -> Vec<String> {
    let mut parameters = Vec::new();
    for (at, keyword) in code.match_indices("fn ").filter(|(at, _)| !follows_a_name(&code[..*at])) {
        let signature = &code[at + keyword.len()..];
        let mut list = &signature[name(signature).len()..];
        if let Some(generics) = list.strip_prefix('<') {
            list = &generics[items(generics).1..];
        }
        parameters.extend(list.strip_prefix('(').map(items).unwrap_or_default().0);
    }
    parameters
}

/// What stands between commas up to the bracket that closes, and how long all that is.
fn items(list: &str) -> (Vec<String>, usize) {
    let (mut items, mut item, mut depth, mut before) = (Vec::new(), String::new(), 0, ' ');
    for (at, c) in list.char_indices() {
        match c {
            '(' | '[' | '{' | '<' => depth += 1,
            '>' if before == '-' || before == '=' => {}
            ')' | ']' | '}' | '>' if depth == 0 => return (with(items, &item), at + 1),
            ')' | ']' | '}' | '>' => depth -= 1,
            _ => {}
        }
        match c == ',' && depth == 0 {
            true => items = with(items, &std::mem::take(&mut item)),
            false => item.push(c),
        }
        before = c;
    }
    (items, list.len())
}

fn with(mut items: Vec<String>, item: &str) -> Vec<String> {
    items.extend(Some(item.trim().to_owned()).filter(|item| !item.is_empty()));
    items
}

/// Whether a parameter is a tuple, taken apart or not.
fn is_tuple(parameter: &str) -> bool {
    let mut depth = 0;
    let colon = parameter.match_indices(['(', ')', '{', '}', '[', ']', ':']).find_map(|(at, c)| match c {
        "(" | "{" | "[" => (depth += 1, None).1,
        ":" => (depth == 0 && parameter[at + 1..].starts_with(' ')).then_some(at),
        _ => (depth -= 1, None).1,
    });
    let bare = |text: &str| {
        let text = text.trim().trim_start_matches('&');
        let text =
            text.strip_prefix('\'').and_then(|named| named.split_once(' ')).map_or(text, |(_, text)| text);
        text.trim_start_matches("mut ").to_owned()
    };
    let (pattern, kind) = parameter.split_at(colon.unwrap_or(parameter.len()));
    let begins = |text: &str| bare(text).starts_with('(') && !bare(text).starts_with("(dyn ");
    begins(pattern) || begins(kind.trim_start_matches(':'))
}

fn name(path: &str) -> String {
    path.trim_start().chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect()
}

#[test]
fn every_room_imports_only_what_the_plan_allows() {
    for file in files() {
        let module = file.module();
        let Some(room) = module.first() else {
            assert!(rooms_named(&file.code(), 0).is_empty(), "{}", file.path.display());
            continue;
        };
        let (_, imports) = ROOMS
            .iter()
            .find(|(name, _)| name == room)
            .unwrap_or_else(|| panic!("`{room}` is no room of the plan"));
        for named in rooms_named(&file.code(), module.len()) {
            let fine = named == *room || FOR_ALL.contains(&named.as_str()) || imports.allow(&named);
            assert!(fine, "{}: `{room}` may not import `{named}`", file.path.display());
        }
    }
}

#[test]
fn an_import_is_found_however_it_is_written() {
    for (code, depth, rooms) in [
        ("use crate::store::Store;", 1, vec!["store"]),
        ("use crate::{bus::{Bus, Hop}, vault, http};", 2, vec!["bus", "vault", "http"]),
        ("use crate::{\n    bus,\n    vault::Vault,\n};", 2, vec!["bus", "vault"]),
        ("fn f() -> crate::http::Door {}", 1, vec!["http"]),
        ("pub(in crate::bus) fn f() {}", 2, vec!["bus"]),
        ("use super::super::store::Store;", 2, vec!["store"]),
        ("use super::store::Store;", 1, vec!["store"]),
        ("use super::neighbour::Thing;", 2, vec![]),
        ("use othercrate::store::Store;", 1, vec![]),
    ] {
        assert_eq!(rooms_named(code, depth), rooms, "{code}");
    }
    assert_eq!(code("//! crate::store\n  // crate::bus\nuse crate::vault;"), "use crate::vault;");
}

#[test]
fn no_function_takes_a_tuple() {
    for file in files_in(&["src", "jobs", "benches", "tests/support"]) {
        for parameter in parameters(&file.code()) {
            assert!(!is_tuple(&parameter), "{}: `{parameter}`", file.path.display());
        }
    }
}

#[test]
fn a_tuple_is_found_however_it_is_taken() {
    for tuple in [
        "fn f((a, b): (A, B)) {}",
        "fn f(&self, (a, _): &(A, B)) {}",
        "pub(super) async fn f<T: Fn(A) -> B>(\n    one: One,\n    (a, b): (A, B),\n) -> C {}",
        "fn f(pair: (A, B), one: One) {}",
        "fn f<'a>(pair: &'a mut (A, B)) {}",
        "fn f(Thing { a: (b, c) }: Thing, pair: (A, B)) {}",
    ] {
        assert_eq!(parameters(tuple).iter().filter(|parameter| is_tuple(parameter)).count(), 1, "{tuple}");
    }
    for other in [
        "fn f(&mut self, a: A, b: &'a B) {}",
        "fn f(Thing { a: (b, c) }: Thing, list: Vec<(A, B)>, slice: &[(A, B)]) -> (A, B) {}",
        "fn f(way: impl Fn((A, B)) -> (A, B), error: &(dyn Error + 'static)) { let g = |(a, b)| a; }",
        "fn f(way: fn((A, B)), Only(a): Only) {}",
    ] {
        assert!(!parameters(other).iter().any(|parameter| is_tuple(parameter)), "{other}");
    }
}

#[test]
fn the_program_itself_names_nothing_but_the_command_line() {
    let main = files().into_iter().find(|file| file.path == Path::new("src/main.rs")).unwrap();
    assert!(main.text.lines().count() <= 30);
    let named: Vec<_> =
        main.code().match_indices("endo::").map(|(at, way)| name(&main.code()[at + way.len()..])).collect();
    assert_eq!(named, ["cli"]);
}

#[test]
fn the_crate_s_documentation_lists_every_room() {
    let library = files().into_iter().find(|file| file.path == Path::new("src/lib.rs")).unwrap();
    let rooms: Vec<_> = library.text.lines().filter_map(|line| line.strip_prefix("pub mod ")).collect();
    assert!(rooms.len() > 10);
    for room in rooms {
        let room = room.trim_end_matches(';');
        assert!(library.text.contains(&format!("[`{room}`]")), "{room}");
    }
}

#[test]
fn every_file_opens_with_a_sentence_that_says_what_it_is() {
    for SourceFile { path, text } in files() {
        assert!(text.starts_with("//! "), "{}", path.display());
    }
}

#[test]
fn no_file_is_longer_than_four_hundred_lines() {
    for SourceFile { path, text } in files() {
        assert!(text.lines().count() <= 400, "{}: {} lines", path.display(), text.lines().count());
    }
}

#[test]
fn a_mod_file_declares_and_does_nothing() {
    let declarations =
        files().into_iter().filter(|file| file.path.ends_with("mod.rs") && file.path.starts_with("src"));
    for file in declarations {
        assert!(!file.code().contains("fn "), "{}", file.path.display());
    }
}

#[test]
fn the_program_is_the_same_under_test() {
    for SourceFile { path, text } in files() {
        assert!(!text.contains("cfg(test)") && !text.contains("cfg!(test)"), "{}", path.display());
    }
}

#[test]
fn an_error_is_logged_with_all_that_it_came_from() {
    for file in files() {
        for bare in ["error = &", "error = %", "error = ?"] {
            assert!(!file.code().contains(bare), "{}: `{bare}`, not `with_causes`", file.path.display());
        }
    }
}

#[test]
fn what_strangers_say_is_for_people_and_in_no_log() {
    let logged = Regex::new(r"tracing::\w+!\([^;]*;|#\[error\([^\]]*\]").unwrap();
    let words = Regex::new(r"\b(Plain|words\()").unwrap();
    for told in [r#"tracing::warn!(said = error.words());"#, r#"#[error("no: {}", said.words())]"#] {
        assert!(logged.find(told).is_some_and(|told| words.is_match(told.as_str())), "{told}");
    }
    for file in files() {
        let (code, place) = (file.code(), file.path.display());
        assert!(!code.contains("Display for Plain"), "{place}: a print of it may be logged");
        let has_them = code.contains("redaction::Plain") || code.contains("oauth2::Said");
        assert!(!(has_them && code.contains("tracing::")), "{place}: it has them, and logs");
        for told in logged.find_iter(&code) {
            assert!(!words.is_match(told.as_str()), "{place}: {}", told.as_str());
        }
    }
}

#[test]
fn names_are_logged_that_a_bus_made_or_by_a_hash() {
    let line = Regex::new(r"tracing::\w+!\([^;]*;").unwrap();
    let name = Regex::new(r"(uuid|delivery\.id) = ([^,]*)").unwrap();
    let is_fit = |value: &str| value.contains("logged(") || value.contains("fingerprint()");
    let telling = "tracing::info!(delivery.id = %id, \"x\");";
    assert!(!is_fit(&name.captures(line.find(telling).unwrap().as_str()).unwrap()[2]));
    let mut names = 0;
    for file in files() {
        let code = file.code();
        for line in line.find_iter(&code) {
            for name in name.captures_iter(line.as_str()) {
                names += 1;
                assert!(is_fit(&name[2]), "{}: {}", file.path.display(), &name[0]);
            }
        }
    }
    assert!(names > 20, "they are found");
}

#[test]
fn sql_is_in_the_store_alone() {
    for file in files() {
        let in_store = file.module().first().is_some_and(|room| room == "store");
        assert!(in_store || !file.code().contains("rusqlite"), "{}", file.path.display());
    }
}

#[test]
fn no_secret_is_compared_in_a_time_that_tells_of_it() {
    let bare = Regex::new(r"expose\(\)\s*[!=]=|[!=]=[^;{,|&]*expose\(\)").unwrap();
    for telling in ["a.expose() == b", "a.b()\n != *a.secret.expose()"] {
        assert!(bare.is_match(telling), "{telling}");
    }
    for file in files() {
        assert!(!bare.is_match(&file.code()), "{}", file.path.display());
    }
}

#[test]
fn the_one_exit_of_opened_secrets_has_one_caller() {
    let outside =
        files().into_iter().filter(|file| file.module().first().is_some_and(|room| room != "vault"));
    let calls = |file: &SourceFile| file.code().matches("disclose_to_handler(").count();
    let callers: Vec<_> =
        outside.map(|file| (calls(&file), file.path)).filter(|(calls, _)| *calls > 0).collect();
    assert_eq!(callers, [(1, PathBuf::from("src/job/workbench.rs"))]);
}
