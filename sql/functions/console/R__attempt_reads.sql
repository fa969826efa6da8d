-- The operation get-attempt: all that the bus knows about one try at a job.

-- Returns a job of the namespace, live or retired, without the values that can be large. Refuses an unknown
-- job (404).
create or replace function any_job_of(p_namespace text, p_job_id uuid) returns jobs
language plpgsql stable as $$
declare
  v_job jobs;
begin
  select * into v_job from jobs where job_id = p_job_id and namespace = p_namespace;
  if not found then
    select * into v_job from retired_jobs(p_namespace, array[p_job_id]);
  end if;
  if not found then
    -- Refuses, because the job is neither live nor retired.
    v_job := job_of(p_namespace, p_job_id);
  end if;
  v_job.payload := null;
  v_job.result := null;
  v_job.evidence := null;
  return v_job;
end
$$;

create or replace function get_attempt(p_principal jsonb, p_input jsonb) returns jsonb
language plpgsql stable as $$
declare
  v_job jobs := any_job_of(namespace_of(p_principal, p_input), (p_input ->> 'jobId')::uuid);
  v_no int := (p_input ->> 'attemptNo')::int;
  v_attempt job_attempts;
  v_shown jsonb;
begin
  select * into v_attempt from attempts_of(v_job.job_id) where attempt_no = v_no;
  if not found then
    perform refuse(404, 'unknown_attempt', format('job %s has no attempt %s', v_job.job_id, v_no),
      'attemptNo', to_jsonb(v_no),
      case v_job.attempt_no when 0 then 'a job that has been claimed' else '1 to ' || v_job.attempt_no end);
  end if;
  v_shown := attempt_json(v_attempt, true, true);
  if octet_length(v_shown ->> 'prompt') > answer_bytes() then
    -- A character has at most four bytes.
    v_shown := v_shown || jsonb_build_object(
      'prompt', cut(v_shown ->> 'prompt', answer_bytes() / 4),
      'promptBytes', octet_length(v_attempt.prompt));
  end if;
  return jsonb_strip_nulls(jsonb_build_object(
      'jobId', v_job.job_id,
      'namespace', v_job.namespace,
      'jobState', v_job.state,
      'targetAgent', v_job.target_agent,
      'agentId', coalesce(v_attempt.agent_id, v_job.target_agent),
      'subject', v_job.subject,
      'trust', v_job.trust,
      'model', v_job.model,
      'thinking', v_job.thinking))
    || (v_shown - '{usage,usageBytes}'::text[])
    || jsonb_strip_nulls(jsonb_build_object(
      'createdAt', v_attempt.created_at,
      'interruptedAt', v_attempt.interrupted_at,
      'refusedAt', v_attempt.refused_at))
    || memories_of_attempt(p_principal, v_attempt.attempt_id)
    || shown_if_small('injected', v_attempt.injected, null, attempt_json_shown())
    || shown_if_small('usage', v_attempt.usage, null, attempt_json_shown())
    || shown_if_small('response', v_attempt.response, null, attempt_json_shown());
end
$$;
comment on function get_attempt(jsonb, jsonb) is
  'The operation getAttempt: one attempt of a job, live or retired, with the prompt as it was sent (a mark in place of the token), what was injected, the answer to its close, its usage and the ids of its run. Refuses an unknown job or attempt (404).';
