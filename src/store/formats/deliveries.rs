//! The steps of work: deliveries, their replies, and what became of them.

/// A reply is written down before it leaves for a bus elsewhere; a delivery that comes again is found by its id.
pub(super) const WITH_REPLIES: &str = "
ALTER TABLE deliveries ADD COLUMN reply TEXT;
ALTER TABLE dead_letters ADD COLUMN reply TEXT;
CREATE INDEX job_deliveries_by_id ON deliveries (id) WHERE work = 0;
";

/// Whether a job was done (0 no, 1 yes, 2 nobody knows), and why the bus did not take its reply.
pub(super) const WITH_FATES: &str = "
ALTER TABLE outcomes ADD COLUMN done INTEGER;
ALTER TABLE outcomes ADD COLUMN refusal TEXT;
ALTER TABLE dead_letters ADD COLUMN done INTEGER;
ALTER TABLE dead_letters ADD COLUMN refusal TEXT;
";

/// Whether the job of a reply that is about to leave was done (0 no, 1 yes, 2 nobody knows).
pub(super) const WITH_DONE_BEFORE_REPLIES: &str = "
ALTER TABLE deliveries ADD COLUMN done INTEGER;
";

/// Replies that are to be sent again, and what whoever brought a delivery was told when it was given up.
pub(super) const WITH_RESENDING: &str = "
ALTER TABLE deliveries ADD COLUMN resend INTEGER NOT NULL DEFAULT 0;
ALTER TABLE dead_letters ADD COLUMN code INTEGER;
";

/// For which delivery a token was lent.
pub(super) const WITH_LENT_TOKENS: &str = "
ALTER TABLE tokens ADD COLUMN lent TEXT;
CREATE INDEX tokens_lent ON tokens (lent) WHERE lent IS NOT NULL;
UPDATE tokens SET lent = metadata ->> 'webhook-delivery' WHERE metadata ->> 'webhook-delivery' IN (
    SELECT id FROM deliveries UNION SELECT id FROM dead_letters UNION SELECT id FROM outcomes);
";

/// Since when the webhook of a delivery has been missed.
pub(super) const WITH_MISSING_WEBHOOKS: &str = "
ALTER TABLE deliveries ADD COLUMN missing_since INTEGER;
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

/// In which line a job waits: its user device has one for what is small, and one for what takes room in memory, as much as its
/// weight, in bytes. What was accepted before counts as the heaviest text of its length.
pub(super) const WITH_LINES_OF_JOBS: &str = "
ALTER TABLE deliveries ADD COLUMN user_device TEXT;
ALTER TABLE deliveries ADD COLUMN weight INTEGER NOT NULL DEFAULT 0;
ALTER TABLE deliveries ADD COLUMN line TEXT AS (CASE work WHEN 0 THEN
    CASE weight WHEN 0 THEN 'small ' ELSE 'large ' END || coalesce(user_device, '') END);
UPDATE deliveries SET user_device = iif(json_valid(route), route ->> '$[#-3].from', NULL),
    weight = iif(octet_length(body) > 655, 100 * octet_length(body), 0) WHERE work = 0;
CREATE INDEX deliveries_in_lines ON deliveries (line, due_at, seq, weight) WHERE line IS NOT NULL;
";

/// In which line a delivery waits at its webhook, where each user device has one, or whoever sends; each has its turns in the
/// queue of the webhook. What was accepted before waits in the line of nobody.
pub(super) const WITH_LINES_AT_WEBHOOKS: &str = "
ALTER TABLE deliveries ADD COLUMN line_at_webhook TEXT AS (webhook || ' ' || coalesce(user_device, ''));
CREATE INDEX deliveries_in_lines_at_webhooks ON deliveries (line_at_webhook, due_at)
    WHERE line_at_webhook IS NOT NULL;
DROP INDEX deliveries_of_webhooks;
DROP TRIGGER turn_of_a_new_delivery;
DROP TRIGGER turn_of_a_moved_delivery;
CREATE TRIGGER turn_of_a_new_delivery AFTER INSERT ON deliveries
WHEN NEW.work = 1 AND NOT EXISTS (SELECT 1 FROM turns WHERE who = NEW.line_at_webhook AND due_at <= NEW.due_at) BEGIN
    INSERT INTO turns (who, queue, due_at) VALUES (NEW.line_at_webhook, NEW.webhook, NEW.due_at),
        (NEW.webhook, NEW.host, NEW.due_at), (NEW.host, 'hosts', NEW.due_at)
    ON CONFLICT (who) DO UPDATE SET due_at = min(due_at, excluded.due_at);
END;
CREATE TRIGGER turn_of_a_moved_delivery AFTER UPDATE OF due_at, target ON deliveries
WHEN NEW.work = 1 AND NOT EXISTS (SELECT 1 FROM turns WHERE who = NEW.line_at_webhook AND due_at <= NEW.due_at) BEGIN
    INSERT INTO turns (who, queue, due_at) VALUES (NEW.line_at_webhook, NEW.webhook, NEW.due_at),
        (NEW.webhook, NEW.host, NEW.due_at), (NEW.host, 'hosts', NEW.due_at)
    ON CONFLICT (who) DO UPDATE SET due_at = min(due_at, excluded.due_at);
END;
INSERT INTO turns (who, queue, due_at)
SELECT line_at_webhook, webhook, min(due_at) FROM deliveries WHERE work = 1 GROUP BY line_at_webhook;
";

/// What several deliveries bring, kept once, for as long as one of them waits or is a dead letter: their own body is empty, and
/// their weight is its length, in bytes.
pub(super) const WITH_SHARED_BODIES: &str = "
CREATE TABLE bodies (seq INTEGER PRIMARY KEY AUTOINCREMENT, text TEXT NOT NULL);
ALTER TABLE deliveries ADD COLUMN shared INTEGER;
ALTER TABLE dead_letters ADD COLUMN shared INTEGER;
CREATE INDEX deliveries_that_share ON deliveries (shared) WHERE shared IS NOT NULL;
CREATE INDEX dead_letters_that_share ON dead_letters (shared) WHERE shared IS NOT NULL;

CREATE TRIGGER body_of_a_delivery AFTER DELETE ON deliveries
WHEN OLD.shared IS NOT NULL AND NOT EXISTS (SELECT 1 FROM deliveries WHERE shared = OLD.shared)
    AND NOT EXISTS (SELECT 1 FROM dead_letters WHERE shared = OLD.shared) BEGIN
    DELETE FROM bodies WHERE seq = OLD.shared;
END;
CREATE TRIGGER body_of_a_dead_letter AFTER DELETE ON dead_letters
WHEN OLD.shared IS NOT NULL AND NOT EXISTS (SELECT 1 FROM deliveries WHERE shared = OLD.shared)
    AND NOT EXISTS (SELECT 1 FROM dead_letters WHERE shared = OLD.shared) BEGIN
    DELETE FROM bodies WHERE seq = OLD.shared;
END;
";

/// Which lines, webhooks and hosts have had no turn since something waits for them: at a host where many fail they come before
/// those that had one.
pub(super) const WITH_FIRST_TURNS: &str = "
CREATE INDEX first_turns_in_order ON turns (queue, since, who) WHERE had_at = 0;
";

/// The devices whose webhooks are at a host have their turns there, each webhook then in the queue of its device: whoever has
/// many keeps nobody waiting who has few.
pub(super) const WITH_TURNS_OF_DEVICES: &str = "
DROP TRIGGER turn_of_a_new_delivery;
DROP TRIGGER turn_of_a_moved_delivery;
CREATE TRIGGER turn_of_a_new_delivery AFTER INSERT ON deliveries
WHEN NEW.work = 1 AND NOT EXISTS (SELECT 1 FROM turns WHERE who = NEW.line_at_webhook AND due_at <= NEW.due_at) BEGIN
    INSERT INTO turns (who, queue, due_at) VALUES (NEW.line_at_webhook, NEW.webhook, NEW.due_at),
        (NEW.webhook, NEW.host || '/' || NEW.device, NEW.due_at),
        (NEW.host || '/' || NEW.device, NEW.host, NEW.due_at), (NEW.host, 'hosts', NEW.due_at)
    ON CONFLICT (who) DO UPDATE SET due_at = min(due_at, excluded.due_at);
END;
CREATE TRIGGER turn_of_a_moved_delivery AFTER UPDATE OF due_at, target ON deliveries
WHEN NEW.work = 1 AND NOT EXISTS (SELECT 1 FROM turns WHERE who = NEW.line_at_webhook AND due_at <= NEW.due_at) BEGIN
    INSERT INTO turns (who, queue, due_at) VALUES (NEW.line_at_webhook, NEW.webhook, NEW.due_at),
        (NEW.webhook, NEW.host || '/' || NEW.device, NEW.due_at),
        (NEW.host || '/' || NEW.device, NEW.host, NEW.due_at), (NEW.host, 'hosts', NEW.due_at)
    ON CONFLICT (who) DO UPDATE SET due_at = min(due_at, excluded.due_at);
END;
UPDATE turns SET queue = queue || '/' || substr(who, length(queue) + 2, instr(substr(who, length(queue) + 2), ' ') - 1)
    WHERE queue IN (SELECT who FROM turns WHERE queue = 'hosts');
INSERT INTO turns (who, queue, due_at) SELECT queue, substr(queue, 1, instr(queue, '/') - 1), min(since) FROM turns
    WHERE queue NOT LIKE '% %' AND queue <> 'hosts' GROUP BY queue;
";
