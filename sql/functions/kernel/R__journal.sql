-- Triggers write what must follow every change, so that no function can forget it: an audit row for each
-- change of state, a lifecycle event, a notification, and jobs for subscribers.

-- Writes an event and returns its row; all null when the topic already has an event with the dedupe key.
create or replace function append_event(
  p_namespace text, p_topic text, p_source_agent text, p_source_job uuid, p_payload jsonb,
  p_dedupe_key text default null
) returns events language plpgsql as $$
declare
  v_event events;
begin
  insert into events (namespace, topic, source_agent, source_job_id, payload, dedupe_key)
  values (p_namespace, p_topic, p_source_agent, p_source_job, p_payload, p_dedupe_key)
  on conflict (namespace, topic, dedupe_key) where dedupe_key is not null do nothing
  returning * into v_event;
  return v_event;
end
$$;

-- Returns the number that marks the advisory locks of event writers: the upper 16 bits of their keys.
-- Chosen: any number.
create or replace function event_lock_class() returns bigint language sql immutable as $$ select 25974 $$;

-- Trigger: marks the transaction as a writer of events, before its first event gets a seq. An event with a
-- higher seq can be committed earlier, so a reader needs to know which seqs may still come (complete_seq).
-- The mark is a shared advisory lock, whose key holds the last seq that was given before. It ends with the
-- transaction.
create or replace function from_seq() returns trigger
language plpgsql as $$
begin
  if coalesce(current_setting('agentbus.from_seq', true), '') = '' then
    perform
      pg_advisory_xact_lock_shared(event_lock_class() << 48 | last_value),
      set_config('agentbus.from_seq', last_value::text, true)
    from events_seq_seq;
  end if;
  return null;
end
$$;
create or replace trigger from_seq before insert on events
  for each statement execute function from_seq();

-- Says for this transaction that its caller wakes the dispatchers after the commit, when agentbus.woken is
-- yes by then. Returns its argument, so that a statement can use it as the argument of the function that it
-- calls, which runs after it.
create or replace function caller_wakes(p_input anyelement) returns anyelement
language plpgsql as $$
begin
  perform set_config('agentbus.woken', 'no', true);
  return p_input;
end
$$;

-- Wakes the dispatchers after the commit, because a job may be claimed then: notes it for a caller that wakes
-- them itself (caller_wakes), and otherwise sends a notification. The calls of a bus wake them: Postgres lets
-- only one transaction with a notification commit at a time in the whole server, each with its own wait for
-- the disk (docs/adr/0024).
create or replace function wake_dispatchers() returns void language plpgsql as $$
begin
  if current_setting('agentbus.woken', true) in ('no', 'yes') then
    perform set_config('agentbus.woken', 'yes', true);
  else
    perform pg_notify('jobs_ready', '');
  end if;
end
$$;

-- Trigger: writes an audit row and the event job.enqueued for each new job, and wakes the dispatchers once
-- for the statement.
create or replace function journal_new_jobs() returns trigger
language plpgsql as $$
declare
  v_each jsonb := nullif(current_setting('agentbus.each', true), '')::jsonb;
  v_why text := nullif(current_setting('agentbus.why', true), '');
  v_actor text := current_actor();
begin
  -- One statement, because each has a start that costs more than its rows.
  with audited as (
    insert into audit_log (namespace, actor, action, table_name, row_id, why, detail)
    select namespace, coalesce(v_each -> job_id::text ->> 0, v_actor), 'job.enqueued', 'jobs', job_id::text,
      case when v_each ? job_id::text then nullif(v_each -> job_id::text ->> 1, '') else v_why end,
      jsonb_build_object('to', state)
    from new_rows
  )
  insert into events (namespace, topic, source_agent, source_job_id, payload)
  select namespace, 'job.enqueued', source_agent, job_id,
    jsonb_build_object('jobId', job_id, 'targetAgent', target_agent, 'subject', subject, 'state', state)
  from new_rows;
  -- A new job is queued or waits. Waiting jobs wake too: their enqueue holds locks on the dependencies, so a
  -- claim may just have skipped those jobs. Jobs that are due later wake because dispatchers on an idle bus
  -- sweep rarely. A duplicate inserts no job.
  if found then
    perform wake_dispatchers();
  end if;
  return null;
end
$$;

-- Trigger: writes an audit row for each change of state or owner, and an event for each change of state on
-- which others may act. Wakes the dispatchers once for the statement when a job is due or a lane has room.
create or replace function journal_changed_jobs() returns trigger
language plpgsql as $$
declare
  v_each jsonb := nullif(current_setting('agentbus.each', true), '')::jsonb;
  v_why text := nullif(current_setting('agentbus.why', true), '');
  v_actor text := current_actor();
  v_room boolean;
  v_told boolean;
begin
  with moved as materialized (
    select n.job_id, n.namespace, n.state, o.state as state_before, n.attempt_no, n.lease_owner, n.run_after
    from new_rows n join old_rows o using (job_id)
    where n.state <> o.state
      or (n.state = 'leased' and n.lease_owner is not null and n.lease_owner is distinct from o.lease_owner)
  ), audited as (
    insert into audit_log (namespace, actor, action, table_name, row_id, why, detail)
    select namespace, coalesce(v_each -> job_id::text ->> 0, v_actor),
      'job.' || case when state = state_before then 'adopted' else state end, 'jobs', job_id::text,
      case when v_each ? job_id::text then nullif(v_each -> job_id::text ->> 1, '') else v_why end,
      jsonb_strip_nulls(jsonb_build_object('from', state_before, 'to', state,
        'attemptNo', nullif(attempt_no, 0), 'leaseOwner', lease_owner))
    from moved
  )
  -- A job that is no longer at work makes room for the next job of the same agent and gateway.
  select bool_or(state <> state_before
    and ((state = 'queued' and run_after <= now()) or (state_before in ('leased', 'running') and state not in ('leased', 'running')))),
    bool_or(state <> state_before and state not in ('leased', 'running'))
  into v_room, v_told
  from moved;
  -- The states leased and running make no event, because the row of the attempt shows them and nobody else
  -- acts on them. An insert of no rows would still fire the triggers of events.
  if v_told then
    insert into events (namespace, topic, source_agent, source_job_id, payload)
    select n.namespace,
      'job.' || case
        when n.state = 'queued' and o.state = 'blocked' then 'unblocked'
        when n.state = 'queued' and o.state = 'waiting' then 'ready'
        when n.state = 'queued' and o.state in ('dead', 'failed') then 'redriven'
        when n.state = 'queued' and n.delivery_failures > o.delivery_failures then 'undelivered'
        when n.state = 'queued' then 'retried'
        else n.state end,
      n.target_agent, n.job_id,
      jsonb_strip_nulls(jsonb_build_object('jobId', n.job_id, 'targetAgent', n.target_agent,
        'subject', n.subject, 'from', o.state, 'attemptNo', nullif(n.attempt_no, 0),
        'reason', coalesce(n.blocked_reason,
          case when n.state in ('queued', 'failed', 'dead') then n.last_error end)))
    from new_rows n
    join old_rows o using (job_id)
    where n.state <> o.state and n.state not in ('leased', 'running');
  end if;
  if v_room then
    perform wake_dispatchers();
  end if;
  return null;
end
$$;

-- Trigger: turns each event into a job for every enabled agent with a matching subscription.
create or replace function journal_new_events() returns trigger
language plpgsql as $$
declare
  v_match record;
begin
  -- Most events have no subscriber, and this look costs less than the loop.
  if not exists (
    select
    from new_rows e
    join subscriptions s on s.namespace = e.namespace and s.enabled and e.topic ~ s.topic_regex) then
    return null;
  end if;
  for v_match in
    select e.*, s.agent_id, s.subject, s.priority
    from new_rows e
    join subscriptions s on s.namespace = e.namespace and s.enabled and e.topic ~ s.topic_regex
    join agents a on a.namespace = s.namespace and a.agent_id = s.agent_id and a.enabled
    -- The event job.enqueued of a job that a subscription made is left out; otherwise the patterns # and
    -- job.# would trigger themselves for ever.
    where not (e.topic = 'job.enqueued' and exists (
      select from jobs j where j.job_id = e.source_job_id and j.dedupe_key like 'event:%'))
    order by e.seq, s.priority desc, s.agent_id
  loop
    perform enqueue_for_subscription(v_match.namespace, v_match.event_id, v_match.topic, v_match.payload,
      v_match.source_agent, v_match.source_job_id, v_match.agent_id, v_match.subject, v_match.priority);
  end loop;
  return null;
end
$$;

-- Trigger: writes an audit row for each changed agent.
create or replace function journal_agents() returns trigger
language plpgsql as $$
begin
  insert into audit_log (namespace, actor, action, table_name, row_id, why, detail)
  select n.namespace, current_actor(),
    case
      when o.enabled and not n.enabled then 'agent.disabled'
      when n.paused_at is not null and n.paused_at is distinct from o.paused_at then 'agent.paused'
      when o.paused_at is not null and n.paused_at is null then 'agent.resumed'
      else 'agent.changed' end,
    'agents', n.agent_id, nullif(current_setting('agentbus.why', true), ''),
    jsonb_strip_nulls(jsonb_build_object('pausedReason', n.paused_reason, 'configHash', n.config_hash))
  from new_rows n join old_rows o using (namespace, agent_id);
  return null;
end
$$;

-- Trigger: writes an audit row for each new agent.
create or replace function journal_new_agents() returns trigger
language plpgsql as $$
begin
  insert into audit_log (namespace, actor, action, table_name, row_id, why, detail)
  select namespace, current_actor(), 'agent.added', 'agents', agent_id, nullif(current_setting('agentbus.why', true), ''),
    jsonb_strip_nulls(jsonb_build_object('configHash', config_hash))
  from new_rows;
  return null;
end
$$;

create or replace trigger journal_new_jobs after insert on jobs
  referencing new table as new_rows
  for each statement execute function journal_new_jobs();
create or replace trigger journal_changed_jobs after update on jobs
  referencing old table as old_rows new table as new_rows
  for each statement execute function journal_changed_jobs();
create or replace trigger journal_new_events after insert on events
  referencing new table as new_rows
  for each statement execute function journal_new_events();
create or replace trigger journal_new_agents after insert on agents
  referencing new table as new_rows
  for each statement execute function journal_new_agents();
create or replace trigger journal_agents after update on agents
  referencing old table as old_rows new table as new_rows
  for each statement execute function journal_agents();
