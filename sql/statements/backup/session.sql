-- Fixes the text form of all values, whatever the server's defaults are, so that an export reads the same on
-- each server. A scan begins at the first page, and the restore may empty the tables that a migration
-- has filled.
select set_config(name, value, false)
from (values
  ('datestyle', 'ISO, MDY'),
  ('intervalstyle', 'postgres'),
  ('extra_float_digits', '1'),
  ('bytea_output', 'hex'),
  ('xmloption', 'content'),
  ('synchronize_seqscans', 'off'),
  ('agentbus.emptying', 'on')) as setting (name, value)
