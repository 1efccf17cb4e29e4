-- Bundles of rules: every one that this node was given, and what it says of each.
-- The twin of this file for the other engine has the same number, tables and columns.

CREATE TABLE standard (
    -- SHA-256 of the bundle's bytes, lowercase hexadecimal.
    digest        TEXT   PRIMARY KEY,
    -- Such as evn-2013.1; empty when the bundle could not be read.
    name          TEXT   NOT NULL,
    status        INTEGER NOT NULL,
    -- When the status became what it is.
    status_us     INTEGER NOT NULL,
    -- Of a refusal: stable reasons, with blanks between them.
    reasons       TEXT   NOT NULL,
    -- Of a refusal: everything that was found, as the wire says it.
    verdict       BLOB   NOT NULL,
    published_us  INTEGER NOT NULL,
    received_us   INTEGER NOT NULL,
    effective_us  INTEGER,
    superseded_us INTEGER,
    -- Grows with every change of what is said of it.
    revision      INTEGER NOT NULL,
    -- Whether open clocks run under it, as far as it is in force; 0: they are still to be recomputed.
    rebased       INTEGER NOT NULL,
    bundle        BLOB   NOT NULL,
    signature     BLOB   NOT NULL,
    -- What this node tightens in it, or tightened when it was superseded: of standard_overlay, or empty.
    overlay       TEXT   NOT NULL
);
-- One content per version; whatever else came under its name was refused.
CREATE UNIQUE INDEX standard_accepted ON standard (name) WHERE status <> 3;
CREATE INDEX standard_name ON standard (name, received_us);
CREATE INDEX standard_status ON standard (status, effective_us);
CREATE INDEX standard_received ON standard (received_us, digest);

-- What this node tightened at any time: records keep the rules that they were decided under.
CREATE TABLE standard_overlay (
    -- Such as hcmc-fast.1.
    name     TEXT   PRIMARY KEY,
    yaml     TEXT   NOT NULL,
    since_us INTEGER NOT NULL
);

-- One row: taken first by whoever changes what is said, and looked at by the other replicas.
CREATE TABLE standard_head (
    one      INTEGER PRIMARY KEY CHECK (one = 1),
    revision INTEGER NOT NULL
);
INSERT INTO standard_head (one, revision) VALUES (1, 0);
