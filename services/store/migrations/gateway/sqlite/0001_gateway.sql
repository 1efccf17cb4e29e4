-- A gateway's read model: nothing but its members' feeds applied. No personal data, and no free text.
-- Times are microseconds since 1970, UTC; codes are the numbers of the domain's closed lists, or their words where a
-- member may be newer than we are. The twin of this file for the other engine has the same number, tables and columns.

CREATE TABLE lease (
    name     TEXT   PRIMARY KEY,
    holder   TEXT   NOT NULL,
    epoch    INTEGER NOT NULL,
    until_us INTEGER NOT NULL
) WITHOUT ROWID;

-- Replicas of this gateway that share the work.
CREATE TABLE gateway_replica (
    id      TEXT   PRIMARY KEY,
    seen_us INTEGER NOT NULL
) WITHOUT ROWID;
CREATE INDEX gateway_replica_seen ON gateway_replica (seen_us);

-- One row per member: how far we got in its feed, and how our link to it is.
CREATE TABLE member (
    node             TEXT   PRIMARY KEY,
    region           TEXT   NOT NULL,
    endpoint         TEXT   NOT NULL,
    expected_from_us INTEGER NOT NULL,
    time_zone        TEXT,
    product_version  TEXT,
    -- The cursor. All zeros before the first contact.
    incarnation      BLOB   NOT NULL,
    position         INTEGER NOT NULL,
    batch_id         BLOB,
    -- Epoch of the lease under which this row was last written by a follower.
    epoch            INTEGER NOT NULL,
    head             INTEGER NOT NULL,
    seen_us          INTEGER,
    failing          INTEGER,
    failing_since_us INTEGER,
    snapshot_no      INTEGER NOT NULL
) WITHOUT ROWID;

CREATE TABLE national_ticket (
    node               TEXT   NOT NULL,
    id                 BLOB   NOT NULL,
    reference          TEXT   NOT NULL,
    version            INTEGER NOT NULL,
    state              INTEGER NOT NULL,
    priority           INTEGER NOT NULL,
    topic              TEXT   NOT NULL,
    channel            TEXT   NOT NULL,
    province           TEXT   NOT NULL,
    customer_pseudonym TEXT   NOT NULL,
    assignee_pseudonym TEXT   NOT NULL,
    opened_us          INTEGER NOT NULL,
    updated_us         INTEGER NOT NULL,
    resolved_us        INTEGER,
    closed_us          INTEGER,
    -- Which snapshot brought this state; 0: the feed.
    snapshot_no        INTEGER NOT NULL,
    PRIMARY KEY (node, id)
) WITHOUT ROWID;
CREATE INDEX national_ticket_newest ON national_ticket (id, node);
CREATE INDEX national_ticket_state ON national_ticket (state, id, node);
CREATE INDEX national_ticket_node_state ON national_ticket (node, state, id);

-- How many tickets of a node are in each state; kept by the transactions that apply its tickets.
CREATE TABLE national_ticket_count (
    node    TEXT   NOT NULL,
    state   INTEGER NOT NULL,
    tickets INTEGER NOT NULL,
    PRIMARY KEY (node, state)
) WITHOUT ROWID;

-- Counts and sums alone, so that a period is summed by reading few pages; sketches are kept beside.
CREATE TABLE national_bucket (
    node             TEXT   NOT NULL,
    start_us         INTEGER NOT NULL,
    channel          INTEGER NOT NULL,
    direction        INTEGER NOT NULL,
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
    snapshot_no      INTEGER NOT NULL,
    PRIMARY KEY (node, start_us, channel, direction)
) WITHOUT ROWID;

CREATE TABLE national_sketch (
    node        TEXT   NOT NULL,
    start_us    INTEGER NOT NULL,
    channel     INTEGER NOT NULL,
    direction   INTEGER NOT NULL,
    definition  TEXT   NOT NULL,
    revision    INTEGER NOT NULL,
    wait        BLOB   NOT NULL,
    handle      BLOB   NOT NULL,
    customers   BLOB   NOT NULL,
    snapshot_no INTEGER NOT NULL,
    PRIMARY KEY (node, start_us, channel, direction)
);

CREATE TABLE national_capability (
    node                TEXT   NOT NULL,
    channel             INTEGER NOT NULL,
    metric              TEXT   NOT NULL,
    version             INTEGER NOT NULL,
    offered_from_us     INTEGER,
    reported_from_us    INTEGER,
    reported_through_us INTEGER,
    snapshot_no         INTEGER NOT NULL,
    PRIMARY KEY (node, channel, metric)
) WITHOUT ROWID;
