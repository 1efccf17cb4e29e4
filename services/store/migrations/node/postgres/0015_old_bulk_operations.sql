-- Bulk operations that ended long ago are found by when they did.
-- The twin of this file for the other engine has the same number, tables and columns.

CREATE INDEX bulk_operation_ended ON bulk_operation (ended_us) WHERE ended_us IS NOT NULL;
