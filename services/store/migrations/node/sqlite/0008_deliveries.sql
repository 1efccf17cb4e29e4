-- What is told to customers: one dispatch for each published revision and kind of contact point, and its messages.
-- The twin of this file for the other engine has the same number, tables and columns.

CREATE TABLE dispatch (
    no           INTEGER PRIMARY KEY,
    notice_id    BLOB    NOT NULL,
    revision     INTEGER NOT NULL,
    -- Of contact point: 1 telephone, 2 email.
    kind         INTEGER NOT NULL,
    incident     TEXT    NOT NULL,
    phase        INTEGER NOT NULL,
    urgency      INTEGER NOT NULL,
    vi           TEXT    NOT NULL,
    en           TEXT    NOT NULL,
    diacritics   INTEGER NOT NULL,
    -- 1: every customer; 0: those of the two tables below.
    everybody    INTEGER NOT NULL,
    due_us       INTEGER NOT NULL,
    expires_us   INTEGER NOT NULL,
    cancelled_us INTEGER,
    -- How far it is turned into messages, in the order of codes; empty at the beginning and at the end.
    after_code   TEXT    NOT NULL,
    -- 0: being turned; 1: all of its messages are there; 2: none is left to send.
    stage        INTEGER NOT NULL
);
CREATE UNIQUE INDEX dispatch_revision ON dispatch (notice_id, revision, kind);
CREATE INDEX dispatch_stage ON dispatch (stage, no);

CREATE TABLE dispatch_place (
    dispatch_no INTEGER NOT NULL,
    n           INTEGER NOT NULL,
    province    TEXT,
    district    TEXT,
    area        TEXT,
    feeder      TEXT,
    PRIMARY KEY (dispatch_no, n)
) WITHOUT ROWID;

CREATE TABLE dispatch_customer (
    dispatch_no   INTEGER NOT NULL,
    customer_code TEXT    NOT NULL,
    PRIMARY KEY (dispatch_no, customer_code)
) WITHOUT ROWID;
CREATE INDEX dispatch_customer_code ON dispatch_customer (customer_code);

-- One message to one customer. Its text, language and number are looked up when it is handed out.
CREATE TABLE delivery (
    number        INTEGER PRIMARY KEY,
    dispatch_no   INTEGER NOT NULL,
    -- Null once the customer is erased; the message still counts.
    customer_code TEXT,
    point_no      INTEGER NOT NULL,
    wave          INTEGER NOT NULL,
    state         INTEGER NOT NULL,
    -- The lease that it was handed out under last; 0 before.
    lease         INTEGER NOT NULL
);
CREATE INDEX delivery_queue ON delivery (dispatch_no, wave, number) WHERE state = 1;
CREATE INDEX delivery_leased ON delivery (lease) WHERE state IN (2, 3);
CREATE INDEX delivery_customer ON delivery (customer_code, dispatch_no) WHERE customer_code IS NOT NULL;
CREATE INDEX delivery_state ON delivery (dispatch_no, state);

CREATE TABLE delivery_lease (
    epoch    INTEGER PRIMARY KEY,
    courier  TEXT    NOT NULL,
    until_us INTEGER NOT NULL
);
CREATE INDEX delivery_lease_until ON delivery_lease (until_us);

-- One row: the newest epoch. Whoever changes messages takes it first.
CREATE TABLE delivery_head (
    one   INTEGER PRIMARY KEY CHECK (one = 1),
    epoch INTEGER NOT NULL
);
INSERT INTO delivery_head (one, epoch) VALUES (1, 0);

-- Parts by the ids that message centres gave them.
CREATE TABLE delivery_part (
    message_id TEXT    PRIMARY KEY,
    number     INTEGER NOT NULL,
    state      INTEGER NOT NULL
) WITHOUT ROWID;
CREATE INDEX delivery_part_number ON delivery_part (number);
