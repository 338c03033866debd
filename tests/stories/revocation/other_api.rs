//! The settings come to speak of another API: what is kept of the first one is neither taken for its, nor sent to it.

use std::time::Duration;

use endo::cli::Exit;
use endo::config::{self, Config};
use endo::credentials::{ApiAnswer, ApiVerdict, CredentialsError, Health};
use endo::message::DeviceUuid;
use endo::store::{StoreError, StoredRecord};
use endo::vault::{Contents, Format, Owners, ResourceOwnerId, SecretText};

use super::Office;
use crate::support::provider::{FakeProvider, form};
use crate::support::shell::{Shell, ended, stderr, stdout};

const HOUR: Duration = Duration::from_secs(3600);

impl Office {
    /// The same data directory under other settings.
    pub(super) async fn moves_to(self, source: config::Source, write: u8) -> Self {
        let Self { gateway, hand, directory } = self;
        let config = gateway.config.clone();
        drop(gateway);
        let config = Config { source, ..config };
        let gateway = Self::gateway(written_as(config, write), &hand).await;
        gateway.credentials.resume().await.unwrap();
        Self { gateway, hand, directory }
    }

    async fn writing(source: config::Source, write: u8) -> Self {
        let office = Self::open(source.clone()).await;
        office.moves_to(source, write).await
    }

    /// Keeps tokens of the account that live for an hour.
    async fn keep_for_an_hour(&self, id: i64, access: &str, refresh: &str) -> DeviceUuid {
        let (asked, lifetime) = (self.asking().await, Some(HOUR));
        let account = endo::credentials::Account { asked, lifetime, ..self.account(id, access, refresh) };
        self.gateway.credentials.keep(account).await.unwrap()
    }

    /// Looks after everything that is due until the secret of these credentials is another one.
    async fn renews(&self, credentials: &DeviceUuid) {
        let working = self.does_by_itself_what_is_due();
        let mut ticks = tokio::time::interval(Duration::from_millis(1));
        while self.record(credentials).await.generation == 1 {
            ticks.tick().await;
        }
        working.ends().await;
    }

    async fn record(&self, credentials: &DeviceUuid) -> StoredRecord {
        let device = credentials.clone();
        let record = self.gateway.store.read::<_, StoreError, _>(move |view| view.record(&device)).await;
        record.unwrap().unwrap()
    }

    /// What the newest receipt of these credentials says of the API.
    async fn answer(&self, credentials: &DeviceUuid) -> ApiAnswer {
        self.receipts(credentials).await[0].api.clone().unwrap()
    }

    async fn health(&self, credentials: &DeviceUuid) -> Health {
        self.gateway.credentials.standing(credentials).await.unwrap().health
    }
}

fn written_as(mut config: Config, write: u8) -> Config {
    config.records.write = Some(write);
    config
}

/// Every token that the provider was told, wherever.
fn tokens_told(provider: &FakeProvider) -> Vec<String> {
    let posted = provider.api.seen().into_iter().filter(|seen| seen.method == "POST");
    let fields = posted.map(|seen| form(&seen));
    fields
        .flat_map(|form| form.into_iter().filter(|(name, _)| name.contains("token")))
        .map(|(_, v)| v)
        .collect()
}

#[tokio::test]
async fn an_account_of_another_api_with_the_same_id_gets_credentials_of_its_own() {
    for write in [1, 2] {
        let (first, second) = (FakeProvider::start().await, FakeProvider::start().await);
        let office = Office::writing(first.settings(), write).await;
        let victim = first.grant();
        let credentials = office.keep(42, &victim.0, &victim.1).await;
        let user_device = office.bind(&credentials).await;
        let office = office.moves_to(second.settings(), write).await;
        let stranger = second.grant();
        let theirs = office.keep(42, &stranger.0, &stranger.1).await;
        office.does_what_is_due().await;
        assert_ne!(theirs, credentials, "format {write}");
        assert!(office.receipts(&credentials).await.is_empty(), "nothing of it is over");
        let id = ResourceOwnerId::Number(42);
        assert!(!office.gateway.credentials.is_of_account(&credentials, &id).await.unwrap());
        assert!(office.gateway.credentials.is_of_account(&theirs, &id).await.unwrap());
        // Neither secret is at the service of the other API.
        let opened = office.open_for(&credentials, &user_device).await;
        assert!(matches!(opened, Err(CredentialsError::OtherApi)), "{opened:?}");
        assert_eq!(tokens_told(&second), Vec::<String>::new());
        assert!(first.takes(&victim.1) && second.takes(&stranger.1));
        // Whoever has the first API back finds everything as it was.
        let office = office.moves_to(first.settings(), write).await;
        assert_eq!(office.open_for(&credentials, &user_device).await.unwrap(), victim.0);
        assert_eq!(office.keep(42, &victim.0, &victim.1).await, credentials);
    }
}

#[tokio::test]
async fn a_secret_of_another_api_is_not_sent_to_this_one_to_be_renewed_or_ended() {
    for write in [1, 2] {
        let (first, second) = (FakeProvider::start().await, FakeProvider::start().await);
        let office = Office::writing(first.settings(), write).await;
        let old = first.grant();
        let credentials = office.keep_for_an_hour(42, &old.0, &old.1).await;
        let office = office.moves_to(second.settings(), write).await;
        let new = second.grant();
        let others = office.keep_for_an_hour(43, &new.0, &new.1).await;
        office.passes(2 * HOUR);
        office.renews(&others).await;
        assert_eq!(office.health(&credentials).await, Health::Elsewhere);
        assert_eq!(tokens_told(&second), [&*new.1], "format {write}");
        let held = office.gateway.credentials.held(credentials.clone()).await.unwrap();
        assert_eq!(held.elsewhere(), Some(first.api.url("").trim_end_matches('/')));
        assert_waits_for_its_api(&office.forget(&credentials).await.api.unwrap());
        office.does_what_is_due().await;
        assert_waits_for_its_api(&office.answer(&credentials).await);
        assert_eq!(tokens_told(&second), [&*new.1]);
        assert!(first.takes(&old.1));
    }
}

fn assert_waits_for_its_api(answer: &ApiAnswer) {
    let said = answer.sentence("Fake");
    assert_eq!(answer.verdict, ApiVerdict::Pending, "{said}");
    assert!(said.starts_with("the API that the tokens are from is still to be told"), "{said}");
    assert!(said.contains("name another one; if they name it again within a day"), "{said}");
}

#[tokio::test]
async fn what_is_forgotten_while_the_settings_name_another_api_is_ended_at_its_own_within_a_day() {
    for is_named_again in [true, false] {
        let (first, second) = (FakeProvider::start().await, FakeProvider::start().await);
        let office = Office::open(first.settings()).await;
        let old = first.grant();
        let credentials = office.keep(42, &old.0, &old.1).await;
        let office = office.moves_to(second.settings(), 2).await;
        office.forget(&credentials).await;
        office.does_what_is_due().await;
        assert_eq!(office.waiting().await.len(), 1);
        office.passes(23 * HOUR);
        let office = if is_named_again { office.moves_to(first.settings(), 2).await } else { office };
        office.does_what_is_due().await;
        office.passes(HOUR);
        office.does_what_is_due().await;
        let said = office.answer(&credentials).await;
        let verdict = if is_named_again { ApiVerdict::Revoked } else { ApiVerdict::OtherApi };
        assert_eq!((said.verdict, said.why), (verdict, None));
        assert_eq!(first.takes(&old.1), !is_named_again);
        assert!(office.waiting().await.is_empty() && tokens_told(&second).is_empty());
    }
}

#[tokio::test]
async fn a_secret_that_waits_for_its_api_is_not_told_to_another() {
    let (first, second) = (FakeProvider::start().await, FakeProvider::start().await);
    let office = Office::open(first.settings()).await;
    let old = first.grant();
    let credentials = office.keep(42, &old.0, &old.1).await;
    assert_eq!(office.forget(&credentials).await.api.unwrap().verdict, ApiVerdict::Pending);
    let without_a_way = config::Source { revocation_url: None, ..first.settings() };
    let mut office = office;
    for (source, why) in [
        (second.settings(), "name another one"),
        (config::Source { client_id: None, ..second.settings() }, "name another one"),
        (without_a_way, "no way to do that"),
    ] {
        office = office.moves_to(source, 2).await;
        office.passes(HOUR);
        office.does_what_is_due().await;
        let said = office.answer(&credentials).await;
        assert_eq!((said.verdict, office.waiting().await.len()), (ApiVerdict::Pending, 1));
        let said = said.sentence("Fake");
        assert!(said.starts_with("the API that the tokens are from is still to be told"), "{said}");
        assert!(said.contains(why), "{said}");
    }
    assert_eq!((tokens_told(&second), tokens_told(&first)), (Vec::new(), Vec::new()));

    // Whoever has the first API back ends it there.
    let office = office.moves_to(first.settings(), 2).await;
    office.does_what_is_due().await;
    let said = office.answer(&credentials).await;
    assert_eq!((said.verdict, said.why), (ApiVerdict::Revoked, None));
    assert!(!first.takes(&old.1) && office.waiting().await.is_empty());
}

#[tokio::test]
async fn a_secret_that_waited_a_day_for_its_api_to_be_set_again_is_erased() {
    let (first, second) = (FakeProvider::start().await, FakeProvider::start().await);
    for (source, verdict) in [
        (second.settings(), ApiVerdict::OtherApi),
        (config::Source { revocation_url: None, ..first.settings() }, ApiVerdict::Impossible),
    ] {
        let office = Office::open(first.settings()).await;
        let old = first.grant();
        let credentials = office.keep(42, &old.0, &old.1).await;
        office.forget(&credentials).await;
        let office = office.moves_to(source, 2).await;
        for passes in [23 * HOUR, HOUR] {
            assert_eq!(office.answer(&credentials).await.verdict, ApiVerdict::Pending);
            office.passes(passes);
            office.does_what_is_due().await;
        }
        let said = office.answer(&credentials).await;
        assert_eq!((said.verdict, said.why), (verdict, None));
        // Nor is it told then by whoever has the first API back.
        let office = office.moves_to(first.settings(), 2).await;
        office.passes(HOUR);
        office.does_what_is_due().await;
        assert!(office.waiting().await.is_empty() && first.takes(&old.1));
        assert_eq!(office.answer(&credentials).await.verdict, verdict);
    }
}

#[tokio::test]
async fn the_same_api_asked_in_another_way_keeps_its_credentials() {
    let provider = FakeProvider::start().await;
    let office = Office::open(provider.settings()).await;
    let tokens = provider.grant();
    let credentials = office.keep(42, &tokens.0, &tokens.1).await;
    let user_device = office.bind(&credentials).await;
    let changed = config::Source {
        name: Some("renamed".to_owned()),
        client_secret: Some("another secret".to_owned().into()),
        scopes: vec!["more".to_owned()],
        token_url: Some(provider.api.url("/token?tell=all")),
        ..provider.settings()
    };
    let unregistered = config::Source {
        name: Some("renamed".to_owned()),
        base_url: Some(provider.api.url("/v2")),
        ..config::Source::default()
    };
    let mut office = office;
    for settings in [changed, unregistered] {
        office = office.moves_to(settings, 2).await;
        assert_eq!(office.health(&credentials).await, Health::Good);
        assert_eq!(office.open_for(&credentials, &user_device).await.unwrap(), tokens.0);
        assert_eq!(office.keep(42, &tokens.0, &tokens.1).await, credentials);
    }
}

#[tokio::test]
async fn a_record_that_does_not_say_its_api_is_of_the_one_that_is_set() {
    let (first, second) = (FakeProvider::start().await, FakeProvider::start().await);
    let office = Office::open(first.settings()).await;
    let old = first.grant();
    let credentials = office.keep(42, &old.0, &old.1).await;
    // As it was written before records said so.
    let contents = Contents {
        hosts: office.gateway.source.hosts.clone(),
        owners: Owners::named([office.owner()]),
        generation: 2,
        ..Contents::new(ResourceOwnerId::Number(42), SecretText::from(&*old.0))
    };
    let sealed = office.gateway.vault.seal(&credentials, &contents, Format::Two).unwrap();
    let record = StoredRecord {
        generation: 2,
        endo: sealed.endo.to_string(),
        signature: sealed.signature,
        source: None,
    };
    let device = credentials.clone();
    let store = office.gateway.store.write(move |transaction| transaction.store_record(&device, &record));
    assert!(store.await.map_err(|error: StoreError| error).unwrap());
    let office = office.moves_to(second.settings(), 2).await;
    let new = second.grant();
    assert_eq!(office.keep(42, &new.0, &new.1).await, credentials);
    assert_eq!(office.record(&credentials).await.source, Some(office.gateway.source.realm.mark()));
}

#[test]
fn the_command_line_says_which_credentials_are_of_another_api() {
    let shell = Shell::with_key();
    let listed = |api: &str| {
        let text = format!("[source]\nname = \"github\"\nbase_url = \"{api}\"\n");
        std::fs::write(shell.data().join("endo.toml"), text).unwrap();
        let added = shell.run_with(&["credentials", "add", "--id", "42"], "canary-secret");
        assert!(ended(&added, Exit::Ok), "{}", stderr(&added));
        stdout(&shell.run(&["credentials", "ls"])).to_owned()
    };
    let first = listed("https://one.test");
    assert!(first.contains("  Works\n") && !first.contains("another API"), "{first}");
    let both = listed("https://two.test");
    assert!(both.contains("Of another API than this gateway's: not used here (https://one.test)"), "{both}");
    assert_eq!(both.matches("  Works\n").count(), 1, "{both}");
}
