//! Settings: where they come from, what is refused, what is shown.

use std::ffi::OsString;
use std::fs;
use std::path::Path;

use endo::config::{
    Catalogue, Config, ConfigError, Effective, Flag, Intake, Kind, LogFormat, Origin, Sources, json_schema,
    load,
};
use tempfile::TempDir;

const CANARY: &str = "ghp_canary5d1f";

/// Everything that settings can stand in, in a directory of its own.
struct Places {
    directory: TempDir,
    sources: Sources,
}

impl Places {
    fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let sources = Sources { provider_of: Some(provider_of), ..Sources::default() };
        Self { directory, sources }.environment("HOME", "/home/somebody")
    }

    fn file(mut self, text: &str) -> Self {
        let path = self.path();
        fs::write(&path, text).unwrap();
        self.sources.file = Some(path);
        self
    }

    fn meshblu_json(mut self, text: &str) -> Self {
        let path = self.directory.path().join("meshblu.json");
        fs::write(&path, text).unwrap();
        self.sources.meshblu_json = Some(path);
        self
    }

    fn environment(mut self, name: &str, text: &str) -> Self {
        self.sources.environment.push((name.into(), text.into()));
        self
    }

    fn flag(mut self, flag: &'static str, setting: &str, text: &str) -> Self {
        self.sources.flags.push(Flag { flag, setting: setting.to_owned(), text: text.to_owned() });
        self
    }

    fn path(&self) -> std::path::PathBuf {
        self.directory.path().join("endo.toml")
    }

    fn load(&self) -> Effective {
        load(&self.sources).unwrap()
    }

    fn refusal(&self) -> String {
        load(&self.sources).unwrap_err().to_string()
    }
}

fn provider_of(service: &str) -> Option<String> {
    Some(endo::source::Catalogue::embedded().of_service(service)?.name.clone())
}

#[test]
fn without_any_setting_the_defaults_hold() {
    let effective = Places::new().load();
    assert_eq!(effective.config.listen.gateway, "127.0.0.1:8080".parse().unwrap());
    assert_eq!(effective.config.listen.bus, "127.0.0.1:3000".parse().unwrap());
    assert_eq!(effective.config.jobs.time_limit_seconds, 30);
    for setting in Catalogue::new().iter() {
        assert_eq!(effective.origin(&setting.name), &Origin::Default, "{}", setting.name);
    }
}

#[test]
fn the_file_beats_the_default_the_environment_the_file_and_a_flag_the_environment() {
    let places = Places::new().file("[log]\nformat = \"json\"\nlevel = \"warn\"\n[store]\nkeep_days = 1\n");
    let places = places.environment("ENDO_LOG_LEVEL", "error").environment("ENDO_STORE_KEEP_DAYS", "2");
    let places = places.flag("--set", "store.keep_days", "3");
    let effective = places.load();
    assert_eq!(effective.config.log.format, LogFormat::Json);
    assert_eq!(effective.config.log.level, "error");
    assert_eq!(effective.config.store.keep_days, 3);
    assert_eq!(effective.config.store.max_pages, 0);
    assert_eq!(effective.origin("log.format"), &Origin::File(places.path()));
    assert_eq!(effective.origin("log.level"), &Origin::Environment("ENDO_LOG_LEVEL".into()));
    assert_eq!(effective.origin("store.keep_days"), &Origin::Flag("--set"));
    assert_eq!(effective.origin("store.max_pages"), &Origin::Default);
}

#[test]
fn the_last_of_two_flags_counts() {
    let places = Places::new().flag("--set", "store.keep_days", "3").flag("--set", "store.keep_days", "4");
    assert_eq!(places.load().config.store.keep_days, 4);
}

#[test]
fn every_setting_can_be_set_by_its_environment_variable() {
    for setting in Catalogue::new().iter() {
        let text = match &setting.kind {
            Kind::Text => "some text",
            Kind::Address => "[::1]:1",
            Kind::Url => "http://127.0.0.1:9",
            Kind::LogFilter => "warn,endo::bus=trace",
            Kind::Choice(words) => words.last().unwrap(),
            Kind::Switch => "true",
            Kind::Number { most, .. } => &most.to_string(),
            Kind::List | Kind::OneOrMore => "one, two",
            Kind::Uuids => "00000000-0000-4000-8000-000000000001",
        };
        let effective = Places::new().environment(&setting.variable, text).load();
        assert_eq!(effective.origin(&setting.name), &Origin::Environment(setting.variable.clone()));
        let shown = effective.to_toml();
        let set = shown.lines().filter(|line| line.ends_with(&format!("# {}", setting.variable)));
        assert_eq!(set.count(), 1, "{} in\n{shown}", setting.name);
    }
}

#[test]
fn every_setting_has_a_meaning_and_a_variable_of_its_own() {
    let catalogue = Catalogue::new();
    let variables = catalogue.iter().map(|setting| &setting.variable);
    let mut distinct: Vec<_> = variables.collect();
    distinct.sort();
    distinct.dedup();
    assert_eq!(distinct.len(), catalogue.iter().count());
    assert!(catalogue.iter().all(|setting| setting.meaning.ends_with('.')));
    assert_eq!(catalogue.named("listen.gateway").unwrap().variable, "ENDO_LISTEN_GATEWAY");
}

#[test]
fn every_default_is_a_value_its_setting_takes() {
    let written = toml::to_string(&Config::default()).unwrap();
    let effective = Places::new().file(&written).load();
    assert_eq!(toml::to_string(&effective.config).unwrap(), written);
}

#[test]
fn a_list_is_toml_or_items_between_commas() {
    for text in ["a.example, b.example", r#"["a.example", "b.example"]"#, "a.example,,b.example,"] {
        let effective = Places::new().environment("ENDO_SOURCE_HOSTS", text).load();
        assert_eq!(effective.config.source.hosts, ["a.example", "b.example"]);
    }
}

#[test]
fn a_list_that_mostly_has_one_item_takes_that_alone() {
    for (text, pointers) in [
        (r#""/id""#, &["/id"][..]),
        (r#"["/id"]"#, &["/id"]),
        (r#"["/team_id", "/user_id"]"#, &["/team_id", "/user_id"]),
    ] {
        let effective = Places::new().file(&format!("[source]\nprofile_id = {text}")).load();
        assert_eq!(effective.config.source.profile_id, pointers, "{text}");
    }
    for (text, pointers) in [("/id", &["/id"][..]), ("/team_id,/user_id", &["/team_id", "/user_id"])] {
        let effective = Places::new().environment("ENDO_SOURCE_PROFILE_ID", text).load();
        assert_eq!(effective.config.source.profile_id, pointers, "{text}");
    }
    for text in ["3", r#""""#, "[3]", "{ a = 1 }"] {
        let places = Places::new().file(&format!("[source]\nprofile_id = {text}"));
        let says = "`source.profile_id` must be text that is not empty, or a list of texts, not ";
        assert!(places.refusal().contains(says), "{text}");
    }
}

#[test]
fn a_text_setting_takes_text_that_looks_like_a_number() {
    let effective = Places::new().environment("ENDO_JOBS_DEFAULT_JOB_TYPE", "42").load();
    assert_eq!(effective.config.jobs.default_job_type.as_deref(), Some("42"));
}

#[test]
fn an_empty_variable_sets_nothing() {
    let effective = Places::new().environment("ENDO_STORE_KEEP_DAYS", "").load();
    assert_eq!(effective.origin("store.keep_days"), &Origin::Default);
}

#[test]
fn an_empty_text_anywhere_else_is_an_error_and_only_a_list_may_be_empty() {
    for setting in Catalogue::new().iter() {
        let places = Places::new().flag("--set", &setting.name, "");
        let is_list = matches!(setting.kind, Kind::List | Kind::Uuids | Kind::OneOrMore);
        assert_eq!(load(&places.sources).is_ok(), is_list, "{}", setting.name);
    }
    for line in
        ["log.level = \"\"", "source.name = \"\"", "source.profile_id = \"\"", "source.base_url = \"\""]
    {
        let name = line.split(' ').next().unwrap();
        let refusal = Places::new().file(line).refusal();
        assert!(refusal.contains(&format!("`{name}` must be ")), "{refusal}");
    }
    let level = Places::new().flag("--set", "log.level", "").refusal();
    let expected =
        "`log.level` must be a level such as info, or levels such as info,endo::bus=debug, not \"\"";
    assert_eq!(level, format!("--set: {expected}"));
}

#[test]
fn the_data_directory_follows_the_xdg_base_directories() {
    let places = |name: &str, value: &str| {
        let sources = Sources { environment: vec![(name.into(), value.into())], ..Sources::default() };
        load(&sources).unwrap().config.data_dir
    };
    assert_eq!(places("XDG_DATA_HOME", "/data"), Path::new("/data/endo"));
    assert_eq!(places("HOME", "/home/somebody"), Path::new("/home/somebody/.local/share/endo"));
    assert_eq!(places("XDG_DATA_HOME", "not/absolute"), Path::new("endo-data"));
    assert_eq!(places("ENDO_DATA_DIR", "/srv/endo"), Path::new("/srv/endo"));
}

#[test]
fn the_file_in_the_data_directory_is_read_unless_another_is_named() {
    let mut places = Places::new().file("[store]\nkeep_days = 3\n");
    let directory = places.directory.path().to_str().unwrap().to_owned();
    places.sources.file = None;
    let places = places.environment("ENDO_DATA_DIR", &directory);
    assert_eq!(places.load().config.store.keep_days, 3);
    let named = places.directory.path().join("named.toml");
    fs::write(&named, "").unwrap();
    let sources = Sources { file: Some(named), ..places.sources.clone() };
    assert_eq!(load(&sources).unwrap().config.store.keep_days, 7);
}

#[test]
fn a_file_can_not_move_the_data_directory_it_is_in() {
    let mut places = Places::new().file("data_dir = \"/elsewhere\"\n");
    assert_eq!(places.load().config.data_dir, Path::new("/elsewhere"));
    let directory = places.directory.path().to_str().unwrap().to_owned();
    places.sources.file = None;
    let places = places.flag("--data-dir", "data_dir", &directory);
    assert!(matches!(load(&places.sources), Err(ConfigError::DataDirInside { .. })));
}

#[test]
fn a_named_file_that_is_not_there_is_an_error() {
    let mut places = Places::new();
    places.sources.file = Some(places.path());
    assert!(matches!(load(&places.sources), Err(ConfigError::File { .. })));
}

#[test]
fn an_unknown_setting_in_the_file_is_refused_with_the_right_name() {
    for (text, name, meant) in [
        ("[listen]\ngatway = \"127.0.0.1:1\"", "listen.gatway", "listen.gateway"),
        ("[listne]\ngateway = \"127.0.0.1:1\"", "listne.gateway", "listen.gateway"),
        ("gateway = \"127.0.0.1:1\"", "gateway", "listen.gateway"),
        ("datadir = \"x\"", "datadir", "data_dir"),
        ("[webhooks]\nkeep_days = 3", "webhooks.keep_days", "store.keep_days"),
    ] {
        let places = Places::new().file(text);
        let path = places.path();
        let expected = format!("{}: there is no setting `{name}`; did you mean `{meant}`?", path.display());
        assert_eq!(places.refusal(), expected);
    }
}

#[test]
fn a_name_like_no_other_is_refused_without_a_guess() {
    let places = Places::new().file("[telepathy]\nquux = 1");
    assert!(places.refusal().ends_with("there is no setting `telepathy.quux`"));
}

#[test]
fn an_unknown_variable_is_refused_with_the_right_name() {
    for (name, meant) in [
        ("ENDO_LISTEN_GATWAY", "; did you mean `ENDO_LISTEN_GATEWAY`?"),
        ("ENDO_GATEWAY", "; did you mean `ENDO_LISTEN_GATEWAY`?"),
        ("ENDO_LOGLEVEL", "; did you mean `ENDO_LOG_LEVEL`?"),
        ("ENDO_DATADIR", "; did you mean `ENDO_DATA_DIR`?"),
        ("ENDO_LISTEN_PORT", ""),
        ("ENDO_QUUX", ""),
    ] {
        let refusal = Places::new().environment(name, "8080").refusal();
        assert_eq!(refusal, format!("environment: there is no variable `{name}`{meant}"));
    }
}

#[test]
fn an_old_service_s_own_variables_are_told_of_and_keep_nothing_from_starting() {
    let places = Places::new()
        .environment("ENDO_GITHUB_SERVICE_URL", "https://github.example")
        .environment("ENDO_GITHUB_FOO", "1")
        .environment("ENDO_GITHUB_TIMEOUT_SECONDS", "1")
        .environment("ENDO_PODIO_PAGE_SIZE", "1");
    let notices: Vec<_> = places.load().notices().iter().map(ToString::to_string).collect();
    let names = "ENDO_GITHUB_FOO, ENDO_GITHUB_TIMEOUT_SECONDS, ENDO_PODIO_PAGE_SIZE";
    assert_eq!(notices, [format!("no setting is called so, and nothing here reads it: {names}")]);
    let alone = Places::new().environment("ENDO_GITHUB_TOKN", "1").refusal();
    assert!(alone.ends_with("did you mean `ENDO_GITHUB_TOKEN`?"), "{alone}");
}

#[test]
fn the_pages_of_an_old_service_that_nothing_here_sends_people_to_are_named() {
    let places = Places::new()
        .environment("ENDO_PODIO_PODIO_AUTH_URL", "https://form.example")
        .environment("ENDO_PODIO_PODIO_OAUTH_URL", "https://podio.example")
        .environment("ENDO_OCTOBLU_OAUTH_URL", "https://oauth.example");
    let effective = places.load();
    assert_eq!(effective.config.bus.oauth_url.as_deref(), Some("https://oauth.example"));
    let notices: Vec<_> = effective.notices().iter().map(ToString::to_string).collect();
    let names = "ENDO_PODIO_PODIO_AUTH_URL, ENDO_PODIO_PODIO_OAUTH_URL";
    assert_eq!(notices, [format!("no setting is called so, and nothing here reads it: {names}")]);
}

#[test]
fn a_meshblu_json_that_names_nothing_as_it_must_is_refused() {
    for text in ["[]", "null", "5", "\"uuid\""] {
        let refusal = Places::new().meshblu_json(text).refusal();
        assert!(
            refusal.ends_with("meshblu.json:1: a meshblu.json is a JSON object, and this is none"),
            "{refusal}"
        );
    }
    for name in ["uuid", "token", "privateKey", "hostname"] {
        let refusal = Places::new().meshblu_json(&format!("{{\"{name}\": 5}}")).refusal();
        assert!(refusal.ends_with(&format!("meshblu.json: `{name}` must be text")), "{refusal}");
    }
    Places::new().meshblu_json(r#"{"uuid": "u", "token": "t", "port": 80, "privateKey": null}"#).load();
}

/// The original's settings took the blanks off: a file that holds a token ends with a new line.
#[test]
fn blanks_around_what_an_original_gateway_was_told_are_no_part_of_it() {
    let variables = [
        ("UUID", "u\n"),
        ("TOKEN", " t\n"),
        ("HOSTNAME", "bus.example "),
        ("PORT", " 80"),
        ("PROTOCOL", "http\n"),
    ];
    let told = variables
        .iter()
        .fold(Places::new(), |places, (name, text)| places.environment(&format!("MESHBLU_{name}"), text));
    let file =
        r#"{"uuid": " u", "token": "t\n", "hostname": "bus.example ", "port": " 80", "protocol": "http "}"#;
    for places in [told, Places::new().meshblu_json(file)] {
        let bus = places.load().config.bus;
        let token = bus.token.as_ref().map(|token| token.expose().to_owned());
        assert_eq!((bus.uuid.as_deref(), token.as_deref()), (Some("u"), Some("t")));
        assert_eq!(bus.url, "http://bus.example:80");
    }
    let nothing = Places::new().environment("MESHBLU_UUID", " \n").load();
    assert_eq!(nothing.config.bus.kind, endo::config::BusKind::Embedded);
}

#[test]
fn a_protocol_that_no_meshblu_s_address_begins_with_is_refused_by_its_own_name() {
    let told = Places::new().environment("MESHBLU_UUID", "u").environment("MESHBLU_HOSTNAME", "bus.example");
    let refusal = told.environment("MESHBLU_PROTOCOL", "wss").refusal();
    assert!(refusal.starts_with("MESHBLU_PROTOCOL: `bus.url` must be"), "{refusal}");
}

#[test]
fn an_old_service_that_skips_express_reads_the_firehose() {
    for (text, intake) in [("true", Intake::Firehose), ("false", Intake::Webhook), ("1", Intake::Webhook)] {
        let effective = Places::new().environment("ENDO_GITHUB_SKIP_EXPRESS", text).load();
        assert_eq!(effective.config.bus.intake, intake, "{text}");
        assert!(effective.notices().is_empty());
    }
    let places = Places::new().environment("ENDO_GITHUB_SKIP_EXPRESS", "true");
    let effective = places.environment("ENDO_BUS_INTAKE", "webhook").load();
    assert_eq!(effective.config.bus.intake, Intake::Webhook);
}

#[test]
fn variables_of_two_services_that_do_not_agree_are_refused() {
    let two = |one: &str, other: &str| {
        Places::new().environment("ENDO_GITHUB_SERVICE_URL", one).environment("ENDO_PODIO_SERVICE_URL", other)
    };
    let refusal = two("https://github.example", "https://podio.example").refusal();
    let names = "ENDO_GITHUB_SERVICE_URL and ENDO_PODIO_SERVICE_URL are of two services and do not agree";
    assert_eq!(refusal, format!("{names}: take one away, or set `listen.public_url` itself"));
    two("https://one.example", "https://one.example").environment("ENDO_SOURCE_PROVIDER", "github").load();
    let told = two("https://github.example", "https://podio.example")
        .environment("ENDO_LISTEN_PUBLIC_URL", "https://told.example");
    assert_eq!(told.load().config.listen.public_url.as_deref(), Some("https://told.example"));
}

#[test]
fn half_of_what_names_a_meshblu_is_refused_by_what_is_missing() {
    for name in ["MESHBLU_HOSTNAME", "MESHBLU_TOKEN", "MESHBLU_PRIVATE_KEY"] {
        let refusal = Places::new().environment(name, "bus.example").refusal();
        assert!(refusal.contains("MESHBLU_UUID (`bus.uuid`) is missing"), "{refusal}");
        Places::new().environment(name, "bus.example").environment("MESHBLU_UUID", "u").load();
        let embedded = Places::new().environment(name, "bus.example");
        embedded.environment("ENDO_BUS_KIND", "embedded").load();
    }
}

#[test]
fn each_part_of_a_meshblu_s_address_is_told_by_the_environment_or_else_by_the_file() {
    let file = r#"{"uuid": "u", "token": "t", "hostname": "j.example", "port": 80, "protocol": "http"}"#;
    for (variables, url, origin) in [
        (&[][..], "http://j.example:80", "meshblu.json"),
        (&[("MESHBLU_PORT", "9")], "http://j.example:9", "MESHBLU_PORT"),
        (&[("MESHBLU_PROTOCOL", "https")], "https://j.example:80", "MESHBLU_PROTOCOL"),
        (&[("MESHBLU_HOSTNAME", "e.example")], "http://e.example:80", "MESHBLU_HOSTNAME"),
        (&[("MESHBLU_HOSTNAME", "")], "http://j.example:80", "meshblu.json"),
        (&[("MESHBLU_UUID", "v")], "http://j.example:80", "meshblu.json"),
    ] {
        let places = variables
            .iter()
            .fold(Places::new().meshblu_json(file), |places, (name, text)| places.environment(name, text));
        let effective = places.load();
        assert_eq!(effective.config.bus.url, url, "{variables:?}");
        assert!(effective.origin("bus.url").to_string().ends_with(origin), "{variables:?}");
    }
}

#[test]
fn a_meshblu_of_which_no_protocol_is_told_is_spoken_to_over_tls() {
    let named = Places::new().environment("MESHBLU_UUID", "u").environment("MESHBLU_HOSTNAME", "bus.example");
    assert_eq!(named.environment("MESHBLU_PORT", "3000").load().config.bus.url, "https://bus.example:3000");
    let refusal = Places::new().environment("MESHBLU_UUID", "u").environment("MESHBLU_PORT", "x").refusal();
    assert!(refusal.contains("MESHBLU_PORT") && refusal.contains("`bus.url`"), "{refusal}");
}

#[test]
fn a_meshblu_that_is_to_be_found_by_dns_is_refused_until_its_address_is_told() {
    let asks = || Places::new().environment("MESHBLU_UUID", "u").environment("MESHBLU_RESOLVE_SRV", "true");
    let refusal = asks().refusal();
    let expected =
        "MESHBLU_RESOLVE_SRV has the address of the Meshblu looked up in DNS, which is not done here";
    assert!(refusal.starts_with(expected), "{refusal}");
    for name in ["MESHBLU_HOSTNAME", "ENDO_BUS_URL"] {
        asks().environment(name, "http://bus.example").load();
    }
    for (name, part) in [("MESHBLU_PROTOCOL", "http"), ("MESHBLU_PORT", "80")] {
        let refusal = asks().environment(name, part).refusal();
        assert!(refusal.starts_with(expected), "{refusal}");
    }
    asks().environment("ENDO_BUS_KIND", "embedded").load();
    Places::new().environment("MESHBLU_UUID", "u").environment("MESHBLU_RESOLVE_SRV", "false").load();
}

#[test]
fn an_unknown_setting_of_a_flag_is_refused_with_the_right_name() {
    let refusal = Places::new().flag("--set", "store.keepdays", "1").refusal();
    assert_eq!(refusal, "--set: there is no setting `store.keepdays`; did you mean `store.keep_days`?");
}

#[test]
fn variables_of_others_are_left_alone() {
    let mut places = Places::new();
    for name in [
        "ENDO_TEST_REAL",
        "ENDO_GITHUB_MANAGER_URL",
        "ENDO_GITHUB_GITHUB_CLIENT_SECRET",
        "ENDO_SERVICE_HOST",
        "ENDO_SERVICE_PORT_HTTP",
        "ENDO_PORT",
        "ENDO_PORT_8080_TCP_ADDR",
        "PATH",
    ] {
        places = places.environment(name, "tcp://10.0.0.1:8080");
    }
    places.load();
}

#[test]
fn a_wrong_value_is_refused_in_one_sentence() {
    for (variable, text, sentence) in [
        (
            "ENDO_STORE_KEEP_DAYS",
            "many",
            "`store.keep_days` must be a whole number from 1 to 3650, not \"many\"",
        ),
        ("ENDO_STORE_KEEP_DAYS", "0", "`store.keep_days` must be a whole number from 1 to 3650, not 0"),
        ("ENDO_STORE_KEEP_DAYS", "1.5", "`store.keep_days` must be a whole number from 1 to 3650, not 1.5"),
        ("ENDO_RECORDS_WRITE", "3", "`records.write` must be a whole number from 1 to 2, not 3"),
        ("ENDO_LOG_FORMAT", "xml", "`log.format` must be one of \"text\", \"json\", not \"xml\""),
        ("ENDO_BUS_KIND", "nats", "`bus.kind` must be one of \"embedded\", \"meshblu\", not \"nats\""),
        ("ENDO_EGRESS_ALLOW_LOOPBACK", "yes", "`egress.allow_loopback` must be true or false, not \"yes\""),
        ("ENDO_SOURCE_HOSTS", "[1, 2]", "`source.hosts` must be a list of texts, not [1, 2]"),
        (
            "ENDO_BUS_REGISTRARS",
            "9B2F1C04-5A6D-4F3E-8C7B-0D1E2F3A4B5C, alice",
            "`bus.registrars` must be a list of uuids of devices, such as 9b2f1c04-5a6d-4f3e-8c7b-0d1e2f3a4b5c, not \
             [\"9B2F1C04-5A6D-4F3E-8C7B-0D1E2F3A4B5C\", \"alice\"]",
        ),
    ] {
        let refusal = Places::new().environment(variable, text).refusal();
        assert_eq!(refusal, format!("{variable}: {sentence}"));
    }
}

#[test]
fn addresses_urls_and_levels_are_checked_before_anything_starts() {
    for (variable, text) in [
        ("ENDO_LISTEN_GATEWAY", "8080"),
        ("ENDO_LISTEN_GATEWAY", "127.0.0.1:99999"),
        ("ENDO_SOURCE_BASE_URL", "ftp://api.github.com"),
        ("ENDO_SOURCE_BASE_URL", "https://user:pass@api.github.com"),
        ("ENDO_SOURCE_BASE_URL", "/users"),
        ("ENDO_LOG_LEVEL", "verbose"),
        ("ENDO_LOG_LEVEL", "endo=loud"),
        ("ENDO_LOG_LEVEL", " "),
        ("ENDO_LOG_LEVEL", "info,,debug"),
    ] {
        let places = Places::new().environment(variable, text);
        assert!(matches!(load(&places.sources), Err(ConfigError::Value { .. })), "{variable}={text}");
    }
}

#[test]
fn a_wrong_type_in_the_file_names_file_and_setting() {
    for text in ["[store]\nkeep_days = \"7\"", "[store]\nkeep_days = { a = 1 }", "[source]\nhosts = \"x\""] {
        let places = Places::new().file(text);
        assert!(places.refusal().starts_with(&format!("{}: `", places.path().display())), "{text}");
    }
}

#[test]
fn a_section_that_is_a_value_or_an_array_is_refused() {
    for text in ["listen = 3", "[[listen]]\ngateway = \"127.0.0.1:1\"", "data_dir = \"\""] {
        Places::new().file(text).refusal();
    }
    Places::new().file("[listen]\n[store]\n").load();
}

#[test]
fn a_long_wrong_value_is_not_repeated_whole() {
    let refusal = Places::new().environment("ENDO_LOG_FORMAT", &"ü".repeat(100_000)).refusal();
    assert!(refusal.len() < 300 && refusal.ends_with('…'));
}

#[test]
fn a_file_that_is_no_toml_names_the_line_and_never_shows_it() {
    let places = Places::new().file(&format!("[github]\ntoken = {CANARY}\n"));
    let refusal = places.refusal();
    assert!(refusal.starts_with(&format!("{}:2: ", places.path().display())), "{refusal}");
    assert!(!refusal.contains(CANARY) && !refusal.contains('\n'), "{refusal}");
}

#[cfg(unix)]
#[test]
fn a_variable_that_is_not_text_is_refused() {
    use std::os::unix::ffi::OsStringExt;
    let mut places = Places::new();
    places.sources.environment.push(("ENDO_LOG_LEVEL".into(), OsString::from_vec(vec![0xff])));
    assert_eq!(places.refusal(), "ENDO_LOG_LEVEL: `log.level` must be valid UTF-8");
}

#[test]
fn the_effective_configuration_is_a_file_that_gives_the_same_configuration() {
    let places = Places::new()
        .file("[jobs]\ndirectories = [\"a b\", 'c\"d # e']\n")
        .environment("ENDO_JOBS_DEFAULT_JOB_TYPE", "ListEventsByUser")
        .flag("--listen", "listen.gateway", "[::]:9");
    let shown = places.load().to_toml();
    let again = Places::new().file(&shown).load();
    assert_eq!(toml::to_string(&again.config).unwrap(), toml::to_string(&places.load().config).unwrap());
    assert_eq!(again.config.jobs.directories, [Path::new("a b"), Path::new("c\"d # e")]);
}

#[test]
fn the_effective_configuration_says_where_each_value_came_from() {
    let places = Places::new().file("[store]\nkeep_days = 3\n").environment("ENDO_LOG_FORMAT", "json");
    let shown = places.flag("--data-dir", "data_dir", "/srv/endo");
    let file = shown.path();
    let shown = shown.load().to_toml();
    let lines: Vec<_> = shown.lines().collect();
    assert!(lines.contains(&"data_dir = \"/srv/endo\" # --data-dir"));
    assert!(lines.contains(&format!("keep_days = 3 # {}", file.display()).as_str()));
    assert!(lines.contains(&"format = \"json\" # ENDO_LOG_FORMAT"));
    assert!(lines.contains(&"keep_rows = 1000000 # default"));
    assert!(lines.contains(&"# default_job_type is not set"));
}

#[test]
fn a_secret_is_shown_nowhere() {
    let effective = Places::new().environment("ENDO_GITHUB_TOKEN", CANARY).load();
    assert_eq!(effective.config.github.token.as_ref().unwrap().expose(), CANARY);
    assert!(effective.to_toml().contains("# token = [redacted] # ENDO_GITHUB_TOKEN\n"));
    assert!(!effective.to_toml().contains(CANARY));
    assert!(!format!("{effective:?}").contains(CANARY));
    assert!(!toml::to_string(&effective.config).unwrap().contains(CANARY));
    let wrong = Places::new().file(&format!("[github]\ntoken = [\"{CANARY}\"]\n")).refusal();
    assert!(wrong.ends_with("`github.token` must be text that is not empty"), "{wrong}");
}

#[test]
fn the_schema_in_the_repository_is_the_one_of_the_types() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("schemas/endo.json");
    let stored = fs::read_to_string(path).unwrap();
    assert!(stored == json_schema(), "renew it with `cargo run -- config --schema > schemas/endo.json`");
}

#[test]
fn the_schema_takes_the_defaults_and_refuses_an_unknown_name() {
    let schema = serde_json::from_str(&json_schema()).unwrap();
    let validator = jsonschema::validator_for(&schema).unwrap();
    let mut defaults = serde_json::to_value(Config::default()).unwrap();
    assert!(validator.is_valid(&defaults));
    defaults["listen"]["gatway"] = "127.0.0.1:1".into();
    assert!(!validator.is_valid(&defaults));
}

#[test]
fn an_address_with_a_password_or_a_query_is_refused_without_showing_it() {
    for address in ["https://user:canary@bus.example", "https://bus.example/?key=canary"] {
        let refusal = Places::new().environment("ENDO_BUS_URL", address).refusal();
        assert!(refusal.contains("`bus.url` must be") && !refusal.contains("canary"), "{refusal}");
    }
}
