-- Outages are their histories: steps, claims, estimates, crews and plans, each as it was recorded.
-- The twin of this file for the other engine has the same number, tables, columns and order.
-- Nothing was released before: what an earlier build kept of outages had no history, and goes.

DROP TABLE outage_area;
DROP TABLE outage;

CREATE TABLE outage (
    id         BLOB   PRIMARY KEY,
    version    INTEGER NOT NULL,
    kind       INTEGER NOT NULL,
    -- As is believed; of planned work that has not begun, as is planned.
    begins_us  INTEGER NOT NULL,
    -- NULL while it goes on; a cancelled one ends when it was to begin.
    ended_us   INTEGER,
    -- The outage of which it is a part.
    parent_id  BLOB  ,
    -- All that was recorded, in its order, JSON; everything else is derived from it.
    history    TEXT   NOT NULL,
    updated_us INTEGER NOT NULL
) WITHOUT ROWID;
CREATE INDEX outage_begins ON outage (begins_us, id);
CREATE INDEX outage_parent ON outage (parent_id, id) WHERE parent_id IS NOT NULL;

-- Where it is; with the outage's time, so that what is asked for a place and a time needs one index.
CREATE TABLE outage_area (
    outage_id BLOB   NOT NULL,
    n         INTEGER NOT NULL,
    -- The narrowest thing that is given, under which it is found.
    scope     TEXT   NOT NULL,
    begins_us INTEGER NOT NULL,
    -- The greatest integer while it goes on.
    until_us  INTEGER NOT NULL,
    PRIMARY KEY (outage_id, n)
) WITHOUT ROWID;
CREATE INDEX outage_area_scope ON outage_area (scope, until_us);

-- How many customers are served since a local day, in days since 1970: what indices of reliability divide by.
CREATE TABLE customers_served (
    day        INTEGER PRIMARY KEY,
    customers  INTEGER NOT NULL,
    version    INTEGER NOT NULL,
    -- Who said so.
    author     TEXT   NOT NULL,
    updated_us INTEGER NOT NULL
) WITHOUT ROWID;
