//! `endo job convert`: from CSON to JSON.

use std::fs;
use std::process::Output;

use endo::cli::Exit;

use super::*;
use crate::support::real;
use crate::support::shell::{Shell, ended, stderr, stdout};

fn shell() -> Shell {
    let shell = Shell::new();
    let job = shell.home.path().join("jobs/say-hello");
    fs::create_dir_all(&job).unwrap();
    fs::write(
        job.join("message.cson"),
        "type: 'object' # a comment\nproperties:\n  data: {type: 'string'}\n",
    )
    .unwrap();
    fs::write(job.join("form.cson"), "never: 'read'").unwrap();
    fs::write(job.join("form.json"), "{}").unwrap();
    shell
}

/// What is said of these jobs where npm's `cson` is at hand.
fn convert(shell: &Shell, jobs: &Path) -> Output {
    let mut command = shell.command(&["job", "convert", jobs.to_str().unwrap()]);
    command.current_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/real"));
    command.env("PATH", variable("PATH").unwrap()).output().unwrap()
}

#[test]
fn without_node_a_sentence_says_what_is_missing() {
    let shell = shell();
    let mut command = shell.command(&["job", "convert", "jobs"]);
    let output = command.env("PATH", shell.home.path()).output().unwrap();
    assert!(ended(&output, Exit::Failure));
    assert!(
        stderr(&output).starts_with("endo: Node.js is missing: CSON is read by npm's `cson`"),
        "{}",
        stderr(&output)
    );
}

#[test]
fn cson_becomes_json_beside_it_and_what_is_there_stays() {
    if !real::on("cson_becomes_json_beside_it_and_what_is_there_stays") {
        return;
    }
    let shell = shell();
    let jobs = shell.home.path().join("jobs");
    let output = convert(&shell, &jobs);
    assert!(ended(&output, Exit::Ok), "{}", stderr(&output));
    let converted = fs::read_to_string(jobs.join("say-hello/message.json")).unwrap();
    let converted: Value = serde_json::from_str(&converted).unwrap();
    assert_eq!(converted, json!({"type": "object", "properties": {"data": {"type": "string"}}}));
    assert_eq!(fs::read_to_string(jobs.join("say-hello/form.json")).unwrap(), "{}");
    assert!(stdout(&output).contains("form.json is there already"));
}

#[test]
fn cson_that_cannot_be_read_is_named_with_its_fault_and_the_rest_is_converted() {
    if !real::on("cson_that_cannot_be_read_is_named_with_its_fault_and_the_rest_is_converted") {
        return;
    }
    let shell = shell();
    let jobs = shell.home.path().join("jobs");
    let broken = jobs.join("broken");
    fs::create_dir_all(&broken).unwrap();
    fs::write(broken.join("message.cson"), "a: 1\nb: [\n  c: 2\n").unwrap();
    let output = convert(&shell, &jobs);
    assert!(ended(&output, Exit::Failure));
    assert!(
        stderr(&output).contains("broken/message.cson was not converted: 2:4: error: missing ]"),
        "{}",
        stderr(&output)
    );
    assert!(jobs.join("say-hello/message.json").exists());
}

#[test]
fn cson_that_holds_no_object_is_named_and_no_json_is_made_of_it() {
    if !real::on("cson_that_holds_no_object_is_named_and_no_json_is_made_of_it") {
        return;
    }
    let shell = shell();
    let jobs = shell.home.path().join("jobs");
    let number = jobs.join("say-hello/response.cson");
    fs::write(&number, "42\n").unwrap();
    let output = convert(&shell, &jobs);
    assert!(ended(&output, Exit::Failure));
    assert!(
        stderr(&output).contains(
            "say-hello/response.cson was not converted: it holds no object, and every schema and form is one"
        ),
        "{}",
        stderr(&output)
    );
    assert!(!number.with_extension("json").exists());
    assert!(jobs.join("say-hello/message.json").exists());
}

#[test]
fn a_directory_that_is_not_there_is_named() {
    let output = Shell::new().run(&["job", "convert", "nowhere"]);
    assert!(ended(&output, Exit::Failure) && stderr(&output).contains("cannot read nowhere"));
}

#[test]
fn the_schema_of_job_files_can_be_printed() {
    let output = Shell::new().run(&["job", "schema"]);
    assert_eq!(stdout(&output), endo::job::job_file_schema());
}
