-- How jobs and the rows of events are shown: a whole job, the row of a list, the brief in the answer to a
-- close, and the list of jobs. A list shows sizes in place of payloads, so that its answer stays small
-- (R__sizes.sql).

-- Formats a time for use in a sentence: ISO 8601 in UTC, with whole seconds.
create or replace function utc_text(p_at timestamptz) returns text
language sql stable as $$
  select to_char(p_at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"')
$$;

-- Returns the next move of a blocked job, in words.
create or replace function block_move(p_job jobs) returns text
language plpgsql stable as $$
begin
  if waits_for_answer(p_job) then
    return (
      select format('an answer of %s to question %s', asked_of_text(q), q.question_id)
      from questions q
      where question_id = p_job.question_id);
  end if;
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
      case
        when is_idle((p_job).job_type) then idle_move(p_job)
        when (p_job).run_after > now() then 'due at ' || utc_text((p_job).run_after)
        else coalesce(job_type_hold((p_job).namespace, (p_job).job_type), p_hold) end
    when 'leased' then coalesce((p_job).lease_owner, 'repeat of a delivery with unknown outcome')
      || ', the lease ends ' || utc_text((p_job).leased_until)
    when 'running' then 'agent ' || (p_job).target_agent
      || ', the lease ends ' || utc_text((p_job).leased_until)
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

-- Returns the fields of a job without its payload, result and evidence, with the hold of its lane as in
-- next_move_held. Long texts are cut after p_text characters (null: whole).
create or replace function job_fields(p_job jobs, p_hold text, p_text int) returns jsonb
language sql stable as $$
  select jsonb_strip_nulls(jsonb_build_object(
    'jobId', (p_job).job_id,
    'seq', (p_job).seq,
    'namespace', (p_job).namespace,
    'state', (p_job).state,
    -- An ended job has no next move, but its run can hold up the lane.
    'nextMove', coalesce(nullif(next_move_held(p_job, p_hold), ''), run_after_end(p_job), ''),
    'targetAgent', (p_job).target_agent,
    'subject', (p_job).subject,
    'jobType', (p_job).job_type,
    'priority', (p_job).priority,
    'sourceAgent', (p_job).source_agent,
    'parentJobId', (p_job).parent_job_id,
    'flowKey', (p_job).flow_key,
    'correlationKey', (p_job).correlation_key,
    'dedupeKey', coalesce((p_job).dedupe_key, (p_job).released_key),
    'hops', (p_job).hops,
    'trust', (p_job).trust,
    'model', (p_job).model,
    'thinking', (p_job).thinking,
    'status', (p_job).status,
    'summary', cut((p_job).summary, p_text)))
    || jsonb_strip_nulls(jsonb_build_object(
    'lastError', cut((p_job).last_error, p_text),
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
    'blockedReason', cut((p_job).blocked_reason, p_text),
    'blockedUntil', (p_job).blocked_until,
    'blockedOnJob', (p_job).blocked_on_job,
    'blockedOnAgent', (p_job).blocked_on_agent,
    'blockedOnPerson', (p_job).blocked_on_person,
    'questionId', (p_job).question_id,
    'answer', cut((p_job).answer, p_text),
    'answeredBy', (p_job).answered_by,
    'runId', (p_job).run_id,
    'sessionKey', (p_job).session_key,
    'session', (p_job).session,
    'outcome', (p_job).outcome,
    'createdAt', (p_job).created_at,
    'updatedAt', (p_job).updated_at,
    'endedAt', (p_job).ended_at))
$$;

-- Returns a job as the contract shows it. Payload, result and evidence keep their nulls, because people and
-- agents wrote them.
create or replace function job_json(p_job jobs) returns jsonb
language sql stable as $$
  select job_json_held(p_job, hold_of(p_job))
$$;

-- Returns job_json with the hold of the job's lane as in next_move_held.
create or replace function job_json_held(p_job jobs, p_hold text) returns jsonb
language sql stable as $$
  select job_fields(p_job, p_hold, null)
    || jsonb_build_object('payload', (p_job).payload)
    || case when (p_job).result is null then '{}' else jsonb_build_object('result', (p_job).result) end
    || case when (p_job).evidence is null then '{}' else jsonb_build_object('evidence', (p_job).evidence) end
$$;

-- Returns a job as the row of a list, with the hold of its lane as in next_move_held: sizes in place of
-- payload, result and evidence, and long texts cut.
create or replace function job_row(p_job jobs, p_hold text) returns jsonb
language sql stable as $$
  select job_fields(p_job, p_hold, list_text())
    || jsonb_strip_nulls(jsonb_build_object(
      'payloadBytes', coalesce((p_job).payload_bytes, octet_length((p_job).payload::text)),
      'resultBytes', coalesce((p_job).result_bytes, octet_length((p_job).result::text)),
      'evidenceBytes', coalesce((p_job).evidence_bytes, octet_length((p_job).evidence::text))))
$$;

-- Returns an event as the row of a list. The payload of an event of the bus is small and has a reason, which
-- the row shows.
create or replace function event_row(p_event events) returns jsonb
language sql stable as $$
  select jsonb_strip_nulls(jsonb_build_object(
    'eventId', (p_event).event_id,
    'seq', (p_event).seq,
    'topic', (p_event).topic,
    'sourceAgent', (p_event).source_agent,
    'sourceJobId', (p_event).source_job_id,
    'dedupeKey', (p_event).dedupe_key,
    'createdAt', (p_event).created_at,
    'reason', case when split_part((p_event).topic, '.', 1) = any (bus_topics())
      then cut((p_event).payload ->> 'reason', list_text()) end,
    'payloadBytes', coalesce((p_event).payload_bytes, octet_length((p_event).payload::text))))
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

-- Returns one attempt as get-job shows it. p_whole keeps its prompt (if p_prompt asks for it) and its long
-- texts; otherwise the prompt is replaced by its size, and the texts are cut.
create or replace function attempt_json(p_attempt job_attempts, p_prompt boolean, p_whole boolean)
returns jsonb
language sql stable as $$
  select jsonb_strip_nulls(jsonb_build_object(
    'attemptId', (p_attempt).attempt_id,
    'attemptNo', (p_attempt).attempt_no,
    'status', (p_attempt).status,
    'dispatcherId', (p_attempt).dispatcher_id,
    'deliveries', (p_attempt).deliveries,
    'adoptions', (p_attempt).adoptions,
    'unknownSince', (p_attempt).unknown_since,
    'summary', cut((p_attempt).summary, case when not p_whole then list_text() end),
    'error', cut((p_attempt).error, case when not p_whole then list_text() end),
    'lateReports', nullif((p_attempt).late_reports, 0),
    'gateway', (p_attempt).gateway,
    'gatewayVersion', (p_attempt).gateway_version,
    'runId', (p_attempt).run_id,
    'sessionKey', (p_attempt).session_key,
    'promptHash', (p_attempt).prompt_hash,
    'templateHash', (p_attempt).template_hash,
    'agentYamlHash', (p_attempt).agent_yaml_hash,
    'agentsMdHash', (p_attempt).agents_md_hash,
    'startedAt', (p_attempt).started_at,
    'admittedAt', (p_attempt).admitted_at,
    'runStartedAt', (p_attempt).run_started_at,
    'runEndedAt', (p_attempt).run_ended_at,
    'finishedAt', (p_attempt).finished_at,
    'abort', (select coalesce(outcome, 'pending') from run_aborts where attempt_id = (p_attempt).attempt_id),
    'prompt', case when p_prompt and p_whole then
      replace((p_attempt).prompt, '<token:' || (p_attempt).nonce || '>', '<token>') end,
    'promptBytes', case when p_prompt and not p_whole then octet_length((p_attempt).prompt) end)
    || shown_if_small('usage', (p_attempt).usage, null, small_json()))
$$;

-- Returns the newest attempts of a job, live or retired, oldest first, as get-job shows them; at most
-- attempts_shown. p_prompt adds the prompt of each attempt, with a mark in place of the token.
-- When the attempts together are larger than answer_bytes, the oldest are shortened. The caller sees the
-- memories of each attempt that it may read, and no prompt with another one in it.
create or replace function attempts_json(p_principal jsonb, p_job_id uuid, p_prompt boolean) returns jsonb
language plpgsql stable as $$
declare
  v_attempt job_attempts;
  v_shown jsonb;
  v_all jsonb[] := '{}';
  v_bytes int := 0;
begin
  for v_attempt in
    select * from attempts_of(p_job_id) order by attempt_no desc limit attempts_shown()
  loop
    v_shown := attempt_json(v_attempt, p_prompt and may_read_prompt(p_principal, v_attempt.attempt_id), true);
    if v_bytes + octet_length(v_shown::text) > answer_bytes() then
      v_shown := attempt_json(v_attempt, p_prompt, false);
    end if;
    v_shown := v_shown || memories_of_attempt(p_principal, v_attempt.attempt_id);
    v_bytes := v_bytes + octet_length(v_shown::text);
    v_all := v_shown || v_all;
  end loop;
  return to_jsonb(v_all);
end
$$;
drop function if exists attempts_json(uuid, boolean);

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
  if p_input ->> 'only' = 'payload' then
    return v_job.payload;
  end if;
  return job_json(v_job)
    || jsonb_strip_nulls(jsonb_build_object(
      'retiredAt', v_retired.retired_at,
      'idle', case when is_idle(v_job.job_type) then idle_run_shown(v_job.job_id) end))
    || jsonb_build_object(
      'attempts', attempts_json(p_principal, v_job.job_id, (p_input ->> 'prompt')::boolean),
      'dependencies', (
        select coalesce(jsonb_agg(jsonb_strip_nulls(jsonb_build_object(
          'dependsOn', d.depends_on,
          'state', d.state,
          'subject', d.subject,
          'satisfiedAt', d.satisfied_at,
          'waivedAt', d.waived_at)) order by d.seq), '[]')
        from dependencies_of(v_job.job_id) d),
      'events', (
        select coalesce(jsonb_agg(
          event_row(e) || shown_if_small('payload', e.payload, e.payload_bytes, small_json())
          order by e.seq), '[]')
        from events_of(v_job.job_id, job_events_shown()) e));
end
$$;
comment on function get_job(jsonb, jsonb) is
  'The operation getJob: a job, live or retired, with its newest attempts, its dependencies and its newest events. An event shows a small payload, otherwise its size. Refuses an unknown job (404).';

create or replace function list_jobs(p_principal jsonb, p_input jsonb) returns jsonb
language plpgsql stable as $$
declare
  v_namespace text := namespace_of(p_principal, p_input);
  v_limit int := coalesce((p_input ->> 'limit')::int, 50);
  v_most int := list_bytes(p_input);
  v_filter jsonb := job_filter(p_input);
  v_window record;
  v_page record;
  v_job jobs;
  v_row jsonb;
  v_rows jsonb[] := '{}';
  v_bytes int := 0;
  v_next bigint;
  v_holds jsonb := '{}';
begin
  select * into v_window from job_window(v_namespace, v_filter);
  select * into v_page
  from job_page(v_namespace, v_filter, v_limit, v_window.o_after,
    least((p_input ->> 'before')::bigint, v_window.o_before));
  v_next := v_page.o_next;
  for v_job in
    select j.*
    from unnest(v_page.o_jobs) with ordinality as p (job_id, place)
    join jobs j using (job_id)
    order by place
  loop
    -- The values are removed first, because passing a row to a function would read them.
    v_job.payload_bytes := coalesce(v_job.payload_bytes, octet_length(v_job.payload::text));
    v_job.result_bytes := coalesce(v_job.result_bytes, octet_length(v_job.result::text));
    v_job.evidence_bytes := coalesce(v_job.evidence_bytes, octet_length(v_job.evidence::text));
    v_job.payload := null;
    v_job.result := null;
    v_job.evidence := null;
    if is_due(v_job) and not v_holds ? v_job.target_agent then
      v_holds := v_holds
        || jsonb_build_object(v_job.target_agent, hold_of_lane(v_namespace, v_job.target_agent));
    end if;
    v_row := job_row(v_job, v_holds ->> v_job.target_agent);
    v_bytes := v_bytes + octet_length(v_row::text);
    if v_bytes > v_most and cardinality(v_rows) > 0 then
      v_next := (v_rows[cardinality(v_rows)] ->> 'seq')::bigint;
      v_page.o_searched_to := null;
      exit;
    end if;
    v_rows := v_rows || v_row;
  end loop;
  return jsonb_build_object('jobs', to_jsonb(v_rows))
    || jsonb_strip_nulls(jsonb_build_object('next', v_next, 'searchedTo', v_page.o_searched_to));
end
$$;
comment on function list_jobs(jsonb, jsonb) is
  'The operation listJobs: the jobs that are not in history and match the fields of job_filter, newest first, at most limit (default 50) and at most answer_bytes. For the following page the caller passes next of this answer as before. A search that has looked at job_looks rows stops and says in searchedTo how far it came; the next page goes on from there.';
