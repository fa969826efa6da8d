-- The operation list-audit: who did what to which row, and why, newest first.
--
-- A position in the list is (created_at, audit_id), and every index that serves the list ends in both. The
-- caller passes the audit_id of the last row as before.

-- Returns the names of all tables that have audit rows, live or retired. Each step reads one entry of an
-- index, so the cost does not depend on the number of rows.
create or replace function audited_tables() returns text[]
language sql stable as $$
  with recursive live (name) as (
    select min(table_name) from audit_log
    union all
    select (select min(table_name) from audit_log where table_name > name) from live where name is not null
  ), retired (name) as (
    select min(table_name) from audit_log_history
    union all
    select (select min(table_name) from audit_log_history where table_name > name)
    from retired
    where name is not null
  )
  select coalesce(array_agg(name), '{}')
  from (select name from live union select name from retired) t
  where name is not null
$$;

-- Returns the ids of the rows that belong to a job, live or retired, as the audit log writes them: the job,
-- its attempts, its questions and the slot of the standing order that it works for.
create or replace function rows_of_job(p_job_id uuid) returns text[]
language sql stable as $$
  select array_agg(id::text)
  from (
    select p_job_id as id
    union select attempt_id from job_attempts where job_id = p_job_id
    union select attempt_id from job_attempts_history where job_id = p_job_id
    union select question_id from questions where job_id = p_job_id
    union select question_id from questions_history where job_id = p_job_id
    union select run_id from standing_order_runs where job_id = p_job_id) r
$$;

-- Returns the position before which a list of audit rows begins: that of the row p_before, but not after
-- p_until (each null: none). Refuses (422) a p_before that is no audit row of the namespace.
create or replace function audit_position(
  p_namespace text, p_before bigint, p_until timestamptz, out o_at timestamptz, out o_id bigint
) language plpgsql stable as $$
begin
  o_at := coalesce(p_until, 'infinity');
  o_id := 0;
  if p_before is null then
    return;
  end if;
  select created_at, audit_id into o_at, o_id
  from (
    select created_at, audit_id, namespace from audit_log where audit_id = p_before
    union all
    select created_at, audit_id, namespace from audit_log_history where audit_id = p_before) r
  where namespace = p_namespace;
  if not found then
    perform refuse(422, 'invalid_field',
      format('there is no audit row %s in namespace %s', p_before, p_namespace), 'before', to_jsonb(p_before),
      'next of an earlier answer, or the auditId of a row');
  end if;
  if o_at >= p_until then
    o_at := p_until;
    o_id := 0;
  end if;
end
$$;

-- Returns an audit row as the contract shows it. A large detail is cut field by field.
create or replace function audit_json(p_row audit_log) returns jsonb
language sql stable as $$
  select jsonb_strip_nulls(jsonb_build_object(
    'auditId', (p_row).audit_id,
    'at', (p_row).created_at,
    'actor', (p_row).actor,
    'action', (p_row).action,
    'table', (p_row).table_name,
    'rowId', (p_row).row_id,
    'why', cut((p_row).why, late_report_text())))
    || jsonb_build_object('detail', case
      when octet_length((p_row).detail::text) <= small_json() then (p_row).detail
      else cut_fields((p_row).detail, list_text()) end)
$$;

-- Returns the actions that nearly every job has; the index by action leaves them out.
create or replace function common_actions() returns text[] language sql immutable as $$
  select '{job.enqueued,job.leased,job.running,job.succeeded}'::text[]
$$;

-- Returns whether the rows of one actor from p_since up to a position are so few that one look sees them
-- all.
create or replace function actor_fits(
  p_namespace text, p_actor text, p_since timestamptz, p_at timestamptz
) returns boolean language sql stable as $$
  select count(*) < audit_look()
  from (
    select from audit_log
    where namespace = p_namespace
      and actor = p_actor
      and created_at >= p_since
      and created_at <= p_at
    limit audit_look()) r
$$;

-- Opens a cursor over the audit rows of a namespace from p_since to before the position (p_at, p_id), live
-- or retired, newest first, at most audit_look rows. The caller passes at most one of actor, action and
-- table, and no value that the index of that column leaves out. One index then gives the rows in order, and
-- the caller checks the other filters row by row.
create or replace function open_audit(
  p_namespace text, p_actor text, p_action text, p_table text,
  p_since timestamptz, p_at timestamptz, p_id bigint
) returns refcursor
language plpgsql stable
-- Planned anew each time, so that a filter which is not given disappears from the plan. The caller fetches
-- a page and no more, which the planner does not know, so it may neither sort nor read a whole table.
set plan_cache_mode = force_custom_plan set enable_sort = off set enable_seqscan = off
set enable_bitmapscan = off as $$
declare
  v_rows refcursor;
begin
  -- Each branch has an order of its own, so that both are read along an index and merged.
  open v_rows for
    select *
    from (
      (
        select audit_id, namespace, actor, action, table_name, row_id, why, detail, created_at
        from audit_log
        where namespace = p_namespace
          and (p_actor is null or actor = p_actor and split_part(actor, ':', 1) <> 'dispatcher')
          and (p_action is null
            or action = p_action and action <> all ('{job.enqueued,job.leased,job.running,job.succeeded}'))
          and (p_table is null or table_name = p_table and table_name <> 'jobs')
          and created_at >= p_since
          and (created_at, audit_id) < (p_at, p_id)
        order by created_at desc, audit_id desc
        limit audit_look())
      union all
      (
        select audit_id, namespace, actor, action, table_name, row_id, why, detail, created_at
        from audit_log_history
        where namespace = p_namespace
          and (p_actor is null or actor = p_actor and split_part(actor, ':', 1) <> 'dispatcher')
          and (p_action is null
            or action = p_action and action <> all ('{job.enqueued,job.leased,job.running,job.succeeded}'))
          and (p_table is null or table_name = p_table and table_name <> 'jobs')
          and created_at >= p_since
          and (created_at, audit_id) < (p_at, p_id)
        order by created_at desc, audit_id desc
        limit audit_look())) r
    order by created_at desc, audit_id desc
    limit audit_look();
  return v_rows;
end
$$;

-- Opens the same cursor over the rows with one of the ids, in any of the tables.
create or replace function open_audit_of_rows(
  p_namespace text, p_tables text[], p_rows text[], p_since timestamptz, p_at timestamptz, p_id bigint
) returns refcursor
language plpgsql stable
set plan_cache_mode = force_custom_plan as $$
declare
  v_rows refcursor;
begin
  open v_rows for
    select r.audit_id, r.namespace, r.actor, r.action, r.table_name, r.row_id, r.why, r.detail, r.created_at
    from unnest(p_tables) as t (name)
    cross join unnest(p_rows) as i (id)
    cross join lateral (
      (
        select audit_id, namespace, actor, action, table_name, row_id, why, detail, created_at
        from audit_log
        where table_name = t.name
          and row_id = i.id
          and namespace = p_namespace
          and created_at >= p_since
          and (created_at, audit_id) < (p_at, p_id)
        order by created_at desc, audit_id desc
        limit audit_look())
      union all
      (
        select audit_id, namespace, actor, action, table_name, row_id, why, detail, created_at
        from audit_log_history
        where table_name = t.name
          and row_id = i.id
          and namespace = p_namespace
          and created_at >= p_since
          and (created_at, audit_id) < (p_at, p_id)
        order by created_at desc, audit_id desc
        limit audit_look())) r
    order by r.created_at desc, r.audit_id desc
    limit audit_look();
  return v_rows;
end
$$;

create or replace function list_audit(p_principal jsonb, p_input jsonb) returns jsonb
language plpgsql stable as $$
declare
  v_namespace text := namespace_of(p_principal, p_input);
  v_limit int := coalesce((p_input ->> 'limit')::int, 50);
  v_most int := list_bytes(p_input);
  v_actor text := p_input ->> 'actor';
  v_action text := p_input ->> 'action';
  v_table text := p_input ->> 'table';
  v_row_id text := p_input ->> 'rowId';
  v_since timestamptz := coalesce((p_input ->> 'since')::timestamptz, '-infinity');
  v_until timestamptz := (p_input ->> 'until')::timestamptz;
  v_place record;
  v_cursor refcursor;
  v_row audit_log;
  v_shown jsonb;
  v_rows jsonb[] := '{}';
  v_bytes int := 0;
  v_looked int := 0;
  v_last bigint;
  v_searched timestamptz;
  v_full boolean := false;
begin
  if v_since >= v_until then
    perform refuse(422, 'invalid_field',
      format('the window ends at %s and begins at %s', utc_text(v_until), utc_text(v_since)),
      'until', to_jsonb(v_until), 'a time after since');
  end if;
  select * into v_place from audit_position(v_namespace, (p_input ->> 'before')::bigint, v_until);
  if p_input ? 'jobId' or v_row_id is not null then
    v_cursor := open_audit_of_rows(v_namespace,
      case when v_table is null then audited_tables() else array[v_table] end,
      case when p_input ? 'jobId' then rows_of_job((p_input ->> 'jobId')::uuid) else array[v_row_id] end,
      v_since, v_place.o_at, v_place.o_id);
  elsif split_part(v_actor, ':', 1) <> 'dispatcher'
    and (v_action is null or v_action = any (common_actions())
      or actor_fits(v_namespace, v_actor, v_since, v_place.o_at)) then
    v_cursor := open_audit(v_namespace, v_actor, null, null, v_since, v_place.o_at, v_place.o_id);
  elsif v_action <> all (common_actions()) then
    v_cursor := open_audit(v_namespace, null, v_action, null, v_since, v_place.o_at, v_place.o_id);
  else
    -- No index has what nearly every job writes: the newest rows hold enough of that.
    v_cursor := open_audit(v_namespace, null, null, nullif(v_table, 'jobs'), v_since, v_place.o_at,
      v_place.o_id);
  end if;
  loop
    fetch v_cursor into v_row;
    exit when not found;
    v_looked := v_looked + 1;
    if (v_actor is null or v_row.actor = v_actor)
      and (v_action is null or v_row.action = v_action)
      and (v_table is null or v_row.table_name = v_table)
      and (v_row_id is null or v_row.row_id = v_row_id) then
      v_shown := audit_json(v_row);
      v_bytes := v_bytes + octet_length(v_shown::text);
      v_full := cardinality(v_rows) = v_limit or (v_bytes > v_most and cardinality(v_rows) > 0);
      exit when v_full;
      v_rows := v_rows || v_shown;
    end if;
    v_last := v_row.audit_id;
    v_searched := v_row.created_at;
  end loop;
  close v_cursor;
  return jsonb_build_object('rows', to_jsonb(v_rows))
    || case when v_full or v_looked = audit_look() then jsonb_build_object('next', v_last) else '{}' end
    || case
      when not v_full and v_looked = audit_look() then jsonb_build_object('searchedTo', v_searched)
      else '{}' end;
end
$$;
comment on function list_audit(jsonb, jsonb) is
  'The operation listAudit: the audit rows of a namespace, live or retired, newest first, at most limit (default 50) and at most answer_bytes. Every other field of the input narrows the list. A call reads at most audit_look rows; when it stops there, the answer says how far it has searched (searchedTo), and next goes on.';
