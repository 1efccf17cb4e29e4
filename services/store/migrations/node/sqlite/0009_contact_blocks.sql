-- Contacts of one customer, and of one number, for exports and erasures: by blocks of 16,384 arrivals. Whoever calls next is
-- anybody: an index by customer alone is written all over with every batch, and half of an import's time went there.
-- The twin of this file for the other engine has the same number, tables and columns.

DROP INDEX contact_customer;
DROP INDEX contact_point;
CREATE INDEX contact_customer ON contact ((arrival_no >> 14), customer_code) WHERE customer_code IS NOT NULL;
CREATE INDEX contact_point ON contact ((arrival_no >> 14), contact_point) WHERE contact_point IS NOT NULL;
