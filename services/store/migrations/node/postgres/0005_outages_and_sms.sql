-- Outages of this node, and what two-way SMS remembers so that no loop arises.
-- The twin of this file for the other engine has the same number, tables, columns and order.

CREATE TABLE outage (
    id              UUID   PRIMARY KEY,
    version         BIGINT NOT NULL,
    kind            BIGINT NOT NULL,
    cause           BIGINT NOT NULL,
    begins_us       BIGINT NOT NULL,
    ended_us        BIGINT,
    earliest_us     BIGINT,
    latest_us       BIGINT,
    estimate_source BIGINT,
    updated_us      BIGINT NOT NULL
);
CREATE INDEX outage_begins ON outage (begins_us, id);

-- Where it is; with the outage's time, so that what is asked for a place and a time needs one index.
CREATE TABLE outage_area (
    outage_id UUID   NOT NULL,
    n         BIGINT NOT NULL,
    -- The narrowest thing that is given, under which it is found.
    scope     TEXT   NOT NULL,
    begins_us BIGINT NOT NULL,
    -- The greatest integer while it goes on.
    until_us  BIGINT NOT NULL,
    province  TEXT,
    district  TEXT,
    area_code TEXT,
    feeder    TEXT,
    PRIMARY KEY (outage_id, n)
);
CREATE INDEX outage_area_scope ON outage_area (scope, until_us);

-- Numbers that wrote lately, as keyed hashes. Who asks for one locks it, so that messages that arrive at once are counted one
-- after the other.
CREATE TABLE sms_sender (
    sender UUID   PRIMARY KEY,
    at_us  BIGINT NOT NULL
);
CREATE INDEX sms_sender_at ON sms_sender (at_us);

-- What was exchanged with them lately: no text and no number, but hashes of both. The key is that of the request.
CREATE TABLE sms_exchange (
    id      UUID   PRIMARY KEY,
    sender  UUID   NOT NULL,
    at_us   BIGINT NOT NULL,
    text    UUID   NOT NULL,
    -- Why it was not answered; 0 when it was.
    silence BIGINT NOT NULL,
    reply   UUID
);
CREATE INDEX sms_exchange_sender ON sms_exchange (sender, at_us);
CREATE INDEX sms_exchange_reply ON sms_exchange (reply) WHERE reply IS NOT NULL;
CREATE INDEX sms_exchange_at ON sms_exchange (at_us);
