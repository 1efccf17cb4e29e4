-- Only the other engine adds entries to the feed in the middle of a statement.

SELECT 1;
