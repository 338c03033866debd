//! The container image, as far as it can be judged without building it.

use std::fs;
use std::path::Path;

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// The instructions, each on one line.
fn instructions() -> Vec<String> {
    let text = fs::read_to_string(root().join("Dockerfile")).unwrap();
    let lines = text.lines().filter(|line| !line.starts_with('#')).collect::<Vec<_>>().join("\n");
    let joined = lines.replace("\\\n", " ");
    joined.lines().map(str::trim).filter(|line| !line.is_empty()).map(str::to_owned).collect()
}

fn after(keyword: &str) -> Vec<String> {
    let prefix = format!("{keyword} ");
    instructions().iter().filter_map(|line| line.strip_prefix(&prefix)).map(str::to_owned).collect()
}

/// What `COPY` takes from the repository.
fn sources() -> Vec<String> {
    let copies = after("COPY").into_iter().filter(|copy| !copy.starts_with("--from="));
    copies
        .flat_map(|copy| {
            let mut words: Vec<_> = copy.split_whitespace().map(str::to_owned).collect();
            words.pop();
            words
        })
        .collect()
}

#[test]
fn everything_that_is_copied_is_in_the_repository() {
    let sources = sources();
    assert!(sources.contains(&"src".to_owned()));
    for source in sources {
        assert!(root().join(&source).exists(), "{source}");
    }
}

#[test]
fn the_build_is_given_what_is_copied_and_nothing_else() {
    let ignored = fs::read_to_string(root().join(".dockerignore")).unwrap();
    let mut lines = ignored.lines();
    assert_eq!(lines.next(), Some("*"));
    let mut given: Vec<_> = lines.map(|line| line.strip_prefix('!').unwrap().to_owned()).collect();
    let mut copied: Vec<_> = sources().iter().map(|source| licence_pattern(source)).collect();
    given.sort();
    copied.sort();
    copied.dedup();
    assert_eq!(given, copied);
}

fn licence_pattern(source: &str) -> String {
    if source.starts_with("LICENSE-") { "LICENSE-*".to_owned() } else { source.to_owned() }
}

#[test]
fn everything_that_the_program_embeds_is_copied() {
    let copied = sources();
    for directory in ["src", "jobs"] {
        for path in embedded(&root().join(directory)) {
            let inside = path.strip_prefix(root()).unwrap();
            assert!(copied.iter().any(|source| inside.starts_with(source)), "{}", inside.display());
        }
    }
}

/// The files that `include_str!` and its like name, below this directory.
fn embedded(directory: &Path) -> Vec<std::path::PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(embedded(&path));
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            let text = fs::read_to_string(&path).unwrap();
            let names = text.split("include_").skip(1).filter_map(|rest| {
                let (_, rest) = rest.split_once("!(\"")?;
                Some(rest.split_once('"')?.0.to_owned())
            });
            found.extend(names.map(|name| path.parent().unwrap().join(name).canonicalize().unwrap()));
        }
    }
    found
}

#[test]
fn the_image_is_built_in_one_stage_and_runs_in_another() {
    let stages = after("FROM");
    let [builder, runtime] = stages.as_slice() else { panic!("{stages:?}") };
    let toolchain = fs::read_to_string(root().join("rust-toolchain.toml")).unwrap();
    let version = builder.strip_prefix("rust:").unwrap().split('-').next().unwrap();
    assert!(toolchain.contains(&format!("channel = \"{version}.")), "{builder}");
    assert!(builder.ends_with(" AS builder"));
    assert!(runtime.starts_with("debian:") && runtime.contains("slim"));
    let binary = after("COPY").into_iter().find(|copy| copy.starts_with("--from=builder")).unwrap();
    assert_eq!(binary, "--from=builder /src/target/release/endo /usr/local/bin/endo");
}

#[test]
fn dependencies_are_built_before_our_own_code_is_copied() {
    let lines = instructions();
    let place = |wanted: &str| lines.iter().position(|line| line.contains(wanted)).unwrap();
    assert!(place("COPY Cargo.toml Cargo.lock") < place("cargo build --release --locked"));
    assert!(place("cargo build --release --locked") < place("COPY src src"));
}

#[test]
fn the_gateway_runs_as_nobody_special_and_owns_its_data_directory() {
    assert_eq!(after("USER"), ["10001:10001"]);
    let prepared = after("RUN").pop().unwrap();
    assert!(prepared.contains("--owner=10001 --group=10001 --mode=0700 /var/lib/endo"));
    assert!(after("ENV")[0].contains("ENDO_DATA_DIR=/var/lib/endo"));
    assert_eq!(after("VOLUME"), ["[\"/var/lib/endo\"]"]);
    let lines = instructions();
    let place = |keyword: &str| lines.iter().position(|line| line.starts_with(keyword)).unwrap();
    assert!(place("USER") < place("ENTRYPOINT"));
}

#[test]
fn the_image_starts_the_program_and_asks_it_how_it_is() {
    assert_eq!(after("ENTRYPOINT"), ["[\"endo\"]"]);
    assert!(after("HEALTHCHECK")[0].ends_with("CMD [\"endo\", \"health\"]"));
    assert_eq!(after("EXPOSE"), ["8080 3000"]);
    assert!(after("RUN").iter().any(|run| run.contains("ca-certificates")));
}

#[test]
fn every_setting_that_the_image_changes_is_one() {
    let catalogue = endo::config::Catalogue::new();
    for assignment in after("ENV")[0].split_whitespace() {
        let (variable, _) = assignment.split_once('=').unwrap();
        assert!(catalogue.iter().any(|setting| setting.variable == variable), "{variable}");
    }
}

#[test]
fn the_readme_gives_the_image_the_addresses_that_signing_in_needs() {
    let readme = fs::read_to_string(root().join("README.md")).unwrap();
    let run = readme.split("docker run ").nth(1).unwrap().split("```").next().unwrap();
    let given: Vec<_> = run.split(" -e ").skip(1).map(|rest| rest.split('=').next().unwrap()).collect();
    assert_eq!(given, ["ENDO_LISTEN_PUBLIC_URL", "ENDO_BUS_OAUTH_URL"]);
    let catalogue = endo::config::Catalogue::new();
    for variable in given {
        assert!(catalogue.iter().any(|setting| setting.variable == variable), "{variable}");
    }
    assert!(readme.contains("docker stop -t 30"));
}
