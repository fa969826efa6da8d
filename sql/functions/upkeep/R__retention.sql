-- Retirement: finished work leaves the tables of the living, one small batch at a time, whoever asks.
--
-- One call moves one batch in one short transaction and says where the next one begins; the route retire-finished-work calls
-- until there is none. Rows in somebody's hands are passed over, and found next time.

create or replace function follow_shape(p_living regclass, p_history regclass) returns text language plpgsql as $$
declare
  v_missing record;
begin
  -- A column that a later migration gave to the living must not be lost on the way.
  for v_missing in
    select a.attname, format_type(a.atttypid, a.atttypmod) as type
    from pg_attribute a
    where a.attrelid = p_living and a.attnum > 0 and not a.attisdropped
      and not exists (select from pg_attribute h where h.attrelid = p_history and h.attname = a.attname and not h.attisdropped)
  loop
    execute format('alter table %s add column %I %s', p_history, v_missing.attname, v_missing.type);
  end loop;
  return (
    select string_agg(quote_ident(attname), ', ' order by attnum)
    from pg_attribute where attrelid = p_living and attnum > 0 and not attisdropped);
end
$$;
comment on function follow_shape(regclass, regclass) is
  'Gives a history table the columns that its living one has meanwhile; returns the names of them all, for a statement.';

create or replace function move_rows(p_living regclass, p_history regclass, p_key text, p_type text, p_keys text[]) returns int
language plpgsql as $$
declare
  v_columns text := follow_shape(p_living, p_history);
  v_moved int;
begin
  execute format('with gone as (delete from %1$s where %3$I = any ($1::%4$s[]) returning %5$s)
    insert into %2$s (%5$s) select %5$s from gone', p_living, p_history, p_key, p_type, v_columns) using p_keys;
  get diagnostics v_moved = row_count;
  return v_moved;
end
$$;
comment on function move_rows(regclass, regclass, text, text, text[]) is
  'Moves the rows with these keys of the named column and type to history; returns how many.';

create or replace function retirable(p_job jobs, p_before timestamptz) returns boolean language sql immutable as $$
  -- A dead letter waits for a person, however long.
  select (p_job).state in ('succeeded', 'failed', 'cancelled') and (p_job).ended_at < p_before
$$;
comment on function retirable(jobs, timestamptz) is 'Whether a job is over for good, and was so before then.';

create or replace function without_referred(p_jobs uuid[]) returns uuid[] language plpgsql stable as $$
declare
  v_kept uuid[];
begin
  -- What somebody else refers to stays until that one can go, and with it what it refers to itself.
  loop
    v_kept := array(
      select id from unnest(p_jobs) id
      where not exists (select from jobs c where c.parent_job_id = id and c.job_id <> all (p_jobs))
        and not exists (select from jobs b where b.blocked_on_job = id and b.job_id <> all (p_jobs))
        and not exists (select from job_dependencies d where d.depends_on = id and d.job_id <> all (p_jobs))
        and not exists (select from standing_order_runs r where r.job_id = id));
    exit when cardinality(v_kept) = cardinality(p_jobs);
    p_jobs := v_kept;
  end loop;
  return p_jobs;
end
$$;
comment on function without_referred(uuid[]) is
  'Those of the jobs that no other job or run refers to: as parent, dependency, block or run.';

create or replace function retire_jobs(p_before timestamptz, p_limit int, p_place jsonb) returns jsonb language plpgsql as $$
declare
  v_namespace text := coalesce(p_place ->> 'namespace', (select min(namespace) from namespaces));
  v_looked uuid[];
  v_gone uuid[];
  v_last jobs;
begin
  -- The newest first: a family goes from its youngest, who refer to the older ones.
  v_looked := array(
    select job_id from jobs j
    where namespace = v_namespace and ended_at < p_before and retirable(j, p_before)
      and (ended_at, job_id) < (coalesce((p_place ->> 'endedAt')::timestamptz, p_before),
        coalesce((p_place ->> 'jobId')::uuid, '00000000-0000-0000-0000-000000000000'))
    order by ended_at desc, job_id desc
    limit p_limit
    for update skip locked);
  select * into v_last from jobs where job_id = v_looked[cardinality(v_looked)];
  v_gone := without_referred(v_looked);
  if cardinality(v_gone) > 0 then
    perform move_rows('job_dependencies', 'job_dependencies_history', 'job_id', 'uuid', v_gone::text[]);
    perform move_rows('job_attempts', 'job_attempts_history', 'job_id', 'uuid', v_gone::text[]);
    perform move_rows('jobs', 'jobs_history', 'job_id', 'uuid', v_gone::text[]);
  end if;
  return jsonb_build_object('moved', cardinality(v_gone), 'next', case
    when cardinality(v_looked) = p_limit then jsonb_build_object('part', 'jobs', 'namespace', v_namespace,
      'endedAt', v_last.ended_at, 'jobId', v_last.job_id)
    else coalesce((
      select jsonb_build_object('part', 'jobs', 'namespace', min(namespace)) from namespaces
      where namespace > v_namespace having min(namespace) is not null), '{"part": "events"}') end);
end
$$;
comment on function retire_jobs(timestamptz, int, jsonb) is
  'Moves one batch of jobs that ended before then, with their attempts and dependencies. Returns moved and next, the place to go on from.';

create or replace function retire_runs(p_before timestamptz, p_limit int, p_place jsonb) returns jsonb language plpgsql as $$
declare
  v_looked uuid[];
  v_gone text[];
  v_last standing_order_runs;
begin
  v_looked := array(
    select run_id from standing_order_runs r
    where finished_at < p_before and scheduled_for < p_before
      and (scheduled_for, run_id) > (coalesce((p_place ->> 'slot')::timestamptz, '-infinity'),
        coalesce((p_place ->> 'runId')::uuid, '00000000-0000-0000-0000-000000000000'))
    order by scheduled_for, run_id
    limit p_limit
    for update skip locked);
  select * into v_last from standing_order_runs where run_id = v_looked[cardinality(v_looked)];
  v_gone := array(
    select r.run_id::text from standing_order_runs r
    where r.run_id = any (v_looked)
      -- The order's own memory: what it shows, and up to when it has looked.
      and (select count(*) from (select from standing_order_runs n
        where n.namespace = r.namespace and n.order_name = r.order_name and n.scheduled_for > r.scheduled_for limit order_runs_kept()) newer) = order_runs_kept()
      and (r.status not in ('completed', 'no_work') or exists (select from standing_order_runs n
        where n.namespace = r.namespace and n.order_name = r.order_name and n.scheduled_for > r.scheduled_for
          and n.status in ('completed', 'no_work')))
      -- A blocked run goes on with its job.
      and (r.job_id is null or exists (select from jobs j where j.job_id = r.job_id and retirable(j, p_before))));
  if cardinality(v_gone) > 0 then
    perform move_rows('standing_order_runs', 'standing_order_runs_history', 'run_id', 'uuid', v_gone);
  end if;
  return jsonb_build_object('moved', cardinality(v_gone), 'next', case
    when cardinality(v_looked) = p_limit then jsonb_build_object('part', 'runs', 'slot', v_last.scheduled_for, 'runId', v_last.run_id)
    else '{"part": "jobs"}' end);
end
$$;
comment on function retire_runs(timestamptz, int, jsonb) is
  'Moves one batch of runs that were over before then. Returns moved and next, the place to go on from.';

create or replace function retire_events(p_before timestamptz, p_limit int, p_place jsonb) returns jsonb language plpgsql as $$
declare
  v_namespace text := coalesce(p_place ->> 'namespace', (select min(namespace) from namespaces));
  v_rows int;
  v_last bigint;
  v_young boolean;
  v_gone text[];
begin
  -- A window by seq, then its old ones: to look for old ones would end in a walk through all that are young.
  select count(*), max(seq), bool_or(created_at >= p_before),
    array_agg(seq::text) filter (where created_at < p_before and (source_job_id is null
      or not exists (select from jobs j where j.job_id = e.source_job_id)))
  into v_rows, v_last, v_young, v_gone
  from (
    select seq, created_at, source_job_id from events
    where namespace = v_namespace and seq > coalesce((p_place ->> 'seq')::bigint, 0)
    order by seq
    limit p_limit) e;
  if cardinality(v_gone) > 0 then
    perform move_rows('events', 'events_history', 'seq', 'bigint', v_gone);
  end if;
  return jsonb_build_object('moved', coalesce(cardinality(v_gone), 0), 'next', case
    when v_rows = p_limit and not v_young then jsonb_build_object('part', 'events', 'namespace', v_namespace, 'seq', v_last)
    else coalesce((
      select jsonb_build_object('part', 'events', 'namespace', min(namespace)) from namespaces
      where namespace > v_namespace having min(namespace) is not null), '{"part": "audit"}') end);
end
$$;
comment on function retire_events(timestamptz, int, jsonb) is
  'Moves the old ones among the next p_limit events, but those of living jobs. Returns moved and next, the place to go on from.';

create or replace function retire_audit(p_before timestamptz, p_limit int, p_place jsonb) returns jsonb language plpgsql as $$
declare
  v_rows int;
  v_last bigint;
  v_young boolean;
  v_gone text[];
begin
  select count(*), max(audit_id), bool_or(created_at >= p_before),
    array_agg(audit_id::text) filter (where created_at < p_before and not exists (
      select from jobs j where j.job_id = case when l.table_name = 'jobs' and l.row_id ~ '^[0-9a-f-]{36}$' then l.row_id::uuid end))
  into v_rows, v_last, v_young, v_gone
  from (
    select audit_id, created_at, table_name, row_id from audit_log
    where audit_id > coalesce((p_place ->> 'auditId')::bigint, 0)
    order by audit_id
    limit p_limit) l;
  if cardinality(v_gone) > 0 then
    perform move_rows('audit_log', 'audit_log_history', 'audit_id', 'bigint', v_gone);
  end if;
  return jsonb_build_object('moved', coalesce(cardinality(v_gone), 0), 'next', case
    when v_rows = p_limit and not v_young then jsonb_build_object('part', 'audit', 'auditId', v_last) end);
end
$$;
comment on function retire_audit(timestamptz, int, jsonb) is
  'Moves the old ones among the next p_limit audit rows, but those of living jobs. Returns moved and next, null at the end.';

create or replace function retire_finished_work(p_days int, p_limit int, p_place jsonb default null) returns jsonb language plpgsql as $$
declare
  v_part text := coalesce(p_place ->> 'part', 'runs');
  v_before timestamptz := now() - make_interval(days => p_days);
  v_done jsonb;
begin
  if p_days not between 1 and 3650 or p_limit not between 1 and 10000 then
    perform refuse(422, 'invalid_field', format('finished work is kept for %s days and moved in batches of %s', p_days, p_limit),
      null, null, '1 to 3650 days (agentbus.history.keep-days) and batches of 1 to 10000 (agentbus.history.batch-size)');
  end if;
  -- One at a time over all nodes; who comes second leaves it to the first.
  if not pg_try_advisory_xact_lock(hashtextextended('agentbus.retire', 0)) then
    return jsonb_build_object('part', v_part, 'moved', 0, 'next', null);
  end if;
  perform act_as('{"kind": "dispatcher", "name": "retirement"}', format('ended before %s', utc_text(v_before)));
  perform set_config('agentbus.retention', 'on', true);
  v_done := case v_part
    when 'runs' then retire_runs(v_before, p_limit, p_place)
    when 'jobs' then retire_jobs(v_before, p_limit, p_place)
    when 'events' then retire_events(v_before, p_limit, p_place)
    else retire_audit(v_before, p_limit, p_place) end;
  if (v_done ->> 'moved')::int > 0 then
    insert into audit_log (namespace, actor, action, table_name, row_id, why, detail)
    values ('default', current_actor(), 'history.moved', v_part, v_part, current_setting('agentbus.why', true), v_done);
  end if;
  return jsonb_build_object('part', v_part) || v_done;
end
$$;
comment on function retire_finished_work(int, int, jsonb) is
  'Moves one batch of what ended more than so many days ago to history, beginning at a place (null: the beginning). Returns part, moved and next, the place for the next call; null when there is none.';
