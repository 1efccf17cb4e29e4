-- A node's own database. Times are microseconds since 1970, UTC; codes are the numbers of the domain's closed lists.
-- The twin of this file for the other engine has the same number, tables, columns and order.

-- One row: who this database belongs to, and the feed's head. Its lock is taken last before a commit.
CREATE TABLE feed_head (
    one         INTEGER PRIMARY KEY CHECK (one = 1),
    incarnation BLOB   NOT NULL,
    position    INTEGER NOT NULL,
    horizon     INTEGER NOT NULL
);

CREATE TABLE feed (
    position     INTEGER PRIMARY KEY,
    batch_id     BLOB   NOT NULL,
    committed_us INTEGER NOT NULL,
    kind         INTEGER NOT NULL,
    key          TEXT   NOT NULL,
    version      INTEGER NOT NULL,
    payload      BLOB   NOT NULL
);

-- Answers by request id, kept for as long as a caller may ask again. The key is a hash of principal, method and id.
CREATE TABLE request (
    key        BLOB   PRIMARY KEY,
    body       BLOB   NOT NULL,
    created_us INTEGER NOT NULL,
    response   BLOB   NOT NULL
);

CREATE TABLE lease (
    name     TEXT   PRIMARY KEY,
    holder   TEXT   NOT NULL,
    epoch    INTEGER NOT NULL,
    until_us INTEGER NOT NULL
) WITHOUT ROWID;

-- Blocks of ticket numbers are leased from here; gaps are allowed.
CREATE TABLE reference_block (
    one  INTEGER PRIMARY KEY CHECK (one = 1),
    next INTEGER NOT NULL
);

CREATE TABLE ticket (
    number                  INTEGER PRIMARY KEY,
    id                      BLOB   NOT NULL,
    prefix                  TEXT   NOT NULL,
    version                 INTEGER NOT NULL,
    state                   INTEGER NOT NULL CHECK (state BETWEEN 1 AND 9),
    priority                INTEGER NOT NULL,
    topic                   INTEGER NOT NULL,
    channel                 INTEGER NOT NULL,
    subject                 TEXT   NOT NULL,
    description             TEXT   NOT NULL,
    customer_code           TEXT,
    requester_name          TEXT,
    requester_contact_point TEXT,
    province                TEXT,
    assignee                TEXT,
    opened_us               INTEGER NOT NULL,
    updated_us              INTEGER NOT NULL,
    resolved_us             INTEGER,
    closed_us               INTEGER,
    -- Folded words of all texts, sorted, one space between.
    words                   TEXT   NOT NULL
);
CREATE UNIQUE INDEX ticket_id ON ticket (id);
CREATE INDEX ticket_state ON ticket (state, id);
CREATE INDEX ticket_updated ON ticket (updated_us, id);
CREATE INDEX ticket_customer ON ticket (customer_code, id) WHERE customer_code IS NOT NULL;
CREATE INDEX ticket_assignee ON ticket (assignee, id) WHERE assignee IS NOT NULL;
-- The words are folded before they come here, so that both engines index the same ones.
CREATE VIRTUAL TABLE ticket_words USING fts5 (words, content='', contentless_delete=1, detail=none, tokenize='unicode61 remove_diacritics 0');
CREATE TRIGGER ticket_words_insert AFTER INSERT ON ticket BEGIN
    INSERT INTO ticket_words (rowid, words) VALUES (new.number, new.words);
END;
CREATE TRIGGER ticket_words_delete AFTER DELETE ON ticket BEGIN
    DELETE FROM ticket_words WHERE rowid = old.number;
END;
CREATE TRIGGER ticket_words_update AFTER UPDATE OF words ON ticket WHEN old.words <> new.words BEGIN
    DELETE FROM ticket_words WHERE rowid = old.number;
    INSERT INTO ticket_words (rowid, words) VALUES (new.number, new.words);
END;

CREATE TABLE timeline (
    ticket_id  BLOB   NOT NULL,
    id         BLOB   NOT NULL,
    at_us      INTEGER NOT NULL,
    kind       INTEGER NOT NULL,
    visibility INTEGER NOT NULL,
    author     TEXT   NOT NULL,
    text       TEXT   NOT NULL,
    state      INTEGER,
    PRIMARY KEY (ticket_id, id)
) WITHOUT ROWID;

-- One row: the order of arrival of contacts, dense and in commit order.
CREATE TABLE contact_head (
    one        INTEGER PRIMARY KEY CHECK (one = 1),
    arrival_no INTEGER NOT NULL
);

CREATE TABLE contact (
    arrival_no    INTEGER PRIMARY KEY,
    id            BLOB   NOT NULL,
    version       INTEGER NOT NULL,
    source        TEXT   NOT NULL,
    source_key    TEXT   NOT NULL,
    channel       INTEGER NOT NULL,
    direction     INTEGER NOT NULL,
    arrived_us    INTEGER NOT NULL,
    answered_us   INTEGER,
    ended_us      INTEGER,
    outcome       INTEGER,
    wait_ms       INTEGER,
    talk_ms       INTEGER,
    hold_ms       INTEGER,
    wrap_ms       INTEGER,
    topic         INTEGER,
    customer_code TEXT,
    contact_point TEXT,
    agent         TEXT,
    ticket        TEXT,
    note          TEXT
);
CREATE UNIQUE INDEX contact_id ON contact (id);
CREATE UNIQUE INDEX contact_source ON contact (source, source_key);
-- Contacts that go on; few, so that an import learns at once whether it could complete any.
CREATE INDEX contact_unfinished ON contact (source) WHERE ended_us IS NULL;
CREATE INDEX contact_arrived ON contact (arrived_us, arrival_no);

-- Where each importer would resume; written with the batch it belongs to.
CREATE TABLE import_checkpoint (
    source     TEXT   PRIMARY KEY,
    checkpoint TEXT   NOT NULL,
    updated_us INTEGER NOT NULL
) WITHOUT ROWID;

-- Exact counts and sums, added by the transaction that stores the contacts.
CREATE TABLE metric_tally (
    channel          INTEGER NOT NULL,
    direction        INTEGER NOT NULL,
    start_us         INTEGER NOT NULL,
    contacts         INTEGER NOT NULL,
    answered         INTEGER NOT NULL,
    answered_within  INTEGER NOT NULL,
    abandoned        INTEGER NOT NULL,
    short_abandoned  INTEGER NOT NULL,
    busy             INTEGER NOT NULL,
    self_served      INTEGER NOT NULL,
    unanswered       INTEGER NOT NULL,
    failed           INTEGER NOT NULL,
    handled          INTEGER NOT NULL,
    wait_answered_ms INTEGER NOT NULL,
    wait_ms          INTEGER NOT NULL,
    talk_ms          INTEGER NOT NULL,
    hold_ms          INTEGER NOT NULL,
    wrap_ms          INTEGER NOT NULL,
    PRIMARY KEY (start_us, channel, direction)
) WITHOUT ROWID;

-- One row: under which definition and which key everything here was counted. Counts of two definitions do not add up.
CREATE TABLE metric_definition (
    one              INTEGER PRIMARY KEY CHECK (one = 1),
    definition       TEXT   NOT NULL,
    service_level_ms INTEGER NOT NULL,
    short_abandon_ms INTEGER NOT NULL,
    unique_id        TEXT   NOT NULL
);

-- Buckets as published: the state of the newest feed entry of each.
CREATE TABLE metric_bucket (
    channel          INTEGER NOT NULL,
    direction        INTEGER NOT NULL,
    start_us         INTEGER NOT NULL,
    definition       TEXT   NOT NULL,
    revision         INTEGER NOT NULL,
    contacts         INTEGER NOT NULL,
    answered         INTEGER NOT NULL,
    answered_within  INTEGER NOT NULL,
    abandoned        INTEGER NOT NULL,
    short_abandoned  INTEGER NOT NULL,
    busy             INTEGER NOT NULL,
    self_served      INTEGER NOT NULL,
    unanswered       INTEGER NOT NULL,
    failed           INTEGER NOT NULL,
    handled          INTEGER NOT NULL,
    wait_answered_ms INTEGER NOT NULL,
    wait_ms          INTEGER NOT NULL,
    talk_ms          INTEGER NOT NULL,
    hold_ms          INTEGER NOT NULL,
    wrap_ms          INTEGER NOT NULL,
    wait             BLOB   NOT NULL,
    handle           BLOB   NOT NULL,
    customers        BLOB   NOT NULL,
    PRIMARY KEY (start_us, channel, direction)
);

-- One row: contacts up to here are in the published buckets.
CREATE TABLE metric_rolled (
    one        INTEGER PRIMARY KEY CHECK (one = 1),
    arrival_no INTEGER NOT NULL,
    epoch      INTEGER NOT NULL
);

-- Buckets that a correction has made wrong: rebuilt from all of their contacts.
CREATE TABLE metric_rebuild (
    channel   INTEGER NOT NULL,
    direction INTEGER NOT NULL,
    start_us  INTEGER NOT NULL,
    mark      INTEGER NOT NULL,
    PRIMARY KEY (start_us, channel, direction)
) WITHOUT ROWID;

-- What this node has declared to the country.
CREATE TABLE capability (
    channel             INTEGER NOT NULL,
    metric              TEXT   NOT NULL,
    version             INTEGER NOT NULL,
    offered_from_us     INTEGER,
    reported_from_us    INTEGER,
    reported_through_us INTEGER,
    PRIMARY KEY (channel, metric)
) WITHOUT ROWID;

INSERT INTO feed_head (one, incarnation, position, horizon) VALUES (1, randomblob(16), 0, 0);
INSERT INTO reference_block (one, next) VALUES (1, 1);
INSERT INTO contact_head (one, arrival_no) VALUES (1, 0);
INSERT INTO metric_rolled (one, arrival_no, epoch) VALUES (1, 0, 0);
