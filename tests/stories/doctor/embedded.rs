//! On the embedded bus, with the gateway running and without.

use endo::bus::embedded::update::Update;
use endo::bus::embedded::{Caller, EmbeddedBus};
use endo::cli::Exit;
use endo::config::Config;
use endo::gateway::{Ambient, Gateway};
use endo::message::DeviceUuid;
use endo::store::{StoredSubscription, Transaction};
use serde_json::{Value, json};

use super::ward::checks;
use crate::support::shell::{Shell, ended, stdout};

/// Does something to the service device while no gateway runs.
async fn harm(shell: &Shell, update: Option<Value>) {
    let config = Config { data_dir: shell.data(), ..Config::default() };
    let gateway = Gateway::open(config, Ambient::system()).await.unwrap();
    let change = move |bus: &EmbeddedBus, transaction: &Transaction<'_>| {
        let uuid: DeviceUuid = bus.service().clone();
        let caller = Caller::itself(uuid.clone());
        match update {
            Some(update) => {
                bus.changing(transaction, &caller).update(&uuid, &Update::parse(&update).unwrap()).map(drop)
            }
            None => {
                let kind = "message.received".to_owned();
                let itself = StoredSubscription { subscriber_uuid: uuid.clone(), emitter_uuid: uuid, kind };
                bus.changing(transaction, &caller).unsubscribe(&itself)
            }
        }
    };
    gateway.bus.embedded().unwrap().change(change).await.unwrap();
}

fn ails(shell: &Shell) -> Vec<String> {
    let wrong =
        checks(&shell.run(&["doctor", "--json"])).into_iter().filter(|check| check["verdict"] == "wrong");
    wrong.map(|check| check["name"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn a_new_directory_lacks_the_options_alone_and_gets_them() {
    let shell = Shell::with_key();
    let output = shell.run(&["doctor"]);
    assert!(ended(&output, Exit::Unwell), "{output:?}");
    assert_eq!(ails(&shell), ["options"]);
    assert!(ended(&shell.run(&["doctor", "--fix", "--yes"]), Exit::Ok));
    let output = shell.run(&["doctor"]);
    assert!(ended(&output, Exit::Ok), "{output:?}");
    assert!(stdout(&output).contains("-     webhook            none is needed"), "{output:?}");
}

#[tokio::test]
async fn a_gateway_that_runs_is_mended_through_its_socket() {
    let shell = Shell::with_key();
    harm(&shell, None).await;
    let _served = shell.serve(&[]);
    assert!(ended(&shell.run(&["doctor"]), Exit::Unwell));
    assert!(ended(&shell.run(&["doctor", "--fix", "--yes"]), Exit::Ok));
    assert!(ended(&shell.run(&["doctor"]), Exit::Ok));
}

#[tokio::test]
async fn every_single_defect_is_found_and_mended() {
    let shell = Shell::with_key();
    assert!(ended(&shell.run(&["doctor", "--fix", "--yes"]), Exit::Ok));
    for (update, found) in [
        (Some(json!({"$set": {"meshblu.whitelists.discover.view": []}})), "discoverable"),
        (Some(json!({"$set": {"meshblu.whitelists.discover": null}})), "discoverable"),
        (Some(json!({"$unset": {"options.callbackUrl": true}})), "options"),
        (Some(json!({"$set": {"options": "x"}})), "options"),
        (
            Some(json!({"$set": {"options.callbackUrl": "https://old.example/auth/octoblu/callback"}})),
            "options",
        ),
        (None, "self-subscription"),
    ] {
        harm(&shell, update).await;
        assert_eq!(ails(&shell), [found]);
        assert!(ended(&shell.run(&["doctor", "--fix", "--yes"]), Exit::Ok), "{found}");
        assert_eq!(ails(&shell), [""; 0]);
    }
}

#[test]
fn a_gateway_that_others_reach_needs_an_address_that_they_know() {
    let shell = Shell::with_key();
    let all = ["--set", "listen.gateway=0.0.0.0:8080", "--set", "listen.bus=0.0.0.0:3000"];
    let output = shell.run(&[&all[..], &["doctor"]].concat());
    assert!(stdout(&output).contains("wrong public url         listen.public_url is not set"), "{output:?}");
    assert!(stdout(&output).contains("wrong bus sign-in        bus.oauth_url is not set"), "{output:?}");
    assert!(!stdout(&output).contains("//0.0.0.0"), "{output:?}");

    // As the README has the container run, for browsers of the same machine.
    let here = ["listen.public_url=http://127.0.0.1:8080", "bus.oauth_url=http://127.0.0.1:3000"];
    let told = [&all[..], &["--set", here[0], "--set", here[1], "doctor"]].concat();
    shell.run(&[&told[..], &["--fix", "--yes"]].concat());
    let output = shell.run(&told);
    assert!(ended(&output, Exit::Ok), "{output:?}");
}

#[test]
fn an_address_by_https_is_well_and_tells_what_the_proxy_passes_on() {
    let shell = Shell::with_key();
    let output = shell.run(&["--set", "listen.public_url=https://endo.example.org", "doctor"]);
    let well =
        "well  public url         https://endo.example.org, by a proxy that should pass the Host header on\n";
    assert!(stdout(&output).contains(well), "{output:?}");
}

#[test]
fn a_key_that_cannot_be_used_is_a_finding_and_everything_else_is_looked_at_and_mended() {
    for is_new in [true, false] {
        let shell = Shell::with_key();
        let key = shell.data().join("records.pem");
        let well = std::fs::read_to_string(&key).unwrap();
        if !is_new {
            shell.run(&["doctor"]);
        }
        std::fs::write(&key, "canary-of-a-key").unwrap();
        let output = shell.run(&["doctor"]);
        assert!(ended(&output, Exit::Unwell) && !stdout(&output).contains("canary"), "{output:?}");
        assert_eq!(ails(&shell), ["private key", "options"]);
        assert!(ended(&shell.run(&["doctor", "--fix", "--yes"]), Exit::Unwell));
        assert_eq!(ails(&shell), ["private key"]);
        std::fs::write(&key, well).unwrap();
        assert_eq!(ails(&shell), [""; 0]);
    }
}

#[test]
fn a_public_address_without_one_of_the_bus_s_page_keeps_people_elsewhere_out() {
    let shell = Shell::with_key();
    let set = |bus: &str| {
        let settings = format!("[listen]\npublic_url = \"https://endo.example.org/\"\n[bus]\n{bus}");
        std::fs::write(shell.data().join("endo.toml"), settings).unwrap();
    };
    set("");
    shell.run(&["doctor", "--fix", "--yes"]);
    for bus in ["", "oauth_url = \"http://localhost:3000\"\n"] {
        set(bus);
        assert_eq!(ails(&shell), ["bus sign-in"], "{bus}");
        let output = shell.run(&["doctor"]);
        assert!(
            ended(&output, Exit::Unwell) && stdout(&output).contains("set bus.oauth_url to"),
            "{output:?}"
        );
    }
    set("oauth_url = \"https://bus.example.org\"\n");
    assert!(ended(&shell.run(&["doctor"]), Exit::Ok));
    set("oauth_url = \"http://192.0.2.2:3000\"\n");
    let output = shell.run(&["doctor"]);
    let wrong = "wrong bus sign-in        bus.oauth_url is http, and of another machine";
    assert!(ended(&output, Exit::Unwell) && stdout(&output).contains(wrong), "{output:?}");
}

#[tokio::test]
async fn a_service_device_that_is_gone_is_a_finding() {
    let shell = Shell::with_key();
    let config = Config { data_dir: shell.data(), ..Config::default() };
    let gateway = Gateway::open(config, Ambient::system()).await.unwrap();
    let service = gateway.bus.service().to_string();
    drop(gateway);
    let database = rusqlite::Connection::open(shell.data().join("endo.db")).unwrap();
    assert_eq!(database.execute("DELETE FROM devices WHERE uuid = ?1", [&service]).unwrap(), 1);
    drop(database);
    for words in [&["doctor"][..], &["doctor", "--fix", "--yes"]] {
        let output = shell.run(words);
        assert!(ended(&output, Exit::Unwell), "{output:?}");
        let gone = format!("wrong identity           the service device {service} is gone from the bus");
        assert!(stdout(&output).contains(&gone), "{output:?}");
    }
}
