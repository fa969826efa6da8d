-- The older table demands an RPO of every good drill.
select (to_regclass('agentbus.restore_drills') is not null and not exists (
  select from pg_constraint
  where conrelid = to_regclass('agentbus.restore_drills') and conname = 'restore_drills_check1'))::text
