-- Events: the operation emitEvent, the jobs that subscriptions make of an event, and the lists of events.

-- Returns an event as the contract shows it.
create or replace function event_json(p_event events) returns jsonb
language sql stable as $$
  select jsonb_strip_nulls(jsonb_build_object(
    'eventId', (p_event).event_id, 'seq', (p_event).seq, 'topic', (p_event).topic,
    'sourceAgent', (p_event).source_agent, 'sourceJobId', (p_event).source_job_id,
    'dedupeKey', (p_event).dedupe_key, 'createdAt', (p_event).created_at))
    || jsonb_build_object('payload', (p_event).payload)
$$;

-- Writes one event (EmitEvent of the contract). Returns event, created and jobs, the ids of the jobs that
-- the event made or joined; created is false when the topic already has the dedupe key. p_field is the
-- prefix of field names in refusals.
create or replace function insert_event(
  p_principal jsonb, p_namespace text, p_input jsonb, p_field text default ''
) returns jsonb language plpgsql as $$
declare
  v_source text := source_agent_of(p_principal, p_namespace, p_input ->> 'sourceAgent', p_field || 'sourceAgent');
  v_event events;
begin
  if is_bus_topic(p_principal, p_namespace, p_input ->> 'topic') then
    perform refuse(422, 'invalid_field', format('topic %s belongs to the bus', p_input ->> 'topic'),
      p_field || 'topic', p_input -> 'topic',
      'a topic that does not begin with ' || array_to_string(bus_topics(), '., ') || '.');
  end if;
  if is_agent(p_principal) then
    perform require_topic(p_principal, p_namespace, p_input ->> 'topic', p_field);
  end if;
  if p_principal ? 'jobId' then
    perform lock_work_of((p_principal ->> 'jobId')::uuid);
  end if;
  v_event := append_event(p_namespace, p_input ->> 'topic', v_source, (p_principal ->> 'jobId')::uuid,
    coalesce(p_input -> 'payload', '{}'), p_input ->> 'dedupeKey');
  if v_event.event_id is null then
    select * into v_event from events
    where namespace = p_namespace and topic = p_input ->> 'topic' and dedupe_key = p_input ->> 'dedupeKey';
    return jsonb_build_object('event', event_json(v_event), 'created', false, 'jobs', '[]'::jsonb,
      'differs', differing(p_input, jsonb_build_object('payload', v_event.payload)));
  end if;
  if p_principal ? 'jobId' then
    -- Counted after the insert, as jobs are.
    perform refuse_many_events(p_namespace, (p_principal ->> 'jobId')::uuid, p_input ->> 'topic', p_field);
  end if;
  return jsonb_build_object('event', event_json(v_event), 'created', true, 'jobs', (
    select coalesce(jsonb_agg(job_id order by seq), '[]') from jobs_of_event(v_event)));
end
$$;

create or replace function emit_event(p_principal jsonb, p_input jsonb) returns jsonb
language plpgsql as $$
begin
  perform act_as(p_principal);
  return insert_event(p_principal, namespace_of(p_principal, p_input), p_input);
end
$$;
comment on function emit_event(jsonb, jsonb) is
  'The operation emitEvent: writes one event, or returns the event of the topic with the same dedupe key.';

-- Returns the topic pattern of the subscription by which events of this topic join a waiting job; null when
-- each event makes its own job.
create or replace function coalescing_pattern(p_namespace text, p_agent text, p_subject text, p_topic text)
returns text
language sql stable as $$
  select min(topic_pattern) from subscriptions
  where namespace = p_namespace and agent_id = p_agent and subject = p_subject
    and coalesces and enabled and p_topic ~ topic_regex
$$;

-- Adds an event to the job of the subscription that still waits for its first claim; returns false when
-- there is no such job. Beyond joined_events or joined_bytes the event is only counted.
create or replace function join_waiting_job(
  p_namespace text, p_agent text, p_subject text, p_pattern text, p_source_job uuid, p_entry jsonb
) returns boolean language plpgsql as $$
declare
  v_source jobs;
  v_job jobs;
  v_fits boolean;
begin
  -- A job that a claim or another event has locked is skipped. So no event waits, and the worst result is
  -- one more job.
  select * into v_job from jobs
  where namespace = p_namespace and target_agent = p_agent and subject = p_subject
    and coalesce_key = p_pattern and state = 'queued' and attempt_no = 0
  order by seq limit 1
  for no key update skip locked;
  if not found then
    return false;
  end if;
  if v_job.payload -> 'events' @> jsonb_build_array(jsonb_build_object('eventId', p_entry -> 'eventId')) then
    return true;
  end if;
  select * into v_source from jobs where job_id = p_source_job;
  perform refuse_long_chain(v_source, p_agent, '');
  if v_source.trust = 'untrusted'
    and (select reads from agents where namespace = p_namespace and agent_id = p_agent) = 'trusted' then
    perform refuse(422, 'untrusted_input', format('agent %s reads trusted payloads only', p_agent));
  end if;
  v_fits := jsonb_array_length(v_job.payload -> 'events') < joined_events()
    and length(v_job.payload::text) + length(p_entry::text) <= joined_bytes();
  update jobs
  set payload = payload || jsonb_build_object('eventCount', (payload ->> 'eventCount')::int + 1)
      || case when v_fits then jsonb_build_object('events', payload -> 'events' || p_entry) else '{}' end,
    -- The job takes the largest number of hops and the lowest trust of all its events.
    hops = greatest(hops, v_source.hops + 1),
    trust = case when v_source.trust = 'untrusted' then 'untrusted' else trust end,
    updated_at = now()
  where job_id = v_job.job_id;
  return true;
end
$$;

-- Returns the jobs that a new event has made or joined, except jobs in which the event is only counted.
create or replace function jobs_of_event(p_event events) returns setof jobs
language sql stable as $$
  select j.*
  from subscriptions s
  join jobs j on j.namespace = s.namespace and j.target_agent = s.agent_id
    and j.dedupe_key = 'event:' || (p_event).event_id || ':' || s.subject
    and j.state in ('waiting', 'queued', 'leased', 'running', 'blocked')
  where s.namespace = (p_event).namespace and (p_event).topic ~ s.topic_regex
  union
  select j.*
  from subscriptions s
  join jobs j on j.namespace = s.namespace and j.target_agent = s.agent_id and j.subject = s.subject
    and j.coalesce_key = s.topic_pattern and j.state = 'queued'
    and j.payload -> 'events' @> jsonb_build_array(jsonb_build_object('eventId', (p_event).event_id))
  where s.namespace = (p_event).namespace and (p_event).topic ~ s.topic_regex and s.coalesces
$$;

-- Enqueues the job of an event for one subscriber, or adds the event to a waiting job. A refusal (hop
-- limit, loop, subject, trust, frozen) becomes the event agent.subscription_refused.
create or replace function enqueue_for_subscription(
  p_namespace text, p_event uuid, p_topic text, p_payload jsonb, p_source_agent text, p_source_job uuid,
  p_agent text, p_subject text, p_priority int
) returns void language plpgsql as $$
declare
  v_entry jsonb := jsonb_build_object('eventId', p_event, 'topic', p_topic, 'event', p_payload);
  v_pattern text := coalescing_pattern(p_namespace, p_agent, p_subject, p_topic);
begin
  perform refuse_frozen_agent(p_namespace, p_agent, 'targetAgent');
  if v_pattern is not null
    and join_waiting_job(p_namespace, p_agent, p_subject, v_pattern, p_source_job, v_entry) then
    return;
  end if;
  perform insert_job(
    jsonb_build_object('kind', 'operator', 'name', 'subscription', 'subscription', p_event, 'coalesceKey', v_pattern), p_namespace,
    jsonb_strip_nulls(jsonb_build_object('targetAgent', p_agent, 'subject', p_subject, 'priority', p_priority,
      'sourceAgent', p_source_agent, 'parentJobId', p_source_job,
      'dedupeKey', 'event:' || p_event || ':' || p_subject))
    || jsonb_build_object('payload', v_entry || case when v_pattern is null then '{}'
      else jsonb_build_object('events', jsonb_build_array(v_entry), 'eventCount', 1) end));
exception
  -- A subscriber that cannot take the job must not roll back the event, so the refusal becomes another
  -- event.
  when sqlstate 'AB422' or sqlstate 'AB409' then
    -- When the event agent.subscription_refused is itself refused, no further event follows; otherwise the
    -- refusals would go on for ever.
    if p_topic = 'agent.subscription_refused' then
      return;
    end if;
    perform append_event(p_namespace, 'agent.subscription_refused', null, p_source_job,
      jsonb_build_object('eventId', p_event, 'topic', p_topic, 'agentId', p_agent, 'subject', p_subject, 'reason', sqlerrm),
      p_event::text || ':' || p_agent || ':' || p_subject);
end
$$;

-- Returns the seq up to which the list of events is complete: no transaction that is still at work can add
-- an event with this seq or a lower one. See from_seq for how writers are found.
create or replace function complete_seq() returns bigint
language plpgsql volatile as $$
declare
  v_last bigint := (select last_value from events_seq_seq);
begin
  -- The order matters. Seqs above v_last are younger than this look, and a transaction that got a seq up to
  -- v_last either still holds its lock or has ended, so that the caller's next statement sees its events.
  return least(v_last, (
    select min((classid::bigint & 65535) << 32 | objid::bigint)
    from pg_locks
    where locktype = 'advisory'
      and objsubid = 1
      and classid::bigint >> 16 = event_lock_class()
      and database = (select oid from pg_database where datname = current_database())));
end
$$;

-- Volatile: the events must be read in a newer snapshot than the locks (complete_seq).
create or replace function list_events(p_principal jsonb, p_input jsonb) returns jsonb
language plpgsql volatile
-- Planned anew each time, so that a filter which is not given disappears from the plan.
set plan_cache_mode = force_custom_plan as $$
declare
  v_namespace text := namespace_of(p_principal, p_input);
  v_regex text := topic_regex(p_input ->> 'topic');
  v_after bigint := (p_input ->> 'after')::bigint;
  v_before bigint := (p_input ->> 'before')::bigint;
  v_limit int := coalesce((p_input ->> 'limit')::int, 50);
  v_most int := list_bytes(p_input);
  v_complete bigint := complete_seq();
  v_event events;
  v_row jsonb;
  v_rows jsonb[] := '{}';
  v_bytes int := 0;
  v_more boolean := false;
  v_searched record;
begin
  for v_event in
    select *
    from (
      select *
      from events
      where namespace = v_namespace
        and (p_input ->> 'sourceJobId' is null or source_job_id = (p_input ->> 'sourceJobId')::uuid)
        and (v_after is null or seq > v_after)
        and (v_before is null or seq < v_before)
        and seq <= v_complete
      -- One of the two is null for all rows, so the planner reads the index by seq in the right direction.
      order by case when v_after is null then seq end desc, case when v_after is not null then seq end
      limit case when v_regex is null then v_limit else event_looks() end) looked
    where v_regex is null or topic ~ v_regex
    order by case when v_after is null then seq end desc, case when v_after is not null then seq end
    limit v_limit
  loop
    v_event.payload_bytes := coalesce(v_event.payload_bytes, octet_length(v_event.payload::text));
    if v_event.payload_bytes > small_json() then
      v_event.payload := '{}';
    end if;
    v_row := event_row(v_event);
    v_bytes := v_bytes + octet_length(v_row::text);
    v_more := v_bytes > v_most and cardinality(v_rows) > 0;
    exit when v_more;
    v_rows := case when v_after is null then v_row || v_rows else v_rows || v_row end;
  end loop;
  if v_regex is not null and not v_more and cardinality(v_rows) < v_limit then
    select seq, created_at into v_searched
    from events
    where namespace = v_namespace
      and (p_input ->> 'sourceJobId' is null or source_job_id = (p_input ->> 'sourceJobId')::uuid)
      and (v_after is null or seq > v_after)
      and (v_before is null or seq < v_before)
      and seq <= v_complete
    order by case when v_after is null then seq end desc, case when v_after is not null then seq end
    limit 1
    offset event_looks() - 1;
    if found then
      return jsonb_build_object(
        'events', to_jsonb(v_rows),
        case when v_after is null then 'older' else 'next' end, v_searched.seq,
        'searchedTo', v_searched.created_at);
    end if;
  end if;
  return jsonb_build_object('events', to_jsonb(v_rows))
    || case
      when not v_more and cardinality(v_rows) < v_limit then '{}'
      when v_after is null then jsonb_build_object('older', v_rows[1] -> 'seq')
      else jsonb_build_object('next', v_rows[cardinality(v_rows)] -> 'seq') end
    || case
      when exists (select from events where namespace = v_namespace and seq > v_complete)
        then jsonb_build_object('heldBack', true)
      else '{}' end;
end
$$;
comment on function list_events(jsonb, jsonb) is
  'The operation listEvents: the events after a seq, or the newest ones (with before: the newest below that seq), at most limit (default 50) and at most answer_bytes; oldest first in all cases. The list ends before the first event that a transaction may still write (heldBack), so that a reader who goes on from the last seq misses none.';

create or replace function get_event(p_principal jsonb, p_input jsonb) returns jsonb
language plpgsql stable as $$
declare
  v_namespace text := namespace_of(p_principal, p_input);
  v_event events;
begin
  select * into v_event
  from event_of((p_input ->> 'eventId')::uuid)
  where namespace = v_namespace;
  if not found then
    perform refuse(404, 'unknown_event', format('there is no event %s in namespace %s', p_input ->> 'eventId', v_namespace),
      'eventId', p_input -> 'eventId', 'the id of an event');
  end if;
  return event_json(v_event);
end
$$;
comment on function get_event(jsonb, jsonb) is
  'The operation getEvent: one event, live or retired, with its payload. Refuses an unknown event (404).';
