//! The tables: the steps from nothing to the current format of the database, each as it was when it came.

use super::formats_of_late::{
    WITH_LINES_OF_REFRESH_TOKENS, WITH_REFRESH_TOKENS, WITH_RESTS, WITH_SENDINGS, WITH_SPENT_REFRESH_TOKENS,
    WITH_TURNS, WITH_WEBHOOKS_OF_THEIR_OWN,
};

/// Step `n` leads from format `n` to format `n + 1`.
pub(super) const STEPS: &[&str] = &[
    FIRST,
    WITH_REPLIES,
    WITH_SIGN_INS,
    WITH_RENEWALS,
    WITH_PROOFS,
    WITH_RECEIPTS,
    WITH_SESSIONS,
    WITH_PROJECTIONS,
    WITH_SOURCES,
    WITH_PATIENCE,
    WITH_HALF_MADE,
    WITH_ACCOUNTS,
    WITH_SENT_FORMS,
    WITH_GRANTS,
    WITH_ANSWERED_FLOWS,
    WITH_FATES,
    WITH_SENT_MESSAGES,
    WITH_DONE_BEFORE_REPLIES,
    WITH_OWNERS,
    WITH_LINES,
    WITH_RESENDING,
    WITH_FORGOTTEN_OWNERS,
    WITH_REFRESH_TOKENS_TAKEN_OVER,
    WITH_SECRETS_SEALED_ANEW,
    WITH_TOKENS_OF_SESSIONS,
    WITH_LENT_TOKENS,
    WITH_MISSING_WEBHOOKS,
    WITH_SPENT_REFRESH_TOKENS,
    WITH_RESTS,
    WITH_LINES_OF_REFRESH_TOKENS,
    WITH_WEBHOOKS_OF_THEIR_OWN,
    WITH_TURNS,
    WITH_REFRESH_TOKENS,
    WITH_SENDINGS,
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

/// A reply is written down before it leaves for a bus elsewhere; a delivery that comes again is found by its id.
const WITH_REPLIES: &str = "
ALTER TABLE deliveries ADD COLUMN reply TEXT;
ALTER TABLE dead_letters ADD COLUMN reply TEXT;
CREATE INDEX job_deliveries_by_id ON deliveries (id) WHERE work = 0;
";

/// Sign-ins on the bus's own page, and the codes that they give to clients.
const WITH_SIGN_INS: &str = "
CREATE TABLE sign_ins (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    hash BLOB NOT NULL UNIQUE, device TEXT NOT NULL, began_at INTEGER NOT NULL,
    -- A sign-in ends with the token that proved it.
    token INTEGER NOT NULL REFERENCES tokens (seq) ON DELETE CASCADE
);
CREATE INDEX sign_ins_by_device ON sign_ins (device, seq);
CREATE INDEX sign_ins_by_age ON sign_ins (began_at);
CREATE INDEX sign_ins_by_token ON sign_ins (token);

CREATE TABLE codes (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    hash BLOB NOT NULL UNIQUE, client TEXT NOT NULL, device TEXT NOT NULL, proof INTEGER NOT NULL,
    target TEXT NOT NULL, target_was_named INTEGER NOT NULL, challenge BLOB, made_at INTEGER NOT NULL,
    used INTEGER NOT NULL DEFAULT 0, token BLOB
);
CREATE INDEX codes_by_holder ON codes (client, device, seq);
CREATE INDEX codes_by_age ON codes (made_at);
";

/// How far the renewal of each credential is.
const WITH_RENEWALS: &str = "
CREATE TABLE renewals (
    credentials TEXT PRIMARY KEY, generation INTEGER NOT NULL, expires_at INTEGER, renew_at INTEGER,
    stage INTEGER NOT NULL, sent INTEGER NOT NULL, holder TEXT NOT NULL,
    held_until INTEGER NOT NULL, rest_until INTEGER NOT NULL, reason TEXT
) WITHOUT ROWID;
CREATE INDEX renewals_due ON renewals (renew_at);
";

/// When somebody last proved control of the account behind credentials.
const WITH_PROOFS: &str = "
CREATE TABLE proofs (
    caller TEXT NOT NULL, credentials TEXT NOT NULL, proved_at INTEGER NOT NULL,
    PRIMARY KEY (caller, credentials)
) WITHOUT ROWID;
CREATE INDEX proofs_by_age ON proofs (proved_at);
";

/// What is ended, what remains to be done about it, and who was there last.
const WITH_RECEIPTS: &str = "
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

/// Who is signed in at the gateway's own pages, and sign-ins that are under way.
const WITH_SESSIONS: &str = "
CREATE TABLE sessions (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    fingerprint BLOB NOT NULL UNIQUE, owner TEXT NOT NULL, login BLOB NOT NULL,
    began_at INTEGER NOT NULL, seen_at INTEGER NOT NULL
);
CREATE INDEX sessions_by_owner ON sessions (owner, seq);
CREATE INDEX sessions_by_age ON sessions (began_at);
CREATE INDEX sessions_by_use ON sessions (seen_at);

CREATE TABLE flows (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    fingerprint BLOB NOT NULL UNIQUE, sealed BLOB NOT NULL, begun_at INTEGER NOT NULL
);
CREATE INDEX flows_by_age ON flows (begun_at);
";

/// Which records a bus elsewhere is still to be shown.
const WITH_PROJECTIONS: &str = "
CREATE TABLE projections (
    credentials TEXT PRIMARY KEY, due_at INTEGER NOT NULL, attempts INTEGER NOT NULL DEFAULT 0
) WITHOUT ROWID;
CREATE INDEX projections_due ON projections (due_at);
";

/// Where the secret of a record is from. Records from before are of whatever the gateway is for.
const WITH_SOURCES: &str = "
ALTER TABLE records ADD COLUMN source TEXT;
ALTER TABLE revocations ADD COLUMN source TEXT;
";

/// How often a renewal came to nothing, and which secrets came of one.
const WITH_PATIENCE: &str = "
ALTER TABLE renewals ADD COLUMN failures INTEGER NOT NULL DEFAULT 0;
ALTER TABLE renewals ADD COLUMN renewed_at INTEGER;
";

/// User devices on a bus elsewhere that were begun and have no right yet.
const WITH_HALF_MADE: &str = "
CREATE TABLE half_made (
    credentials TEXT NOT NULL, user_device TEXT NOT NULL, owner TEXT NOT NULL, status_device TEXT,
    made_at INTEGER NOT NULL, PRIMARY KEY (credentials, user_device)
) WITHOUT ROWID;
";

/// Records by the account that they say they are of.
const WITH_ACCOUNTS: &str = "
CREATE INDEX records_by_account ON records (CASE WHEN json_valid(endo) THEN json_extract(endo, '$.idKey') END);
";

/// Forms that sessions sent, and what came of them.
const WITH_SENT_FORMS: &str = "
CREATE TABLE sent_forms (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    session BLOB NOT NULL REFERENCES sessions (fingerprint) ON DELETE CASCADE,
    form BLOB NOT NULL, came_to TEXT, UNIQUE (session, form)
);
CREATE INDEX sent_forms_by_session ON sent_forms (session, seq);
";

/// Which sessions have a token of their own.
const WITH_GRANTS: &str = "
ALTER TABLE sessions ADD COLUMN granted INTEGER NOT NULL DEFAULT 0;
";

/// Sign-ins under way are with the browsers alone; which of them came back is kept.
const WITH_ANSWERED_FLOWS: &str = "
DROP TABLE flows;
CREATE TABLE answered_flows (
    seq INTEGER PRIMARY KEY AUTOINCREMENT, fingerprint BLOB NOT NULL UNIQUE, answered_at INTEGER NOT NULL
);
CREATE INDEX answered_flows_by_age ON answered_flows (answered_at);
";

/// Whether a job was done (0 no, 1 yes, 2 nobody knows), and why the bus did not take its reply.
const WITH_FATES: &str = "
ALTER TABLE outcomes ADD COLUMN done INTEGER;
ALTER TABLE outcomes ADD COLUMN refusal TEXT;
ALTER TABLE dead_letters ADD COLUMN done INTEGER;
ALTER TABLE dead_letters ADD COLUMN refusal TEXT;
";

/// Messages that people sent over a bus elsewhere, which come back as deliveries.
const WITH_SENT_MESSAGES: &str = "
CREATE TABLE sent_messages (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    mark TEXT NOT NULL UNIQUE, sender TEXT NOT NULL, sent_at INTEGER NOT NULL, delivery TEXT
);
CREATE INDEX sent_messages_by_sender ON sent_messages (sender, seq);
CREATE INDEX sent_messages_by_age ON sent_messages (sent_at);
";

/// Whether the job of a reply that is about to leave was done (0 no, 1 yes, 2 nobody knows).
const WITH_DONE_BEFORE_REPLIES: &str = "
ALTER TABLE deliveries ADD COLUMN done INTEGER;
";

/// Owners of credentials whose record has no room for all of them.
const WITH_OWNERS: &str = "
CREATE TABLE owners_beside (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    credentials TEXT NOT NULL, is_key INTEGER NOT NULL, name TEXT NOT NULL, signature TEXT NOT NULL,
    UNIQUE (credentials, is_key, name)
);
CREATE INDEX owners_beside_by_name ON owners_beside (name, seq);
";

/// Which sessions took each other's place, one after the other: they have the fingerprint of the first.
const WITH_LINES: &str = "
ALTER TABLE sessions ADD COLUMN line BLOB NOT NULL DEFAULT x'';
UPDATE sessions SET line = fingerprint;
";

/// Replies that are to be sent again, and what whoever brought a delivery was told when it was given up.
const WITH_RESENDING: &str = "
ALTER TABLE deliveries ADD COLUMN resend INTEGER NOT NULL DEFAULT 0;
ALTER TABLE dead_letters ADD COLUMN code INTEGER;
";

/// Who could manage what is forgotten, by the digests of their names: the keys that signed the names may go. Signatures of
/// before wait in `forgotten.owner_keys` for the next start, which has the keys to read them.
const WITH_FORGOTTEN_OWNERS: &str = "
CREATE TABLE forgotten_owners (
    owner BLOB NOT NULL, credentials TEXT NOT NULL, PRIMARY KEY (owner, credentials)
) WITHOUT ROWID;
";

/// Since which record a refresh token is the same.
const WITH_REFRESH_TOKENS_TAKEN_OVER: &str = "
ALTER TABLE renewals ADD COLUMN refresh_since INTEGER NOT NULL DEFAULT 0;
UPDATE renewals SET refresh_since = generation;
";

/// Since which record a secret is the same.
const WITH_SECRETS_SEALED_ANEW: &str = "
ALTER TABLE renewals ADD COLUMN secret_since INTEGER NOT NULL DEFAULT 0;
UPDATE renewals SET secret_since = generation;
";

/// Which token of the bus in this process a session hangs on.
const WITH_TOKENS_OF_SESSIONS: &str = "
ALTER TABLE sessions ADD COLUMN token INTEGER;
";

/// For which delivery a token was lent.
const WITH_LENT_TOKENS: &str = "
ALTER TABLE tokens ADD COLUMN lent TEXT;
CREATE INDEX tokens_lent ON tokens (lent) WHERE lent IS NOT NULL;
UPDATE tokens SET lent = metadata ->> 'webhook-delivery' WHERE metadata ->> 'webhook-delivery' IN (
    SELECT id FROM deliveries UNION SELECT id FROM dead_letters UNION SELECT id FROM outcomes);
";

/// Since when the webhook of a delivery has been missed.
const WITH_MISSING_WEBHOOKS: &str = "
ALTER TABLE deliveries ADD COLUMN missing_since INTEGER;
";
