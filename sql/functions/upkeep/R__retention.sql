-- Retention moves finished work of every namespace from the live tables to the history tables, in small
-- batches.
--
-- One call moves one batch in a short transaction and returns the position of the next batch; the route
-- retire-finished-work repeats the call until there is none. Rows that another call has locked are skipped
-- and found the next time.

-- Adds to a history table the columns that a later migration added to its live table. Returns the names of
-- all columns, quoted and joined for a statement.
create or replace function follow_shape(p_live regclass, p_history regclass) returns text
language plpgsql as $$
declare
  v_missing record;
begin
  for v_missing in
    select a.attname, format_type(a.atttypid, a.atttypmod) as type
    from pg_attribute a
    where a.attrelid = p_live
      and a.attnum > 0
      and not a.attisdropped
      and not exists (
        select from pg_attribute h
        where h.attrelid = p_history
          and h.attname = a.attname
          and not h.attisdropped)
  loop
    execute format('alter table %s add column %I %s', p_history, v_missing.attname, v_missing.type);
  end loop;
  return (
    select string_agg(quote_ident(attname), ', ' order by attnum)
    from pg_attribute
    where attrelid = p_live and attnum > 0 and not attisdropped);
end
$$;

-- Moves the rows whose column p_key, of type p_type, has one of the values p_keys to history. Returns how
-- many, by namespace.
create or replace function move_rows(
  p_live regclass, p_history regclass, p_key text, p_type text, p_keys text[]
) returns jsonb language plpgsql as $$
declare
  v_columns text := follow_shape(p_live, p_history);
  v_moved jsonb;
begin
  execute format(
    'with gone as (delete from %1$s where %3$I = any ($1::%4$s[]) returning %5$s),
      kept as (insert into %2$s (%5$s) select %5$s from gone returning namespace),
      counted as (select namespace, count(*) as moved from kept group by namespace)
    select coalesce(jsonb_object_agg(namespace, moved), ''{}'') from counted',
    p_live, p_history, p_key, p_type, v_columns)
    into v_moved
    using p_keys;
  return v_moved;
end
$$;

-- Ends a batch of one part: writes an audit row history.moved for each namespace with moved rows. Returns
-- moved, the number of all moved rows, and next, the position of the next batch; next is null when none is
-- left.
create or replace function end_batch(p_part text, p_moved jsonb, p_next jsonb) returns jsonb
language sql as $$
  insert into audit_log (namespace, actor, action, table_name, row_id, why, detail)
  select key, current_actor(), 'history.moved', p_part, p_part, current_setting('agentbus.why', true),
    jsonb_build_object('moved', value, 'next', p_next)
  from jsonb_each(p_moved);
  select jsonb_build_object(
    'moved', (select coalesce(sum(value::int), 0) from jsonb_each_text(p_moved)),
    'next', p_next)
$$;

-- Returns the namespace that follows p_after by name, or the first one for null; null when there is none.
create or replace function next_namespace(p_after text default null) returns text language sql stable as $$
  select min(namespace) from namespaces where p_after is null or namespace > p_after
$$;

-- Returns the position at which a part goes on: the beginning of the namespace after p_namespace, or
-- p_otherwise when that was the last one.
create or replace function place_after(p_part text, p_namespace text, p_otherwise jsonb) returns jsonb
language sql stable as $$
  select coalesce(
    (
      select jsonb_build_object('part', p_part, 'namespace', n)
      from next_namespace(p_namespace) n
      where n is not null),
    p_otherwise)
$$;

-- Returns whether a job ended for good before p_before. A dead letter has not ended for good: it waits for
-- a person, however long.
create or replace function retirable(p_job jobs, p_before timestamptz) returns boolean
language sql immutable as $$
  select (p_job).state in ('succeeded', 'failed', 'cancelled')
    and (p_job).ended_at < p_before
$$;

-- Returns those of p_jobs to which no slot refers and no other job refers as parent, dependency or block. A
-- job with such a reference stays until the referring row goes, and so do the jobs to which it refers
-- itself.
create or replace function without_referred(p_jobs uuid[]) returns uuid[] language plpgsql stable as $$
declare
  v_kept uuid[];
begin
  loop
    v_kept := array(
      select id
      from unnest(p_jobs) id
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

-- Returns the smallest UUID, before every id.
create or replace function nil_id() returns uuid language sql immutable as $$
  select '00000000-0000-0000-0000-000000000000'::uuid
$$;

-- Moves one batch of the jobs of one namespace that ended before p_before, with their attempts and
-- dependencies. Returns the answer of end_batch.
-- The newest jobs go first, because younger jobs of a family refer to older ones.
create or replace function retire_jobs(p_before timestamptz, p_limit int, p_place jsonb) returns jsonb
language plpgsql as $$
declare
  v_namespace text := coalesce(p_place ->> 'namespace', next_namespace());
  v_looked uuid[];
  v_gone uuid[];
  v_last jobs;
  v_moved jsonb := '{}';
begin
  v_looked := array(
    select job_id
    from jobs j
    where namespace = v_namespace
      and ended_at < p_before
      and retirable(j, p_before)
      and (ended_at, job_id) < (
        coalesce((p_place ->> 'endedAt')::timestamptz, p_before),
        coalesce((p_place ->> 'jobId')::uuid, nil_id()))
    order by ended_at desc, job_id desc
    limit p_limit
    for update skip locked);
  select * into v_last from jobs where job_id = v_looked[cardinality(v_looked)];
  v_gone := without_referred(v_looked);
  if cardinality(v_gone) > 0 then
    perform move_rows('job_dependencies', 'job_dependencies_history', 'job_id', 'uuid', v_gone::text[]);
    perform move_rows('job_attempts', 'job_attempts_history', 'job_id', 'uuid', v_gone::text[]);
    v_moved := move_rows('jobs', 'jobs_history', 'job_id', 'uuid', v_gone::text[]);
  end if;
  return end_batch('jobs', v_moved, case
    when cardinality(v_looked) = p_limit then jsonb_build_object(
      'part', 'jobs',
      'namespace', v_namespace,
      'endedAt', v_last.ended_at,
      'jobId', v_last.job_id)
    else place_after('jobs', v_namespace, '{"part": "events"}') end);
end
$$;

-- Returns whether a slot that was over before p_before may be retired. Each order keeps its newest
-- order_runs_kept slots and its newest slot that ended well. A slot whose job is not over stays, because
-- the slot may go on.
create or replace function retirable_slot(p_slot standing_order_runs, p_before timestamptz) returns boolean
language sql stable as $$
  select (
      select count(*)
      from (
        select from standing_order_runs n
        where n.namespace = (p_slot).namespace
          and n.order_name = (p_slot).order_name
          and n.scheduled_for > (p_slot).scheduled_for
        limit order_runs_kept()) newer) = order_runs_kept()
    and ((p_slot).status <> all (good_statuses()) or exists (
      select from newest_slot((p_slot).namespace, (p_slot).order_name, good_statuses()) g
      where g.scheduled_for > (p_slot).scheduled_for))
    and ((p_slot).job_id is null or exists (
      select from jobs j
      where j.job_id = (p_slot).job_id
        and retirable(j, p_before)))
$$;

-- Moves one batch of the slots of one namespace that were over before p_before. Returns the answer of
-- end_batch.
create or replace function retire_slots(p_before timestamptz, p_limit int, p_place jsonb) returns jsonb
language plpgsql as $$
declare
  v_namespace text := coalesce(p_place ->> 'namespace', next_namespace());
  v_looked uuid[];
  v_gone text[];
  v_last standing_order_runs;
  v_moved jsonb := '{}';
begin
  v_looked := array(
    select run_id
    from standing_order_runs
    where namespace = v_namespace
      and finished_at < p_before
      and scheduled_for < p_before
      and (scheduled_for, run_id) > (
        coalesce((p_place ->> 'slot')::timestamptz, '-infinity'),
        coalesce((p_place ->> 'runId')::uuid, nil_id()))
    order by scheduled_for, run_id
    limit p_limit
    for update skip locked);
  select * into v_last from standing_order_runs where run_id = v_looked[cardinality(v_looked)];
  v_gone := array(
    select run_id::text
    from standing_order_runs r
    where run_id = any (v_looked)
      and retirable_slot(r, p_before));
  if cardinality(v_gone) > 0 then
    v_moved := move_rows('standing_order_runs', 'standing_order_runs_history', 'run_id', 'uuid', v_gone);
  end if;
  return end_batch('runs', v_moved, case
    when cardinality(v_looked) = p_limit then jsonb_build_object(
      'part', 'runs',
      'namespace', v_namespace,
      'slot', v_last.scheduled_for,
      'runId', v_last.run_id)
    else place_after('runs', v_namespace, '{"part": "jobs"}') end);
end
$$;

-- Moves the events older than p_before among the next p_limit events of one namespace, except events of
-- live jobs. Returns the answer of end_batch.
-- The batch goes by seq, because a search for old events alone would in the end read all young ones.
create or replace function retire_events(p_before timestamptz, p_limit int, p_place jsonb) returns jsonb
language plpgsql as $$
declare
  v_namespace text := coalesce(p_place ->> 'namespace', next_namespace());
  v_rows int;
  v_last bigint;
  v_young boolean;
  v_gone text[];
  v_moved jsonb := '{}';
begin
  select count(*), max(seq), bool_or(created_at >= p_before),
    array_agg(seq::text) filter (
      where created_at < p_before
        and (source_job_id is null or not exists (select from jobs j where j.job_id = e.source_job_id)))
  into v_rows, v_last, v_young, v_gone
  from (
    select seq, created_at, source_job_id
    from events
    where namespace = v_namespace
      and seq > coalesce((p_place ->> 'seq')::bigint, 0)
    order by seq
    limit p_limit) e;
  if cardinality(v_gone) > 0 then
    v_moved := move_rows('events', 'events_history', 'seq', 'bigint', v_gone);
  end if;
  return end_batch('events', v_moved, case
    when v_rows = p_limit and not v_young then
      jsonb_build_object('part', 'events', 'namespace', v_namespace, 'seq', v_last)
    else place_after('events', v_namespace, '{"part": "audit"}') end);
end
$$;

-- Returns the job that an audit row is about; null for a row of another table.
create or replace function audited_job(p_table text, p_row text) returns uuid language sql immutable as $$
  select case when p_table = 'jobs' and p_row ~ '^[0-9a-f-]{36}$' then p_row::uuid end
$$;

-- Moves the audit rows older than p_before among the next p_limit of all namespaces, except rows about live
-- jobs. Returns the answer of end_batch.
create or replace function retire_audit(p_before timestamptz, p_limit int, p_place jsonb) returns jsonb
language plpgsql as $$
declare
  v_rows int;
  v_last bigint;
  v_young boolean;
  v_gone text[];
  v_moved jsonb := '{}';
begin
  select count(*), max(audit_id), bool_or(created_at >= p_before),
    array_agg(audit_id::text) filter (
      where created_at < p_before
        and not exists (select from jobs j where j.job_id = audited_job(l.table_name, l.row_id)))
  into v_rows, v_last, v_young, v_gone
  from (
    select audit_id, created_at, table_name, row_id
    from audit_log
    where audit_id > coalesce((p_place ->> 'auditId')::bigint, 0)
    order by audit_id
    limit p_limit) l;
  if cardinality(v_gone) > 0 then
    v_moved := move_rows('audit_log', 'audit_log_history', 'audit_id', 'bigint', v_gone);
  end if;
  return end_batch('audit', v_moved, case
    when v_rows = p_limit and not v_young then jsonb_build_object('part', 'audit', 'auditId', v_last)
    when (next_retention_rule()).table_name is not null then '{"part": "rules"}' end);
end
$$;

-- Moves one batch of the work that ended more than p_days days ago: slots, jobs, events, audit rows, then
-- tables with a rule. p_place is the position where the batch begins (null: the first). Returns part, moved
-- and next, the position for the next call, which is null at the end.
-- Refuses (422) a number out of range. One node retires at a time; a second one gets null for next.
create or replace function retire_finished_work(p_days int, p_limit int, p_place jsonb default null)
returns jsonb language plpgsql as $$
declare
  v_part text := coalesce(p_place ->> 'part', 'runs');
  v_before timestamptz := now() - make_interval(days => p_days);
begin
  if p_days not between 1 and 3650 or p_limit not between 1 and 10000 then
    perform refuse(422, 'invalid_field',
      format('finished work is kept for %s days and moved in batches of %s', p_days, p_limit), null, null,
      '1 to 3650 days (agentbus.history.keep-days) and batches of 1 to 10000 (agentbus.history.batch-size)');
  end if;
  if not pg_try_advisory_xact_lock(hashtextextended('agentbus.retire', 0)) then
    return jsonb_build_object('part', v_part, 'moved', 0, 'next', null);
  end if;
  perform act_as('{"kind": "dispatcher", "name": "retirement"}',
    format('ended before %s', utc_text(v_before)));
  perform set_config('agentbus.retention', 'on', true);
  return jsonb_build_object('part', v_part) || case v_part
    when 'runs' then retire_slots(v_before, p_limit, p_place)
    when 'jobs' then retire_jobs(v_before, p_limit, p_place)
    when 'events' then retire_events(v_before, p_limit, p_place)
    when 'audit' then retire_audit(v_before, p_limit, p_place)
    else retire_by_rule(v_before, p_limit, p_place) end;
end
$$;
