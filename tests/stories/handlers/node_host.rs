//! The Node.js host of the examples, with a job as services of the original have them.

use super::*;
use crate::support::real::{self, OldService};

const JOB: &str = "module.exports = {
  action: ({ encrypted }, { data }, callback) => {
    const code = { fail: 418, word: 'ENOENT', far: 1000 }[data]
    if (code) return callback(Object.assign(new Error('as asked'), { code }))
    if (data === 'throw') throw new Error('thrown')
    if (data === 'throw nothing') throw null
    if (data === 'throw later') return setTimeout(() => { setTimeout(callback, 50, null, { metadata: { code: 200, status: 'OK' }, data: { said: 'later' } }); null.x }, 0)
    const said = `${data} ${encrypted.username} ${encrypted.secrets.credentials.secret.length}`
    callback(null, { metadata: { code: 200, status: 'OK' }, data: { said, secret: 'stripped' } })
  }
}
";

#[tokio::test]
async fn an_old_job_directory_goes_on_working() {
    if !real::on("an_old_job_directory_goes_on_working") {
        return;
    }
    let service = OldService::of(&[("say-hello/index.js", JOB)]);
    let _host = service.host();
    let registry = registry(&service.address(), false);
    let run = |data: &str| {
        let message = message(json!({"metadata": {"jobType": "SayHello"}, "data": data}));
        let registry = &registry;
        async move { registry.run(&message, provisions(CallGate::open())).await }
    };
    let reply = run("hello").await.unwrap();
    assert_eq!(reply.data, Some(json!({"said": format!("hello octocat {}", SECRET.len())})));
    let failure = run("fail").await.unwrap_err().failure;
    assert_eq!((failure.code, &*failure.message), (418.into(), "as asked"));
    for code in ["word", "far"] {
        assert_eq!(run(code).await.unwrap_err().failure.message, "as asked");
    }
    assert_eq!(run("throw").await.unwrap_err().failure.message, "thrown");
    assert_eq!(run("throw nothing").await.unwrap_err().failure.code, 500.into());
    assert_eq!(run("throw later").await.unwrap().metadata.unwrap()["code"], 200, "the host goes on");
    assert!(run("hello").await.is_ok());
}

#[tokio::test]
async fn the_default_job_of_an_old_service_runs_for_messages_that_name_another_or_none() {
    if !real::on("the_default_job_of_an_old_service_runs_for_messages_that_name_another_or_none") {
        return;
    }
    let service = OldService::of(&[("say-hello/index.js", JOB)]);
    let _host = service.host_with_default(Some("SayHello"));
    let fallback = handlers(false).fallback(&service.address()).unwrap();
    let default_job_type = Some("SayHello".into());
    let options = RegistryOptions { default_job_type, fallback: Some(fallback), ..options() };
    let (registry, _) = Registry::load(Vec::new(), options).unwrap();
    for message in [json!({"metadata": {"jobType": "Unknown"}, "data": "hello"}), json!({"data": "hello"})] {
        let message = self::message(message);
        let reply = registry.run(&message, provisions(CallGate::open())).await.unwrap();
        assert_eq!(reply.metadata.unwrap()["code"], 200);
    }
}

/// As the original's validated them, and with its texts.
#[tokio::test]
async fn a_message_that_an_old_job_does_not_take_runs_nothing() {
    if !real::on("a_message_that_an_old_job_does_not_take_runs_nothing") {
        return;
    }
    let schema = r#"message: {
    type: 'object', required: ['metadata', 'data'],
    properties: { metadata: { type: 'string' }, data: { type: 'object', required: ['startTime'], properties: { startTime: { type: 'string' } } } }
  },"#;
    let action =
        "action: (options, message, callback) => callback(null, { metadata: { code: 200, status: 'OK' } })";
    let job = format!("module.exports = {{ {schema} {action} }}");
    let service = OldService::of(&[("list-events/index.js", &job)]);
    let _host = service.host();
    let fallback = handlers(false).fallback(&service.address()).unwrap();
    let options = RegistryOptions { fallback: Some(fallback), ..options() };
    let (registry, _) = Registry::load(Vec::new(), options).unwrap();
    for (data, errors) in [
        (json!({"startTime": "now"}), None),
        (json!({"startTime": 7}), Some(json!(["message.data.startTime is not of a type(s) string"]))),
        (json!({}), Some(json!(["message.data requires property \"startTime\""]))),
    ] {
        let message = message(json!({"metadata": {"jobType": "ListEvents"}, "data": data}));
        let reply = registry.run(&message, provisions(CallGate::open())).await.unwrap();
        let code = if errors.is_some() { 422 } else { 200 };
        assert_eq!(reply.metadata.unwrap()["code"], code, "{data}");
        assert_eq!(reply.data.map(|data| data["errors"].clone()), errors);
    }
}

/// As `upperFirst(camelCase(name))` makes them of directories; what is no job is left out.
#[tokio::test]
async fn an_old_directory_has_the_job_types_that_it_had() {
    if !real::on("an_old_directory_has_the_job_types_that_it_had") {
        return;
    }
    let service = OldService::of(&[
        ("HTTPGet/index.js", JOB),
        ("123go/index.js", JOB),
        ("list_events/index.js", JOB),
        ("get-2nd-item/index.js", JOB),
        ("été/index.js", JOB),
        ("broken/index.js", "("),
        ("README.md", "no job"),
    ]);
    let _host = service.host();
    let fallback = handlers(false).fallback(&service.address()).unwrap();
    let options = RegistryOptions { fallback: Some(fallback), ..options() };
    let (registry, _) = Registry::load(Vec::new(), options).unwrap();
    for (job_type, code) in [
        ("HttpGet", 200),
        ("123Go", 200),
        ("ListEvents", 200),
        ("Get2ndItem", 200),
        ("Ete", 200),
        ("HTTPGet", 404),
        ("Broken", 404),
        ("ReadmeMd", 404),
    ] {
        let message = message(json!({"metadata": {"jobType": job_type}, "data": "hello"}));
        let reply = registry.run(&message, provisions(CallGate::open())).await.unwrap();
        assert_eq!(reply.metadata.unwrap()["code"], code, "{job_type}");
    }
}

/// A job as generated services of the original have them: CoffeeScript, with its documents in CSON.
#[tokio::test]
async fn an_old_service_in_coffeescript_goes_on_working() {
    if !real::on("an_old_service_in_coffeescript_goes_on_working") {
        return;
    }
    let index = "module.exports =\n  action: require './action'\n  form: require './form.cson'\n";
    let action = "module.exports = ({encrypted}, {data}, callback) =>\n  \
                  callback null, {metadata: {code: 200, status: 'OK'}, data: {said: \"#{data} #{encrypted.username}\"}}\n";
    let service = OldService::of(&[
        ("say-hello/index.coffee", index),
        ("say-hello/action.coffee", action),
        ("say-hello/form.cson", "title: 'List'"),
    ]);
    let _host = service.host();
    let registry = registry(&service.address(), false);
    let message = message(json!({"metadata": {"jobType": "SayHello"}, "data": "hello"}));
    let reply = registry.run(&message, provisions(CallGate::open())).await.unwrap();
    assert_eq!(reply.data, Some(json!({"said": "hello octocat"})));
}

/// So that whatever looks after the process starts it again, and a host that answers stays reachable.
#[tokio::test]
async fn a_host_that_cannot_listen_says_why_ends_with_an_error_and_takes_nothing_from_another() {
    if !real::on("a_host_that_cannot_listen_says_why_ends_with_an_error_and_takes_nothing_from_another") {
        return;
    }
    let service = OldService::of(&[("say-hello/index.js", JOB)]);
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port().to_string();
    let file = service.socket().with_extension("txt");
    std::fs::write(&file, "kept").unwrap();
    for (addresses, why) in [
        (vec![], "Received { path: undefined }"),
        (vec![&*port], "EADDRINUSE"),
        (vec!["99999"], "ERR_SOCKET_BAD_PORT"),
        (vec![file.to_str().unwrap()], "EADDRINUSE"),
        (vec![file.join("jobs.sock").to_str().unwrap()], "ENOTDIR"),
    ] {
        ends(service.started(&addresses), why);
    }
    assert_eq!(std::fs::read(&file).unwrap(), b"kept");

    let again = || service.started(&[service.socket().to_str().unwrap()]);
    let host = service.host();
    ends(again(), "EADDRINUSE");
    // Killed, so that its socket stays.
    drop(host);
    ends(again(), "EADDRINUSE");
    std::fs::remove_file(service.socket()).unwrap();
    let _host = service.host();
    let message = message(json!({"metadata": {"jobType": "SayHello"}, "data": "hello"}));
    assert!(registry(&service.address(), false).run(&message, provisions(CallGate::open())).await.is_ok());
}

fn ends(host: std::process::Child, why: &str) {
    let output = host.wait_with_output().unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(output.status.code() == Some(1) && said.contains(why), "{:?}: {said}", output.status);
}

#[test]
fn the_readme_shows_the_whole_host() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let readme = std::fs::read_to_string(root.join("README.md")).unwrap();
    let host = std::fs::read_to_string(root.join("examples/handler-host.cjs")).unwrap();
    assert!(
        readme.contains(&format!("```js\n{host}```")),
        "README.md lacks examples/handler-host.cjs as it is"
    );
    assert!(host.lines().count() == 20 && host.lines().all(|line| line.len() <= 130), "it is to be read");
}
