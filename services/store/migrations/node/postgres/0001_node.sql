-- A node's own database. Times are microseconds since 1970, UTC; codes are the numbers of the domain's closed lists.
-- The twin of this file for the other engine has the same number, tables, columns and order.

-- One row: who this database belongs to, and the feed's head. Its lock is taken last before a commit.
CREATE TABLE feed_head (
    one         BIGINT PRIMARY KEY CHECK (one = 1),
    incarnation UUID   NOT NULL,
    position    BIGINT NOT NULL,
    horizon     BIGINT NOT NULL
);

CREATE TABLE feed (
    position     BIGINT PRIMARY KEY,
    batch_id     UUID   NOT NULL,
    committed_us BIGINT NOT NULL,
    kind         BIGINT NOT NULL,
    key          TEXT   NOT NULL,
    version      BIGINT NOT NULL,
    payload      BYTEA  NOT NULL
);

-- Answers by request id, kept for as long as a caller may ask again. The key is a hash of principal, method and id.
CREATE TABLE request (
    key        UUID   PRIMARY KEY,
    body       UUID   NOT NULL,
    created_us BIGINT NOT NULL,
    response   BYTEA  NOT NULL
);

CREATE TABLE lease (
    name     TEXT   PRIMARY KEY,
    holder   TEXT   NOT NULL,
    epoch    BIGINT NOT NULL,
    until_us BIGINT NOT NULL
);

-- Blocks of ticket numbers are leased from here; gaps are allowed.
CREATE TABLE reference_block (
    one  BIGINT PRIMARY KEY CHECK (one = 1),
    next BIGINT NOT NULL
);

CREATE TABLE ticket (
    id                      UUID   PRIMARY KEY,
    number                  BIGINT NOT NULL,
    prefix                  TEXT   NOT NULL,
    version                 BIGINT NOT NULL,
    state                   BIGINT NOT NULL CHECK (state BETWEEN 1 AND 9),
    priority                BIGINT NOT NULL,
    topic                   BIGINT NOT NULL,
    channel                 BIGINT NOT NULL,
    subject                 TEXT   NOT NULL,
    description             TEXT   NOT NULL,
    customer_code           TEXT,
    requester_name          TEXT,
    requester_contact_point TEXT,
    province                TEXT,
    assignee                TEXT,
    opened_us               BIGINT NOT NULL,
    updated_us              BIGINT NOT NULL,
    resolved_us             BIGINT,
    closed_us               BIGINT,
    -- Folded words of all texts, sorted, one space between.
    words                   TEXT   NOT NULL
);
CREATE UNIQUE INDEX ticket_number ON ticket (number);
CREATE INDEX ticket_state ON ticket (state, id);
CREATE INDEX ticket_updated ON ticket (updated_us, id);
CREATE INDEX ticket_customer ON ticket (customer_code, id) WHERE customer_code IS NOT NULL;
CREATE INDEX ticket_assignee ON ticket (assignee, id) WHERE assignee IS NOT NULL;
CREATE INDEX ticket_words ON ticket USING GIN (array_to_tsvector(string_to_array(words, ' ')));

CREATE TABLE timeline (
    ticket_id  UUID   NOT NULL,
    id         UUID   NOT NULL,
    at_us      BIGINT NOT NULL,
    kind       BIGINT NOT NULL,
    visibility BIGINT NOT NULL,
    author     TEXT   NOT NULL,
    text       TEXT   NOT NULL,
    state      BIGINT,
    PRIMARY KEY (ticket_id, id)
);

-- One row: the order of arrival of contacts, dense and in commit order.
CREATE TABLE contact_head (
    one        BIGINT PRIMARY KEY CHECK (one = 1),
    arrival_no BIGINT NOT NULL
);

CREATE TABLE contact (
    arrival_no    BIGINT PRIMARY KEY,
    id            UUID   NOT NULL,
    version       BIGINT NOT NULL,
    source        TEXT   NOT NULL,
    source_key    TEXT   NOT NULL,
    channel       BIGINT NOT NULL,
    direction     BIGINT NOT NULL,
    arrived_us    BIGINT NOT NULL,
    answered_us   BIGINT,
    ended_us      BIGINT,
    outcome       BIGINT,
    wait_ms       BIGINT,
    talk_ms       BIGINT,
    hold_ms       BIGINT,
    wrap_ms       BIGINT,
    topic         BIGINT,
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
    updated_us BIGINT NOT NULL
);

-- Exact counts and sums, added by the transaction that stores the contacts.
CREATE TABLE metric_tally (
    channel          BIGINT NOT NULL,
    direction        BIGINT NOT NULL,
    start_us         BIGINT NOT NULL,
    contacts         BIGINT NOT NULL,
    answered         BIGINT NOT NULL,
    answered_within  BIGINT NOT NULL,
    abandoned        BIGINT NOT NULL,
    short_abandoned  BIGINT NOT NULL,
    busy             BIGINT NOT NULL,
    self_served      BIGINT NOT NULL,
    unanswered       BIGINT NOT NULL,
    failed           BIGINT NOT NULL,
    handled          BIGINT NOT NULL,
    wait_answered_ms BIGINT NOT NULL,
    wait_ms          BIGINT NOT NULL,
    talk_ms          BIGINT NOT NULL,
    hold_ms          BIGINT NOT NULL,
    wrap_ms          BIGINT NOT NULL,
    PRIMARY KEY (start_us, channel, direction)
);

-- One row: under which definition and which key everything here was counted. Counts of two definitions do not add up.
CREATE TABLE metric_definition (
    one              BIGINT PRIMARY KEY CHECK (one = 1),
    definition       TEXT   NOT NULL,
    service_level_ms BIGINT NOT NULL,
    short_abandon_ms BIGINT NOT NULL,
    unique_id        TEXT   NOT NULL
);

-- Buckets as published: the state of the newest feed entry of each.
CREATE TABLE metric_bucket (
    channel          BIGINT NOT NULL,
    direction        BIGINT NOT NULL,
    start_us         BIGINT NOT NULL,
    definition       TEXT   NOT NULL,
    revision         BIGINT NOT NULL,
    contacts         BIGINT NOT NULL,
    answered         BIGINT NOT NULL,
    answered_within  BIGINT NOT NULL,
    abandoned        BIGINT NOT NULL,
    short_abandoned  BIGINT NOT NULL,
    busy             BIGINT NOT NULL,
    self_served      BIGINT NOT NULL,
    unanswered       BIGINT NOT NULL,
    failed           BIGINT NOT NULL,
    handled          BIGINT NOT NULL,
    wait_answered_ms BIGINT NOT NULL,
    wait_ms          BIGINT NOT NULL,
    talk_ms          BIGINT NOT NULL,
    hold_ms          BIGINT NOT NULL,
    wrap_ms          BIGINT NOT NULL,
    wait             BYTEA  NOT NULL,
    handle           BYTEA  NOT NULL,
    customers        BYTEA  NOT NULL,
    PRIMARY KEY (start_us, channel, direction)
);

-- One row: contacts up to here are in the published buckets.
CREATE TABLE metric_rolled (
    one        BIGINT PRIMARY KEY CHECK (one = 1),
    arrival_no BIGINT NOT NULL,
    epoch      BIGINT NOT NULL
);

-- Buckets that a correction has made wrong: rebuilt from all of their contacts.
CREATE TABLE metric_rebuild (
    channel   BIGINT NOT NULL,
    direction BIGINT NOT NULL,
    start_us  BIGINT NOT NULL,
    mark      BIGINT NOT NULL,
    PRIMARY KEY (start_us, channel, direction)
);

-- What this node has declared to the country.
CREATE TABLE capability (
    channel             BIGINT NOT NULL,
    metric              TEXT   NOT NULL,
    version             BIGINT NOT NULL,
    offered_from_us     BIGINT,
    reported_from_us    BIGINT,
    reported_through_us BIGINT,
    PRIMARY KEY (channel, metric)
);

INSERT INTO feed_head (one, incarnation, position, horizon) VALUES (1, gen_random_uuid(), 0, 0);
INSERT INTO reference_block (one, next) VALUES (1, 1);
INSERT INTO contact_head (one, arrival_no) VALUES (1, 0);
INSERT INTO metric_rolled (one, arrival_no, epoch) VALUES (1, 0, 0);
