-- Bundles of rules that this gateway has published, where each stands with each member, and what members say of them.
-- The twin of this file for the other engine has the same number, tables and columns.

CREATE TABLE published_standard (
    -- Such as evn-2013.1.
    name         TEXT   PRIMARY KEY,
    -- SHA-256 of the bundle's bytes, lowercase hexadecimal.
    digest       TEXT   NOT NULL,
    key_id       TEXT   NOT NULL,
    published_us BIGINT NOT NULL,
    effective_us BIGINT NOT NULL,
    bundle       BYTEA  NOT NULL,
    signature    BYTEA  NOT NULL
);
CREATE INDEX published_standard_newest ON published_standard (published_us, name);
CREATE INDEX published_standard_effective ON published_standard (effective_us);

-- What each member is still to get, or has answered. Its order is that of publication.
CREATE TABLE standard_target (
    node             TEXT   NOT NULL,
    name             TEXT   NOT NULL,
    published_us     BIGINT NOT NULL,
    state            BIGINT NOT NULL,
    state_us         BIGINT NOT NULL,
    attempts         BIGINT NOT NULL,
    failing_since_us BIGINT,
    -- What the member answered, as the wire says it; empty before.
    answer           BYTEA  NOT NULL,
    PRIMARY KEY (node, name)
);
CREATE INDEX standard_target_open ON standard_target (node, published_us, name) WHERE state < 3;
CREATE INDEX standard_target_name ON standard_target (name);

-- What members say of bundles: their feeds, applied.
CREATE TABLE national_acknowledgement (
    node        TEXT   NOT NULL,
    digest      TEXT   NOT NULL,
    name        TEXT   NOT NULL,
    status      BIGINT NOT NULL,
    reasons     TEXT   NOT NULL,
    at_us       BIGINT NOT NULL,
    version     BIGINT NOT NULL,
    -- Which snapshot brought this state; 0: the feed.
    snapshot_no BIGINT NOT NULL,
    PRIMARY KEY (node, digest)
);
CREATE INDEX national_acknowledgement_digest ON national_acknowledgement (digest);
CREATE INDEX national_acknowledgement_in_force ON national_acknowledgement (node) WHERE status = 2;

-- Answers to mutations by request id.
CREATE TABLE request (
    key        UUID   PRIMARY KEY,
    body       UUID   NOT NULL,
    created_us BIGINT NOT NULL,
    response   BYTEA  NOT NULL
);
