-- A gateway's read model: nothing but its members' feeds applied. No personal data, and no free text.
-- Times are microseconds since 1970, UTC; codes are the numbers of the domain's closed lists, or their words where a
-- member may be newer than we are. The twin of this file for the other engine has the same number, tables and columns.

CREATE TABLE lease (
    name     TEXT   PRIMARY KEY,
    holder   TEXT   NOT NULL,
    epoch    BIGINT NOT NULL,
    until_us BIGINT NOT NULL
);

-- Replicas of this gateway that share the work.
CREATE TABLE gateway_replica (
    id      TEXT   PRIMARY KEY,
    seen_us BIGINT NOT NULL
);
CREATE INDEX gateway_replica_seen ON gateway_replica (seen_us);

-- One row per member: how far we got in its feed, and how our link to it is.
CREATE TABLE member (
    node             TEXT   PRIMARY KEY,
    region           TEXT   NOT NULL,
    endpoint         TEXT   NOT NULL,
    expected_from_us BIGINT NOT NULL,
    time_zone        TEXT,
    product_version  TEXT,
    -- The cursor. All zeros before the first contact.
    incarnation      UUID   NOT NULL,
    position         BIGINT NOT NULL,
    batch_id         UUID,
    -- Epoch of the lease under which this row was last written by a follower.
    epoch            BIGINT NOT NULL,
    head             BIGINT NOT NULL,
    seen_us          BIGINT,
    failing          BIGINT,
    failing_since_us BIGINT,
    snapshot_no      BIGINT NOT NULL
);

CREATE TABLE national_ticket (
    node               TEXT   NOT NULL,
    id                 UUID   NOT NULL,
    reference          TEXT   NOT NULL,
    version            BIGINT NOT NULL,
    state              BIGINT NOT NULL,
    priority           BIGINT NOT NULL,
    topic              TEXT   NOT NULL,
    channel            TEXT   NOT NULL,
    province           TEXT   NOT NULL,
    customer_pseudonym TEXT   NOT NULL,
    assignee_pseudonym TEXT   NOT NULL,
    opened_us          BIGINT NOT NULL,
    updated_us         BIGINT NOT NULL,
    resolved_us        BIGINT,
    closed_us          BIGINT,
    -- Which snapshot brought this state; 0: the feed.
    snapshot_no        BIGINT NOT NULL,
    PRIMARY KEY (node, id)
);
CREATE INDEX national_ticket_newest ON national_ticket (id, node);
CREATE INDEX national_ticket_state ON national_ticket (state, id, node);
CREATE INDEX national_ticket_node_state ON national_ticket (node, state, id);

-- How many tickets of a node are in each state; kept by the transactions that apply its tickets.
CREATE TABLE national_ticket_count (
    node    TEXT   NOT NULL,
    state   BIGINT NOT NULL,
    tickets BIGINT NOT NULL,
    PRIMARY KEY (node, state)
);

-- Counts and sums alone, so that a period is summed by reading few pages; sketches are kept beside.
CREATE TABLE national_bucket (
    node             TEXT   NOT NULL,
    start_us         BIGINT NOT NULL,
    channel          BIGINT NOT NULL,
    direction        BIGINT NOT NULL,
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
    snapshot_no      BIGINT NOT NULL,
    PRIMARY KEY (node, start_us, channel, direction)
);

CREATE TABLE national_sketch (
    node        TEXT   NOT NULL,
    start_us    BIGINT NOT NULL,
    channel     BIGINT NOT NULL,
    direction   BIGINT NOT NULL,
    definition  TEXT   NOT NULL,
    revision    BIGINT NOT NULL,
    wait        BYTEA  NOT NULL,
    handle      BYTEA  NOT NULL,
    customers   BYTEA  NOT NULL,
    snapshot_no BIGINT NOT NULL,
    PRIMARY KEY (node, start_us, channel, direction)
);

CREATE TABLE national_capability (
    node                TEXT   NOT NULL,
    channel             BIGINT NOT NULL,
    metric              TEXT   NOT NULL,
    version             BIGINT NOT NULL,
    offered_from_us     BIGINT,
    reported_from_us    BIGINT,
    reported_through_us BIGINT,
    snapshot_no         BIGINT NOT NULL,
    PRIMARY KEY (node, channel, metric)
);
