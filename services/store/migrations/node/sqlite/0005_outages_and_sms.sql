-- Outages of this node, and what two-way SMS remembers so that no loop arises.
-- The twin of this file for the other engine has the same number, tables, columns and order.

CREATE TABLE outage (
    id              BLOB   PRIMARY KEY,
    version         INTEGER NOT NULL,
    kind            INTEGER NOT NULL,
    cause           INTEGER NOT NULL,
    begins_us       INTEGER NOT NULL,
    ended_us        INTEGER,
    earliest_us     INTEGER,
    latest_us       INTEGER,
    estimate_source INTEGER,
    updated_us      INTEGER NOT NULL
) WITHOUT ROWID;
CREATE INDEX outage_begins ON outage (begins_us, id);

-- Where it is; with the outage's time, so that what is asked for a place and a time needs one index.
CREATE TABLE outage_area (
    outage_id BLOB   NOT NULL,
    n         INTEGER NOT NULL,
    -- The narrowest thing that is given, under which it is found.
    scope     TEXT   NOT NULL,
    begins_us INTEGER NOT NULL,
    -- The greatest integer while it goes on.
    until_us  INTEGER NOT NULL,
    province  TEXT,
    district  TEXT,
    area_code TEXT,
    feeder    TEXT,
    PRIMARY KEY (outage_id, n)
) WITHOUT ROWID;
CREATE INDEX outage_area_scope ON outage_area (scope, until_us);

-- Numbers that wrote lately, as keyed hashes. Who asks for one locks it, so that messages that arrive at once are counted one
-- after the other.
CREATE TABLE sms_sender (
    sender BLOB   PRIMARY KEY,
    at_us  INTEGER NOT NULL
) WITHOUT ROWID;
CREATE INDEX sms_sender_at ON sms_sender (at_us);

-- What was exchanged with them lately: no text and no number, but hashes of both. The key is that of the request.
CREATE TABLE sms_exchange (
    id      BLOB   PRIMARY KEY,
    sender  BLOB   NOT NULL,
    at_us   INTEGER NOT NULL,
    text    BLOB   NOT NULL,
    -- Why it was not answered; 0 when it was.
    silence INTEGER NOT NULL,
    reply   BLOB
) WITHOUT ROWID;
CREATE INDEX sms_exchange_sender ON sms_exchange (sender, at_us);
CREATE INDEX sms_exchange_reply ON sms_exchange (reply) WHERE reply IS NOT NULL;
CREATE INDEX sms_exchange_at ON sms_exchange (at_us);
