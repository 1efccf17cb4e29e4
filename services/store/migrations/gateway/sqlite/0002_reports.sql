-- Reports about tickets: what a ticket says since it has clocks and teams, and what all of a node add to a day or a month.
-- Codes, numbers and times alone.

ALTER TABLE national_ticket ADD COLUMN category TEXT NOT NULL DEFAULT '';
ALTER TABLE national_ticket ADD COLUMN team TEXT NOT NULL DEFAULT '';
ALTER TABLE national_ticket ADD COLUMN standard TEXT NOT NULL DEFAULT '';
ALTER TABLE national_ticket ADD COLUMN clocks BLOB NOT NULL DEFAULT x'';
ALTER TABLE national_ticket ADD COLUMN first_response_us INTEGER;
ALTER TABLE national_ticket ADD COLUMN parent_id BLOB;
ALTER TABLE national_ticket ADD COLUMN merged_into_id BLOB;
ALTER TABLE national_ticket ADD COLUMN satisfaction INTEGER NOT NULL DEFAULT 0;
ALTER TABLE national_ticket ADD COLUMN rated_us INTEGER;
ALTER TABLE national_ticket ADD COLUMN repetition INTEGER NOT NULL DEFAULT 0;
ALTER TABLE national_ticket ADD COLUMN locality INTEGER NOT NULL DEFAULT 0;

-- Days are numbers of days since 1970 in the member's own zone. Kept by the transactions that apply its tickets.
CREATE TABLE ticket_tally (
    node     TEXT    NOT NULL,
    grain    INTEGER NOT NULL,
    measure  INTEGER NOT NULL,
    category TEXT    NOT NULL,
    start    INTEGER NOT NULL,
    detail   TEXT    NOT NULL,
    n        INTEGER NOT NULL,
    total    INTEGER NOT NULL,
    PRIMARY KEY (node, grain, measure, category, start, detail)
) WITHOUT ROWID;

-- Tickets that are known already say nothing of all this and are in no tally: every feed is read again from its beginning.
DELETE FROM national_ticket;
DELETE FROM national_ticket_count;
UPDATE member SET incarnation = x'00000000000000000000000000000000', position = 0, batch_id = NULL;
