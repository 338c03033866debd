//! The program as a shell sees it: output, errors, exit codes.

use std::io::{self, BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpListener};
use std::path::Path;
use std::process::Stdio;
use std::thread;

use endo::cli::Exit;
use endo::source::Catalogue;
use serde_json::Value;

use crate::support::shell::{Shell, ended, stderr, stdout};

#[test]
fn help_tells_every_exit_code_and_explains_every_command() {
    let shell = Shell::new();
    for words in [["--help"], ["-h"]] {
        let output = shell.run(&words);
        assert!(ended(&output, Exit::Ok));
        for exit in Exit::ALL {
            let line = format!("\n  {:>2}  {}", exit.code(), exit.meaning());
            assert!(stdout(&output).contains(&line), "{line}");
        }
    }
    let output = shell.run(&["config", "--help"]);
    assert!(ended(&output, Exit::Ok) && stdout(&output).contains("--schema"));
}

#[test]
fn exit_codes_are_numbered_in_the_order_they_are_listed() {
    let codes: Vec<_> = Exit::ALL.iter().map(|exit| usize::from(exit.code())).collect();
    assert_eq!(codes, (0..Exit::ALL.len()).collect::<Vec<_>>());
}

#[test]
fn the_version_is_the_package_s() {
    let output = Shell::new().run(&["--version"]);
    assert_eq!(stdout(&output), concat!("endo ", env!("CARGO_PKG_VERSION"), "\n"));
}

#[test]
fn words_that_make_no_sense_are_a_usage_error() {
    let shell = Shell::new();
    for words in [&["confgi"][..], &["config", "--nonsense"], &["--set", "log.level", "config"]] {
        let output = shell.run(words);
        assert!(ended(&output, Exit::Usage), "{words:?}");
        assert!(stdout(&output).is_empty() && !stderr(&output).is_empty());
    }
}

#[test]
fn config_prints_settings_from_all_places() {
    let shell = Shell::new();
    let data = shell.home.path().join("data");
    std::fs::create_dir(&data).unwrap();
    std::fs::write(data.join("endo.toml"), "[store]\nkeep_days = 3\n").unwrap();
    let mut command = shell.command(&["config", "--data-dir", "data", "--set", "log.level=debug"]);
    let output = command.env("ENDO_LOG_FORMAT", "json").output().unwrap();
    assert!(ended(&output, Exit::Ok) && stderr(&output).is_empty());
    for line in [
        "data_dir = \"data\" # --data-dir",
        "keep_days = 3 # data/endo.toml",
        "format = \"json\" # ENDO_LOG_FORMAT",
        "level = \"debug\" # --set",
        "gateway = \"127.0.0.1:8080\" # default",
    ] {
        assert!(stdout(&output).lines().any(|shown| shown == line), "{line}");
    }
}

#[test]
fn settings_count_wherever_they_stand_in_the_order_in_which_they_stand() {
    let shell = Shell::new();
    let shown = shell.run(&[
        "--set",
        "log.level=info",
        "--set",
        "log.format=json",
        "config",
        "--set",
        "log.level=debug",
    ]);
    for line in ["level = \"debug\" # --set", "format = \"json\" # --set"] {
        assert!(stdout(&shown).lines().any(|shown| shown == line), "{line}: {}", stderr(&shown));
    }
    let levels = [&["--set", "nonsense=1"][..], &["credentials", "--set", "store.keep_days=3"], &["ls"]];
    let refused = shell.run(&[levels.concat(), vec!["--set", "log.level=debug"]].concat());
    assert!(ended(&refused, Exit::Configuration), "{}", stdout(&refused));
    assert!(stderr(&refused).contains("`nonsense`"), "{}", stderr(&refused));
}

#[test]
fn a_directory_and_a_file_of_settings_are_named_once() {
    let shell = Shell::new();
    for flag in ["--data-dir", "--config"] {
        for words in [[flag, "a", "config", flag, "b"], [flag, "a", flag, "b", "config"]] {
            let refused = shell.run(&words);
            assert!(ended(&refused, Exit::Usage), "{words:?}");
            assert!(stderr(&refused).contains("cannot be used multiple times"), "{}", stderr(&refused));
        }
    }
}

#[test]
fn config_makes_no_directory_and_leaves_out_secrets() {
    let shell = Shell::new();
    let mut command = shell.command(&["config"]);
    let output = command.env("ENDO_GITHUB_TOKEN", "ghp_canary77").output().unwrap();
    assert!(stdout(&output).contains("# token = [redacted] # ENDO_GITHUB_TOKEN"));
    assert!(!stdout(&output).contains("ghp_canary77"));
    assert_eq!(std::fs::read_dir(shell.home.path()).unwrap().count(), 0);
}

#[test]
fn config_prints_the_schema_even_when_settings_make_no_sense() {
    let shell = Shell::new();
    let mut command = shell.command(&["config", "--schema"]);
    let output = command.env("ENDO_NONSENSE", "1").output().unwrap();
    let stored = Path::new(env!("CARGO_MANIFEST_DIR")).join("schemas/endo.json");
    assert_eq!(stdout(&output), std::fs::read_to_string(stored).unwrap());
}

#[test]
fn a_setting_that_makes_no_sense_is_one_sentence_and_its_own_code() {
    let shell = Shell::new();
    let mut command = shell.command(&["config"]);
    let output = command.env("ENDO_LOG_LEVLE", "debug").output().unwrap();
    assert!(ended(&output, Exit::Configuration) && stdout(&output).is_empty());
    let sentence =
        "endo: environment: there is no variable `ENDO_LOG_LEVLE`; did you mean `ENDO_LOG_LEVEL`?\n";
    assert_eq!(stderr(&output), sentence);
    let output = shell.run(&["--config", "nowhere.toml", "config"]);
    assert!(ended(&output, Exit::Configuration));
    assert!(stderr(&output).starts_with("endo: cannot read nowhere.toml: "));
}

#[test]
fn a_reader_that_goes_away_is_no_failure() {
    let (reader, writer) = io::pipe().unwrap();
    drop(reader);
    let output = Shell::new().command(&["config"]).stdout(writer).output().unwrap();
    assert!(ended(&output, Exit::Ok) && stderr(&output).is_empty());
}

#[cfg(target_os = "linux")]
#[test]
fn output_that_can_not_be_written_is_a_failure() {
    let full = std::fs::File::options().write(true).open("/dev/full").unwrap();
    let output = Shell::new().command(&["config"]).stdout(full).output().unwrap();
    assert!(ended(&output, Exit::Failure));
    assert!(stderr(&output).starts_with("endo: cannot write to standard output: "));
}

#[test]
fn jobs_lists_every_job_type_with_its_fields() {
    let output = Shell::new().run(&["jobs"]);
    assert!(ended(&output, Exit::Ok), "{}", stderr(&output));
    for line in ["ListEventsByUser", "ListReposByUser"] {
        assert!(stdout(&output).lines().any(|shown| shown.starts_with(line)), "{line}");
    }
    assert!(stdout(&output).contains("    username  string, required"), "{}", stdout(&output));
    assert!(stdout(&output).contains("    repoName"), "{}", stdout(&output));
}

#[test]
fn jobs_as_json_is_what_programs_read() {
    let output = Shell::new().run(&["jobs", "--json", "ListReposByUser"]);
    let listings: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(listings.as_array().map(Vec::len), Some(1));
    assert_eq!(listings[0]["jobType"], "ListReposByUser");
    assert_eq!(listings[0]["data"][0]["name"], "username");
    assert_eq!(listings[0]["data"][0]["required"], true);
}

#[test]
fn a_job_type_that_nobody_has_is_a_failure() {
    let output = Shell::new().run(&["jobs", "toString"]);
    assert!(ended(&output, Exit::Failure) && stdout(&output).is_empty());
    assert_eq!(stderr(&output), "endo: there is no job type `toString`; `endo jobs` lists them\n");
}

#[test]
fn providers_lists_the_catalogue_and_tells_all_about_one() {
    let shell = Shell::new();
    let listed = shell.run(&["providers"]);
    assert!(ended(&listed, Exit::Ok), "{}", stderr(&listed));
    let one = stdout(&shell.run(&["providers", "salesforce"])).to_owned();
    for provider in Catalogue::embedded().iter() {
        let line =
            stdout(&listed).lines().find(|line| line.split(' ').next() == Some(&provider.name)).unwrap();
        assert!(line.ends_with(&format!("  {}", provider.documentation)), "{line}");
        let all = shell.run(&["providers", "--json", &provider.name]);
        let all: Value = serde_json::from_slice(&all.stdout).unwrap();
        let note = provider.note.as_ref().map_or(Value::Null, |note| note.as_str().into());
        assert_eq!((&all["evidence"], &all["note"]), (&"documentation".into(), &note));
    }
    assert!(one.contains("\n  note           The API answers at the address of the organization"), "{one}");
    assert_eq!(std::fs::read_dir(shell.home.path()).unwrap().count(), 0);
}

#[test]
fn a_provider_that_nobody_knows_is_a_failure_that_names_the_list() {
    let shell = Shell::new();
    let output = shell.run(&["providers", "githup"]);
    assert!(ended(&output, Exit::Failure) && stdout(&output).is_empty());
    let says = "the catalogue has no provider `githup`; did you mean `github`? `endo providers` lists them\n";
    assert_eq!(stderr(&output), format!("endo: {says}"));
    let output = shell.run(&["--set", "source.provider=nonsense", "jobs"]);
    assert!(ended(&output, Exit::Configuration));
    assert!(
        stderr(&output).ends_with("no provider `nonsense`; `endo providers` lists them\n"),
        "{}",
        stderr(&output)
    );
}

#[test]
fn the_note_of_a_provider_is_logged_at_the_start() {
    let shell = Shell::with_key();
    let mut words = vec!["serve", "--listen", "127.0.0.1:0", "--bus-listen", "127.0.0.1:0"];
    for setting in ["source.provider=salesforce", "source.client_id=id", "source.client_secret=secret"] {
        words.extend(["--set", setting]);
    }
    let mut command = shell.command(&words);
    let mut gateway = command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
    let mut log = BufReader::new(gateway.stderr.take().unwrap()).lines().map(Result::unwrap);
    let note = "Salesforce: The API answers at the address of the organization";
    assert!(log.any(|line| line.contains(note)));
    gateway.kill().unwrap();
    gateway.wait().unwrap();
}

#[test]
fn a_default_job_type_that_nobody_has_is_a_wrong_setting() {
    let output = Shell::new().run(&["--set", "jobs.default_job_type=Nonsense", "jobs"]);
    assert!(ended(&output, Exit::Configuration));
    assert!(stderr(&output).contains("`Nonsense`"));
}

/// As an old service sets it: nobody there knows a setting of ours.
#[test]
fn what_a_variable_leads_to_and_cannot_be_used_is_told_with_the_variable() {
    let refused = |variables: &[(&str, &str)], told: &str| {
        let shell = Shell::with_key();
        let mut command = shell.command(&["serve", "--listen", "127.0.0.1:0", "--bus-listen", "127.0.0.1:0"]);
        let output = command.envs(variables.iter().copied()).output().unwrap();
        assert!(ended(&output, Exit::Configuration), "{}", stderr(&output));
        let said = stderr(&output).lines().last().unwrap_or_default().to_owned();
        assert!(said.starts_with(told), "{said}");
    };
    refused(
        &[("ENDO_GITHUB_STATIC_SCHEMAS_PATH", "/nowhere")],
        "endo: ENDO_GITHUB_STATIC_SCHEMAS_PATH: jobs.static_schemas: cannot read /nowhere: ",
    );
    refused(
        &[("MESHBLU_UUID", "u"), ("MESHBLU_TOKEN", "t"), ("MESHBLU_PRIVATE_KEY", "no key")],
        "endo: MESHBLU_PRIVATE_KEY: records.private_key is no private key that can be used: ",
    );
}

#[test]
fn an_api_that_secrets_would_go_to_in_the_clear_is_refused_at_the_start() {
    let api = ["--set", "source.base_url=http://192.0.2.2:4099"];
    for words in [&["jobs"][..], &["doctor"], &["serve", "--listen", "127.0.0.1:0"]] {
        let output = Shell::with_key().run(&[words, &api].concat());
        assert!(ended(&output, Exit::Configuration), "{}", stderr(&output));
        let sentence = "`source.base_url` must be a URL with https, or with http on this machine";
        assert!(stderr(&output).trim_end().ends_with(sentence), "{}", stderr(&output));
    }
}

/// Answers one request with this status line, and gives back what was asked.
fn answering(status: &'static str) -> (SocketAddr, thread::JoinHandle<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let server = thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let mut lines = BufReader::new(stream.try_clone().unwrap()).lines().map(Result::unwrap);
        let asked = lines.next().unwrap();
        assert!(lines.any(|line| line.is_empty()));
        write!(stream, "{status}\r\nConnection: close\r\n\r\n{{}}").unwrap();
        asked
    });
    (address, server)
}

#[test]
fn health_asks_the_gateway_whether_it_is_ready() {
    for (status, exit) in [
        ("HTTP/1.1 200 OK", Exit::Ok),
        ("HTTP/1.1 503 Service Unavailable", Exit::Failure),
        ("?", Exit::Failure),
    ] {
        let (address, server) = answering(status);
        let everywhere = format!("listen.gateway=0.0.0.0:{}", address.port());
        let output = Shell::new().run(&["health", "--set", &everywhere]);
        assert!(ended(&output, exit), "{status}: {}", stderr(&output));
        assert_eq!(server.join().unwrap(), "GET /readyz HTTP/1.1");
    }
}

#[test]
fn health_without_a_gateway_has_a_code_of_its_own() {
    let unused = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let output = Shell::new().run(&["health", "--set", &format!("listen.gateway={unused}")]);
    assert!(ended(&output, Exit::Unreachable));
    assert!(stderr(&output).starts_with(&format!("endo: the gateway at {unused} does not answer: ")));
}
