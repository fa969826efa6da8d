-- One memory with its versions, its sources, its reviews, what came of it and where it stood in prompts.

-- Returns the memories before and after one in the chain of versions, and itself, oldest first, each with who
-- made it and how it ended; those that the caller may not read are left out. A memory that replaces several
-- has all of them before it. No chain has a ring, because only an active memory can be superseded.
create or replace function versions_of(p_principal jsonb, p_memory memories) returns jsonb
language sql stable as $$
  with recursive later as (
    select (p_memory).memory_id, (p_memory).superseded_by
    union
    select m.memory_id, m.superseded_by
    from later l
    join memories m on m.memory_id = l.superseded_by
  ), chain as (
    select memory_id from later
    union
    select m.memory_id
    from chain c
    join memories m on m.superseded_by = c.memory_id
  )
  select coalesce(jsonb_agg(jsonb_strip_nulls(jsonb_build_object(
      'memoryId', memory_id,
      'version', version,
      'status', status,
      'title', title,
      'promotedBy', promoted_by,
      'createdAt', created_at,
      'supersededBy', superseded_by,
      'endedBy', ended_by,
      'endReason', end_reason,
      'endedAt', ended_at)) order by version, seq), '[]')
  from (
    select m.*
    from chain c
    join memories m using (memory_id)
    where memory_visible(p_principal, m.visibility, m.owner_agent)
    order by m.version desc, m.seq desc
    limit memory_rows_shown()) shown
$$;

-- Returns the row of the ledger that a source names, in short: about, its agent, subject, topic, question
-- or title, and state. Null for a page, for a row that has retired for good, and for a memory that the
-- caller may not read.
create or replace function row_of_ref(p_principal jsonb, p_ref jsonb) returns jsonb
language plpgsql stable as $$
declare
  v_id uuid := (p_ref ->> 'id')::uuid;
begin
  return case p_ref ->> 'kind'
    when 'job' then (
      select jsonb_build_object('about', format('%s: %s', target_agent, subject), 'state', state)
      from (
        select target_agent, subject, state from jobs where job_id = v_id
        union all
        select target_agent, subject, state from jobs_history where job_id = v_id) j)
    when 'event' then (
      select jsonb_strip_nulls(jsonb_build_object('about', topic, 'jobId', source_job_id)) from event_of(v_id))
    when 'slot' then (
      select jsonb_strip_nulls(jsonb_build_object('about', order_name, 'state', status, 'jobId', job_id))
      from slot_of(v_id))
    when 'question' then (
      select jsonb_strip_nulls(jsonb_build_object('about', cut(question, list_text()), 'state', status,
        'jobId', job_id, 'answeredBy', answered_by))
      from question_by_id(v_id))
    when 'opportunity' then (
      select jsonb_build_object('about', title, 'state', status) from opportunities where opportunity_id = v_id)
    when 'memory' then (
      select jsonb_build_object('about', title, 'state', status)
      from memories
      where memory_id = v_id and memory_visible(p_principal, visibility, owner_agent)) end;
end
$$;

-- Returns the sources of a memory, each with the row that it names.
create or replace function memory_sources(p_principal jsonb, p_refs jsonb) returns jsonb
language sql stable as $$
  select coalesce(jsonb_agg(ref || coalesce(row_of_ref(p_principal, ref), '{}') order by place), '[]')
  from jsonb_array_elements(p_refs) with ordinality r (ref, place)
$$;

-- Returns what came of a memory: how often it stood in a prompt, the verdicts and the outcomes.
create or replace function memory_uses_json(p_memory_id uuid) returns jsonb
language sql stable as $$
  select jsonb_strip_nulls(jsonb_build_object(
    'injected', coalesce(injected, 0),
    'used', coalesce(used, 0),
    'irrelevant', coalesce(irrelevant, 0),
    'wrong', coalesce(wrong, 0),
    'helped', coalesce(helped, 0),
    'hurt', coalesce(hurt, 0),
    'lastInjectedAt', last_injected_at,
    'lastUsedAt', last_used_at))
  from (values (p_memory_id)) m (memory_id)
  left join memory_uses using (memory_id)
$$;

create or replace function get_memory(p_principal jsonb, p_input jsonb) returns jsonb
language plpgsql stable as $$
declare
  v_namespace text := namespace_of(p_principal, p_input);
  v_memory memories := memory_of(p_principal, v_namespace, (p_input ->> 'memoryId')::uuid);
begin
  return memory_row(v_memory, null) || jsonb_build_object(
    'versions', versions_of(p_principal, v_memory),
    'sources', memory_sources(p_principal, v_memory.source_refs),
    'uses', memory_uses_json(v_memory.memory_id),
    'reviews', (
      select coalesce(jsonb_agg(memory_review_row(p_principal, r) order by r.seq desc), '[]')
      from (
        select *
        from memory_reviews r
        where memory_id = v_memory.memory_id and memory_review_visible(p_principal, r)
        order by seq desc
        limit memory_rows_shown()) r),
    'injections', (
      select coalesce(jsonb_agg(injection_row(i, v_memory) order by i.created_at desc, i.injection_id), '[]')
      from (
        select *
        from memory_injections
        where memory_id = v_memory.memory_id
        order by created_at desc
        limit memory_rows_shown()) i));
end
$$;
comment on function get_memory(jsonb, jsonb) is
  'The operation getMemory: one memory with its versions, its sources, its newest reviews, what came of it, and the newest prompts in which it stood; at most memory_rows_shown of each. Refuses (404) one that does not exist or that the caller may not read.';
