-- Entries are added to the feed: the position of the last one. As a part of a statement that writes much more, the change of this one
-- row would make Postgres set the whole statement up again whenever another batch has changed it meanwhile; a function looks at the
-- row as it is by then. The twin of this file for the other engine has the same number.

CREATE FUNCTION feed_advance(entries BIGINT) RETURNS BIGINT LANGUAGE plpgsql AS $$
BEGIN
    UPDATE feed_head SET position = position + entries WHERE one = 1 RETURNING position INTO STRICT entries;
    RETURN entries;
END
$$;
