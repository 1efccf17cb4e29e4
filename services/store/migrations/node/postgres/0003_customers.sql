-- Customers, how they may be reached and where they are supplied; and who was erased.
-- Codes and names are compared byte by byte, as the other engine does, whatever the database's own order is.

-- One row: how many erasures stand. Its lock orders all writes of customers, so that an import cannot bring back at the same
-- moment whom an erasure takes away.
CREATE TABLE customer_head (
    one    BIGINT PRIMARY KEY CHECK (one = 1),
    erased BIGINT NOT NULL
);

CREATE TABLE customer (
    code               TEXT COLLATE "C" PRIMARY KEY,
    version            BIGINT NOT NULL,
    -- Hash of all that is known of the customer: what has the same is not written again.
    body               UUID   NOT NULL,
    source             TEXT   NOT NULL,
    name               TEXT   NOT NULL,
    name_plain         TEXT   NOT NULL,
    -- Folded words of the name in their order; lists find names by their beginnings.
    name_key           TEXT   COLLATE "C" NOT NULL,
    preferred_channel  BIGINT,
    preferred_language BIGINT NOT NULL,
    updated_us         BIGINT NOT NULL
);
CREATE INDEX customer_name ON customer (name_key, code);

CREATE TABLE customer_point (
    customer_code TEXT   COLLATE "C" NOT NULL,
    no            BIGINT NOT NULL,
    kind          BIGINT NOT NULL,
    value         TEXT   COLLATE "C" NOT NULL,
    -- Bit mask of the purposes that were agreed to, for choosing recipients.
    granted       BIGINT NOT NULL,
    -- Every consent with its date and source, JSON.
    consents      TEXT   NOT NULL,
    PRIMARY KEY (customer_code, no)
);
CREATE INDEX customer_point_value ON customer_point (value, customer_code);

CREATE TABLE premises (
    customer_code TEXT   COLLATE "C" NOT NULL,
    code          TEXT   COLLATE "C" NOT NULL,
    address       TEXT   NOT NULL,
    province      TEXT   COLLATE "C",
    district      TEXT   COLLATE "C" NOT NULL,
    area          TEXT   COLLATE "C" NOT NULL,
    locality      BIGINT,
    feeder        TEXT   COLLATE "C",
    transformer   TEXT,
    -- Sensitive. 1: medical equipment; 2: critical service.
    flags         BIGINT NOT NULL,
    PRIMARY KEY (customer_code, code)
);
CREATE INDEX premises_feeder ON premises (feeder, customer_code) WHERE feeder IS NOT NULL;
CREATE INDEX premises_area ON premises (province, district, area, customer_code) WHERE province IS NOT NULL;

-- That a customer was erased, by what stands for the code, so that an import does not bring them back unnoticed.
CREATE TABLE customer_erasure (
    pseudonym   TEXT   PRIMARY KEY,
    erased_us   BIGINT NOT NULL,
    reason      BIGINT NOT NULL,
    by_whom     TEXT   NOT NULL,
    -- When they became a customer again, by a decision of somebody.
    returned_us BIGINT,
    -- When the stored answers that carried their data had been gone through; until then the work goes on.
    swept_us    BIGINT
);
CREATE INDEX customer_erasure_open ON customer_erasure (pseudonym) WHERE swept_us IS NULL;

-- Contacts of one customer, and of one number, for exports and erasures.
CREATE INDEX contact_customer ON contact (customer_code, arrival_no) WHERE customer_code IS NOT NULL;
CREATE INDEX contact_point ON contact (contact_point) WHERE contact_point IS NOT NULL;

INSERT INTO customer_head (one, erased) VALUES (1, 0);
