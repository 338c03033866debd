//! The tables: the steps from nothing to the current format of the database, each as it was when it came.

mod credentials;
mod deliveries;
mod people;
mod renewals;

/// Step `n` leads from format `n` to format `n + 1`.
pub(super) const STEPS: &[&str] = &[
    FIRST,
    deliveries::WITH_REPLIES,
    people::WITH_SIGN_INS,
    renewals::WITH_RENEWALS,
    people::WITH_PROOFS,
    credentials::WITH_RECEIPTS,
    people::WITH_SESSIONS,
    credentials::WITH_PROJECTIONS,
    credentials::WITH_SOURCES,
    renewals::WITH_PATIENCE,
    credentials::WITH_HALF_MADE,
    credentials::WITH_ACCOUNTS,
    people::WITH_SENT_FORMS,
    people::WITH_GRANTS,
    people::WITH_ANSWERED_FLOWS,
    deliveries::WITH_FATES,
    people::WITH_SENT_MESSAGES,
    deliveries::WITH_DONE_BEFORE_REPLIES,
    credentials::WITH_OWNERS,
    people::WITH_LINES,
    deliveries::WITH_RESENDING,
    credentials::WITH_FORGOTTEN_OWNERS,
    renewals::WITH_REFRESH_TOKENS_TAKEN_OVER,
    renewals::WITH_SECRETS_SEALED_ANEW,
    people::WITH_TOKENS_OF_SESSIONS,
    deliveries::WITH_LENT_TOKENS,
    deliveries::WITH_MISSING_WEBHOOKS,
    renewals::WITH_SPENT_REFRESH_TOKENS,
    credentials::WITH_RESTS,
    renewals::WITH_LINES_OF_REFRESH_TOKENS,
    deliveries::WITH_WEBHOOKS_OF_THEIR_OWN,
    deliveries::WITH_TURNS,
    renewals::WITH_REFRESH_TOKENS,
    renewals::WITH_SENDINGS,
    renewals::WITH_MOMENTS,
    people::WITH_HALF_REMOVED_DEVICES,
    renewals::WITH_SHORT_LIVES,
    deliveries::WITH_LINES_OF_JOBS,
    credentials::WITH_ENDS_OF_WHAT_WAS_BROUGHT,
    credentials::WITH_LAST_MESSAGES,
    credentials::WITH_WHAT_IS_OVER,
    people::WITH_HALF_DONE_CHANGES,
    deliveries::WITH_LINES_AT_WEBHOOKS,
    deliveries::WITH_SHARED_BODIES,
    people::WITH_FORMS_OF_LINES,
    deliveries::WITH_FIRST_TURNS,
    deliveries::WITH_TURNS_OF_DEVICES,
];

const FIRST: &str = "
CREATE TABLE facts (name TEXT PRIMARY KEY, value BLOB NOT NULL) WITHOUT ROWID;

CREATE TABLE devices (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    uuid TEXT NOT NULL UNIQUE,
    document TEXT NOT NULL
);
-- What searches find without reading every document: one row a value at one of the indexed paths.
CREATE TABLE device_values (
    path TEXT NOT NULL, value TEXT NOT NULL, seq INTEGER NOT NULL REFERENCES devices (seq) ON DELETE CASCADE,
    PRIMARY KEY (path, value, seq)
) WITHOUT ROWID;
CREATE INDEX device_values_by_device ON device_values (seq);

CREATE TABLE tokens (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    uuid TEXT NOT NULL, hash BLOB NOT NULL, root INTEGER NOT NULL, metadata TEXT NOT NULL,
    UNIQUE (uuid, hash)
);

CREATE TABLE subscriptions (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    emitter TEXT NOT NULL, type TEXT NOT NULL, subscriber TEXT NOT NULL,
    UNIQUE (emitter, type, subscriber)
);
CREATE INDEX subscriptions_by_subscriber ON subscriptions (subscriber);

CREATE TABLE deliveries (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    id TEXT NOT NULL, work INTEGER NOT NULL, device TEXT NOT NULL, event TEXT NOT NULL,
    route TEXT, target TEXT, body TEXT NOT NULL,
    accepted_at INTEGER NOT NULL, due_at INTEGER NOT NULL, attempts INTEGER NOT NULL DEFAULT 0,
    call_started INTEGER NOT NULL DEFAULT 0
);
CREATE INDEX deliveries_due ON deliveries (work, due_at, seq);

CREATE TABLE dead_letters (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    id TEXT NOT NULL UNIQUE, work INTEGER NOT NULL, device TEXT NOT NULL, event TEXT NOT NULL,
    route TEXT, target TEXT, body TEXT NOT NULL,
    accepted_at INTEGER NOT NULL, attempts INTEGER NOT NULL, died_at INTEGER NOT NULL, reason TEXT NOT NULL
);

CREATE TABLE outcomes (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    id TEXT NOT NULL, ending TEXT NOT NULL, code INTEGER, reply TEXT, ended_at INTEGER NOT NULL
);
CREATE INDEX outcomes_by_id ON outcomes (id);

CREATE TABLE records (
    credentials TEXT PRIMARY KEY, generation INTEGER NOT NULL, endo TEXT NOT NULL, signature TEXT NOT NULL
) WITHOUT ROWID;
CREATE TABLE bindings (
    credentials TEXT NOT NULL, user_device TEXT NOT NULL, bound_at INTEGER NOT NULL,
    PRIMARY KEY (credentials, user_device)
) WITHOUT ROWID;
CREATE TABLE tombstones (
    credentials TEXT NOT NULL, user_device TEXT NOT NULL, ended_at INTEGER NOT NULL,
    PRIMARY KEY (credentials, user_device)
) WITHOUT ROWID;
";
