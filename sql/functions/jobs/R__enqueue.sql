-- The operation enqueueJob, and the functions behind it.

-- Returns the settings of a job type: its own row, or the row of its first word (dev for dev.review); all
-- null when there is neither.
create or replace function job_type_settings(p_namespace text, p_job_type text) returns job_types
language plpgsql stable as $$
declare
  v_settings job_types;
begin
  select * into v_settings
  from job_types
  where namespace = p_namespace and job_type in (p_job_type, split_part(p_job_type, '.', 1))
  order by length(job_type) desc
  limit 1;
  return v_settings;
end
$$;

-- Returns how long a job of this type waits before its next attempt, after p_failures failures in a row.
create or replace function backoff(p_namespace text, p_job_type text, p_failures int) returns interval
language sql volatile as $$
  -- The wait doubles from the base up to the cap. A random share is taken off, so that jobs that failed
  -- together do not come back together.
  select make_interval(secs => (
    least(t.backoff_cap_seconds, t.backoff_seconds * 2 ^ least(greatest(p_failures, 1) - 1, 30))
    * (1 - t.backoff_jitter * random()))::double precision)
  from job_type_settings(p_namespace, p_job_type) t
$$;

-- Returns the agent for which a call acts: the agent of the token or, for an operator, the agent named in
-- p_asked. Refuses (403) the name of another agent and names p_field as the wrong field.
create or replace function source_agent_of(p_principal jsonb, p_namespace text, p_asked text, p_field text)
returns text
language plpgsql stable as $$
begin
  if p_principal ->> 'kind' = 'operator' then
    if p_asked is not null then
      perform agent_named(p_namespace, p_asked, p_field);
    end if;
    return p_asked;
  end if;
  if p_asked is distinct from p_principal ->> 'name' and p_asked is not null then
    perform refuse(403, 'forbidden', format('this token speaks for agent %s, not for %s', p_principal ->> 'name', p_asked),
      p_field, to_jsonb(p_asked), p_principal ->> 'name');
  end if;
  return p_principal ->> 'name';
end
$$;

-- Returns the names of the fields in which a request differs from p_row, the job or event that has its dedupe
-- key. Fields that the request leaves out are the same.
create or replace function differing(p_input jsonb, p_row jsonb) returns jsonb
language sql stable as $$
  select coalesce(jsonb_agg(key order by key), '[]')
  from jsonb_each(p_row)
  where p_input ? key and p_input -> key <> value
$$;

-- Returns the time at which a request is due. A time in the past is now, so that no job is older than its
-- arrival.
create or replace function due_time(p_input jsonb) returns timestamptz
language sql stable as $$
  select greatest(now(), coalesce(
    (p_input ->> 'runAfter')::timestamptz,
    now() + make_interval(secs => coalesce((p_input ->> 'delaySeconds')::int, 0))))
$$;

-- Refuses (403) an agent that is none of p_agents and so may not do with the job what p_mode asks for, which
-- p_what says in words.
create or replace function require_requester(
  p_principal jsonb, p_job jobs, p_agents text[], p_mode text, p_what text, p_field text
) returns void
language plpgsql as $$
begin
  -- A null among the agents makes the comparison null, not false.
  if is_agent(p_principal) and (p_principal ->> 'name' = any (p_agents)) is not true then
    perform refuse(403, 'forbidden', format('job %s was requested by %s, and another caller must not %s', p_job.job_id,
        coalesce('agent ' || p_job.source_agent, 'an operator'), p_what),
      p_field || 'dedupeMode', to_jsonb(p_mode), 'another dedupeMode or dedupeKey');
  end if;
end
$$;

-- Writes p_new, a newer request with the same dedupe key, over the request of a locked job that has had no
-- attempt. The job keeps its id, its place in the order of arrival, its parent and its dependencies, and it
-- stays untrusted. Refuses an agent that did not make the earlier request (403), and new dependencies.
create or replace function replace_request(
  p_principal jsonb, p_job jobs, p_new jobs, p_dependencies uuid[], p_field text
) returns jobs language plpgsql as $$
begin
  perform require_requester(p_principal, p_job, array[p_job.source_agent], 'replace_queued',
    'replace the request', p_field);
  if cardinality(p_dependencies) > 0 then
    perform refuse(422, 'invalid_field', format('job %s keeps the jobs on which it depends when its request is replaced', p_job.job_id),
      p_field || 'dependsOn', to_jsonb(p_dependencies), 'no dependsOn, or another dedupeMode');
  end if;
  update jobs
  set subject = p_new.subject,
    payload = p_new.payload,
    job_type = p_new.job_type,
    priority = p_new.priority,
    trust = case when trust = 'untrusted' then trust else p_new.trust end,
    model = p_new.model,
    thinking = p_new.thinking,
    run_after = p_new.run_after,
    timeout_seconds = p_new.timeout_seconds,
    hard_timeout_seconds = p_new.hard_timeout_seconds,
    max_attempts = p_new.max_attempts,
    updated_at = now()
  where job_id = p_job.job_id
  returning * into p_job;
  insert into audit_log (namespace, actor, action, table_name, row_id, why)
  values (p_job.namespace, current_actor(), 'job.replaced', 'jobs', p_job.job_id::text, 'a newer request with its dedupe key');
  perform wake_dispatchers();
  return p_job;
end
$$;

-- Takes the dedupe key from a locked job, so that a newer job can have it.
create or replace function release_key(p_job jobs) returns void
language sql as $$
  update jobs
  set released_key = dedupe_key, dedupe_key = null, updated_at = now()
  where job_id = (p_job).job_id;
  insert into audit_log (namespace, actor, action, table_name, row_id, why)
  values ((p_job).namespace, current_actor(), 'job.key_released', 'jobs', (p_job).job_id::text, 'a newer job has its dedupe key');
$$;

-- Enqueues one job (EnqueueJob of the contract) and returns job and created. When a live job has the same
-- dedupe key, dedupeMode decides: the answer is that job with created false and the names of the fields that
-- differ, or that job takes over the new request (replaced), or it gives up its key to a new job.
-- p_field is the prefix of field names in refusals.
create or replace function insert_job(
  p_principal jsonb, p_namespace text, p_input jsonb, p_field text default ''
) returns jsonb language plpgsql as $$
declare
  v_agent agents := agent_named(p_namespace, p_input ->> 'targetAgent', p_field || 'targetAgent');
  v_subject text := p_input ->> 'subject';
  v_type_name text := coalesce(p_input ->> 'jobType', 'reactive');
  v_type job_types := job_type_settings(p_namespace, v_type_name);
  v_timeout int := coalesce((p_input ->> 'timeoutSeconds')::int, v_agent.timeout_seconds, v_type.timeout_seconds);
  v_parent jobs := parent_of(p_principal, p_namespace, (p_input ->> 'parentJobId')::uuid, p_field);
  -- A child of an untrusted job stays untrusted, through any number of handoffs.
  v_trust text := case when v_parent.trust = 'untrusted' then 'untrusted' else coalesce(p_input ->> 'trust', 'trusted') end;
  v_dependencies uuid[] := '{}';
  v_dependency record;
  v_known int := 0;
  v_open int := 0;
  v_spoiled jobs;
  v_mode text := coalesce(p_input ->> 'dedupeMode', 'until_ended');
  v_differs jsonb;
  v_earlier uuid;
  v_new jobs;
  v_job jobs;
begin
  if v_type.job_type is null then
    perform refuse(422, 'invalid_field', format('there is no job type %s in namespace %s', v_type_name, p_namespace),
      p_field || 'jobType', to_jsonb(v_type_name),
      'one of: ' || (select string_agg(job_type, ', ' order by job_type) from job_types where namespace = p_namespace));
  end if;
  -- Each idle job has a row of idle_runs, which tells its question and may stop it.
  if split_part(v_type_name, '.', 1) = 'idle' and not (p_principal ? 'slot' and is_idle(v_type_name)) then
    perform refuse(422, 'invalid_field', format('a job of type %s comes from a standing order only', v_type_name),
      p_field || 'jobType', to_jsonb(v_type_name), 'another job type, or run-standing-order for an order with jobType idle');
  end if;
  if is_agent(p_principal) then
    perform require_handoff(p_principal, v_agent, v_subject, v_type_name, p_field);
  end if;
  perform require_accepted(v_agent, v_subject, p_field || 'targetAgent', p_field || 'subject');
  if v_trust = 'untrusted' and v_agent.reads = 'trusted' then
    perform refuse(422, 'untrusted_input', format('agent %s reads trusted payloads only, and this one comes from outside', v_agent.agent_id),
      p_field || 'targetAgent', to_jsonb(v_agent.agent_id),
      'an agent that reads untrusted payloads; a person may write down what is to be done as a job of its own');
  end if;

  -- Each statement costs its start, also when it finds nothing, and few jobs have dependencies.
  if p_input ? 'dependsOn' then
    v_dependencies := array(select distinct value::uuid from jsonb_array_elements_text(p_input -> 'dependsOn'));
    -- The dependencies are locked, so that none can succeed unseen between this count and the commit. The
    -- lock comes before lock_work_of, because a close already holds its job when it calls lock_work_of.
    for v_dependency in
      select job_id, state
      from jobs
      where job_id = any (v_dependencies) and namespace = p_namespace
      order by job_id
      for share
    loop
      v_known := v_known + 1;
      v_open := v_open + (v_dependency.state <> 'succeeded')::int;
    end loop;
    if v_known < cardinality(v_dependencies) then
      perform refuse(422, 'unknown_job', format('dependsOn names %s that is no job of namespace %s',
          (select string_agg(d::text, ', ') from unnest(v_dependencies) d
            where not exists (select from jobs where job_id = d and namespace = p_namespace)), p_namespace),
        p_field || 'dependsOn', p_input -> 'dependsOn', 'ids of jobs');
    end if;
  end if;

  if v_parent.job_id is not null then
    perform refuse_long_chain(v_parent, v_agent.agent_id, p_field);
    if is_agent(p_principal) then
      perform refuse_loop(v_parent, v_agent.agent_id, v_subject, p_field);
      perform lock_work_of(v_parent.job_id);
    elsif p_principal ? 'subscription' then
      perform refuse_loop(v_parent, v_agent.agent_id, v_subject, p_field);
    end if;
  end if;

  v_new.subject := v_subject;
  v_new.payload := coalesce(p_input -> 'payload', '{}');
  v_new.job_type := v_type_name;
  v_new.priority := coalesce((p_input ->> 'priority')::int, 100);
  v_new.trust := v_trust;
  v_new.model := coalesce(p_input ->> 'model', v_agent.model);
  v_new.thinking := coalesce(p_input ->> 'thinking', v_agent.thinking);
  v_new.run_after := due_time(p_input);
  v_new.timeout_seconds := v_timeout;
  v_new.hard_timeout_seconds := greatest(v_type.hard_timeout_seconds, v_timeout);
  v_new.max_attempts := coalesce((p_input ->> 'maxAttempts')::int, v_type.max_attempts);
  loop
    insert into jobs (namespace, parent_job_id, flow_key, correlation_key, hops, source_agent, target_agent,
      job_type, subject, priority, dedupe_key, payload, trust, model, thinking, state, run_after,
      open_dependencies,
      timeout_seconds, hard_timeout_seconds, max_attempts, asked_by, coalesce_key)
    values (
      p_namespace, v_parent.job_id, coalesce(p_input ->> 'flowKey', v_parent.flow_key),
      coalesce(p_input ->> 'correlationKey', v_parent.correlation_key), coalesce(v_parent.hops + 1, 0),
      source_agent_of(p_principal, p_namespace, p_input ->> 'sourceAgent', p_field || 'sourceAgent'),
      v_agent.agent_id, v_new.job_type, v_new.subject, v_new.priority, p_input ->> 'dedupeKey', v_new.payload,
      v_new.trust, v_new.model, v_new.thinking,
      case when v_open > 0 then 'waiting' else 'queued' end,
      v_new.run_after,
      v_open,
      v_new.timeout_seconds, v_new.hard_timeout_seconds, v_new.max_attempts,
      concat_ws(':', p_principal ->> 'kind', p_principal ->> 'name'), p_principal ->> 'coalesceKey')
    on conflict (namespace, target_agent, dedupe_key)
      where dedupe_key is not null and state in ('waiting', 'queued', 'leased', 'running', 'blocked')
      do nothing
    returning * into v_job;
    exit when found;
    select * into v_job from jobs
    where namespace = p_namespace and target_agent = v_agent.agent_id and dedupe_key = p_input ->> 'dedupeKey'
      and state in ('waiting', 'queued', 'leased', 'running', 'blocked');
    if found and v_mode <> 'until_ended' then
      -- Locked, so that no claim takes the job between this look and its change. until_ended changes nothing,
      -- and a lock out of the order of ids could end in a deadlock with a close or a cancel.
      select * into v_job from jobs
      where job_id = v_job.job_id and dedupe_key = p_input ->> 'dedupeKey'
        and state in ('waiting', 'queued', 'leased', 'running', 'blocked')
      for no key update;
    end if;
    if found then
      v_differs := differing(p_input, jsonb_build_object('subject', v_job.subject, 'payload', v_job.payload,
        'jobType', v_job.job_type, 'priority', v_job.priority, 'trust', v_job.trust));
      if v_mode = 'replace_queued' and v_job.state in ('waiting', 'queued') and v_job.attempt_no = 0 then
        perform refuse_frozen_agent(p_namespace, v_agent.agent_id, p_field || 'targetAgent');
        v_job := replace_request(p_principal, v_job, v_new, v_dependencies, p_field);
        return jsonb_build_object('job', job_json(v_job), 'created', false, 'replaced', true, 'differs', v_differs);
      end if;
      if v_mode = 'until_ended' or v_mode = 'while_queued' and v_job.state in ('waiting', 'queued') then
        return jsonb_build_object('job', job_json(v_job), 'created', false, 'differs', v_differs);
      end if;
      -- The agent of the job may: it hands the key on to its own next job.
      perform require_requester(p_principal, v_job, array[v_job.source_agent, v_job.target_agent], v_mode,
        'take its dedupe key', p_field);
      perform release_key(v_job);
      v_earlier := v_job.job_id;
    end if;
    -- Otherwise the other job ended between the two statements. In both cases the key is free now.
  end loop;
  -- After the insert: a repeated request for an existing job writes nothing new, and must not be refused.
  perform refuse_frozen_agent(p_namespace, v_agent.agent_id, p_field || 'targetAgent');
  if is_agent(p_principal) and v_parent.job_id is not null then
    -- Counted after the insert: a repeated request for an existing job makes no new one, and must not be
    -- refused.
    perform refuse_many_follow_ups(p_principal, v_parent, v_agent.agent_id, p_field);
  end if;
  if is_proactive(v_type_name) and (is_agent(p_principal) or p_principal ? 'opportunity') then
    perform refuse_many_proactive(v_job, p_field);
  end if;

  if cardinality(v_dependencies) > 0 then
    insert into job_dependencies (namespace, job_id, depends_on, satisfied_at)
    select p_namespace, v_job.job_id, d.job_id, case when d.state = 'succeeded' then now() end
    from jobs d where d.job_id = any (v_dependencies);
    select d.* into v_spoiled from jobs d
    where d.job_id = any (v_dependencies) and d.state in ('failed', 'dead', 'cancelled') order by d.seq limit 1;
    if found then
      v_job := block_for_dependency(v_job.job_id, v_spoiled);
    end if;
  end if;
  return jsonb_build_object('job', job_json(v_job), 'created', true)
    || case when v_earlier is not null then jsonb_build_object('earlierJobId', v_earlier) else '{}' end;
end
$$;

create or replace function enqueue_job(p_principal jsonb, p_input jsonb) returns jsonb
language plpgsql
-- Planned once for each connection, see R__batches.sql.
set plan_cache_mode = force_generic_plan set jit = off as $$
begin
  perform act_as(p_principal);
  return insert_job(p_principal, namespace_of(p_principal, p_input), p_input);
end
$$;
comment on function enqueue_job(jsonb, jsonb) is
  'The operation enqueueJob: enqueues one job, or returns the live job with the same dedupe key.';
