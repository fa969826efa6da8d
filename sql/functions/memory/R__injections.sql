-- How injections are shown: which memories stood in the prompts of a job, and in which prompts a memory
-- stood. An agent is shown those of memories that it may read.

-- Returns an injection as lists show it, with title and kind of its memory; p_memory is null when the memory
-- has retired.
create or replace function injection_row(p_injection memory_injections, p_memory memories) returns jsonb
language sql stable as $$
  select jsonb_strip_nulls(jsonb_build_object(
    'injectionId', (p_injection).injection_id,
    'memoryId', (p_injection).memory_id,
    'version', (p_injection).version,
    'kind', (p_memory).kind,
    'title', (p_memory).title,
    'memoryStatus', (p_memory).status,
    'jobId', (p_injection).job_id,
    'attemptId', (p_injection).attempt_id,
    'agentId', (p_injection).agent_id,
    'bucket', (p_injection).bucket,
    'rank', (p_injection).rank,
    'score', (p_injection).score,
    'tokens', (p_injection).tokens,
    'verdict', (p_injection).verdict,
    'verdictNote', (p_injection).verdict_note,
    'verdictAt', (p_injection).verdict_at,
    'outcome', (p_injection).outcome,
    'createdAt', (p_injection).created_at))
    || jsonb_build_object('scoreParts', (p_injection).score_parts)
$$;

-- Returns the injections of an attempt that a caller may see, in their order, as get-job shows them: an
-- object with memories, or an empty one.
create or replace function memories_of_attempt(p_principal jsonb, p_attempt uuid) returns jsonb
language sql stable as $$
  select case when count(*) = 0 then '{}' else jsonb_build_object('memories', jsonb_agg(
    injection_row(i, m) - '{injectionId,jobId,attemptId,agentId}'::text[] order by i.rank, i.memory_id)) end
  from memory_injections i
  left join memories m using (memory_id)
  where i.attempt_id = p_attempt
    and (not is_agent(p_principal) or memory_visible(p_principal, m.visibility, m.owner_agent))
$$;

-- Returns whether a caller may read the prompt of an attempt: not an agent, when a memory stands in it that
-- the agent may not read.
create or replace function may_read_prompt(p_principal jsonb, p_attempt uuid) returns boolean
language sql stable as $$
  select not is_agent(p_principal) or not exists (
    select
    from memory_injections i
    left join memories m using (memory_id)
    where i.attempt_id = p_attempt
      and not memory_visible(p_principal, m.visibility, m.owner_agent))
$$;

create or replace function list_memory_injections(p_principal jsonb, p_input jsonb) returns jsonb
language plpgsql stable
-- Planned anew each time, because each filter has an index of its own.
set plan_cache_mode = force_custom_plan as $$
declare
  v_namespace text := namespace_of(p_principal, p_input);
  v_limit int := coalesce((p_input ->> 'limit')::int, 50);
  v_most int := list_bytes(p_input);
  v_all boolean := not is_agent(p_principal);
  v_may_promote text := may_promote_of(p_principal);
  v_before memory_injections;
  v_injection record;
  v_rows jsonb[] := '{}';
  v_bytes int := 0;
begin
  if p_input ? 'before' then
    select * into v_before
    from memory_injections
    where injection_id = (p_input ->> 'before')::uuid and namespace = v_namespace;
    if not found then
      perform refuse(422, 'invalid_field', format('there is no injection %s any more', p_input ->> 'before'),
        'before', p_input -> 'before', 'next of the page before; or no before, for the first page');
    end if;
  end if;
  for v_injection in
    select i.injection_id, injection_row(i, m) as shown
    from memory_injections i
    left join memories m using (memory_id)
    where i.namespace = v_namespace
      and (not p_input ? 'memoryId' or i.memory_id = (p_input ->> 'memoryId')::uuid)
      and (not p_input ? 'jobId' or i.job_id = (p_input ->> 'jobId')::uuid)
      and (not p_input ? 'attemptId' or i.attempt_id = (p_input ->> 'attemptId')::uuid)
      and (not p_input ? 'verdict' or i.verdict = p_input ->> 'verdict')
      and (v_before.injection_id is null
        or i.created_at <= v_before.created_at
          and (i.created_at, -i.rank, i.injection_id)
            < (v_before.created_at, -v_before.rank, v_before.injection_id))
      and (v_all or memory_readable_by(p_principal ->> 'name', v_may_promote, m.visibility, m.owner_agent))
    order by i.created_at desc, i.rank, i.injection_id desc
    limit v_limit + 1
  loop
    v_bytes := v_bytes + octet_length(v_injection.shown::text);
    if cardinality(v_rows) = v_limit or v_bytes > v_most and cardinality(v_rows) > 0 then
      return jsonb_build_object('injections', to_jsonb(v_rows),
        'next', v_rows[cardinality(v_rows)] -> 'injectionId');
    end if;
    v_rows := v_rows || v_injection.shown;
  end loop;
  return jsonb_build_object('injections', to_jsonb(v_rows));
end
$$;
comment on function list_memory_injections(jsonb, jsonb) is
  'The operation listMemoryInjections: which memories stood in which prompts, newest first, at most limit (default 50) and at most answer_bytes. Filters are memoryId, jobId, attemptId and verdict. An agent gets those of memories that it may read. next of the answer is before of the following page.';
