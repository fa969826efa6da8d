-- The memories in the prompt of an attempt. They are chosen once for each attempt and written down with the
-- reasons, before the prompt is rendered (route recall-memories).
--
-- Nothing here may hold a job: the route gives the call a time limit, and a prompt without memories is a
-- prompt as before.

-- Returns the memories of an attempt in their order, as its prompt shows them: objects with memoryId,
-- version, kind, scope, subjectKey, title, body, confidenceScore, trust and source (memory_source).
create or replace function memories_for_prompt(p_attempt uuid) returns jsonb
language plpgsql stable as $$
begin
  return (
    select coalesce(jsonb_agg(jsonb_strip_nulls(jsonb_build_object(
      'memoryId', m.memory_id,
      'version', m.version,
      'kind', m.kind,
      'scope', m.scope,
      'subjectKey', m.subject_key,
      'title', m.title,
      'body', m.body,
      'confidenceScore', m.confidence,
      'trust', m.trust,
      'source', memory_source(m.source_agent, m.source_refs))) order by i.rank, i.memory_id), '[]')
    from memory_injections i
    join memories m using (memory_id)
    where i.attempt_id = p_attempt);
end
$$;

-- Chooses the memories for the prompt of a live attempt, writes them down and returns them as
-- memories_for_prompt does. p_mapping is that of job_keys. Returns an empty
-- list for an attempt that is over, and while phase 4 is off or frozen.
-- A repeated call returns the same memories, as long as the attempt has no prompt without those that have
-- ended since: its dispatcher was lost between the choice and the prompt.
create or replace function inject_memories(p_attempt uuid, p_mapping jsonb) returns jsonb
language plpgsql as $$
declare
  v_job jobs;
  v_prompt text;
begin
  select j.* into v_job
  from job_attempts a
  join jobs j on j.job_id = a.job_id and j.live_attempt = a.attempt_id
  where a.attempt_id = p_attempt;
  if not found
    or phase_stop(v_job.namespace, 4) is not null
    -- Most attempts of a bus that is new to memories have none to choose from.
    or not exists (select from memories where namespace = v_job.namespace and status = 'active')
      and not exists (select from memory_injections where attempt_id = p_attempt)
  then
    return '[]';
  end if;
  -- A dispatcher that has taken the attempt over waits for the call of the earlier one.
  perform pg_advisory_xact_lock(hashtextextended('agentbus.injections.' || p_attempt, 0));
  select prompt into v_prompt from job_attempts where attempt_id = p_attempt;
  if v_prompt is not null then
    return memories_for_prompt(p_attempt);
  end if;
  delete from memory_injections
  where attempt_id = p_attempt
    and memory_id not in (
      select m.memory_id
      from memory_injections i
      join memories m using (memory_id)
      where i.attempt_id = p_attempt and m.status = 'active');
  if not exists (select from memory_injections where attempt_id = p_attempt) then
    insert into memory_injections
      (namespace, attempt_id, memory_id, version, job_id, agent_id, bucket, rank, score, score_parts, tokens)
    select v_job.namespace, p_attempt, memory_id, version, v_job.job_id, v_job.target_agent, bucket, rank,
      score, score_parts, tokens
    from memories_for_job(v_job.namespace, v_job.target_agent, v_job.subject, job_text(v_job),
      job_keys(v_job.payload, v_job.flow_key, v_job.correlation_key, p_mapping),
      p_trust => v_job.trust);
  end if;
  return memories_for_prompt(p_attempt);
end
$$;
