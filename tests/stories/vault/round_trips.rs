use endo::vault::{Contents, Format, Owners, ResourceOwnerId, SealedText, SecretText, disclose_to_handler};
use proptest::prelude::*;
use serde_json::{Map, Value};

use super::{NOW, Stored, device, vault};

fn json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        (-(1i64 << 53)..1 << 53).prop_map(Value::from),
        any::<f64>()
            .prop_filter_map("finite", |number| serde_json::Number::from_f64(number).map(Value::from)),
        any::<String>().prop_map(Value::from),
    ];
    leaf.prop_recursive(3, 12, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::vec((name(), inner), 0..4)
                .prop_map(|members| Value::from(members.into_iter().collect::<Map<_, _>>())),
        ]
    })
}

fn version() -> impl Strategy<Value = Value> {
    prop_oneof![Just(Value::from("1.0.0")), Just(Value::from("2.0.0")), json()]
}

fn name() -> impl Strategy<Value = String> {
    prop_oneof![any::<String>(), (0u32..20).prop_map(|index| index.to_string())]
}

fn id() -> impl Strategy<Value = ResourceOwnerId> {
    prop_oneof![
        any::<String>().prop_map(ResourceOwnerId::Text),
        (1 - (1i64 << 53)..1 << 53).prop_map(ResourceOwnerId::Number),
    ]
}

prop_compose! {
    fn some_contents()(
        id in id(),
        username in any::<Option<String>>(),
        secret in any::<String>(),
        refresh_token in any::<Option<String>>(),
        extras in prop::collection::vec((name(), json()), 0..4),
        token in any::<Option<String>>(),
        owner in any::<String>(),
        generation in 0u64..1 << 53,
    ) -> Contents {
        let reserved = ["id", "username", "secrets", "owners"];
        Contents {
            username,
            refresh_token: refresh_token.map(SecretText::from),
            extras: extras.into_iter().filter(|(name, _)| !reserved.contains(&name.as_str())).collect(),
            credentials_device_token: token.map(SecretText::from),
            owners: Owners::named([owner]),
            generation,
            ..Contents::new(id, SecretText::from(secret))
        }
    }
}

/// Numbers as JavaScript knows them: all of them doubles.
fn as_doubles(value: &Value) -> Value {
    match value {
        Value::Number(number) => Value::from(number.as_f64().unwrap() + 0.0),
        Value::Array(items) => items.iter().map(as_doubles).collect(),
        Value::Object(members) => Value::from(
            members.iter().map(|(name, value)| (name.clone(), as_doubles(value))).collect::<Map<_, _>>(),
        ),
        other => other.clone(),
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn what_is_sealed_opens_again(contents in some_contents(), two in any::<bool>()) {
        let vault = vault();
        let format = if two { Format::Two } else { Format::One };
        let record = Stored::new(&vault.seal(&device(), &contents, format).unwrap());
        let opened = record.open(&vault).unwrap();
        prop_assert_eq!(opened.id(), Some(&contents.id));
        prop_assert_eq!(opened.username(), contents.username.as_deref());
        prop_assert_eq!(opened.secret().expose(), contents.secret.expose());
        let text = |secret: Option<&SecretText>| secret.map(|secret| secret.expose().to_owned());
        prop_assert_eq!(text(opened.refresh_token()), text(contents.refresh_token.as_ref()));
        prop_assert_eq!(text(opened.credentials_device_token()), text(contents.credentials_device_token.as_ref()));
        for (name, value) in &contents.extras {
            prop_assert_eq!(as_doubles(&opened.public()[name]), as_doubles(value));
        }
        prop_assert_eq!(opened.generation(), if two { contents.generation } else { 0 });
        let disclosed = Value::from(disclose_to_handler(&opened).expose().clone());
        prop_assert!(disclosed["secrets"].get("credentialsDeviceToken").is_none());
    }

    #[test]
    fn no_text_at_all_ends_in_a_panic(endo in any::<String>(), signature in any::<String>(), value in json()) {
        let texts = [endo, value.to_string()];
        for endo in &texts {
            let sealed = SealedText { endo, signature: &signature };
            prop_assert!(vault().open(&device(), sealed, NOW).is_err());
        }
    }

    #[test]
    fn no_members_at_all_end_in_a_panic(version in version(), encrypted in json(), signature in any::<String>()) {
        let endo = serde_json::json!({
            "credentialsDeviceUuid": device(), "version": version, "encrypted": encrypted,
        });
        let sealed = SealedText { endo: &endo.to_string(), signature: &signature };
        prop_assert!(vault().open(&device(), sealed, NOW).is_err());
    }
}
