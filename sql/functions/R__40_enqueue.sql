-- How work comes into being: enqueue_job and emit_event, and what they are made of.

create or replace function job_type_settings(p_namespace text, p_job_type text) returns job_types language sql stable as $$
  select * from job_types
  where namespace = p_namespace and job_type in (p_job_type, split_part(p_job_type, '.', 1))
  order by length(job_type) desc
  limit 1
$$;
comment on function job_type_settings(text, text) is 'The settings of a job type: its own row, or the row of its first word (dev for dev.review).';

create or replace function backoff(p_namespace text, p_job_type text, p_failures int) returns interval language sql volatile as $$
  -- Doubling from the base up to the cap, less a share drawn by chance so that jobs that failed together come back apart.
  select make_interval(secs => (
    least(t.backoff_cap_seconds, t.backoff_seconds * 2 ^ least(greatest(p_failures, 1) - 1, 30))
    * (1 - t.backoff_jitter * random()))::double precision)
  from job_type_settings(p_namespace, p_job_type) t
$$;
comment on function backoff(text, text, int) is 'How long to wait before the next try, after so many failures in a row.';

create or replace function source_agent_of(p_principal jsonb, p_namespace text, p_asked text, p_field text) returns text
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
comment on function source_agent_of(jsonb, text, text, text) is
  'The agent a call speaks for: its token''s, or for an operator the one named. Refuses somebody else''s name (403), naming the field.';

create or replace function hop_limit() returns int language sql immutable as $$ select 20 $$;
comment on function hop_limit() is 'Handoffs in one chain before the bus takes it for a loop. Ours: ten agents, each asked twice.';

create or replace function insert_job(p_principal jsonb, p_namespace text, p_input jsonb, p_field text default '')
returns jsonb language plpgsql as $$
declare
  v_agent agents := agent_named(p_namespace, p_input ->> 'targetAgent', p_field || 'targetAgent');
  v_subject text := p_input ->> 'subject';
  v_type_name text := coalesce(p_input ->> 'jobType', 'reactive');
  v_type job_types := job_type_settings(p_namespace, v_type_name);
  v_timeout int := coalesce((p_input ->> 'timeoutSeconds')::int, v_agent.timeout_seconds, v_type.timeout_seconds);
  v_parent_id uuid := coalesce(p_input ->> 'parentJobId', p_principal ->> 'jobId')::uuid;
  v_parent jobs;
  v_dependencies uuid[] := array(select distinct value::uuid from jsonb_array_elements_text(coalesce(p_input -> 'dependsOn', '[]')));
  v_dependency record;
  v_known int := 0;
  v_open int := 0;
  v_spoiled jobs;
  v_job jobs;
begin
  perform require_accepted(v_agent, v_subject, p_field || 'targetAgent', p_field || 'subject');
  if v_type.job_type is null then
    perform refuse(422, 'invalid_field', format('there is no job type %s in namespace %s', v_type_name, p_namespace),
      p_field || 'jobType', to_jsonb(v_type_name),
      'one of: ' || (select string_agg(job_type, ', ' order by job_type) from job_types where namespace = p_namespace));
  end if;

  if v_parent_id is not null then
    select * into v_parent from jobs where job_id = v_parent_id and namespace = p_namespace;
    if not found then
      perform refuse(422, 'unknown_job', format('there is no job %s in namespace %s', v_parent_id, p_namespace),
        p_field || 'parentJobId', to_jsonb(v_parent_id), 'the id of a job');
    end if;
    if v_parent.hops >= hop_limit() then
      perform refuse(422, 'hop_limit', format('job %s is already %s handoffs away from where it began', v_parent_id, v_parent.hops),
        p_field || 'targetAgent', to_jsonb(v_agent.agent_id), format('at most %s handoffs in one chain', hop_limit()));
    end if;
  end if;

  -- Locked against their own end, so that none can succeed unseen between this count and our commit.
  for v_dependency in
    select job_id, state from jobs where job_id = any (v_dependencies) and namespace = p_namespace order by job_id for share
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

  loop
    insert into jobs (namespace, parent_job_id, flow_key, correlation_key, hops, source_agent, target_agent, job_type, subject,
      priority, dedupe_key, payload, trust, model, thinking, state, run_after, open_dependencies,
      timeout_seconds, hard_timeout_seconds, max_attempts)
    values (
      p_namespace, v_parent_id, coalesce(p_input ->> 'flowKey', v_parent.flow_key),
      coalesce(p_input ->> 'correlationKey', v_parent.correlation_key), coalesce(v_parent.hops + 1, 0),
      source_agent_of(p_principal, p_namespace, p_input ->> 'sourceAgent', p_field || 'sourceAgent'), v_agent.agent_id, v_type_name, v_subject,
      coalesce((p_input ->> 'priority')::int, 100), p_input ->> 'dedupeKey', coalesce(p_input -> 'payload', '{}'),
      -- What came from outside stays so through any number of hands.
      case when v_parent.trust = 'untrusted' then 'untrusted' else coalesce(p_input ->> 'trust', 'trusted') end, coalesce(p_input ->> 'model', v_agent.model),
      coalesce(p_input ->> 'thinking', v_agent.thinking),
      case when v_open > 0 then 'waiting' else 'queued' end,
      coalesce((p_input ->> 'runAfter')::timestamptz, now() + make_interval(secs => coalesce((p_input ->> 'delaySeconds')::int, 0))),
      v_open,
      v_timeout, greatest(v_type.hard_timeout_seconds, v_timeout),
      coalesce((p_input ->> 'maxAttempts')::int, v_type.max_attempts))
    on conflict (namespace, target_agent, dedupe_key)
      where dedupe_key is not null and state in ('waiting', 'queued', 'leased', 'running', 'blocked')
      do nothing
    returning * into v_job;
    exit when found;
    select * into v_job from jobs
    where namespace = p_namespace and target_agent = v_agent.agent_id and dedupe_key = p_input ->> 'dedupeKey'
      and state in ('waiting', 'queued', 'leased', 'running', 'blocked');
    if found then
      return jsonb_build_object('job', job_json(v_job), 'created', false);
    end if;
    -- The other one ended between the two statements: now the key is free.
  end loop;

  insert into job_dependencies (namespace, job_id, depends_on, satisfied_at)
  select p_namespace, v_job.job_id, d.job_id, case when d.state = 'succeeded' then now() end
  from jobs d where d.job_id = any (v_dependencies);
  select d.* into v_spoiled from jobs d
  where d.job_id = any (v_dependencies) and d.state in ('failed', 'dead', 'cancelled') order by d.seq limit 1;
  if found then
    v_job := block_for_dependency(v_job, v_spoiled);
  end if;
  return jsonb_build_object('job', job_json(v_job), 'created', true);
end
$$;
comment on function insert_job(jsonb, text, jsonb, text) is
  'Enqueues one job (EnqueueJob of the contract) and returns job and created; with a live job of the same dedupe key, that one. The last argument is put before field names in refusals.';

create or replace function enqueue_job(p_principal jsonb, p_input jsonb) returns jsonb language plpgsql as $$
begin
  perform act_as(p_principal);
  return insert_job(p_principal, namespace_of(p_principal, p_input), p_input);
end
$$;
comment on function enqueue_job(jsonb, jsonb) is 'The operation enqueueJob.';

create or replace function event_json(p_event events) returns jsonb language sql stable as $$
  select jsonb_strip_nulls(jsonb_build_object(
    'eventId', (p_event).event_id, 'seq', (p_event).seq, 'topic', (p_event).topic,
    'sourceAgent', (p_event).source_agent, 'sourceJobId', (p_event).source_job_id,
    'dedupeKey', (p_event).dedupe_key, 'createdAt', (p_event).created_at))
    || jsonb_build_object('payload', (p_event).payload)
$$;
comment on function event_json(events) is 'An event as the contract shows it.';

create or replace function insert_event(p_principal jsonb, p_namespace text, p_input jsonb, p_field text default '')
returns jsonb language plpgsql as $$
declare
  v_source text := source_agent_of(p_principal, p_namespace, p_input ->> 'sourceAgent', p_field || 'sourceAgent');
  v_event events;
begin
  -- Topics of the bus itself are facts about what it did; nobody else may say them.
  if split_part(p_input ->> 'topic', '.', 1) in ('job', 'agent', 'gateway', 'audit') then
    perform refuse(422, 'invalid_field', format('topic %s belongs to the bus', p_input ->> 'topic'),
      p_field || 'topic', p_input -> 'topic', 'a topic that does not begin with job., agent., gateway. or audit.');
  end if;
  v_event := append_event(p_namespace, p_input ->> 'topic', v_source, (p_principal ->> 'jobId')::uuid,
    coalesce(p_input -> 'payload', '{}'), p_input ->> 'dedupeKey');
  if v_event.event_id is null then
    select * into v_event from events
    where namespace = p_namespace and topic = p_input ->> 'topic' and dedupe_key = p_input ->> 'dedupeKey';
    return jsonb_build_object('event', event_json(v_event), 'created', false, 'jobs', '[]'::jsonb);
  end if;
  return jsonb_build_object('event', event_json(v_event), 'created', true, 'jobs', (
    select coalesce(jsonb_agg(j.job_id order by j.seq), '[]')
    from subscriptions s
    join jobs j on j.namespace = s.namespace and j.target_agent = s.agent_id
      and j.dedupe_key = 'event:' || v_event.event_id || ':' || s.subject
      and j.state in ('waiting', 'queued', 'leased', 'running', 'blocked')
    where s.namespace = p_namespace and v_event.topic ~ s.topic_regex));
end
$$;
comment on function insert_event(jsonb, text, jsonb, text) is
  'Writes one event (EmitEvent of the contract); returns event, created and the ids of the jobs its subscribers got. The last argument is put before field names in refusals.';

create or replace function emit_event(p_principal jsonb, p_input jsonb) returns jsonb language plpgsql as $$
begin
  perform act_as(p_principal);
  return insert_event(p_principal, namespace_of(p_principal, p_input), p_input);
end
$$;
comment on function emit_event(jsonb, jsonb) is 'The operation emitEvent.';

create or replace function enqueue_for_subscription(
  p_namespace text, p_event uuid, p_topic text, p_payload jsonb, p_source_agent text, p_source_job uuid,
  p_agent text, p_subject text, p_priority int
) returns void language plpgsql as $$
begin
  perform insert_job(
    jsonb_build_object('kind', 'operator', 'name', 'subscription'), p_namespace,
    jsonb_strip_nulls(jsonb_build_object('targetAgent', p_agent, 'subject', p_subject, 'priority', p_priority,
      'sourceAgent', p_source_agent, 'parentJobId', p_source_job,
      'dedupeKey', 'event:' || p_event || ':' || p_subject))
    || jsonb_build_object('payload', jsonb_build_object('eventId', p_event, 'topic', p_topic, 'event', p_payload)));
exception
  -- A subscriber that cannot take the job must not undo the fact; the refusal is a fact of its own.
  when sqlstate 'AB422' then
    -- A refusal of the news of a refusal is no news, or the two would go on for ever.
    if p_topic = 'agent.subscription_refused' then
      return;
    end if;
    perform append_event(p_namespace, 'agent.subscription_refused', null, p_source_job,
      jsonb_build_object('eventId', p_event, 'topic', p_topic, 'agentId', p_agent, 'subject', p_subject, 'reason', sqlerrm),
      p_event::text || ':' || p_agent || ':' || p_subject);
end
$$;
comment on function enqueue_for_subscription(text, uuid, text, jsonb, text, uuid, text, text, int) is
  'The job that an event becomes for one subscriber; a refusal (hop limit, subject) becomes the event agent.subscription_refused.';
