-- How jobs and events are shown: a whole job, the brief in the answer to a close, and lists.

-- Formats a time for use in a sentence: ISO 8601 in UTC, with whole seconds.
create or replace function utc_text(p_at timestamptz) returns text
language sql stable as $$
  select to_char(p_at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"')
$$;

-- Returns the next move of a blocked job, in words.
create or replace function block_move(p_job jobs) returns text
language plpgsql stable as $$
begin
  if p_job.blocked_until is not null then
    return 'unblocks at ' || utc_text(p_job.blocked_until);
  end if;
  if p_job.blocked_on_job is not null then
    return coalesce((
      select 'the coordinator, or a redrive of job ' || o.job_id
      from jobs o
      where o.job_id = p_job.blocked_on_job and o.ended_at is not null),
      'the end of job ' || p_job.blocked_on_job);
  end if;
  if p_job.blocked_on_agent is not null then
    return 'agent ' || p_job.blocked_on_agent || ' or the coordinator';
  end if;
  return coalesce(p_job.blocked_on_person || ' or the coordinator', 'the coordinator');
end
$$;

-- Returns the next move of a job, in words: who or what will move it, or what holds it. Empty when the job
-- has ended, except for a dead letter. p_hold is hold_of_lane of a queued job that is due; a list asks for
-- it once for each lane and not for each job.
create or replace function next_move_held(p_job jobs, p_hold text) returns text
language sql stable as $$
  select case (p_job).state
    when 'waiting' then format('%s open %s', (p_job).open_dependencies,
      case (p_job).open_dependencies when 1 then 'dependency' else 'dependencies' end)
    when 'queued' then
      case when (p_job).run_after > now() then 'due at ' || utc_text((p_job).run_after) else p_hold end
    when 'leased' then coalesce((p_job).lease_owner, 'repeat of a delivery with unknown outcome')
      || ', lease until ' || utc_text((p_job).leased_until)
    when 'running' then 'agent ' || (p_job).target_agent
      || ', lease until ' || utc_text((p_job).leased_until)
    when 'blocked' then block_move(p_job)
    when 'dead' then 'an operator: redrive-job or cancel-job'
    else ''
  end
$$;

-- Returns next_move_held of one job.
create or replace function next_move(p_job jobs) returns text
language sql stable as $$
  select next_move_held(p_job, hold_of(p_job))
$$;

-- Returns the few fields of a job in the answer to a close or a renewal.
create or replace function job_brief(p_job jobs) returns jsonb
language sql stable as $$
  select jsonb_strip_nulls(jsonb_build_object(
    'jobId', (p_job).job_id,
    'namespace', (p_job).namespace,
    'state', (p_job).state,
    'targetAgent', (p_job).target_agent,
    'subject', (p_job).subject,
    'attemptCount', (p_job).attempt_count,
    'maxAttempts', (p_job).max_attempts,
    'nextMove', next_move(p_job),
    'runAfter', case when (p_job).state = 'queued' then (p_job).run_after end,
    'leasedUntil', (p_job).leased_until,
    'status', (p_job).status))
$$;

-- Returns a job as the contract shows it.
create or replace function job_json(p_job jobs) returns jsonb
language sql stable as $$
  select job_json_held(p_job, hold_of(p_job))
$$;

-- Returns a job as the contract shows it, with the hold of its lane as in next_move_held. Payload, result
-- and evidence keep their nulls, because people and agents wrote them.
create or replace function job_json_held(p_job jobs, p_hold text) returns jsonb
language sql stable as $$
  select jsonb_strip_nulls(jsonb_build_object(
    'jobId', (p_job).job_id,
    'seq', (p_job).seq,
    'namespace', (p_job).namespace,
    'state', (p_job).state,
    'nextMove', next_move_held(p_job, p_hold),
    'targetAgent', (p_job).target_agent,
    'subject', (p_job).subject,
    'jobType', (p_job).job_type,
    'priority', (p_job).priority,
    'sourceAgent', (p_job).source_agent,
    'parentJobId', (p_job).parent_job_id,
    'flowKey', (p_job).flow_key,
    'correlationKey', (p_job).correlation_key,
    'dedupeKey', (p_job).dedupe_key,
    'hops', (p_job).hops,
    'trust', (p_job).trust,
    'model', (p_job).model,
    'thinking', (p_job).thinking,
    'status', (p_job).status,
    'summary', (p_job).summary))
    || jsonb_strip_nulls(jsonb_build_object(
    'lastError', (p_job).last_error,
    'attemptNo', (p_job).attempt_no,
    'attemptCount', (p_job).attempt_count,
    'maxAttempts', (p_job).max_attempts,
    'deliveryFailures', (p_job).delivery_failures,
    'redrives', (p_job).redrives,
    'timeoutSeconds', (p_job).timeout_seconds,
    'hardTimeoutSeconds', (p_job).hard_timeout_seconds,
    'runAfter', (p_job).run_after,
    'leaseOwner', (p_job).lease_owner,
    'leasedUntil', (p_job).leased_until,
    'openDependencies', nullif((p_job).open_dependencies, 0),
    'blockedReason', (p_job).blocked_reason,
    'blockedUntil', (p_job).blocked_until,
    'blockedOnJob', (p_job).blocked_on_job,
    'blockedOnAgent', (p_job).blocked_on_agent,
    'blockedOnPerson', (p_job).blocked_on_person,
    'answer', (p_job).answer,
    'runId', (p_job).run_id,
    'sessionKey', (p_job).session_key,
    'session', (p_job).session,
    'outcome', (p_job).outcome,
    'createdAt', (p_job).created_at,
    'updatedAt', (p_job).updated_at,
    'endedAt', (p_job).ended_at))
    || jsonb_build_object('payload', (p_job).payload)
    || case when (p_job).result is null then '{}' else jsonb_build_object('result', (p_job).result) end
    || case when (p_job).evidence is null then '{}' else jsonb_build_object('evidence', (p_job).evidence) end
$$;

-- Returns the row of a job that is not in history. Refuses an unknown job (404) and a retired one (409,
-- job_retired).
create or replace function job_of(p_namespace text, p_job_id uuid) returns jobs
language plpgsql stable as $$
declare
  v_job jobs;
  v_retired jobs_history;
begin
  select * into v_job from jobs where job_id = p_job_id and namespace = p_namespace;
  if not found then
    v_retired := retired_job(p_namespace, p_job_id);
    if v_retired.job_id is not null then
      perform refuse(409, 'job_retired',
        format('job %s ended %s at %s and was moved to history at %s; it can be read and nothing else', p_job_id,
          v_retired.state, utc_text(v_retired.ended_at), utc_text(v_retired.retired_at)),
        'jobId', to_jsonb(p_job_id), 'a job that is not in history');
    end if;
    perform refuse(404, 'unknown_job', format('there is no job %s in namespace %s', p_job_id, p_namespace),
      'jobId', to_jsonb(p_job_id), 'the id of a job');
  end if;
  return v_job;
end
$$;

-- Returns the attempts of a job, live or retired, oldest first, as get-job shows them. p_prompt adds the
-- prompt of each attempt, with a mark in place of the token.
create or replace function attempts_json(p_job_id uuid, p_prompt boolean) returns jsonb
language sql stable as $$
  select coalesce(jsonb_agg(jsonb_strip_nulls(jsonb_build_object(
    'attemptId', a.attempt_id,
    'attemptNo', attempt_no,
    'status', status,
    'dispatcherId', dispatcher_id,
    'deliveries', deliveries,
    'adoptions', adoptions,
    'unknownSince', unknown_since,
    'summary', summary,
    'error', a.error,
    'gateway', a.gateway,
    'gatewayVersion', gateway_version,
    'runId', run_id,
    'sessionKey', a.session_key,
    'promptHash', prompt_hash,
    'templateHash', template_hash,
    'agentYamlHash', agent_yaml_hash,
    'agentsMdHash', agents_md_hash,
    'usage', usage,
    'startedAt', started_at,
    'admittedAt', admitted_at,
    'runEndedAt', run_ended_at,
    'finishedAt', finished_at,
    'abort', case when r.attempt_id is not null then coalesce(r.outcome, 'pending') end,
    'prompt', case when p_prompt then replace(prompt, '<token:' || nonce || '>', '<token>') end))
    order by attempt_no), '[]')
  from attempts_of(p_job_id) a
  left join run_aborts r using (attempt_id)
$$;

create or replace function get_job(p_principal jsonb, p_input jsonb) returns jsonb
language plpgsql stable as $$
declare
  v_namespace text := namespace_of(p_principal, p_input);
  v_retired jobs_history := retired_job(v_namespace, (p_input ->> 'jobId')::uuid);
  v_job jobs;
begin
  if v_retired.job_id is null then
    v_job := job_of(v_namespace, (p_input ->> 'jobId')::uuid);
  else
    v_job := jsonb_populate_record(null::jobs, to_jsonb(v_retired));
  end if;
  return job_json(v_job)
    || jsonb_strip_nulls(jsonb_build_object('retiredAt', v_retired.retired_at))
    || jsonb_build_object(
      'attempts', attempts_json(v_job.job_id, (p_input ->> 'prompt')::boolean),
      'dependencies', (
        select coalesce(jsonb_agg(jsonb_strip_nulls(jsonb_build_object(
          'dependsOn', d.depends_on,
          'state', d.state,
          'subject', d.subject,
          'satisfiedAt', d.satisfied_at,
          'waivedAt', d.waived_at)) order by d.seq), '[]')
        from dependencies_of(v_job.job_id) d),
      'events', (
        select coalesce(jsonb_agg(event_json(e) order by e.seq), '[]')
        from events_of(v_job.job_id, job_events_shown()) e));
end
$$;
comment on function get_job(jsonb, jsonb) is
  'The operation getJob: a job, live or retired, with its attempts, dependencies and newest events. Refuses an unknown job (404).';

create or replace function list_jobs(p_principal jsonb, p_input jsonb) returns jsonb
language plpgsql stable as $$
declare
  v_namespace text := namespace_of(p_principal, p_input);
  v_limit int := coalesce((p_input ->> 'limit')::int, 50);
  v_jobs jsonb;
  v_last bigint;
  v_count int;
begin
  with page as materialized (
    select job_id, target_agent, is_due(j) as due
    from jobs j
    where namespace = v_namespace
      and (p_input ->> 'state' is null or state = p_input ->> 'state')
      and (p_input ->> 'targetAgent' is null or target_agent = p_input ->> 'targetAgent')
      and (p_input ->> 'subject' is null or subject = p_input ->> 'subject')
      and (p_input ->> 'flowKey' is null or flow_key = p_input ->> 'flowKey')
      and (p_input ->> 'correlationKey' is null or correlation_key = p_input ->> 'correlationKey')
      and (p_input ->> 'parentJobId' is null or parent_job_id = (p_input ->> 'parentJobId')::uuid)
      and (p_input ->> 'before' is null or seq < (p_input ->> 'before')::bigint)
    order by seq desc
    limit v_limit
  ), holds as materialized (
    select agent, hold_of_lane(v_namespace, agent) as hold
    from (select distinct target_agent as agent from page where due) lanes
  )
  select coalesce(jsonb_agg(job_json_held(j, h.hold) order by j.seq desc), '[]'), min(j.seq), count(*)
  into v_jobs, v_last, v_count
  from page p
  join jobs j using (job_id)
  left join holds h on h.agent = p.target_agent;
  return jsonb_build_object('jobs', v_jobs)
    || case when v_count = v_limit then jsonb_build_object('next', v_last) else '{}' end;
end
$$;
comment on function list_jobs(jsonb, jsonb) is
  'The operation listJobs: the jobs that are not in history, newest first, at most limit (default 50). Every other field of the input narrows the list. For the following page the caller passes next of this answer as before.';

create or replace function list_events(p_principal jsonb, p_input jsonb) returns jsonb
language plpgsql stable as $$
declare
  v_namespace text := namespace_of(p_principal, p_input);
  v_regex text := topic_regex(p_input ->> 'topic');
  v_after bigint := (p_input ->> 'after')::bigint;
begin
  return jsonb_build_object('events', (
    select coalesce(jsonb_agg(event_json(e) order by e.seq), '[]')
    from (
      select *
      from events
      where namespace = v_namespace
        and (v_regex is null or topic ~ v_regex)
        and (p_input ->> 'sourceJobId' is null or source_job_id = (p_input ->> 'sourceJobId')::uuid)
        and (v_after is null or seq > v_after)
      order by case when v_after is null then -seq else seq end
      limit coalesce((p_input ->> 'limit')::int, 50)
    ) e));
end
$$;
comment on function list_events(jsonb, jsonb) is
  'The operation listEvents: the events after a seq, or the newest ones, at most limit (default 50); oldest first in both cases.';
