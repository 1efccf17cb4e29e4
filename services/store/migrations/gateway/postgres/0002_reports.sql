-- Reports about tickets: what a ticket says since it has clocks and teams, and what all of a node add to a day or a month.
-- Codes, numbers and times alone.

ALTER TABLE national_ticket ADD COLUMN category TEXT NOT NULL DEFAULT '';
ALTER TABLE national_ticket ADD COLUMN team TEXT NOT NULL DEFAULT '';
ALTER TABLE national_ticket ADD COLUMN standard TEXT NOT NULL DEFAULT '';
ALTER TABLE national_ticket ADD COLUMN clocks BYTEA NOT NULL DEFAULT '';
ALTER TABLE national_ticket ADD COLUMN first_response_us BIGINT;
ALTER TABLE national_ticket ADD COLUMN parent_id UUID;
ALTER TABLE national_ticket ADD COLUMN merged_into_id UUID;
ALTER TABLE national_ticket ADD COLUMN satisfaction BIGINT NOT NULL DEFAULT 0;
ALTER TABLE national_ticket ADD COLUMN rated_us BIGINT;
ALTER TABLE national_ticket ADD COLUMN repetition BIGINT NOT NULL DEFAULT 0;
ALTER TABLE national_ticket ADD COLUMN locality BIGINT NOT NULL DEFAULT 0;

-- Days are numbers of days since 1970 in the member's own zone. Kept by the transactions that apply its tickets.
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

-- Tickets that are known already say nothing of all this and are in no tally: every feed is read again from its beginning.
DELETE FROM national_ticket;
DELETE FROM national_ticket_count;
UPDATE member SET incarnation = '00000000-0000-0000-0000-000000000000', position = 0, batch_id = NULL;
