//! The Node.js host of the examples, with a job as services of the original have them.

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};

use super::*;
use crate::support::real;

const JOB: &str = "module.exports = {
  action: ({ encrypted }, { data }, callback) => {
    if (data === 'fail') return callback(Object.assign(new Error('as asked'), { code: 418 }))
    if (data === 'throw') throw new Error('thrown')
    const said = `${data} ${encrypted.username} ${encrypted.secrets.credentials.secret.length}`
    callback(null, { metadata: { code: 200, status: 'OK' }, data: { said, secret: 'stripped' } })
  }
}
";

/// The host; it ends when dropped.
struct Host(Child);

impl Drop for Host {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn host(jobs: &Path, socket: &Path) -> Host {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/handler-host.mjs");
    let mut node = Command::new("node");
    let child = node.arg(script).arg(jobs).arg(socket).stdout(Stdio::piped()).spawn().unwrap();
    let mut host = Host(child);
    let mut line = String::new();
    BufReader::new(host.0.stdout.take().unwrap()).read_line(&mut line).unwrap();
    assert_eq!(line, "ready\n");
    host
}

#[tokio::test]
async fn an_old_job_directory_goes_on_working() {
    if !real::on("an_old_job_directory_goes_on_working") {
        return;
    }
    let home = tempfile::tempdir().unwrap();
    let (jobs, socket) = (home.path().join("jobs"), home.path().join("jobs.sock"));
    std::fs::create_dir_all(jobs.join("say-hello")).unwrap();
    std::fs::write(jobs.join("say-hello/index.js"), JOB).unwrap();
    let _host = host(&jobs, &socket);
    let registry = registry(&format!("unix:{}:/jobs", socket.display()), false);
    let run = |data: &str| {
        let message = message(json!({"metadata": {"jobType": "SayHello"}, "data": data}));
        let registry = &registry;
        async move { registry.run(&message, provisions(CallGate::open())).await }
    };
    let reply = run("hello").await.unwrap();
    assert_eq!(reply.data, Some(json!({"said": format!("hello octocat {}", SECRET.len())})));
    let failure = run("fail").await.unwrap_err().failure;
    assert_eq!((failure.code, &*failure.message), (418.into(), "as asked"));
    assert_eq!(run("throw").await.unwrap_err().failure.message, "thrown");
    assert!(run("hello").await.is_ok());
}

/// A job as generated services of the original have them: CoffeeScript, with its documents in CSON.
#[tokio::test]
async fn an_old_service_in_coffeescript_goes_on_working() {
    if !real::on("an_old_service_in_coffeescript_goes_on_working") {
        return;
    }
    let home = tempfile::tempdir().unwrap();
    let packages = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/real/node_modules");
    std::os::unix::fs::symlink(packages, home.path().join("node_modules")).unwrap();
    let (jobs, socket) = (home.path().join("src/jobs"), home.path().join("jobs.sock"));
    let job = jobs.join("say-hello");
    std::fs::create_dir_all(&job).unwrap();
    let index = "module.exports =\n  action: require './action'\n  form: require './form.cson'\n";
    let action = "module.exports = ({encrypted}, {data}, callback) =>\n  \
                  callback null, {metadata: {code: 200, status: 'OK'}, data: {said: \"#{data} #{encrypted.username}\"}}\n";
    for (name, text) in [("index.coffee", index), ("action.coffee", action), ("form.cson", "title: 'List'")] {
        std::fs::write(job.join(name), text).unwrap();
    }
    let _host = host(&jobs, &socket);
    let registry = registry(&format!("unix:{}:/jobs", socket.display()), false);
    let message = message(json!({"metadata": {"jobType": "SayHello"}, "data": "hello"}));
    let reply = registry.run(&message, provisions(CallGate::open())).await.unwrap();
    assert_eq!(reply.data, Some(json!({"said": "hello octocat"})));
}

#[test]
fn the_readme_shows_the_whole_host() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let readme = std::fs::read_to_string(root.join("README.md")).unwrap();
    let host = std::fs::read_to_string(root.join("examples/handler-host.mjs")).unwrap();
    assert!(
        readme.contains(&format!("```js\n{host}```")),
        "README.md lacks examples/handler-host.mjs as it is"
    );
}
