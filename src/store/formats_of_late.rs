//! The steps of late, after those of [`formats`](super::formats).

/// For which refresh token the present one was given.
pub(super) const WITH_SPENT_REFRESH_TOKENS: &str = "
ALTER TABLE renewals ADD COLUMN spent BLOB;
";

/// Until when an API may be at what it was asked to end, so that nothing is done about it before.
pub(super) const WITH_RESTS: &str = "
ALTER TABLE revocations ADD COLUMN rest_until INTEGER NOT NULL DEFAULT 0;
UPDATE revocations SET rest_until = due_at WHERE attempts > 0;
";

/// What the present refresh token came of.
pub(super) const WITH_LINES_OF_REFRESH_TOKENS: &str = "
ALTER TABLE renewals ADD COLUMN came_of BLOB;
UPDATE renewals SET came_of = spent;
";

/// For which webhook a delivery is, its host first, so that what waits for one of them is found and passed over at once,
/// however much it is.
pub(super) const WITH_WEBHOOKS_OF_THEIR_OWN: &str = "
ALTER TABLE deliveries ADD COLUMN webhook TEXT AS (CASE work WHEN 1 THEN
    coalesce(target ->> 'host', '') || ' ' || device || ' ' || coalesce(target ->> 'hook', '') END);
CREATE INDEX deliveries_of_webhooks ON deliveries (webhook, due_at) WHERE webhook IS NOT NULL;
";

/// Since when each webhook, and each host, for which something waits waits for its turn: since the first of that was due, or
/// since it last had one. A row a webhook in the queue of its host, and one a host in the queue `hosts`. What becomes due makes
/// one here, whoever accepts or puts it off; whoever has had a turn says so.
pub(super) const WITH_TURNS: &str = "
ALTER TABLE deliveries ADD COLUMN host TEXT AS (CASE work WHEN 1 THEN coalesce(target ->> 'host', '') END);
CREATE TABLE turns (
    who TEXT PRIMARY KEY, queue TEXT NOT NULL, due_at INTEGER NOT NULL, had_at INTEGER NOT NULL DEFAULT 0,
    since INTEGER AS (max(due_at, had_at))
) WITHOUT ROWID;
CREATE INDEX turns_in_order ON turns (queue, since, who);

CREATE TRIGGER turn_of_a_new_delivery AFTER INSERT ON deliveries
WHEN NEW.work = 1 AND NOT EXISTS (SELECT 1 FROM turns WHERE who = NEW.webhook AND due_at <= NEW.due_at) BEGIN
    INSERT INTO turns (who, queue, due_at) VALUES (NEW.webhook, NEW.host, NEW.due_at), (NEW.host, 'hosts', NEW.due_at)
    ON CONFLICT (who) DO UPDATE SET due_at = min(due_at, excluded.due_at);
END;
CREATE TRIGGER turn_of_a_moved_delivery AFTER UPDATE OF due_at, target ON deliveries
WHEN NEW.work = 1 AND NOT EXISTS (SELECT 1 FROM turns WHERE who = NEW.webhook AND due_at <= NEW.due_at) BEGIN
    INSERT INTO turns (who, queue, due_at) VALUES (NEW.webhook, NEW.host, NEW.due_at), (NEW.host, 'hosts', NEW.due_at)
    ON CONFLICT (who) DO UPDATE SET due_at = min(due_at, excluded.due_at);
END;
INSERT INTO turns (who, queue, due_at)
SELECT webhook, host, min(due_at) FROM deliveries WHERE work = 1 GROUP BY webhook;
INSERT INTO turns (who, queue, due_at) SELECT queue, 'hosts', min(due_at) FROM turns GROUP BY queue;
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
