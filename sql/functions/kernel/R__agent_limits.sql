-- The limits on the requests of an agent: handoffs, topics, the numbers of jobs and events, and loops. They
-- bind agents and attempts. Operators and the bus are exempt, but the hop limit holds for every child job,
-- and the loop limit also for jobs of subscriptions.

-- Returns the first words of the topics that only the bus may emit.
create or replace function bus_topics()
returns text[] language sql immutable as $$
  select array['job', 'agent', 'gateway', 'audit', 'standing_order', 'question', 'pause', 'idea', 'opportunity',
    'memory']
$$;

-- Returns whether the caller is an agent or an attempt, so that the limits of this file bind it.
create or replace function is_agent(p_principal jsonb) returns boolean
language sql immutable as $$
  select p_principal ->> 'kind' in ('agent', 'attempt')
$$;

-- Returns the row of the calling agent; all null for other callers.
create or replace function speaker(p_principal jsonb, p_namespace text) returns agents
language sql stable as $$
  select * from agents where namespace = p_namespace and agent_id = p_principal ->> 'name'
$$;

-- Describes one entry of handoffs_of in words.
create or replace function handoff_text(p_handoff jsonb) returns text
language sql immutable as $$
  select case p_handoff ->> 'agent' when '*' then 'every other agent' else p_handoff ->> 'agent' end
    || coalesce(' with the subject ' || (select string_agg(value, ' or ') from jsonb_array_elements_text(p_handoff -> 'subjects')), '')
    || coalesce(' with the job type ' || (select string_agg(value, ' or ') from jsonb_array_elements_text(p_handoff -> 'jobTypes')), '')
$$;

-- Returns whether an entry of handoffs_of covers the job type. An entry for dev also covers dev.review.
create or replace function is_for_job_type(p_handoff jsonb, p_job_type text) returns boolean
language sql immutable as $$
  select not p_handoff ? 'jobTypes' or p_handoff -> 'jobTypes' ?| array[p_job_type, split_part(p_job_type, '.', 1)]
$$;

-- Returns whether the agent p_name, which has these handoffs and may_enqueue_to, may hand any work to
-- p_target: it has no handoffs with conditions, and names the target or every other agent. The star does not
-- include the agent itself: an agent that hands work to itself must be named in its own handoffs.
create or replace function hands_on_freely(
  p_handoffs jsonb, p_may_enqueue_to text[], p_name text, p_target text
) returns boolean language sql immutable as $$
  select p_handoffs is null
    and (p_target = any (p_may_enqueue_to) or ('*' = any (p_may_enqueue_to) and p_target <> p_name))
$$;

-- Refuses (403, handoff_not_allowed) a job that the calling agent's handoffs do not cover. The refusal
-- names the field, with the prefix p_field, and the allowed values.
create or replace function require_handoff(
  p_principal jsonb, p_target agents, p_subject text, p_job_type text, p_field text
) returns void language plpgsql stable as $$
declare
  v_name text := p_principal ->> 'name';
  v_handoffs jsonb;
  v_may_enqueue_to text[];
  v_for_target jsonb;
  v_fits_subject boolean;
begin
  select handoffs, may_enqueue_to into v_handoffs, v_may_enqueue_to
  from agents
  where namespace = p_target.namespace and agent_id = v_name;
  -- A handoff without conditions, as most are, is found without an array of objects.
  if hands_on_freely(v_handoffs, v_may_enqueue_to, v_name, p_target.agent_id) then
    return;
  end if;
  v_handoffs := handoffs_of(speaker(p_principal, p_target.namespace));
  -- The star leaves out the agent itself, as in hands_on_freely.
  v_for_target := coalesce((
    select jsonb_agg(value) from jsonb_array_elements(v_handoffs)
    where value ->> 'agent' = p_target.agent_id or (value ->> 'agent' = '*' and p_target.agent_id <> v_name)), '[]');
  if exists (
    select from jsonb_array_elements(v_for_target)
    where (not value ? 'subjects' or value -> 'subjects' ? p_subject) and is_for_job_type(value, p_job_type)) then
    return;
  end if;
  if v_for_target = '[]' then
    perform refuse(403, 'handoff_not_allowed', format('agent %s may not hand work to %s', v_name,
        case p_target.agent_id when v_name then 'itself' else 'agent ' || p_target.agent_id end),
      p_field || 'targetAgent', to_jsonb(p_target.agent_id), coalesce('one of: ' || (
        select string_agg(handoff_text(value), ', ') from jsonb_array_elements(v_handoffs)),
        'no agent: emit an event, or say in the summary what should follow'));
  end if;
  select exists (
    select from jsonb_array_elements(v_for_target)
    where not value ? 'subjects' or value -> 'subjects' ? p_subject)
  into v_fits_subject;
  perform refuse(403, 'handoff_not_allowed',
    format('agent %s may not hand agent %s work with the subject %s and the job type %s', v_name, p_target.agent_id, p_subject, p_job_type),
    p_field || case when v_fits_subject then 'jobType' else 'subject' end,
    to_jsonb(case when v_fits_subject then p_job_type else p_subject end),
    'one of: ' || (select string_agg(handoff_text(value), ', ') from jsonb_array_elements(v_for_target)));
end
$$;

-- Returns whether a topic belongs to the bus, so that this caller may not emit it. An agent whose agent.yaml
-- names a topic standing_order.* word for word may emit it: the auditor reports gaps that the bus has not
-- seen, and its events carry its name.
create or replace function is_bus_topic(p_principal jsonb, p_namespace text, p_topic text) returns boolean
language sql stable as $$
  select split_part(p_topic, '.', 1) = any (bus_topics())
    and not (
      is_agent(p_principal)
      and p_topic like 'standing\_order.%'
      and p_topic = any ((speaker(p_principal, p_namespace)).emits))
$$;

-- Refuses (403, topic_not_allowed) a topic that the calling agent may not emit.
create or replace function require_topic(p_principal jsonb, p_namespace text, p_topic text, p_field text)
returns void
language plpgsql stable as $$
declare
  v_agent agents := speaker(p_principal, p_namespace);
begin
  if not exists (select from unnest(v_agent.emits) e where p_topic ~ topic_regex(e)) then
    perform refuse(403, 'topic_not_allowed', format('agent %s may not say %s', p_principal ->> 'name', p_topic),
      p_field || 'topic', to_jsonb(p_topic), coalesce('one of: ' || nullif(array_to_string(v_agent.emits, ', '), ''),
        'no topic: say it in the summary of the job'));
  end if;
end
$$;

-- Returns the parent of a new job: the requested one, or else the job of the calling attempt; all null for
-- none. Refuses an unknown job (422), a job other than the attempt's own, and a job that the calling agent
-- neither requested nor works on (403).
create or replace function parent_of(p_principal jsonb, p_namespace text, p_asked uuid, p_field text)
returns jobs
language plpgsql stable as $$
declare
  v_own uuid := (p_principal ->> 'jobId')::uuid;
  v_parent jobs;
begin
  if p_asked is null and v_own is null then
    return null;
  end if;
  -- With a different parent, an attempt could begin a new chain and so escape the hop limit and the loop
  -- limit.
  if p_asked <> v_own then
    perform refuse(403, 'forbidden', format('what this attempt asks for is part of its own job %s, not of job %s', v_own, p_asked),
      p_field || 'parentJobId', to_jsonb(p_asked), v_own || ', or no parentJobId');
  end if;
  select * into v_parent from jobs where job_id = coalesce(p_asked, v_own) and namespace = p_namespace;
  if not found then
    perform refuse(422, 'unknown_job', format('there is no job %s in namespace %s', coalesce(p_asked, v_own), p_namespace),
      p_field || 'parentJobId', to_jsonb(coalesce(p_asked, v_own)), 'the id of a job');
  end if;
  if p_principal ->> 'kind' = 'agent'
    and (p_principal ->> 'name' in (v_parent.source_agent, v_parent.target_agent)) is not true then
    perform refuse(403, 'forbidden', format('agent %s neither asked for job %s nor works on it', p_principal ->> 'name', p_asked),
      p_field || 'parentJobId', to_jsonb(p_asked), 'a job that this agent asked for or works on, or no parentJobId');
  end if;
  return v_parent;
end
$$;

-- Refuses (422, hop_limit) a child of a job that is already hop_limit handoffs away from the first job of
-- its chain.
create or replace function refuse_long_chain(p_parent jobs, p_target text, p_field text) returns void
language plpgsql stable as $$
begin
  if p_parent.hops >= hop_limit() then
    perform refuse(422, 'hop_limit', format('job %s is already %s handoffs away from where it began', p_parent.job_id, p_parent.hops),
      p_field || 'targetAgent', to_jsonb(p_target), format('at most %s handoffs in one chain', hop_limit()));
  end if;
end
$$;

-- Refuses (422, handoff_loop) a job whose agent and subject already occur loop_limit times among its
-- ancestors. The search goes at most hop_limit steps beyond the parent.
create or replace function refuse_loop(p_parent jobs, p_target text, p_subject text, p_field text)
returns void
language plpgsql stable as $$
declare
  v_times int;
  v_chain text;
begin
  with recursive chain (job_id, parent_job_id, target_agent, subject, back) as (
    select p_parent.job_id, p_parent.parent_job_id, p_parent.target_agent, p_parent.subject, 1
    union all
    select j.job_id, j.parent_job_id, j.target_agent, j.subject, c.back + 1
    from chain c join jobs j on j.job_id = c.parent_job_id
    where c.back <= hop_limit()
  )
  select count(*) filter (where target_agent = p_target and subject = p_subject),
    string_agg(target_agent || ' ' || subject, ' -> ' order by back desc)
  into v_times, v_chain
  from chain;
  if v_times >= loop_limit() then
    perform refuse(422, 'handoff_loop',
      format('the work goes in circles: %s -> %s %s', v_chain, p_target, p_subject),
      p_field || 'targetAgent', to_jsonb(p_target),
      format('the same agent and subject at most %s times in one chain; end the job, or block it and say what is missing', loop_limit()));
  end if;
end
$$;

-- Waits until no other transaction adds jobs or events to the work of a job.
create or replace function lock_work_of(p_job uuid) returns void
language sql as $$
  -- Two simultaneous calls of one attempt must count each other's jobs and events. The lock is not the
  -- job's row, because a call that holds the row may itself wait for the dependencies of a new job.
  select pg_advisory_xact_lock(hashtextextended('agentbus.work_of:' || p_job, 0))
$$;

-- Refuses (422, follow_up_limit) when agents have requested more jobs out of one job than the caller's
-- max_follow_ups. Call it under lock_work_of and after the insert, because it counts the new job too.
create or replace function refuse_many_follow_ups(
  p_principal jsonb, p_parent jobs, p_target text, p_field text
) returns void
language plpgsql stable as $$
declare
  v_most int := (speaker(p_principal, p_parent.namespace)).max_follow_ups;
begin
  if (select count(*) from jobs
      where parent_job_id = p_parent.job_id and (asked_by like 'attempt:%' or asked_by like 'agent:%')) > v_most then
    perform refuse(422, 'follow_up_limit', format('job %s has given rise to %s jobs already', p_parent.job_id, v_most),
      p_field || 'targetAgent', to_jsonb(p_target),
      format('at most %s jobs out of one job; put what remains into one of them', v_most));
  end if;
end
$$;

-- Refuses (422, proactive_limit) a new proactive job when proactive_alive others of its namespace have not
-- ended. The jobs of standing orders do not count: each order has its schedule and its overlap policy. The
-- lock makes two simultaneous calls count each other's jobs. Two closes that each request a proactive job
-- and a job that depends on the other's can end in a deadlock; the doors retry once.
create or replace function refuse_many_proactive(p_job jobs, p_field text) returns void
language plpgsql as $$
declare
  v_alive int;
  v_list text;
begin
  perform pg_advisory_xact_lock(hashtextextended('agentbus.proactive_jobs.' || p_job.namespace, 0));
  select count(*), string_agg(format('%s (%s, %s, %s)', job_id, target_agent, subject, state), ', ' order by seq)
  into v_alive, v_list
  from (
    select job_id, target_agent, subject, state, seq
    from jobs
    where namespace = p_job.namespace
      and job_type = 'proactive'
      and state in ('waiting', 'queued', 'leased', 'running', 'blocked')
      and job_id <> p_job.job_id
      and asked_by is distinct from 'operator:standing-order'
    order by seq
    limit proactive_alive()) alive;
  if v_alive >= proactive_alive() then
    perform refuse(422, 'proactive_limit',
      format('at most %s proactive jobs may be alive at once, and these are: %s', proactive_alive(), v_list),
      p_field || 'jobType', to_jsonb(p_job.job_type),
      'the same call after one of them has ended; until then park the opportunity, or cancel a job that is worth less');
  end if;
end
$$;

-- Refuses (422, event_limit) when more than event_limit events were emitted out of one job. Call it under
-- lock_work_of and after the insert, because it counts the new event too.
create or replace function refuse_many_events(p_namespace text, p_job uuid, p_topic text, p_field text)
returns void
language plpgsql stable as $$
begin
  if (select count(*) from events
      where source_job_id = p_job and source_agent is not null
        and split_part(topic, '.', 1) <> all (array_remove(bus_topics(), 'standing_order'))) > event_limit() then
    perform refuse(422, 'event_limit', format('job %s has said %s events already', p_job, event_limit()),
      p_field || 'topic', to_jsonb(p_topic), format('at most %s events out of one job; put what belongs together into one', event_limit()));
  end if;
end
$$;
