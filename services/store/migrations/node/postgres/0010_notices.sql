-- What is told: notices in revisions, what was sent by hand, and how far each has come.
-- The twin of this file for the other engine has the same number, tables and columns.

CREATE TABLE notice (
    id             UUID   PRIMARY KEY,
    version        BIGINT NOT NULL,
    incident       TEXT   NOT NULL,
    outage_id      UUID,
    -- 1: it came from the gateway, and is written there.
    national       BIGINT NOT NULL,
    -- When the newest published revision expires; 0 before the first.
    shown_until_us BIGINT NOT NULL,
    -- 1: the newest published revision ends it.
    ended          BIGINT NOT NULL
);
CREATE INDEX notice_incident ON notice (incident, id);
CREATE INDEX notice_shown ON notice (shown_until_us);

CREATE TABLE notice_revision (
    notice_id    UUID   NOT NULL,
    number       BIGINT NOT NULL,
    state        BIGINT NOT NULL,
    author       TEXT   NOT NULL,
    created_us   BIGINT NOT NULL,
    approver     TEXT,
    published_us BIGINT,
    reviewer     TEXT,
    -- All that its author decided, save the customers of the next table; JSON.
    content      TEXT   NOT NULL,
    PRIMARY KEY (notice_id, number)
);

-- Customers whom a revision names; once they are erased, what stands for them.
CREATE TABLE notice_customer (
    notice_id     UUID   NOT NULL,
    revision      BIGINT NOT NULL,
    customer_code TEXT   COLLATE "C" NOT NULL,
    PRIMARY KEY (notice_id, revision, customer_code)
);
CREATE INDEX notice_customer_code ON notice_customer (customer_code);

-- The log of printed outputs that somebody has sent.
CREATE TABLE notice_print_sent (
    id        UUID   PRIMARY KEY,
    notice_id UUID   NOT NULL,
    revision  BIGINT NOT NULL,
    output    BIGINT NOT NULL,
    recipient TEXT   NOT NULL,
    sent_us   BIGINT NOT NULL,
    author    TEXT   NOT NULL
);
CREATE INDEX notice_print_sent_notice ON notice_print_sent (notice_id, sent_us, id);

-- When a channel first reached a province, over all revisions.
CREATE TABLE notice_first (
    notice_id UUID   NOT NULL,
    province  TEXT   NOT NULL,
    channel   BIGINT NOT NULL,
    at_us     BIGINT NOT NULL,
    PRIMARY KEY (notice_id, province, channel)
);

-- Text messages that centres took, by the minute in which they did.
CREATE TABLE notice_minute (
    notice_id UUID   NOT NULL,
    revision  BIGINT NOT NULL,
    minute_us BIGINT NOT NULL,
    accepted  BIGINT NOT NULL,
    PRIMARY KEY (notice_id, revision, minute_us)
);

-- Whose progress changed: `mark` grows with every change, `told` is the mark that the feed's newest entry knew.
CREATE TABLE notice_progress (
    notice_id UUID   PRIMARY KEY,
    mark      BIGINT NOT NULL,
    told      BIGINT NOT NULL,
    version   BIGINT NOT NULL
);
CREATE INDEX notice_progress_changed ON notice_progress (notice_id) WHERE mark > told;

-- What messages of a revision have in common besides their texts, and what was expected of sending them.
ALTER TABLE dispatch ADD COLUMN revision_kind BIGINT NOT NULL DEFAULT 1;
ALTER TABLE dispatch ADD COLUMN vi_title TEXT NOT NULL DEFAULT '';
ALTER TABLE dispatch ADD COLUMN en_title TEXT NOT NULL DEFAULT '';
ALTER TABLE dispatch ADD COLUMN published_us BIGINT NOT NULL DEFAULT 0;
ALTER TABLE dispatch ADD COLUMN planned_recipients BIGINT;
ALTER TABLE dispatch ADD COLUMN planned_within BIGINT;
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

-- Codes are compared byte by byte here too: an index of another order cannot serve a comparison with a customer's code.
ALTER TABLE dispatch ALTER COLUMN after_code TYPE TEXT COLLATE "C";
ALTER TABLE dispatch_place ALTER COLUMN province TYPE TEXT COLLATE "C";
ALTER TABLE dispatch_place ALTER COLUMN district TYPE TEXT COLLATE "C";
ALTER TABLE dispatch_place ALTER COLUMN area TYPE TEXT COLLATE "C";
ALTER TABLE dispatch_place ALTER COLUMN feeder TYPE TEXT COLLATE "C";
ALTER TABLE dispatch_customer ALTER COLUMN customer_code TYPE TEXT COLLATE "C";
ALTER TABLE delivery ALTER COLUMN customer_code TYPE TEXT COLLATE "C";
