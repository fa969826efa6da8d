-- The transactions that were open at the look of the claim mark, so that the mark can pass one that has
-- written and stays open (sql/functions/dispatch/R__claim_mark.sql). A version that does not know the column
-- writes a floor that needs none.
alter table claim_mark add column open_xids xid8[] not null default '{}';
comment on column claim_mark.open_xids is
  'The transactions with a number of their own that were open at looked_at. While none of them has ended, no job has a lower moved_xid than the floors.';
