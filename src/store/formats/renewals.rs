//! The steps of renewals: how far each is, and what is known of refresh tokens.

/// How far the renewal of each credential is.
pub(super) const WITH_RENEWALS: &str = "
CREATE TABLE renewals (
    credentials TEXT PRIMARY KEY, generation INTEGER NOT NULL, expires_at INTEGER, renew_at INTEGER,
    stage INTEGER NOT NULL, sent INTEGER NOT NULL, holder TEXT NOT NULL,
    held_until INTEGER NOT NULL, rest_until INTEGER NOT NULL, reason TEXT
) WITHOUT ROWID;
CREATE INDEX renewals_due ON renewals (renew_at);
";

/// How often a renewal came to nothing, and which secrets came of one.
pub(super) const WITH_PATIENCE: &str = "
ALTER TABLE renewals ADD COLUMN failures INTEGER NOT NULL DEFAULT 0;
ALTER TABLE renewals ADD COLUMN renewed_at INTEGER;
";

/// Since which record a refresh token is the same.
pub(super) const WITH_REFRESH_TOKENS_TAKEN_OVER: &str = "
ALTER TABLE renewals ADD COLUMN refresh_since INTEGER NOT NULL DEFAULT 0;
UPDATE renewals SET refresh_since = generation;
";

/// Since which record a secret is the same.
pub(super) const WITH_SECRETS_SEALED_ANEW: &str = "
ALTER TABLE renewals ADD COLUMN secret_since INTEGER NOT NULL DEFAULT 0;
UPDATE renewals SET secret_since = generation;
";

/// For which refresh token the present one was given.
pub(super) const WITH_SPENT_REFRESH_TOKENS: &str = "
ALTER TABLE renewals ADD COLUMN spent BLOB;
";

/// What the present refresh token came of.
pub(super) const WITH_LINES_OF_REFRESH_TOKENS: &str = "
ALTER TABLE renewals ADD COLUMN came_of BLOB;
UPDATE renewals SET came_of = spent;
";

/// What is known of each refresh token. Those of before have names of their own until their record is opened.
pub(super) const WITH_REFRESH_TOKENS: &str = "
CREATE TABLE refresh_tokens (
    token BLOB PRIMARY KEY, line BLOB NOT NULL, stage INTEGER NOT NULL, sent INTEGER NOT NULL,
    holder TEXT NOT NULL, held_until INTEGER NOT NULL, rest_until INTEGER NOT NULL, reason TEXT,
    failures INTEGER NOT NULL, noted_at INTEGER NOT NULL
) WITHOUT ROWID;
CREATE INDEX refresh_tokens_of_lines ON refresh_tokens (line);
CREATE INDEX refresh_tokens_by_age ON refresh_tokens (noted_at);
ALTER TABLE renewals ADD COLUMN refresh BLOB; ALTER TABLE renewals ADD COLUMN refused_at INTEGER;
UPDATE renewals SET refresh = randomblob(32);
INSERT INTO refresh_tokens
    SELECT refresh, refresh, stage, sent, holder, held_until, rest_until, reason, failures, unixepoch() * 1000
    FROM renewals;
INSERT OR IGNORE INTO refresh_tokens
    WITH RECURSIVE places (place) AS (VALUES (1) UNION ALL SELECT place + 32 FROM places LIMIT 8)
    SELECT substr(spent, place, 32), refresh, 4, 1, '', 0, 0, NULL, 0, unixepoch() * 1000
    FROM renewals JOIN places ON place < length(spent);
ALTER TABLE renewals DROP COLUMN stage;
ALTER TABLE renewals DROP COLUMN sent;
ALTER TABLE renewals DROP COLUMN holder;
ALTER TABLE renewals DROP COLUMN held_until;
ALTER TABLE renewals DROP COLUMN rest_until;
ALTER TABLE renewals DROP COLUMN reason;
ALTER TABLE renewals DROP COLUMN failures;
ALTER TABLE renewals DROP COLUMN refresh_since;
ALTER TABLE renewals DROP COLUMN spent;
ALTER TABLE renewals DROP COLUMN came_of;
CREATE INDEX renewals_by_refresh_tokens ON renewals (refresh) WHERE refresh IS NOT NULL;
ALTER TABLE revocations ADD COLUMN refresh BLOB;
CREATE INDEX revocations_by_refresh_tokens ON revocations (refresh) WHERE refresh IS NOT NULL;
";

/// Since when a line of refresh tokens is known, and when one was sent of which nobody may know what came of it: of those of
/// before neither is known, and all were there from the beginning.
pub(super) const WITH_SENDINGS: &str = "
ALTER TABLE refresh_tokens ADD COLUMN line_since INTEGER NOT NULL DEFAULT 0;
ALTER TABLE refresh_tokens ADD COLUMN sent_at INTEGER NOT NULL DEFAULT 0;
";

/// The order of what is known of refresh tokens, of which clocks that are set back say nothing. Until then it was known by the
/// clock; what comes is later than all of that, and what an answer may be lost to is earlier than all, for a clock may have been
/// set back since. Why one is over is told by its stage.
pub(super) const WITH_MOMENTS: &str = "
CREATE TABLE moments (one INTEGER PRIMARY KEY CHECK (one = 1), last INTEGER NOT NULL);
ALTER TABLE refresh_tokens RENAME COLUMN sent_at TO first_sent;
ALTER TABLE refresh_tokens ADD COLUMN noted INTEGER NOT NULL DEFAULT 0;
ALTER TABLE refresh_tokens ADD COLUMN is_lost INTEGER NOT NULL DEFAULT 0;
UPDATE refresh_tokens SET noted = noted_at;
UPDATE refresh_tokens SET is_lost = 1 WHERE stage = 3 AND reason IN (
    'nobody knows what came of a renewal, and the provider does not take the refresh token again',
    'the answer to a renewal was lost, and the provider does not take the refresh token again');
UPDATE refresh_tokens SET stage = 5 WHERE stage = 3 AND reason IN (
    'nobody knows what came of a renewal, and the provider takes no refresh token twice',
    'the answer to a renewal was lost, and the provider takes no refresh token twice');
UPDATE refresh_tokens SET first_sent = 0 WHERE is_lost OR stage IN (1, 2, 5) OR sent > 1;
UPDATE renewals SET refresh = NULL, refused_at = coalesce(refused_at, unixepoch() * 1000)
WHERE refresh IN (SELECT token FROM refresh_tokens WHERE stage = 3 AND reason LIKE 'the API refused the secret, and %');
DELETE FROM refresh_tokens WHERE stage = 3 AND reason LIKE 'the API refused the secret, and %';
ALTER TABLE refresh_tokens DROP COLUMN reason;
CREATE INDEX refresh_tokens_lost ON refresh_tokens (first_sent) WHERE is_lost OR stage IN (1, 2, 5) OR sent > 1;
ALTER TABLE revocations ADD COLUMN came INTEGER NOT NULL DEFAULT 0;
INSERT INTO moments SELECT 1, coalesce(max(max(noted), max(line_since), max(first_sent)), 0) FROM refresh_tokens;
";

/// Which secrets live too shortly to be renewed while nobody uses them. Those of before are known by the renewal that they came of.
pub(super) const WITH_SHORT_LIVES: &str = "
ALTER TABLE renewals ADD COLUMN when_used INTEGER NOT NULL DEFAULT 0;
UPDATE renewals SET when_used = 1 WHERE refused_at IS NULL AND expires_at - renewed_at < 60000;
DROP INDEX renewals_due;
CREATE INDEX renewals_due ON renewals (renew_at) WHERE NOT when_used;
";
