//! Several who have the present key give another at the same time: the first does, for the others it is not the present one.

use std::time::Duration;

use futures_util::future::join_all;
use reqwest::Method;

use super::House;
use super::typed::{keys, program};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_those_who_replace_a_key_with_the_same_present_one_only_the_first_does() {
    let house = House::with(keys).await;
    let kept = program(&house, (Method::POST, "/auth/api"), &[("name", "team"), ("key", "key-0")]).await;
    let again = format!("/auth/api?credentials={}", kept.json()["uuid"].as_str().unwrap());
    let mut present = "key-0".to_owned();
    for round in 1..=8 {
        let new: Vec<_> = (0..4).map(|number| format!("key-{round}-of-{number}")).collect();
        // By the credentials, and by their name.
        let ways = [(&*again, &[][..]), ("/auth/api", &[("name", "team")])];
        let giving = new.iter().zip(ways.into_iter().cycle()).map(|(new, (path, named))| {
            let fields = [named, &[("present", &*present), ("key", new)]].concat();
            let house = &house;
            async move { program(house, (Method::POST, path), &fields).await }
        });
        let answers = join_all(giving).await;
        let given: Vec<_> = new.iter().zip(&answers).filter(|(_, answer)| answer.status == 201).collect();
        let [(given, _)] = given[..] else { panic!("one key takes the place of another: {answers:?}") };
        for refused in answers.iter().filter(|answer| answer.status != 201) {
            assert_eq!(refused.status, 403, "{refused:?}");
            assert!(refused.text.contains("not the present key"), "{refused:?}");
        }
        present = given.clone();
        // So that no wrong key of before counts.
        house.wait(Duration::from_secs(601));
        let proved = program(&house, (Method::POST, &again), &[("present", &present)]).await;
        assert_eq!(proved.status, 201, "whoever was told that a key is kept has it: {proved:?}");
    }
}
