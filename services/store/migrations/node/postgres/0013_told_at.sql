-- Where and when a customer is told of interruptions, with the customer: a notice to a million of them reads no other table.
-- The twin of this file for the other engine has the same number, tables and columns.

-- The first contact point of its kind that agreed; null where none did.
ALTER TABLE customer ADD COLUMN phone_no BIGINT;
ALTER TABLE customer ADD COLUMN email_no BIGINT;
-- 1: medical equipment is in use at one of their premises; 2: a critical service is; 3: neither.
ALTER TABLE customer ADD COLUMN wave BIGINT NOT NULL DEFAULT 3;
-- Of all of their premises; null where it is not one and the same.
ALTER TABLE customer ADD COLUMN province TEXT COLLATE "C";

UPDATE customer SET
    phone_no = (SELECT MIN(no) FROM customer_point WHERE customer_code = customer.code AND kind = 1 AND (granted & 2) <> 0),
    email_no = (SELECT MIN(no) FROM customer_point WHERE customer_code = customer.code AND kind = 2 AND (granted & 2) <> 0),
    wave = COALESCE((SELECT MIN(CASE WHEN (flags & 1) <> 0 THEN 1 WHEN (flags & 2) <> 0 THEN 2 ELSE 3 END)
        FROM premises WHERE customer_code = customer.code), 3),
    province = (SELECT CASE WHEN MIN(premises.province) = MAX(premises.province) AND COUNT(premises.province) = COUNT(*)
        THEN MIN(premises.province) END FROM premises WHERE customer_code = customer.code);

-- Ranges of customers' codes that are not turned into messages yet; each goes with the transaction that turns it.
CREATE TABLE dispatch_range (
    dispatch_no BIGINT NOT NULL,
    after_code  TEXT COLLATE "C" NOT NULL,
    until_code  TEXT COLLATE "C" NOT NULL,
    PRIMARY KEY (dispatch_no, after_code)
);
