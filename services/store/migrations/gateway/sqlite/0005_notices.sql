-- Notices of the nation, where each stands with each member, members' own ones, and the chains that prove all of it.
-- The twin of this file for the other engine has the same number, tables, columns and order.

CREATE TABLE national_notice (
    id         BLOB   PRIMARY KEY,
    version    INTEGER NOT NULL,
    incident   TEXT   NOT NULL,
    created_us INTEGER NOT NULL,
    -- After this the public is not told any more; NULL before anything of it is published.
    expires_us INTEGER,
    -- 1: its newest published revision ends it.
    ended      INTEGER NOT NULL,
    -- The notice as the wire shows it.
    state      BLOB  NOT NULL
) WITHOUT ROWID;
CREATE INDEX national_notice_newest ON national_notice (created_us, id);
CREATE INDEX national_notice_incident ON national_notice (incident, created_us, id);
CREATE INDEX national_notice_told ON national_notice (expires_us);

-- What is published and never changed again.
CREATE TABLE national_revision (
    notice_id    BLOB   NOT NULL,
    number       INTEGER NOT NULL,
    published_us INTEGER NOT NULL,
    expires_us   INTEGER NOT NULL,
    -- Codes of the regions in its audience, each between bars; empty: all of them.
    regions      TEXT   NOT NULL,
    -- What members are handed, as the wire carries it.
    landing      BLOB  NOT NULL,
    PRIMARY KEY (notice_id, number)
) WITHOUT ROWID;
CREATE INDEX national_revision_expires ON national_revision (expires_us);

-- What each member is still to get, or has answered. Its order is that of publication.
CREATE TABLE notice_target (
    node             TEXT   NOT NULL,
    notice_id        BLOB   NOT NULL,
    revision         INTEGER NOT NULL,
    published_us     INTEGER NOT NULL,
    expires_us       INTEGER NOT NULL,
    -- 1 waiting, 2 landed, 3 refused, 4 expired.
    state            INTEGER NOT NULL,
    state_us         INTEGER NOT NULL,
    attempts         INTEGER NOT NULL,
    failing_since_us INTEGER,
    -- Stable reason of a refusal, or why earlier ones went again, or empty.
    reason           TEXT   NOT NULL,
    PRIMARY KEY (node, notice_id, revision)
) WITHOUT ROWID;
CREATE INDEX notice_target_open ON notice_target (node, published_us, notice_id, revision) WHERE state = 1;
CREATE INDEX notice_target_expiring ON notice_target (node, expires_us) WHERE state = 1;
CREATE INDEX notice_target_notice ON notice_target (notice_id, revision, node);

-- Members' own notices: their feeds, applied.
CREATE TABLE regional_notice (
    node         TEXT   NOT NULL,
    id           BLOB   NOT NULL,
    version      INTEGER NOT NULL,
    incident     TEXT   NOT NULL,
    -- When its first revision was published.
    published_us INTEGER NOT NULL,
    -- When the newest expires.
    expires_us   INTEGER NOT NULL,
    -- The federated state, as the wire carries it.
    state        BLOB  NOT NULL,
    snapshot_no  INTEGER NOT NULL,
    PRIMARY KEY (node, id)
) WITHOUT ROWID;
CREATE INDEX regional_notice_newest ON regional_notice (published_us, id, node);
CREATE INDEX regional_notice_incident ON regional_notice (incident, published_us, id, node);
CREATE INDEX regional_notice_id ON regional_notice (id);
CREATE INDEX regional_notice_told ON regional_notice (expires_us);

-- How far a notice, national or regional, has come at a member.
CREATE TABLE notice_progress (
    node        TEXT   NOT NULL,
    notice_id   BLOB   NOT NULL,
    version     INTEGER NOT NULL,
    state       BLOB  NOT NULL,
    snapshot_no INTEGER NOT NULL,
    PRIMARY KEY (node, notice_id)
) WITHOUT ROWID;
CREATE INDEX notice_progress_notice ON notice_progress (notice_id);

-- Chains of proof: entries are numbered for each notice, and never changed or removed.
CREATE TABLE proof_head (
    -- The member whose notice it is; empty for the nation's.
    owner     TEXT   NOT NULL,
    notice_id BLOB   NOT NULL,
    entries   INTEGER NOT NULL,
    PRIMARY KEY (owner, notice_id)
) WITHOUT ROWID;
CREATE TABLE proof_entry (
    owner     TEXT   NOT NULL,
    notice_id BLOB   NOT NULL,
    number    INTEGER NOT NULL,
    at_us     INTEGER NOT NULL,
    event     INTEGER NOT NULL,
    facts     TEXT   NOT NULL,
    -- What has one entry however often it is heard.
    once      TEXT   NOT NULL,
    PRIMARY KEY (owner, notice_id, number)
) WITHOUT ROWID;
CREATE UNIQUE INDEX proof_entry_once ON proof_entry (owner, notice_id, once);

-- Printed outputs that somebody says were sent.
CREATE TABLE print_sent (
    notice_id BLOB   NOT NULL,
    id        BLOB   NOT NULL,
    revision  INTEGER NOT NULL,
    output    INTEGER NOT NULL,
    recipient TEXT   NOT NULL,
    sent_us   INTEGER NOT NULL,
    author    TEXT   NOT NULL,
    PRIMARY KEY (notice_id, id)
) WITHOUT ROWID;
