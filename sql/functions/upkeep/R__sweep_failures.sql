-- A sweep handles its rows one by one. A row that cannot be handled is written down, shows in health, and is
-- tried again later, so that it does not hold up the others.

-- Emits an event about a failure. An event that cannot be written, for example because of one of its
-- subscribers, does not stop the caller: the cause may be the same as that of the failure.
create or replace function append_event_of_failure(
  p_namespace text, p_topic text, p_source_job uuid, p_payload jsonb, p_dedupe_key text
) returns void language plpgsql as $$
begin
  perform append_event(p_namespace, p_topic, null, p_source_job, p_payload, p_dedupe_key);
exception when others then
  raise warning 'event % of namespace % cannot be written: %', p_topic, p_namespace, sqlerrm;
end
$$;

-- Writes down that a sweep could not handle a row, and emits job.sweep_failed or, for a slot,
-- standing_order.unsettled, at most once an hour for each row; the sweep of questions has an event of its
-- own, and health alone reports a pause or an opportunity. Returns when the sweep tries the row again: after
-- short_backoff up to sweep_failure_cap_seconds, from 16 s on.
create or replace function note_sweep_failure(p_what text, p_row uuid, p_namespace text, p_error text)
returns timestamptz language plpgsql as $$
declare
  v_failure sweep_failures;
begin
  insert into sweep_failures as f (what, row_id, namespace, error, retry_at)
  values (
    p_what, p_row, p_namespace, left(p_error, 2000), now() + short_backoff(4, sweep_failure_cap_seconds()))
  on conflict (what, row_id) do update
  set error = excluded.error,
    failures = f.failures + 1,
    retry_at = now() + short_backoff(4 + f.failures, sweep_failure_cap_seconds()),
    updated_at = now()
  returning * into v_failure;
  if p_what not in ('slot', 'question', 'pause', 'opportunity') then
    perform append_event_of_failure(p_namespace, 'job.sweep_failed', p_row,
      jsonb_build_object('jobId', p_row, 'what', p_what, 'error', v_failure.error),
      once_key(p_what || ':' || p_row, date_trunc('hour', now(), 'UTC')));
  end if;
  return v_failure.retry_at;
end
$$;

-- Deletes the record of a row that a sweep has now handled.
create or replace function forget_sweep_failure(p_what text, p_row uuid) returns void
language sql as $$
  delete from sweep_failures where what = p_what and row_id = p_row
$$;

-- Returns whether a sweep may try a row: it has not failed, or its wait is over.
create or replace function sweep_may_try(p_what text, p_row uuid) returns boolean
language sql stable as $$
  select not exists (select from sweep_failures where what = p_what and row_id = p_row and retry_at > now())
$$;

-- Returns whether a sweep has used up its time (sweep_budget). It then ends early, so that what it has done
-- and noted is committed before the statement timeout.
create or replace function sweep_time_is_up() returns boolean
language sql volatile as $$
  select clock_timestamp() > statement_timestamp() + sweep_budget()
$$;

-- Deletes the records of rows that no sweep tries any more, because something else has moved them.
create or replace function forget_old_sweep_failures() returns void
language sql as $$
  delete from sweep_failures
  where retry_at < now() - 2 * make_interval(secs => sweep_failure_cap_seconds())
$$;
