-- Reports about tickets. Days are numbers of days since 1970 in the node's own zone.

-- What all tickets together add to a day or a month; kept by one leased roller, which follows the node's own feed.
-- If it should ever be wrong: empty these tables, and set tally_rolled back to what it is below; all is counted anew.
CREATE TABLE ticket_tally (
    node     TEXT    NOT NULL,
    grain    BIGINT NOT NULL,
    measure  BIGINT NOT NULL,
    category TEXT    NOT NULL,
    start    BIGINT NOT NULL,
    detail   TEXT    NOT NULL,
    n        BIGINT NOT NULL,
    total    BIGINT NOT NULL,
    PRIMARY KEY (node, grain, measure, category, start, detail)
);

-- What of each ticket is in the tallies.
CREATE TABLE ticket_counted (
    id      UUID   PRIMARY KEY,
    version BIGINT NOT NULL,
    facts   BYTEA   NOT NULL
);

-- On which days it counts, so that a figure leads to its tickets.
CREATE TABLE ticket_counted_day (
    day BIGINT NOT NULL,
    id  UUID    NOT NULL,
    PRIMARY KEY (day, id)
);

-- How far the roller got in the feed. While recount_after is set, all tickets are counted anew, in the order of their ids.
CREATE TABLE tally_rolled (
    one           BIGINT PRIMARY KEY CHECK (one = 1),
    position      BIGINT NOT NULL,
    epoch         BIGINT NOT NULL,
    time_zone     TEXT    NOT NULL,
    recount_after UUID
);
INSERT INTO tally_rolled (one, position, epoch, time_zone, recount_after) VALUES (1, 0, 0, '', NULL);
