//! The steps of credentials: their records, their owners, who may use them, and how they end.

/// What is ended, what remains to be done about it, and who was there last.
pub(super) const WITH_RECEIPTS: &str = "
CREATE TABLE receipts (
    seq INTEGER PRIMARY KEY AUTOINCREMENT, credentials TEXT NOT NULL, document TEXT NOT NULL
);
CREATE INDEX receipts_by_credentials ON receipts (credentials, seq);

-- What the bus still has to be told of a binding or a record that is over.
CREATE TABLE errands (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    credentials TEXT NOT NULL, user_device TEXT, kind INTEGER NOT NULL, receipt INTEGER NOT NULL,
    due_at INTEGER NOT NULL, attempts INTEGER NOT NULL DEFAULT 0
);
CREATE INDEX errands_due ON errands (due_at, seq);

-- Sealed copies of records whose secrets the API still has to be told to end.
CREATE TABLE revocations (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    credentials TEXT NOT NULL, receipt INTEGER NOT NULL,
    generation INTEGER NOT NULL, endo TEXT NOT NULL, signature TEXT NOT NULL,
    made_at INTEGER NOT NULL, due_at INTEGER NOT NULL, attempts INTEGER NOT NULL DEFAULT 0
);
CREATE INDEX revocations_due ON revocations (due_at, seq);
CREATE INDEX revocations_by_credentials ON revocations (credentials);

-- Credentials devices whose record is gone for ever, and who could manage it: the keys of its owners.
CREATE TABLE forgotten (
    credentials TEXT PRIMARY KEY, owner_keys TEXT NOT NULL, forgotten_at INTEGER NOT NULL
) WITHOUT ROWID;

CREATE TABLE uses (
    credentials TEXT NOT NULL, user_device TEXT NOT NULL, used_at INTEGER NOT NULL,
    PRIMARY KEY (credentials, user_device)
) WITHOUT ROWID;
";

/// Which records a bus elsewhere is still to be shown.
pub(super) const WITH_PROJECTIONS: &str = "
CREATE TABLE projections (
    credentials TEXT PRIMARY KEY, due_at INTEGER NOT NULL, attempts INTEGER NOT NULL DEFAULT 0
) WITHOUT ROWID;
CREATE INDEX projections_due ON projections (due_at);
";

/// Where the secret of a record is from. Records from before are of whatever the gateway is for.
pub(super) const WITH_SOURCES: &str = "
ALTER TABLE records ADD COLUMN source TEXT;
ALTER TABLE revocations ADD COLUMN source TEXT;
";

/// User devices on a bus elsewhere that were begun and have no right yet.
pub(super) const WITH_HALF_MADE: &str = "
CREATE TABLE half_made (
    credentials TEXT NOT NULL, user_device TEXT NOT NULL, owner TEXT NOT NULL, status_device TEXT,
    made_at INTEGER NOT NULL, PRIMARY KEY (credentials, user_device)
) WITHOUT ROWID;
";

/// Records by the account that they say they are of.
pub(super) const WITH_ACCOUNTS: &str = "
CREATE INDEX records_by_account ON records (CASE WHEN json_valid(endo) THEN json_extract(endo, '$.idKey') END);
";

/// Owners of credentials whose record has no room for all of them.
pub(super) const WITH_OWNERS: &str = "
CREATE TABLE owners_beside (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    credentials TEXT NOT NULL, is_key INTEGER NOT NULL, name TEXT NOT NULL, signature TEXT NOT NULL,
    UNIQUE (credentials, is_key, name)
);
CREATE INDEX owners_beside_by_name ON owners_beside (name, seq);
";

/// Who could manage what is forgotten, by the digests of their names: the keys that signed the names may go. Signatures of
/// before wait in `forgotten.owner_keys` for the next start, which has the keys to read them.
pub(super) const WITH_FORGOTTEN_OWNERS: &str = "
CREATE TABLE forgotten_owners (
    owner BLOB NOT NULL, credentials TEXT NOT NULL, PRIMARY KEY (owner, credentials)
) WITHOUT ROWID;
";

/// Until when an API may be at what it was asked to end, so that nothing is done about it before.
pub(super) const WITH_RESTS: &str = "
ALTER TABLE revocations ADD COLUMN rest_until INTEGER NOT NULL DEFAULT 0;
UPDATE revocations SET rest_until = due_at WHERE attempts > 0;
";

/// Before when what was brought for an end is not renewed for its own.
pub(super) const WITH_ENDS_OF_WHAT_WAS_BROUGHT: &str = "
ALTER TABLE revocations ADD COLUMN renewable_from INTEGER NOT NULL DEFAULT 0;
";

/// When a device last asked for credentials, also where there was no use in it. Until then only uses were noted.
pub(super) const WITH_LAST_MESSAGES: &str = "
CREATE TABLE uses_and_messages (
    credentials TEXT NOT NULL, user_device TEXT NOT NULL, heard_at INTEGER, used_at INTEGER,
    PRIMARY KEY (credentials, user_device)
) WITHOUT ROWID;
INSERT INTO uses_and_messages SELECT credentials, user_device, used_at, used_at FROM uses;
DROP TABLE uses;
ALTER TABLE uses_and_messages RENAME TO uses;
";

/// What of a sealed copy the API ended already, while others in it wait: the hashes of those, one after the other.
pub(super) const WITH_WHAT_IS_OVER: &str = "
ALTER TABLE revocations ADD COLUMN ended BLOB NOT NULL DEFAULT x'';
";
