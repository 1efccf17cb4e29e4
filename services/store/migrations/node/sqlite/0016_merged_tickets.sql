-- What was merged into a ticket is found from there, so that it is exported and erased with it. The twin of this file for the other
-- engine has the same number, tables and columns.

CREATE INDEX ticket_merged ON ticket (merged_into) WHERE merged_into IS NOT NULL;
