//! Every statement of the store finds its rows by an index, but for those that are to look at all of them.

use std::fs;
use std::path::Path;

use regex::Regex;
use rusqlite::types::Value;
use rusqlite::{StatementStatus, ToSql};

use super::{fresh, raw};

/// What reads a table from one end: whole listings, all names once in a while, what stops after a bounded number of rows, or,
/// where the clock was set back, every turn and every revocation that waits.
const READS_IN_ORDER: [&str; 30] = [
    "DELETE FROM codes WHERE seq IN ( SELECT seq FROM (SELECT seq, used, row_number() OVER (PARTITION BY device ORDER BY seq DESC) AS newest FROM codes) ORDER BY used DESC, newest DESC, seq LIMIT ?1)",
    "DELETE FROM dead_letters WHERE died_at < ?1 OR seq <= (SELECT seq FROM dead_letters ORDER BY seq DESC LIMIT 1 OFFSET ?2)",
    "DELETE FROM outcomes WHERE seq IN ( SELECT seq FROM outcomes ORDER BY seq LIMIT ?3) AND (ended_at < ?1 OR seq <= (SELECT max(seq) FROM outcomes) - ?2)",
    "DELETE FROM proofs WHERE proved_at <= ( SELECT proved_at FROM proofs ORDER BY proved_at DESC LIMIT 1 OFFSET ?1)",
    "DELETE FROM sessions WHERE seq IN ( SELECT seq FROM sessions AS this WHERE ?2 <= ( SELECT count(*) FROM sessions WHERE owner = this.owner AND seq < this.seq) ORDER BY seq LIMIT ?1)",
    "DELETE FROM sessions WHERE seq IN ( SELECT seq FROM sessions AS this WHERE NOT EXISTS ( SELECT 1 FROM proofs JOIN records USING (credentials) WHERE caller = this.owner) ORDER BY seq LIMIT ?1)",
    "DELETE FROM sign_ins WHERE seq IN ( SELECT seq FROM (SELECT seq, row_number() OVER (PARTITION BY device ORDER BY seq DESC) AS newest FROM sign_ins) ORDER BY newest DESC, seq LIMIT ?1)",
    "SELECT EXISTS (SELECT 1 FROM devices)",
    "SELECT EXISTS (SELECT 1 FROM records) OR EXISTS (SELECT 1 FROM revocations) OR EXISTS (SELECT 1 FROM forgotten) OR EXISTS (SELECT 1 FROM uses)",
    "SELECT count(*) FROM (SELECT 1 FROM codes LIMIT ?1)",
    "SELECT count(*) FROM (SELECT 1 FROM sessions LIMIT ?1)",
    "SELECT count(*) FROM (SELECT 1 FROM sign_ins LIMIT ?1)",
    "SELECT count(*) FROM codes",
    "SELECT count(*) FROM dead_letters",
    "SELECT count(*) FROM sessions",
    "SELECT count(*) FROM sign_ins",
    "SELECT count(*) FROM sqlite_schema",
    "SELECT credentials FROM records ORDER BY credentials LIMIT ?1",
    "SELECT credentials FROM renewals JOIN refresh_tokens AS known ON token = refresh WHERE stage IN (?1, ?2, ?3, ?4) OR (token = line AND EXISTS ( SELECT 1 FROM refresh_tokens AS other WHERE other.line = known.line AND other.token <> known.token))",
    "SELECT credentials, generation FROM records LIMIT ?1",
    "SELECT credentials, generation, endo, signature, source FROM records",
    "SELECT credentials, owner_keys FROM forgotten WHERE owner_keys <> '[]'",
    "SELECT credentials, user_device, bound_at, ended_at FROM bindings FULL JOIN tombstones USING (credentials, user_device) ORDER BY bound_at, user_device",
    "SELECT credentials, user_device, owner, status_device, made_at FROM half_made LEFT JOIN tombstones USING (credentials, user_device) WHERE ended_at IS NULL ORDER BY made_at",
    "SELECT id FROM outcomes UNION ALL SELECT id FROM dead_letters UNION ALL SELECT id FROM deliveries WHERE work = 0",
    "SELECT seq FROM half_done ORDER BY seq LIMIT 1",
    "SELECT seq, credentials, receipt, made_at, attempts, refresh, came, renewable_from, ended FROM revocations ORDER BY seq LIMIT ?1",
    "SELECT uuid, document FROM devices ORDER BY seq DESC",
    "UPDATE revocations SET rest_until = min(rest_until, ?2), made_at = min(made_at, ?1)",
    "UPDATE turns SET due_at = min(due_at, ?1), had_at = ?1 WHERE had_at > ?1",
];

/// The statements in the sources of the store.
fn statements() -> Vec<String> {
    let literal = Regex::new(r#""((?:WITH|SELECT|INSERT|UPDATE|DELETE) [^"]*)""#).unwrap();
    let part = Regex::new(r#"const (\w+): &str =\s+"([^"]*)""#).unwrap();
    let shares = Regex::new(r"use (?:super|crate::store)::((?:\w+::)+)[A-Z_]+;").unwrap();
    let mut found = Vec::new();
    let store = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/store");
    let mut left = vec![store.clone()];
    while let Some(path) = left.pop() {
        if path.is_dir() {
            left.extend(fs::read_dir(path).unwrap().map(|entry| entry.unwrap().path()));
            continue;
        }
        let text = fs::read_to_string(&path).unwrap();
        let shared = shares.captures_iter(&text).map(|from| {
            let room = if from[0].contains("super") { path.parent().unwrap() } else { &store };
            fs::read_to_string(
                room.join(from[1].trim_end_matches("::").replace("::", "/")).with_extension("rs"),
            )
        });
        let with_parts = shared.fold(text.clone(), |parts, more| parts + &more.unwrap());
        found.extend(literal.captures_iter(&text).map(|found| {
            let parts = part.captures_iter(&with_parts);
            let statement = parts.fold(found[1].to_owned(), |statement, part| {
                statement.replace(&format!("{{{}}}", &part[1]), &part[2])
            });
            statement.split_whitespace().collect::<Vec<_>>().join(" ")
        }));
    }
    found.sort();
    found
}

fn plan(connection: &rusqlite::Connection, statement: &str) -> Vec<String> {
    let mut explain = connection.prepare(&format!("EXPLAIN QUERY PLAN {statement}")).unwrap();
    let nothing = vec![rusqlite::types::Null; explain.parameter_count()];
    let rows = explain.query_map(rusqlite::params_from_iter(nothing), |row| row.get(3)).unwrap();
    rows.map(Result::unwrap).collect()
}

#[tokio::test]
async fn only_listings_and_pruning_read_a_table_in_order() {
    let (directory, store) = fresh();
    drop(store);
    let connection = raw(directory.path());
    let mut scanning = statements();
    assert!(scanning.len() > 40, "the statements were not found in the sources");
    // What a statement found itself is no table: how it found that is a step of its own.
    let no_tables = ["SCAN CONSTANT ROW", "SCAN json_each", "SCAN (subquery-"];
    let reads_a_table = |step: &str| !no_tables.iter().any(|no_table| step.starts_with(no_table));
    let scans = |step: &String| step.starts_with("SCAN") && reads_a_table(step);
    scanning.retain(|statement| plan(&connection, statement).iter().any(scans));
    assert_eq!(scanning, READS_IN_ORDER);
}

#[tokio::test]
async fn what_is_half_made_for_some_credentials_is_found_among_theirs_alone() {
    let (directory, store) = fresh();
    drop(store);
    let connection = raw(directory.path());
    let of_all = statements().into_iter().filter(|statement| {
        let reads = statement.starts_with("SELECT credentials, user_device, owner")
            && statement.contains("half_made");
        reads && !statement.contains("owner = ?")
    });
    let found_by_index = of_all.filter(|statement| {
        plan(&connection, statement)[0] == "SEARCH half_made USING PRIMARY KEY (credentials=?)"
    });
    assert_eq!(found_by_index.count(), 1);
}

#[tokio::test]
async fn what_every_message_asks_for_is_found_by_an_index() {
    let (directory, store) = fresh();
    drop(store);
    let connection = raw(directory.path());
    let hot = [
        ("SELECT min(line)", "deliveries_in_lines (line>?)"),
        (
            "SELECT seq, weight, coalesce(user_device, '') FROM deliveries WHERE line",
            "deliveries_in_lines (line=? AND due_at<?)",
        ),
        (
            "SELECT seq, octet_length(body) + weight, device FROM deliveries WHERE line_at_webhook",
            "deliveries_in_lines_at_webhooks (line_at_webhook=? AND due_at<?)",
        ),
        ("SELECT who FROM turns WHERE queue = ?1", "turns_in_order (queue=? AND since<?)"),
        ("SELECT min(due_at)", "deliveries_due (work=? AND due_at>?)"),
        ("SELECT min(since)", "turns_in_order (queue=? AND since>?)"),
        ("SELECT subscriber FROM subscriptions", "(emitter=? AND type=?)"),
        ("SELECT 1 FROM subscriptions", "(emitter=? AND type=? AND subscriber=?)"),
        ("SELECT 1 FROM tokens", "(uuid=? AND hash=?)"),
        ("SELECT ending, code", "outcomes_by_id (id=?)"),
        ("SELECT document FROM devices", "(uuid=?)"),
        ("SELECT 1 FROM tombstones", "(credentials=? AND user_device=?)"),
        ("SELECT generation, endo", "(credentials=?)"),
        ("SELECT uuid, document FROM device_values", "(path=? AND value=?)"),
    ];
    let statements = statements();
    for (beginning, by) in hot {
        let statement = statements.iter().find(|statement| statement.starts_with(beginning)).unwrap();
        let plan = plan(&connection, statement);
        assert!(plan[0].starts_with("SEARCH") && plan[0].ends_with(by), "{statement}: {plan:?}");
        // A device's subscribers are put into the order of their subscribing.
        let is_sorted = plan.iter().any(|step| step.contains("TEMP B-TREE"));
        assert!(!is_sorted || beginning.contains("subscriber"), "{statement}: {plan:?}");
    }
}

/// How many steps a look for work at webhooks takes to go over a host, to the device there that is due, to the webhook of that and
/// its line, and to the first that waits there: so much waits at so many of its webhooks, of which the last alone is due, and a piece at another host.
fn steps_where(webhooks: u32, waits: u32) -> [i32; 5] {
    let (directory, store) = fresh();
    drop(store);
    let connection = raw(directory.path());
    let insert = "WITH RECURSIVE n (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM n WHERE n < ?1)
                  INSERT INTO deliveries (id, work, device, event, route, target, body, accepted_at, due_at)
                  SELECT ?2 || n, 1, ?2, 'message.received', '[]', json_object('host', ?3, 'hook', n % ?4), '{}', n,
                         CASE n % ?4 WHEN 0 THEN 0 ELSE 1000000 END FROM n";
    connection.execute(insert, (waits, "busy", "down", webhooks)).unwrap();
    connection.execute(insert, (1, "quiet", "well", 1)).unwrap();
    let look = |beginning: &str, asked: &[&dyn ToSql]| {
        let sql = statements().into_iter().find(|statement| statement.starts_with(beginning)).unwrap();
        let mut statement = connection.prepare(&sql).unwrap();
        let mut rows = statement.query(asked).unwrap();
        let first: Value = rows.next().unwrap().unwrap().get(0).unwrap();
        let has_more = rows.next().unwrap().is_some();
        drop(rows);
        (first, has_more, statement.get_status(StatementStatus::VmStep))
    };
    let (down, has_more, over) = look("SELECT who FROM turns WHERE queue = ?1", &[&"hosts", &500_000]);
    assert!(down == "down".to_owned().into() && has_more);
    let (device, has_more, of_device) = look("SELECT who FROM turns WHERE queue = ?1", &[&down, &500_000]);
    assert!(device == "down/busy".to_owned().into() && !has_more);
    let (due, has_more, to) = look("SELECT who FROM turns WHERE queue = ?1", &[&device, &500_000]);
    assert!(due == "down busy 0".to_owned().into() && !has_more);
    let (line, has_more, at) = look("SELECT who FROM turns WHERE queue = ?1", &[&due, &500_000]);
    assert!(line == "down busy 0 ".to_owned().into() && !has_more);
    let of_line =
        "SELECT seq, octet_length(body) + weight, device FROM deliveries WHERE line_at_webhook = ?1";
    let (_, _, first) = look(of_line, &[&line, &500_000]);
    [over, of_device, to, at, first]
}

#[tokio::test]
async fn however_much_waits_at_the_webhooks_of_a_host_a_look_for_work_takes_no_longer() {
    let little = steps_where(1, 100);
    for much in [steps_where(1, 10_000), steps_where(1000, 10_000)] {
        assert!(
            much.iter().zip(little).all(|(much, little)| *much <= little + 10),
            "{little:?} and {much:?}"
        );
    }
}
