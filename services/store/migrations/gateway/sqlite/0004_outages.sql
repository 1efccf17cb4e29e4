-- Outages of the members, as their feeds tell of them.
-- The twin of this file for the other engine has the same number, tables, columns and order.

CREATE TABLE national_outage (
    node        TEXT   NOT NULL,
    id          BLOB   NOT NULL,
    version     INTEGER NOT NULL,
    kind        INTEGER NOT NULL,
    begins_us   INTEGER NOT NULL,
    -- NULL while it goes on; a cancelled one ends when it was to begin.
    ended_us    INTEGER,
    -- The federated state, as the wire carries it.
    state       BLOB   NOT NULL,
    snapshot_no INTEGER NOT NULL,
    PRIMARY KEY (node, id)
) WITHOUT ROWID;
CREATE INDEX national_outage_begins ON national_outage (begins_us, id);
CREATE INDEX national_outage_node ON national_outage (node, begins_us, id);

-- How many customers a member serves since a local day of its own, in days since 1970.
CREATE TABLE national_served (
    node        TEXT   NOT NULL,
    day         INTEGER NOT NULL,
    customers   INTEGER NOT NULL,
    version     INTEGER NOT NULL,
    snapshot_no INTEGER NOT NULL,
    PRIMARY KEY (node, day)
) WITHOUT ROWID;
