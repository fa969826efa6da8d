-- Nobody empties the tables of the work and of its record with one statement, because a truncate leaves no
-- trace. Rows of history never change.
--
-- These triggers are in no migration: a new database gets all migrations before its functions.

-- Refuses a truncate (AB403).
create or replace function refuse_emptying() returns trigger
language plpgsql as $$
begin
  raise exception '% cannot be truncated', tg_table_name using errcode = 'AB403',
    hint = 'Cancel jobs and let retirement move what has ended; rows of history may be deleted.';
end
$$;

do $$
declare
  v_table text;
begin
  -- The setting is for tests, which empty a database between two tests.
  foreach v_table in array array[
    'jobs', 'job_attempts', 'job_dependencies', 'standing_order_runs', 'events', 'audit_log', 'jobs_history',
    'job_attempts_history', 'job_dependencies_history', 'standing_order_runs_history', 'events_history',
    'audit_log_history']
  loop
    execute format($trigger$
      create or replace trigger refuse_emptying before truncate on %I
      for each statement when (current_setting('agentbus.emptying', true) is distinct from 'on')
      execute function refuse_emptying()$trigger$, v_table);
  end loop;
  foreach v_table in array array[
    'jobs_history', 'job_attempts_history', 'job_dependencies_history', 'standing_order_runs_history',
    'events_history', 'audit_log_history']
  loop
    execute format($trigger$
      create or replace trigger refuse_rewriting before update on %I
      for each row execute function refuse_rewriting()$trigger$, v_table);
  end loop;
end
$$;
