-- Customers of closed tickets who are asked, later, how satisfied they are; and messages with texts of their own.
-- The twin of this file for the other engine has the same number, tables and columns.

-- Personal where it is there; null where a message says what its dispatch says.
ALTER TABLE delivery ADD COLUMN text TEXT;

CREATE TABLE question (
    ticket_id     BLOB    PRIMARY KEY,
    customer_code TEXT    NOT NULL,
    due_us        INTEGER NOT NULL,
    -- Null until it is asked.
    asked_us      INTEGER
);
CREATE INDEX question_due ON question (due_us, ticket_id) WHERE asked_us IS NULL;
CREATE INDEX question_asked ON question (asked_us, ticket_id) WHERE asked_us IS NOT NULL;
CREATE INDEX question_customer ON question (customer_code, asked_us);
