-- A batch handles several calls in one statement, so that they share a commit, a round trip and each
-- trigger.
--
-- Purpose. Every update of jobs prepares the indexes and check constraints and fires the statement
-- triggers, whatever the number of rows. With a statement for each step, a job cost the server 2.1 to 2.6
-- ms; in batches of fifty rows it cost 0.4 ms (measured; docs/performance.md).
--
-- How it works. Prompts, admissions and plain closes that arrive while a statement runs form the next
-- batch. Under load a batch of prompts or closes waits a few milliseconds for more, and one of admissions
-- begins some milliseconds after the one before (BatchedStatement). hooks_admitted takes jobs that are
-- still leased, and attempts that have ended otherwise than by a cancellation or a timeout; complete_jobs
-- takes closes of live attempts without follow-ups, events and dependents. Every other call goes to the
-- function for one call (hook_admitted, complete_job), which handles all cases. Each call keeps its fence,
-- gets its answer after its commit, and has an audit row with its own actor (act_as_each).
--
-- Cost. Two functions implement a plain close, and two an admission; BatchesTest compares what they do.
-- docs/adr/0014 has the reasons and the limits.
--
-- How to turn it off. HookCallNotes and BatchedCalls each have a constant for the batch size; with 1 every
-- call runs alone.
--
-- Planned once for each connection. Functions that run for every job set plan_cache_mode, so that they are
-- planned once for each connection and again when the statistics of a table change. Without the setting
-- they are planned at every call: the planner assumes ten values in an unknown array, so a plan for the one
-- value of the call always seems cheaper. Such planning costs more than the work.

-- Sets the actor and the reason for the audit row of each job, when one transaction acts for several
-- callers. p_each maps job ids to [actor, why]; for other jobs act_as applies.
create or replace function act_as_each(p_each jsonb) returns void
language sql as $$
  select set_config('agentbus.each', p_each::text, true)
$$;

-- Keeps rendered prompts before their hook calls, and counts the calls (deliveries). Prompts have a mark in
-- place of the token, and hashes are in hex. The first prompt of an attempt stays, because a repeated call
-- must send the same bytes.
-- Returns attempt and prompt of the attempts that the dispatcher still holds; no other prompt may be sent.
create or replace function keep_prompts(
  p_dispatcher text, p_attempts uuid[], p_prompts text[], p_prompt_hashes text[], p_template_hashes text[],
  p_token_hashes text[]
) returns table (o_attempt uuid, o_prompt text)
language plpgsql
set plan_cache_mode = force_generic_plan
set jit = off as $$
begin
  return query
  update job_attempts a
  set prompt = coalesce(a.prompt, k.prompt),
    prompt_hash = coalesce(a.prompt_hash, k.prompt_hash),
    template_hash = coalesce(a.template_hash, k.template_hash),
    token_hash = coalesce(a.token_hash, decode(k.token_hash, 'hex')),
    deliveries = a.deliveries + 1,
    updated_at = now()
  from unnest(p_attempts, p_prompts, p_prompt_hashes, p_template_hashes, p_token_hashes)
      as k (attempt_id, prompt, prompt_hash, template_hash, token_hash),
    jobs j
  where a.attempt_id = k.attempt_id and j.job_id = a.job_id
    -- A dispatcher owns only leased jobs. There is no condition on the state, for the reason in
    -- begin_running.
    and j.live_attempt = a.attempt_id and j.lease_owner = p_dispatcher
  returning a.attempt_id, a.prompt;
end
$$;

-- hook_admitted for several attempts. Returns attempt and answer of each. The answer leaves out the job when
-- the job was still leased or the attempt had ended. Locks the jobs in the order of their ids, like every
-- call that locks several.
create or replace function hooks_admitted(
  p_dispatcher text, p_attempts uuid[], p_run_ids text[], p_session_keys text[]
) returns table (o_attempt uuid, o_answer jsonb)
language plpgsql
set plan_cache_mode = force_generic_plan
set jit = off as $$
declare
  v_leased uuid[];
  v_noted uuid[];
  v_other record;
begin
  perform act_as(jsonb_build_object('kind', 'dispatcher', 'name', p_dispatcher), 'admitted by the gateway');
  select coalesce(
    array_agg(live_attempt) filter (where state = 'leased' and live_attempt = any (p_attempts)), '{}') into v_leased
  from (
    select j.live_attempt, j.state
    from jobs j
    where j.job_id in (select a.job_id from job_attempts a where a.attempt_id = any (p_attempts))
    order by j.job_id
    for no key update) locked;

  -- An agent that is quicker than this admission has ended its attempt, of which only the run is kept.
  with noted as (
    update job_attempts a
    set run_id = w.run_id,
      session_key = w.session_key,
      admitted_at = coalesce(a.admitted_at, now()),
      unknown_since = null,
      interrupted_at = null,
      status = case when a.attempt_id = any (v_leased) then 'running' else a.status end,
      updated_at = now()
    from unnest(p_attempts, p_run_ids, p_session_keys) as w (attempt_id, run_id, session_key),
      jobs j
    -- The planner can use the index of attempt_id for the condition on p_attempts, but not for those in the
    -- parentheses.
    where a.attempt_id = w.attempt_id and a.attempt_id = any (p_attempts) and j.job_id = a.job_id
      and (a.attempt_id = any (v_leased)
        or j.live_attempt is distinct from a.attempt_id and a.status not in ('cancelled', 'timed_out'))
    returning a.attempt_id
  )
  select coalesce(array_agg(attempt_id), '{}') into v_noted from noted;
  update gateways g
  set failures = 0, held_until = null, hold_reason = null, updated_at = now()
  where g.failures > 0
    and (g.namespace, g.gateway) in (
      select a.namespace, a.gateway from job_attempts a where a.attempt_id = any (v_noted));
  perform lanes_accepted(v_noted);
  return query
  update jobs j
  set run_id = w.run_id,
    session_key = w.session_key,
    delivery_failures = 0,
    -- The same as begin_running, for several jobs.
    state = 'running',
    lease_owner = 'agent:' || j.target_agent,
    leased_until = least(
      case when j.keeps_lease then j.leased_until else now() + make_interval(secs => j.timeout_seconds) end,
      now() + make_interval(secs => j.hard_timeout_seconds)),
    hard_deadline = now() + make_interval(secs => j.hard_timeout_seconds),
    updated_at = now()
  from unnest(p_attempts, p_run_ids, p_session_keys) as w (attempt_id, run_id, session_key),
    job_attempts a
  where a.attempt_id = w.attempt_id and a.attempt_id = any (v_leased) and j.job_id = a.job_id
  returning w.attempt_id, jsonb_build_object('applied', true, 'outcome', 'admitted', 'waitedMs', waited_ms(j));
  if cardinality(v_noted) > cardinality(v_leased) then
    return query
    select a.attempt_id, jsonb_build_object('applied', false, 'outcome', 'admitted', 'waitedMs', waited_ms(j))
    from job_attempts a
    join jobs j using (job_id)
    where a.attempt_id = any (v_noted) and a.attempt_id <> all (v_leased);
  end if;

  -- The other attempts: the agent has called before this admission arrived and works on, or the run is to be
  -- stopped.
  for v_other in
    select *
    from unnest(p_attempts, p_run_ids, p_session_keys) as w (attempt_id, run_id, session_key)
    where w.attempt_id <> all (v_noted)
  loop
    o_attempt := v_other.attempt_id;
    o_answer := hook_admitted(p_dispatcher, v_other.attempt_id, v_other.run_id, v_other.session_key);
    return next;
  end loop;
end
$$;

-- complete_job for several closes of different jobs, whose tokens the door has verified. Takes only plain
-- closes: the attempt is live, the input has no namespace, outcome, evidence, follow-ups, events or memories,
-- and no job waits for this one.
-- Returns place (1 is the first) and answer of each plain close. Other closes change nothing here and need
-- complete_job. The first statement locks all jobs in the order of their ids, so that the next one reads
-- their newest rows.
create or replace function complete_jobs(p_attempts uuid[], p_inputs jsonb[])
returns table (o_place int, o_answer jsonb)
language plpgsql
set plan_cache_mode = force_generic_plan
set jit = off as $$
declare
  v_simple uuid[];
begin
  perform
  from jobs
  where job_id in (select (i ->> 'jobId')::uuid from unnest(p_inputs) i)
  order by job_id
  for no key update;
  select array_agg(j.job_id),
    act_as_each(jsonb_object_agg(
      j.job_id, jsonb_build_array('attempt:' || j.target_agent, w.input ->> 'summary')))
  into v_simple
  from unnest(p_attempts, p_inputs) as w (attempt_id, input)
  join jobs j on j.job_id = (w.input ->> 'jobId')::uuid and j.live_attempt = w.attempt_id
  join job_attempts a on a.attempt_id = j.live_attempt
  where not w.input ?| '{namespace,outcome,evidence,followUps,events,memories}'
    and not exists (select from job_dependencies d where d.depends_on = j.job_id)
    and not exists (select from jobs b where b.blocked_on_job = j.job_id);
  if v_simple is null then
    return;
  end if;

  return query
  with calls as (
    select w.attempt_id, (w.input ->> 'jobId')::uuid as job_id, w.input, w.place::int as place
    from unnest(p_attempts, p_inputs) with ordinality as w (attempt_id, input, place)
  ), closed as (
    update jobs j
    set state = 'succeeded',
      summary = coalesce(c.input ->> 'summary', j.summary),
      result = coalesce(c.input -> 'result', j.result),
      delivery_failures = 0,
      ended_at = now(),
      updated_at = now()
    from calls c
    where j.job_id = any (v_simple) and j.job_id = c.job_id and j.live_attempt = c.attempt_id
    returning c.attempt_id, c.input, c.place,
      -- The same fields as job_brief has for a job that has succeeded.
      jsonb_build_object(
        'job', jsonb_strip_nulls(jsonb_build_object(
          'jobId', j.job_id,
          'namespace', j.namespace,
          'state', j.state,
          'targetAgent', j.target_agent,
          'subject', j.subject,
          'attemptCount', j.attempt_count,
          'maxAttempts', j.max_attempts,
          'nextMove', '',
          'status', j.status)),
        'followUps', '[]'::jsonb,
        'events', '[]'::jsonb) as answer
  )
  update job_attempts a
  set status = 'succeeded',
    summary = c.input ->> 'summary',
    error = null,
    finished_at = now(),
    response = c.answer,
    close_hash = close_hash('completeJob', c.input),
    usage = coalesce(c.input -> 'usage', a.usage),
    updated_at = now()
  from closed c
  where a.attempt_id = c.attempt_id
  returning c.place, c.answer;
end
$$;
