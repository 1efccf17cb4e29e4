-- Notices are found by the outage that they are about: whether planned work has been told as it is planned now.
-- The twin of this file for the other engine has the same number, tables and columns.

CREATE INDEX notice_outage ON notice (outage_id);
