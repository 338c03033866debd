use std::thread;
use std::time::Duration;

use endo::ambient::Random;
use endo::message::DeviceUuid;
use endo::vault::{Contents, Format, KeyRing, RememberSettings, SealedText, Vault, disclose_to_handler};

use super::{LIFE, NOW, Stored, contents, device, original_key, vault};

const FORMATS: [Format; 2] = [Format::One, Format::Two];

fn sealed(vault: &Vault, generation: u64, format: Format) -> Stored {
    Stored::new(&vault.seal(&device(), &Contents { generation, ..contents() }, format).unwrap())
}

#[test]
fn what_is_recalled_is_what_was_opened() {
    for format in FORMATS {
        let vault = vault();
        let record = sealed(&vault, 3, format);
        assert!(vault.recall(&device(), record.text(), NOW).is_none());
        let opened = record.open(&vault).unwrap();
        let recalled = vault.recall(&device(), record.text(), NOW).unwrap();
        assert_eq!(disclose_to_handler(&recalled).expose(), disclose_to_handler(&opened).expose());
        assert_eq!(recalled.id(), opened.id());
        assert_eq!(recalled.public(), opened.public());
        assert_eq!(recalled.secret().expose(), opened.secret().expose());
        assert_eq!(recalled.hosts(), opened.hosts());
        assert_eq!((recalled.owners(), recalled.generation()), (opened.owners(), opened.generation()));
        let token = |credentials: &endo::vault::Credentials| {
            credentials.credentials_device_token().map(|token| token.expose().to_owned())
        };
        assert_eq!(token(&recalled), token(&opened));
    }
}

#[test]
fn a_warm_recall_costs_no_private_key_operation() {
    for format in FORMATS {
        let vault = vault();
        let record = sealed(&vault, 3, format);
        let before = vault.private_key_operations();
        record.open(&vault).unwrap();
        let opened = vault.private_key_operations();
        assert!(opened > before);
        for _ in 0..100 {
            assert!(vault.recall(&device(), record.text(), NOW).is_some());
        }
        assert_eq!(vault.private_key_operations(), opened);
    }
}

#[test]
fn after_its_life_a_record_is_forgotten() {
    let vault = vault();
    let record = sealed(&vault, 3, Format::Two);
    record.open(&vault).unwrap();
    let last = NOW.plus(LIFE - Duration::from_millis(1));
    assert!(vault.recall(&device(), record.text(), last).is_some());
    assert!(vault.recall(&device(), record.text(), NOW.plus(LIFE)).is_none());
    assert!(vault.recall(&device(), record.text(), NOW).is_none());
}

#[test]
fn a_change_to_any_stored_byte_is_another_record() {
    let vault = vault();
    let record = sealed(&vault, 3, Format::Two);
    record.open(&vault).unwrap();
    let spaced = format!("{} ", record.endo);
    let texts = [
        SealedText { endo: &spaced, signature: &record.signature },
        SealedText { endo: &record.endo, signature: &record.signature[1..] },
        SealedText { endo: &record.endo, signature: "" },
    ];
    for text in texts {
        assert!(vault.recall(&device(), text, NOW).is_none());
    }
    assert!(vault.recall(&"another-device".into(), record.text(), NOW).is_none());
}

#[test]
fn a_refused_record_is_not_remembered() {
    let vault = vault();
    let record = Stored { signature: String::new(), ..sealed(&vault, 3, Format::Two) };
    assert!(record.open(&vault).is_err());
    assert!(vault.recall(&device(), record.text(), NOW).is_none());
}

#[test]
fn the_record_that_was_not_asked_for_longest_makes_room() {
    let remember = RememberSettings { capacity: 2, life: LIFE };
    let vault = Vault::new(KeyRing::new(original_key(), vec![]), Random::system(), remember);
    let devices: Vec<DeviceUuid> = (0..3).map(|number| format!("device-{number}").as_str().into()).collect();
    let sealed = |device| Stored::new(&vault.seal(device, &contents(), Format::Two).unwrap());
    let records: Vec<_> = devices.iter().map(sealed).collect();
    let open = |index: usize| drop(vault.open(&devices[index], records[index].text(), NOW).unwrap());
    let known = |index: usize| vault.recall(&devices[index], records[index].text(), NOW).is_some();
    open(0);
    open(1);
    assert!(known(0));
    open(2);
    assert_eq!([known(0), known(1), known(2)], [true, false, true]);
    open(2);
    assert_eq!([known(0), known(1), known(2)], [true, false, true]);
}

#[test]
fn a_device_has_one_record_that_is_remembered() {
    let vault = vault();
    let records: Vec<_> = (0..2).map(|generation| sealed(&vault, generation, Format::Two)).collect();
    let known = |index: usize| vault.recall(&device(), records[index].text(), NOW).is_some();
    records[0].open(&vault).unwrap();
    records[1].open(&vault).unwrap();
    assert_eq!([known(0), known(1)], [false, true]);
    vault.forget(&device(), records[0].text());
    assert!(known(1), "another one was to be forgotten");
    vault.forget(&device(), records[1].text());
    assert!(!known(1));
}

#[test]
fn threads_share_one_vault() {
    let vault = vault();
    let record = sealed(&vault, 3, Format::Two);
    record.open(&vault).unwrap();
    let recall = || vault.recall(&device(), record.text(), NOW).unwrap().generation();
    let generations = thread::scope(|scope| {
        [scope.spawn(recall), scope.spawn(recall)].map(|thread| thread.join().unwrap())
    });
    assert_eq!(generations, [3, 3]);
}

#[test]
fn a_vault_that_remembers_nothing_still_opens() {
    let remember = RememberSettings { capacity: 0, life: LIFE };
    let vault = Vault::new(KeyRing::new(original_key(), vec![]), Random::system(), remember);
    let record = sealed(&vault, 3, Format::Two);
    record.open(&vault).unwrap();
    assert!(vault.recall(&device(), record.text(), NOW).is_none());
}
