-- What is told: notices in revisions, what was sent by hand, and how far each has come.
-- The twin of this file for the other engine has the same number, tables and columns.

CREATE TABLE notice (
    id             BLOB    PRIMARY KEY,
    version        INTEGER NOT NULL,
    incident       TEXT   NOT NULL,
    outage_id      BLOB,
    -- 1: it came from the gateway, and is written there.
    national       INTEGER NOT NULL,
    -- When the newest published revision expires; 0 before the first.
    shown_until_us INTEGER NOT NULL,
    -- 1: the newest published revision ends it.
    ended          INTEGER NOT NULL
);
CREATE INDEX notice_incident ON notice (incident, id);
CREATE INDEX notice_shown ON notice (shown_until_us);

CREATE TABLE notice_revision (
    notice_id    BLOB   NOT NULL,
    number       INTEGER NOT NULL,
    state        INTEGER NOT NULL,
    author       TEXT   NOT NULL,
    created_us   INTEGER NOT NULL,
    approver     TEXT,
    published_us INTEGER,
    reviewer     TEXT,
    -- All that its author decided, save the customers of the next table; JSON.
    content      TEXT   NOT NULL,
    PRIMARY KEY (notice_id, number)
) WITHOUT ROWID;

-- Customers whom a revision names; once they are erased, what stands for them.
CREATE TABLE notice_customer (
    notice_id     BLOB   NOT NULL,
    revision      INTEGER NOT NULL,
    customer_code TEXT   NOT NULL,
    PRIMARY KEY (notice_id, revision, customer_code)
) WITHOUT ROWID;
CREATE INDEX notice_customer_code ON notice_customer (customer_code);

-- The log of printed outputs that somebody has sent.
CREATE TABLE notice_print_sent (
    id        BLOB    PRIMARY KEY,
    notice_id BLOB   NOT NULL,
    revision  INTEGER NOT NULL,
    output    INTEGER NOT NULL,
    recipient TEXT   NOT NULL,
    sent_us   INTEGER NOT NULL,
    author    TEXT   NOT NULL
);
CREATE INDEX notice_print_sent_notice ON notice_print_sent (notice_id, sent_us, id);

-- When a channel first reached a province, over all revisions.
CREATE TABLE notice_first (
    notice_id BLOB   NOT NULL,
    province  TEXT   NOT NULL,
    channel   INTEGER NOT NULL,
    at_us     INTEGER NOT NULL,
    PRIMARY KEY (notice_id, province, channel)
) WITHOUT ROWID;

-- Text messages that centres took, by the minute in which they did.
CREATE TABLE notice_minute (
    notice_id BLOB   NOT NULL,
    revision  INTEGER NOT NULL,
    minute_us INTEGER NOT NULL,
    accepted  INTEGER NOT NULL,
    PRIMARY KEY (notice_id, revision, minute_us)
) WITHOUT ROWID;

-- Whose progress changed: `mark` grows with every change, `told` is the mark that the feed's newest entry knew.
CREATE TABLE notice_progress (
    notice_id BLOB    PRIMARY KEY,
    mark      INTEGER NOT NULL,
    told      INTEGER NOT NULL,
    version   INTEGER NOT NULL
);
CREATE INDEX notice_progress_changed ON notice_progress (notice_id) WHERE mark > told;

-- What messages of a revision have in common besides their texts, and what was expected of sending them.
ALTER TABLE dispatch ADD COLUMN revision_kind INTEGER NOT NULL DEFAULT 1;
ALTER TABLE dispatch ADD COLUMN vi_title TEXT NOT NULL DEFAULT '';
ALTER TABLE dispatch ADD COLUMN en_title TEXT NOT NULL DEFAULT '';
ALTER TABLE dispatch ADD COLUMN published_us INTEGER NOT NULL DEFAULT 0;
ALTER TABLE dispatch ADD COLUMN planned_recipients INTEGER;
ALTER TABLE dispatch ADD COLUMN planned_within INTEGER;
CREATE INDEX dispatch_unplanned ON dispatch (no) WHERE planned_recipients IS NULL AND kind = 1;
CREATE INDEX dispatch_incident ON dispatch (incident, phase, kind);

-- Premises find their places by province; empty for premises without one.
UPDATE dispatch_place SET province = '' WHERE province IS NULL;
CREATE INDEX dispatch_place_province ON dispatch_place (dispatch_no, province);

-- Queued messages have an index of their own; a million of them are added faster where they are in no other.
DROP INDEX delivery_state;
CREATE INDEX delivery_state ON delivery (dispatch_no, state) WHERE state <> 1;

-- The name of a webhook; null where the address is a customer's, which is looked up when the message is handed out.
ALTER TABLE delivery ADD COLUMN address TEXT;
