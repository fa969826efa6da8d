-- The filter of jobs: the same fields choose the rows of a list, the count of a preview and the jobs of a
-- bulk action. There is one condition, in job_page, and it takes every value as a parameter.
--
-- Plans: job_page reads one index in the order of arrival and stops after a number of rows. The condition on
-- v_source leaves one branch of the union, or those of several states, which are merged; the others are
-- constants and vanish when the call is planned. Each branch has the order itself, because the planner does
-- not pass the order of the union down to a branch with a condition.

-- Returns the filter of an input in its normal form: the fields state (an array), targetAgent, subject,
-- jobType, flowKey, correlationKey, parentJobId, trust, text, since and until, without those that are absent.
-- The input may name several states separated by commas, or as an array. Other fields are left out.
-- Refuses (422, invalid_field) an unknown state, and a since that is not before until. p_field is the prefix
-- of field names in refusals.
create or replace function job_filter(p_input jsonb, p_field text default '') returns jsonb
language plpgsql stable as $$
declare
  v_states text[] := case jsonb_typeof(p_input -> 'state')
    when 'array' then array(select distinct jsonb_array_elements_text(p_input -> 'state') order by 1)
    else array(
      select distinct trim(s) from string_to_table(p_input ->> 'state', ',') s where trim(s) <> '' order by 1) end;
  v_since timestamptz := (p_input ->> 'since')::timestamptz;
  v_until timestamptz := (p_input ->> 'until')::timestamptz;
begin
  if not v_states <@ job_states() then
    perform refuse(422, 'invalid_field',
      format('there is no state %s', (select s from unnest(v_states) s where s <> all (job_states()) limit 1)),
      p_field || 'state', p_input -> 'state',
      'one of, or several separated by commas: ' || array_to_string(job_states(), ', '));
  end if;
  if v_since >= v_until then
    perform refuse(422, 'invalid_field', 'no job can arrive after since and before until',
      p_field || 'since', p_input -> 'since', 'a time before until, which is ' || utc_text(v_until));
  end if;
  return jsonb_strip_nulls(jsonb_build_object(
    'state', case when v_states <> '{}' then to_jsonb(v_states) end,
    'targetAgent', p_input ->> 'targetAgent',
    'subject', p_input ->> 'subject',
    'jobType', p_input ->> 'jobType',
    'flowKey', p_input ->> 'flowKey',
    'correlationKey', p_input ->> 'correlationKey',
    'parentJobId', p_input ->> 'parentJobId',
    'trust', p_input ->> 'trust',
    'text', nullif(trim(p_input ->> 'text'), ''),
    'since', v_since,
    'until', v_until));
end
$$;

-- Returns the states of a job.
create or replace function job_states() returns text[]
language sql immutable as $$
  select array['waiting', 'queued', 'leased', 'running', 'succeeded', 'blocked', 'failed', 'dead', 'cancelled']
$$;

-- Returns the texts of the words of p_text as patterns for like, in lower case; null for no text.
create or replace function word_patterns(p_text text) returns text[]
language sql immutable as $$
  select array_agg('%' || replace(replace(replace(lower(w), '\', '\\'), '%', '\%'), '_', '\_') || '%')
  from regexp_split_to_table(trim(p_text), '\s+') w
  where w <> ''
$$;

-- Returns which index job_page reads for a filter. The queued jobs have no index by arrival, because every
-- job would pay for it; they are sorted while they are few (queued_sorted).
create or replace function job_source(p_namespace text, p_filter jsonb, p_only uuid[]) returns text
language plpgsql stable
set plan_cache_mode = force_custom_plan as $$
begin
  return case
    when p_only is not null then 'ids'
    when p_filter ? 'flowKey' then 'flow'
    when p_filter ? 'correlationKey' then 'correlation'
    when p_filter ? 'parentJobId' then 'parent'
    when not p_filter ? 'state' or p_filter -> 'state' ? 'succeeded' then 'arrival'
    when p_filter -> 'state' ? 'queued' and (
      select count(*)
      from (
        select
        from jobs
        where namespace = p_namespace
          and state = 'queued'
          and (p_filter ->> 'targetAgent' is null or target_agent = p_filter ->> 'targetAgent')
        limit queued_sorted() + 1) q) > queued_sorted() then 'arrival'
    else 'state' end;
end
$$;

-- Returns a page of the jobs of a namespace that match p_filter (the normal form of job_filter): at most
-- p_limit, with a seq above p_after and below p_before (null: no end), newest first or, with p_up, oldest
-- first. With p_only it looks at these jobs alone, and with p_to_start it takes only jobs that retry-now can
-- start: queued for later, or blocked until a time.
--   o_jobs         their ids, in order
--   o_next         the last seq that was looked at, for the next page; null when there is nothing beyond it
--   o_searched_to  when the search stopped before it found p_limit jobs, because it had looked at p_looks
--                  rows (null: job_looks): the arrival of the last one; otherwise null. With a text a row
--                  counts as ten, and every 100 bytes of its payload as one more.
-- A caller that needs all matching jobs goes on from o_next until it is null.
create or replace function job_page(
  p_namespace text, p_filter jsonb, p_limit int, p_after bigint default 0, p_before bigint default null,
  p_up boolean default false, p_looks int default null, p_only uuid[] default null,
  p_to_start boolean default false, out o_jobs uuid[], out o_next bigint, out o_searched_to timestamptz
) language plpgsql stable
-- Planned anew for each call: only with its values can the planner leave out the other branches.
set plan_cache_mode = force_custom_plan
set enable_seqscan = off
set enable_bitmapscan = off
set jit = off as $$
declare
  v_source text := job_source(p_namespace, p_filter, p_only);
  v_states text[] := array(select jsonb_array_elements_text(p_filter -> 'state'));
  v_agent text := p_filter ->> 'targetAgent';
  v_subject text := p_filter ->> 'subject';
  v_type text := p_filter ->> 'jobType';
  v_flow text := p_filter ->> 'flowKey';
  v_correlation text := p_filter ->> 'correlationKey';
  v_parent uuid := (p_filter ->> 'parentJobId')::uuid;
  v_trust text := p_filter ->> 'trust';
  v_since timestamptz := (p_filter ->> 'since')::timestamptz;
  v_until timestamptz := (p_filter ->> 'until')::timestamptz;
  v_words text[] := word_patterns(p_filter ->> 'text');
  v_before bigint := coalesce(p_before, 9223372036854775807);
  v_looks int := coalesce(p_looks, job_looks());
  v_found int;
  v_used bigint;
begin
  select coalesce(array_agg(job_id order by place) filter (where fits), '{}'), count(*) filter (where fits),
    (array_agg(seq order by place desc))[1], max(used), (array_agg(created_at order by place desc))[1]
  into o_jobs, v_found, o_next, v_used, o_searched_to
  from (
    select job_id, seq, created_at, used, row_number() over () as place, fits
    from (
      select job_id, seq, created_at, used, weight,
        -- Beyond the limit nothing is compared.
        case when used - weight < v_looks then
          (v_states = '{}' or state = any (v_states))
          and (not p_to_start or state = 'queued' and run_after > now() or blocked_until is not null)
          and (v_agent is null or target_agent = v_agent)
          and (v_subject is null or subject = v_subject)
          and (v_type is null or job_type = v_type)
          and (v_flow is null or flow_key = v_flow)
          and (v_correlation is null or correlation_key = v_correlation)
          and (v_parent is null or parent_job_id = v_parent)
          and (v_trust is null or trust = v_trust)
          and (v_since is null or created_at >= v_since)
          and (v_until is null or created_at < v_until)
          and (v_words is null or lower(
            concat_ws(' ', subject, summary, last_error, blocked_reason, payload, job_id)) like all (v_words))
        else false end is true as fits
      from (
        select *, sum(weight) over (rows unbounded preceding) as used
        from (
          select *,
            case when v_words is null then 1
              else 10 + coalesce(payload_bytes, pg_column_size(payload)) / 100 end as weight
          from (
            (select * from jobs
            where v_source = 'arrival' and namespace = p_namespace and seq > p_after and seq < v_before
            order by case when p_up then seq end, case when not p_up then seq end desc
            limit v_looks)
            union all
            (select * from jobs
            where v_source = 'flow' and namespace = p_namespace and flow_key = v_flow
              and seq > p_after and seq < v_before
            order by case when p_up then seq end, case when not p_up then seq end desc
            limit v_looks)
            union all
            (select * from jobs
            where v_source = 'correlation' and namespace = p_namespace and correlation_key = v_correlation
              and seq > p_after and seq < v_before
            order by case when p_up then seq end, case when not p_up then seq end desc
            limit v_looks)
            union all
            (select * from jobs
            where v_source = 'parent' and namespace = p_namespace and parent_job_id = v_parent
              and seq > p_after and seq < v_before
            order by case when p_up then seq end, case when not p_up then seq end desc
            limit v_looks)
            union all
            (select * from jobs
            where v_source = 'ids' and namespace = p_namespace and job_id = any (p_only)
              and seq > p_after and seq < v_before
            order by case when p_up then seq end, case when not p_up then seq end desc
            limit v_looks)
            union all
            (select * from jobs
            where v_source = 'state' and state = 'waiting' and 'waiting' = any (v_states)
              and namespace = p_namespace and seq > p_after and seq < v_before
            order by case when p_up then seq end, case when not p_up then seq end desc
            limit v_looks)
            union all
            (select * from jobs
            where v_source = 'state' and state = 'blocked' and 'blocked' = any (v_states)
              and namespace = p_namespace and seq > p_after and seq < v_before
            order by case when p_up then seq end, case when not p_up then seq end desc
            limit v_looks)
            union all
            (select * from jobs
            where v_source = 'state' and state = 'failed' and 'failed' = any (v_states)
              and namespace = p_namespace and seq > p_after and seq < v_before
            order by case when p_up then seq end, case when not p_up then seq end desc
            limit v_looks)
            union all
            (select * from jobs
            where v_source = 'state' and state = 'dead' and 'dead' = any (v_states)
              and namespace = p_namespace and seq > p_after and seq < v_before
            order by case when p_up then seq end, case when not p_up then seq end desc
            limit v_looks)
            union all
            (select * from jobs
            where v_source = 'state' and state = 'cancelled' and 'cancelled' = any (v_states)
              and namespace = p_namespace and seq > p_after and seq < v_before
            order by case when p_up then seq end, case when not p_up then seq end desc
            limit v_looks)
            union all
            (select * from jobs
            where v_source = 'state' and state = 'queued' and 'queued' = any (v_states)
              and namespace = p_namespace and (v_agent is null or target_agent = v_agent)
              and seq > p_after and seq < v_before
            order by case when p_up then seq end, case when not p_up then seq end desc
            limit v_looks)
            union all
            (select * from jobs
            where v_source = 'state' and state in ('leased', 'running') and v_states && '{leased,running}'
              and moved_xid >= claim_floor() and namespace = p_namespace and seq > p_after and seq < v_before
            order by case when p_up then seq end, case when not p_up then seq end desc
            limit v_looks)) source
          order by case when p_up then seq end, case when not p_up then seq end desc
          limit case when v_words is null then v_looks else v_looks / 10 + 1 end) looked) weighed) compared
    where fits or used >= v_looks and used - weight < v_looks
    limit p_limit) page;
  if v_found = p_limit then
    o_searched_to := null;
  elsif v_used >= v_looks then
    null;
  else
    o_next := null;
    o_searched_to := null;
  end if;
end
$$;

drop function if exists job_page(text, jsonb, int, bigint, bigint, boolean, int, uuid[]);

-- Returns a seq for a time: jobs with a higher seq arrived at p_at or later. It searches by halves, which
-- takes some twenty looks at an index, and relies on jobs that arrive in the order of their seqs; the
-- caller leaves arrival_slack for transactions that overlap.
create or replace function seq_before(p_namespace text, p_at timestamptz) returns bigint
language plpgsql stable as $$
declare
  v_low bigint := (select min(seq) from jobs where namespace = p_namespace);
  v_high bigint := (select max(seq) from jobs where namespace = p_namespace);
  v_middle bigint;
  v_job record;
begin
  -- Every job up to v_low - 1 arrived before p_at, and every job above v_high did not.
  while v_low <= v_high loop
    v_middle := v_low + (v_high - v_low) / 2;
    select seq, created_at into v_job
    from jobs
    where namespace = p_namespace and seq >= v_middle
    order by seq
    limit 1;
    if v_job.created_at < p_at then
      v_low := v_job.seq + 1;
    else
      v_high := v_middle - 1;
    end if;
  end loop;
  return coalesce(v_high, 0);
end
$$;

-- Returns between which seqs the jobs of a filter with since or until lie (p_after and p_before of job_page),
-- so that a list of a past day does not look at all newer jobs. A bulk action does without it, because a job
-- that was written by hand with another time of arrival may lie outside.
create or replace function job_window(
  p_namespace text, p_filter jsonb, out o_after bigint, out o_before bigint
) language plpgsql stable as $$
begin
  o_after := case
    when p_filter ? 'since'
      then seq_before(p_namespace, (p_filter ->> 'since')::timestamptz - arrival_slack())
    else 0 end;
  if p_filter ? 'until' then
    o_before := seq_before(p_namespace, (p_filter ->> 'until')::timestamptz + arrival_slack()) + 1;
  end if;
end
$$;
