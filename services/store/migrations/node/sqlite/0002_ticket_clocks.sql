-- Tickets under a standard: clocks, teams, links, and who is told. The twin of this file for the other engine has the same number, tables and columns.

ALTER TABLE ticket ADD COLUMN category          TEXT   NOT NULL DEFAULT '';
ALTER TABLE ticket ADD COLUMN locality          INTEGER;
ALTER TABLE ticket ADD COLUMN team              TEXT;
-- Version of the standard that governs it.
ALTER TABLE ticket ADD COLUMN standard          TEXT   NOT NULL DEFAULT '';
-- All clocks with their histories, as `domain::clock` encodes them; everything below is derived from it.
ALTER TABLE ticket ADD COLUMN clocks            TEXT   NOT NULL DEFAULT '';
-- The next instant at which something must be noticed; NULL when nothing will happen by itself.
ALTER TABLE ticket ADD COLUMN due_us            INTEGER;
-- The soonest deadline of the clocks that run: the order of the queue.
ALTER TABLE ticket ADD COLUMN deadline_us       INTEGER;
ALTER TABLE ticket ADD COLUMN event_us          INTEGER;
ALTER TABLE ticket ADD COLUMN first_response_us INTEGER;
ALTER TABLE ticket ADD COLUMN parent            BLOB;
-- A reference that was merged leads here for ever.
ALTER TABLE ticket ADD COLUMN merged_into       BLOB;
ALTER TABLE ticket ADD COLUMN satisfaction      INTEGER;
ALTER TABLE ticket ADD COLUMN rated_us          INTEGER;
ALTER TABLE ticket ADD COLUMN repetition        INTEGER;
CREATE INDEX ticket_due ON ticket (due_us, id) WHERE due_us IS NOT NULL;
CREATE INDEX ticket_deadline ON ticket (deadline_us, id) WHERE deadline_us IS NOT NULL;
CREATE INDEX ticket_team ON ticket (team, deadline_us, id) WHERE team IS NOT NULL AND deadline_us IS NOT NULL;
CREATE INDEX ticket_parent ON ticket (parent) WHERE parent IS NOT NULL;

CREATE TABLE ticket_watcher (
    ticket_id BLOB   NOT NULL,
    watcher   TEXT   NOT NULL,
    at_us     INTEGER NOT NULL,
    PRIMARY KEY (ticket_id, watcher)
) WITHOUT ROWID;

CREATE TABLE ticket_link (
    ticket_id BLOB   NOT NULL,
    kind      INTEGER NOT NULL,
    target    BLOB   NOT NULL,
    at_us     INTEGER NOT NULL,
    PRIMARY KEY (ticket_id, kind, target)
) WITHOUT ROWID;
CREATE INDEX ticket_link_target ON ticket_link (target, kind, ticket_id);

CREATE TABLE ticket_attachment (
    ticket_id  BLOB   NOT NULL,
    id         BLOB   NOT NULL,
    uri        TEXT   NOT NULL,
    file_name  TEXT   NOT NULL,
    media_type TEXT   NOT NULL,
    size_bytes INTEGER NOT NULL,
    sha256     TEXT   NOT NULL,
    at_us      INTEGER NOT NULL,
    PRIMARY KEY (ticket_id, id)
) WITHOUT ROWID;

CREATE TABLE agent (
    id          TEXT   PRIMARY KEY,
    team        TEXT   NOT NULL,
    -- JSON: codes of categories, and spans of the week.
    skills      TEXT   NOT NULL,
    shifts      TEXT   NOT NULL,
    capacity    INTEGER NOT NULL,
    active      INTEGER NOT NULL,
    assigned_us INTEGER NOT NULL
) WITHOUT ROWID;
CREATE INDEX agent_team ON agent (team, id);

-- One row: the order of notifications, dense and in commit order.
CREATE TABLE notification_head (
    one    INTEGER PRIMARY KEY CHECK (one = 1),
    number INTEGER NOT NULL
);

CREATE TABLE notification (
    number    INTEGER PRIMARY KEY,
    at_us     INTEGER NOT NULL,
    ticket_id BLOB   NOT NULL,
    recipient TEXT   NOT NULL,
    event     TEXT   NOT NULL,
    target    TEXT   NOT NULL
);
CREATE INDEX notification_recipient ON notification (recipient, number);

CREATE TABLE bulk_operation (
    id         BLOB   PRIMARY KEY,
    state      INTEGER NOT NULL,
    action     BLOB   NOT NULL,
    items      INTEGER NOT NULL,
    started_us INTEGER NOT NULL,
    ended_us   INTEGER
);
CREATE INDEX bulk_operation_running ON bulk_operation (id) WHERE state = 1;

CREATE TABLE bulk_item (
    operation_id BLOB   NOT NULL,
    place        INTEGER NOT NULL,
    ticket_id    BLOB   NOT NULL,
    -- NULL: not yet tried. Empty: done. Else the reason of the refusal.
    reason       TEXT,
    message      TEXT,
    PRIMARY KEY (operation_id, place)
) WITHOUT ROWID;
CREATE INDEX bulk_item_waiting ON bulk_item (operation_id, place) WHERE reason IS NULL;

-- Tickets of other systems, by their own keys there.
CREATE TABLE ticket_import (
    source     TEXT   NOT NULL,
    source_key TEXT   NOT NULL,
    ticket_id  BLOB   NOT NULL,
    PRIMARY KEY (source, source_key)
) WITHOUT ROWID;

INSERT INTO notification_head (one, number) VALUES (1, 0);
