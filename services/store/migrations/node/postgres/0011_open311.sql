-- Which tickets other systems asked for by Open311: GET shows these and no others.
-- The twin of this file for the other engine has the same number, tables and columns.

CREATE TABLE open311_request (
    ticket_id  UUID    NOT NULL PRIMARY KEY,
    opened_us  BIGINT  NOT NULL,
    -- The partner, as the configuration names whoever holds the key.
    partner    TEXT    NOT NULL
);
CREATE INDEX open311_request_opened ON open311_request (opened_us, ticket_id);
