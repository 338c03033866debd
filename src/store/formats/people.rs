//! The steps of people: who signed in where, what they proved, and what they sent.

/// Sign-ins on the bus's own page, and the codes that they give to clients.
pub(super) const WITH_SIGN_INS: &str = "
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

/// When somebody last proved control of the account behind credentials.
pub(super) const WITH_PROOFS: &str = "
CREATE TABLE proofs (
    caller TEXT NOT NULL, credentials TEXT NOT NULL, proved_at INTEGER NOT NULL,
    PRIMARY KEY (caller, credentials)
) WITHOUT ROWID;
CREATE INDEX proofs_by_age ON proofs (proved_at);
";

/// Who is signed in at the gateway's own pages, and sign-ins that are under way.
pub(super) const WITH_SESSIONS: &str = "
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

/// Forms that sessions sent, and what came of them.
pub(super) const WITH_SENT_FORMS: &str = "
CREATE TABLE sent_forms (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    session BLOB NOT NULL REFERENCES sessions (fingerprint) ON DELETE CASCADE,
    form BLOB NOT NULL, came_to TEXT, UNIQUE (session, form)
);
CREATE INDEX sent_forms_by_session ON sent_forms (session, seq);
";

/// Which sessions have a token of their own.
pub(super) const WITH_GRANTS: &str = "
ALTER TABLE sessions ADD COLUMN granted INTEGER NOT NULL DEFAULT 0;
";

/// Sign-ins under way are with the browsers alone; which of them came back is kept.
pub(super) const WITH_ANSWERED_FLOWS: &str = "
DROP TABLE flows;
CREATE TABLE answered_flows (
    seq INTEGER PRIMARY KEY AUTOINCREMENT, fingerprint BLOB NOT NULL UNIQUE, answered_at INTEGER NOT NULL
);
CREATE INDEX answered_flows_by_age ON answered_flows (answered_at);
";

/// Messages that people sent over a bus elsewhere, which come back as deliveries.
pub(super) const WITH_SENT_MESSAGES: &str = "
CREATE TABLE sent_messages (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    mark TEXT NOT NULL UNIQUE, sender TEXT NOT NULL, sent_at INTEGER NOT NULL, delivery TEXT
);
CREATE INDEX sent_messages_by_sender ON sent_messages (sender, seq);
CREATE INDEX sent_messages_by_age ON sent_messages (sent_at);
";

/// Which sessions took each other's place, one after the other: they have the fingerprint of the first.
pub(super) const WITH_LINES: &str = "
ALTER TABLE sessions ADD COLUMN line BLOB NOT NULL DEFAULT x'';
UPDATE sessions SET line = fingerprint;
";

/// Which token of the bus in this process a session hangs on.
pub(super) const WITH_TOKENS_OF_SESSIONS: &str = "
ALTER TABLE sessions ADD COLUMN token INTEGER;
";

/// Devices that were removed, of which tokens and subscriptions may be left.
pub(super) const WITH_HALF_REMOVED_DEVICES: &str = "
CREATE TABLE half_removed (uuid TEXT PRIMARY KEY) WITHOUT ROWID;
";

/// Changes that are made piece by piece: what is left of each, and of which device where that is removed.
pub(super) const WITH_HALF_DONE_CHANGES: &str = "
CREATE TABLE half_done (
    seq INTEGER PRIMARY KEY AUTOINCREMENT, remainder TEXT NOT NULL, removed TEXT AS (remainder ->> 'removal')
);
CREATE INDEX half_done_removals ON half_done (removed) WHERE removed IS NOT NULL;
INSERT INTO half_done (remainder) SELECT json_object('removal', uuid) FROM half_removed;
DROP TABLE half_removed;
";

/// Forms belong to the line of their session, which stays the same where the session gets another fingerprint.
pub(super) const WITH_FORMS_OF_LINES: &str = "
CREATE UNIQUE INDEX sessions_by_line ON sessions (line);
CREATE TABLE forms_of_lines (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    line BLOB NOT NULL REFERENCES sessions (line) ON DELETE CASCADE,
    form BLOB NOT NULL, came_to TEXT, UNIQUE (line, form)
);
INSERT INTO forms_of_lines (seq, line, form, came_to)
SELECT sent_forms.seq, line, form, came_to FROM sent_forms JOIN sessions ON fingerprint = session;
DROP TABLE sent_forms;
ALTER TABLE forms_of_lines RENAME TO sent_forms;
CREATE INDEX sent_forms_by_line ON sent_forms (line, seq);
";
