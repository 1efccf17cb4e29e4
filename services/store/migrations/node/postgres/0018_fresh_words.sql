-- New words wait in a list before they go into the index, which is much less work than putting each where it belongs. At 4 MiB, as it
-- is unless told otherwise, one caller in a hundred waited for the whole list to be put there, and every search read it from
-- beginning to end. The twin of this file for the other engine has the same number.

ALTER INDEX ticket_words SET (gin_pending_list_limit = 1024);
