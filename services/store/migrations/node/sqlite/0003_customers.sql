-- Customers, how they may be reached and where they are supplied; and who was erased.
-- The twin of this file for the other engine has the same number, tables, columns and order.

-- One row: how many erasures stand. Its lock orders all writes of customers, so that an import cannot bring back at the same
-- moment whom an erasure takes away.
CREATE TABLE customer_head (
    one    INTEGER PRIMARY KEY CHECK (one = 1),
    erased INTEGER NOT NULL
);

CREATE TABLE customer (
    code               TEXT    PRIMARY KEY,
    version            INTEGER NOT NULL,
    -- Hash of all that is known of the customer: what has the same is not written again.
    body               BLOB    NOT NULL,
    source             TEXT    NOT NULL,
    name               TEXT    NOT NULL,
    name_plain         TEXT    NOT NULL,
    -- Folded words of the name in their order; lists find names by their beginnings.
    name_key           TEXT    NOT NULL,
    preferred_channel  INTEGER,
    preferred_language INTEGER NOT NULL,
    updated_us         INTEGER NOT NULL
) WITHOUT ROWID;
CREATE INDEX customer_name ON customer (name_key, code);

CREATE TABLE customer_point (
    customer_code TEXT    NOT NULL,
    no            INTEGER NOT NULL,
    kind          INTEGER NOT NULL,
    value         TEXT    NOT NULL,
    -- Bit mask of the purposes that were agreed to, for choosing recipients.
    granted       INTEGER NOT NULL,
    -- Every consent with its date and source, JSON.
    consents      TEXT    NOT NULL,
    PRIMARY KEY (customer_code, no)
) WITHOUT ROWID;
CREATE INDEX customer_point_value ON customer_point (value, customer_code);

CREATE TABLE premises (
    customer_code TEXT    NOT NULL,
    code          TEXT    NOT NULL,
    address       TEXT    NOT NULL,
    province      TEXT,
    district      TEXT    NOT NULL,
    area          TEXT    NOT NULL,
    locality      INTEGER,
    feeder        TEXT,
    transformer   TEXT,
    -- Sensitive. 1: medical equipment; 2: critical service.
    flags         INTEGER NOT NULL,
    PRIMARY KEY (customer_code, code)
) WITHOUT ROWID;
CREATE INDEX premises_feeder ON premises (feeder, customer_code) WHERE feeder IS NOT NULL;
CREATE INDEX premises_area ON premises (province, district, area, customer_code) WHERE province IS NOT NULL;

-- That a customer was erased, by what stands for the code, so that an import does not bring them back unnoticed.
CREATE TABLE customer_erasure (
    pseudonym   TEXT    PRIMARY KEY,
    erased_us   INTEGER NOT NULL,
    reason      INTEGER NOT NULL,
    by_whom     TEXT    NOT NULL,
    -- When they became a customer again, by a decision of somebody.
    returned_us INTEGER,
    -- When the stored answers that carried their data had been gone through; until then the work goes on.
    swept_us    INTEGER
) WITHOUT ROWID;
CREATE INDEX customer_erasure_open ON customer_erasure (pseudonym) WHERE swept_us IS NULL;

-- Contacts of one customer, and of one number, for exports and erasures.
CREATE INDEX contact_customer ON contact (customer_code, arrival_no) WHERE customer_code IS NOT NULL;
CREATE INDEX contact_point ON contact (contact_point) WHERE contact_point IS NOT NULL;

INSERT INTO customer_head (one, erased) VALUES (1, 0);
