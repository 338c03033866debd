//! Job directories: what they hold, and what is refused.

use endo::job::job_file_schema;

use super::*;

#[test]
fn a_key_that_means_nothing_is_an_error_that_names_the_right_one() {
    for (yaml, expected) in [
        ("hander: {url: 'unix:/x'}", "there is no key `hander`; did you mean `handler`?"),
        ("handler: {uri: 'unix:/x'}", "there is no key `handler.uri`; did you mean `handler.url`?"),
        ("handler: {url: 'unix:/x'}\nrepeat: true", "there is no key `repeat`; did you mean `repeatable`?"),
        ("handler: {url: 'unix:/x'}\nzzz: 1", "there is no key `zzz`"),
    ] {
        assert!(refusal(yaml).ends_with(expected), "{}", refusal(yaml));
    }
}

#[test]
fn a_job_file_that_is_none_is_refused() {
    for yaml in
        ["", "[]", "handler: 1", "handler: {}", "handler: {url: 1}", "a: [", "repeatable: true", "x: &a [*a]"]
    {
        assert!(refusal(yaml).contains("say-hello/job.yaml"), "{yaml}: {}", refusal(yaml));
    }
    assert!(refusal("handler: {url: 'unix:/a'}\nhandler: {url: 'unix:/b'}").contains("job.yaml"));
}

#[test]
fn what_is_wrong_in_a_job_file_is_told_in_one_sentence_with_what_to_do() {
    let says = |yaml: &str, expected: &str| {
        let refused = refusal(yaml);
        let said = refused.split_once("say-hello/job.yaml: ").unwrap().1;
        assert_eq!(said, expected, "{yaml}");
    };
    for yaml in ["", "# nothing yet\n", "---\n", "{}", "[]", "http://127.0.0.1:4000"] {
        says(
            yaml,
            "it has no keys; say in it what runs the job: `handler: {url: ADDRESS}`, with an ADDRESS such as \
             http://127.0.0.1:4000/jobs or unix:/run/jobs.sock",
        );
    }
    says(
        "handler: {url: 'unix:/a'}\nhandler: {url: 'unix:/b'}",
        "line 2, column 1: the key `handler` is there already; take one of the two away",
    );
    says(
        "handler:\n  url: unix:/a\n  url: unix:/b\n",
        "line 3, column 3: the key `url` is there already; take one of the two away",
    );
    let missing = "`handler` must be there, with the `url` of the process that runs the job";
    for yaml in ["repeatable: true", "handler:", "handler: unix:/a"] {
        says(yaml, missing);
    }
    let url = "`handler.url` must be the address of the process that runs the job, such as http://127.0.0.1:4000/jobs";
    for yaml in ["handler: {}", "handler: {url: 1}"] {
        says(yaml, url);
    }
    says("handler: {url: 'unix:/a'}\nrepeatable: maybe", "`repeatable` must be true or false");
    assert_eq!(refusal("handler: [").lines().count(), 1, "{}", refusal("handler: ["));
}

#[test]
fn a_handler_on_another_machine_is_refused_by_the_name_of_the_switch() {
    let refused = refusal("handler: {url: 'https://jobs.example/'}");
    assert!(
        refused.ends_with(
            "handlers on other machines need `jobs.remote_handlers = true`: opened secrets go there"
        )
    );
}

#[test]
fn a_document_that_is_only_there_as_cson_names_the_command_that_helps() {
    let directory = directory("handler: {url: 'unix:/x'}");
    let job = directory.path().join("say-hello");
    std::fs::rename(job.join("message.json"), job.join("message.cson")).unwrap();
    let refused = load(directory.path()).unwrap_err().to_string();
    let expected = format!(
        "{job}/message.cson is CSON, which is not read here; `endo job convert {job}` makes JSON of it",
        job = job.display()
    );
    assert_eq!(refused, expected);
}

#[test]
fn what_is_hidden_among_job_directories_is_none() {
    let directory = directory("handler: {url: 'unix:/x'}");
    std::fs::create_dir(directory.path().join(".git")).unwrap();
    assert_eq!(load(directory.path()).unwrap().job_types().len(), 1);
}

#[test]
fn a_handler_s_job_is_described_like_any_other() {
    let registry = registry("unix:/x", false);
    assert_eq!(registry.message_schema()["SayHello"]["properties"]["data"], json!({"type": "string"}));
    assert_eq!(registry.job_types()[0].job_type.as_str(), "SayHello");
}

#[test]
fn the_schema_in_the_repository_is_the_one_of_the_types() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("schemas/job.json");
    let stored = std::fs::read_to_string(path).unwrap();
    assert!(stored == job_file_schema(), "renew it with `cargo run -- job schema > schemas/job.json`");
}

#[test]
fn the_schema_takes_a_job_file_and_refuses_an_unknown_key() {
    let schema = serde_json::from_str(&job_file_schema()).unwrap();
    let validator = jsonschema::validator_for(&schema).unwrap();
    let mut file = json!({"handler": {"url": "unix:/run/jobs.sock"}, "repeatable": true});
    assert!(validator.is_valid(&file));
    file["handler"]["port"] = json!(1);
    assert!(!validator.is_valid(&file));
}
