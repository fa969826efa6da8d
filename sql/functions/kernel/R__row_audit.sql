-- A generic trigger writes the audit rows of tables whose changes need no special wording.
--
-- A table with this trigger is audited, also for changes by hand:
--
--   create or replace trigger audit_row after insert or update or delete on ideas
--     for each row execute function audit_row('idea', 'idea_id');
--
-- These triggers are at the end of this file and in no migration: a new database gets all migrations before
-- the first function.
--
-- The trigger inserts one row for each changed row. The tables of the dispatch path have statement triggers
-- instead, which cost less (R__journal.sql).

-- Returns the columns in which two versions of a row differ, as an object of the new values. A value is cut
-- to audited_value_length characters, because an audit row is not a copy of the data. The columns that only
-- index the texts of a memory say nothing new.
create or replace function changed_columns(p_old jsonb, p_new jsonb) returns jsonb
language sql immutable as $$
  select coalesce(jsonb_object_agg(key, left(value, audited_value_length())), '{}')
  from jsonb_each_text(p_new)
  where key not in ('created_at', 'updated_at')
    and not (key in ('words', 'identifiers') and p_new ? 'memory_id')
    and p_new -> key is distinct from coalesce(p_old -> key, 'null')
$$;

-- Trigger for each row of a table that has a column namespace: writes <noun>.added, <noun>.changed or
-- <noun>.removed with the actor and the reason of act_as. Its arguments are the noun and the key column.
-- An update that changes only updated_at writes no audit row. Neither does retention, which writes one row
-- for each batch.
create or replace function audit_row() returns trigger
language plpgsql as $$
declare
  v_old jsonb := case when tg_op = 'INSERT' then '{}' else to_jsonb(old) end;
  v_new jsonb := case when tg_op = 'DELETE' then '{}' else to_jsonb(new) end;
  v_row jsonb := v_old || v_new;
  v_changed jsonb := changed_columns(v_old, v_new);
begin
  if tg_op = 'UPDATE' and v_changed = '{}'
    or tg_op = 'DELETE' and current_setting('agentbus.retention', true) = 'on' then
    return null;
  end if;
  insert into audit_log (namespace, actor, action, table_name, row_id, why, detail)
  values (
    v_row ->> 'namespace',
    current_actor(),
    tg_argv[0] || case tg_op when 'INSERT' then '.added' when 'UPDATE' then '.changed' else '.removed' end,
    tg_table_name,
    v_row ->> tg_argv[1],
    nullif(current_setting('agentbus.why', true), ''),
    v_changed);
  return null;
end
$$;

-- Operators change namespaces and job types by hand. The job types of a new namespace are inserted with it,
-- so an insert of a job type is not audited.
create or replace trigger audit_row after insert or update or delete on namespaces
  for each row execute function audit_row('namespace', 'namespace');
create or replace trigger audit_row after update or delete on job_types
  for each row execute function audit_row('job_type', 'job_type');
-- A batch changes only the counts of its action, which needs no audit row.
create or replace trigger audit_row after insert or update of status or delete on bulk_actions
  for each row execute function audit_row('bulk_action', 'bulk_id');
create or replace trigger audit_row after insert or update or delete on questions
  for each row execute function audit_row('question', 'question_id');
create or replace trigger audit_row after insert or update or delete on pauses
  for each row execute function audit_row('pause', 'pause_id');
create or replace trigger audit_row after insert or update or delete on phases
  for each row execute function audit_row('phase', 'phase');
create or replace trigger audit_row after insert or update or delete on phase_sign_offs
  for each row execute function audit_row('phase_sign_off', 'sign_off_id');
create or replace trigger audit_row after insert or update or delete on restore_drills
  for each row execute function audit_row('restore_drill', 'drill_id');
-- A repeated report changes only updated_at, which needs no audit row.
create or replace trigger audit_row after insert or update or delete on stopped_routes
  for each row execute function audit_row('stopped_route', 'route_id');
create or replace trigger audit_row after insert or update or delete on ideas
  for each row execute function audit_row('idea', 'idea_id');
create or replace trigger audit_row after insert or update or delete on opportunities
  for each row execute function audit_row('opportunity', 'opportunity_id');
create or replace trigger audit_row after insert or update or delete on reports
  for each row execute function audit_row('report', 'report_id');
create or replace trigger audit_row after insert or update or delete on memory_candidates
  for each row execute function audit_row('memory_candidate', 'candidate_id');
create or replace trigger audit_row after insert or update or delete on memories
  for each row execute function audit_row('memory', 'memory_id');
create or replace trigger audit_row after insert or update or delete on memory_reviews
  for each row execute function audit_row('memory_review', 'review_id');
create or replace trigger audit_row after insert or update or delete on idle_runs
  for each row execute function audit_row('idle_run', 'idle_run_id');
create or replace trigger audit_row after insert or update or delete on vaults
  for each row execute function audit_row('vault', 'vault_id');
