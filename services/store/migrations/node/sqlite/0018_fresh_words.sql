-- Here the index of words takes each at once. The twin of this file for the other engine has the same number.

SELECT 1;
