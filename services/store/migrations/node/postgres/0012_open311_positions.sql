-- Where what was asked for lies, in ten-millionths of a degree, so that reports near each other are found to mean one outage.
-- The twin of this file for the other engine has the same number, tables and columns.

ALTER TABLE open311_request ADD COLUMN lon_e7 BIGINT;
ALTER TABLE open311_request ADD COLUMN lat_e7 BIGINT;
