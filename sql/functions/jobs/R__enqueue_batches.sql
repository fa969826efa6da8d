-- Several enqueues in one statement (docs/adr/0025).
--
-- Purpose. Most of the cost of an enqueue comes before its first row: the starts of some forty statements,
-- and the check constraints and indexes of jobs, events and audit_log. In a batch they are paid once.
--
-- How it works. Enqueues that arrive while a statement runs form the next batch (BatchedStatement), and a
-- single one is a batch of one. enqueue_jobs takes plain calls, for which every check of insert_job comes
-- out well by a look at a few rows. It leaves out all others, and each of them runs enqueue_job, which
-- handles every case and words every refusal.
--
-- Cost. Two functions implement a plain enqueue; EnqueueBatchesTest compares their answers, rows, events and
-- audit rows.
--
-- How to turn it off. Remove x-batch of enqueueJob from the contract.

-- Runs the plain enqueues of several callers. p_credentials are those of principal_of, p_inputs are
-- EnqueueJob of the contract without dependsOn, parentJobId and sourceAgent. Returns place (1 is the first)
-- and answer of each call that it ran; the others changed nothing and need enqueue_job. Refuses all (409,
-- frozen) when a target was frozen while the statement waited.
-- Plain: the token is an operator's or an agent's and the newest of its owner, the target takes the subject
-- and is not frozen, the agent may hand work to it without conditions, no event of the job has a
-- subscriber, the type is not proactive, and no live job has the dedupe key.
-- Inserts in the order of the dedupe keys, so that two batches with the same keys wait for each other and
-- end in no deadlock.
create or replace function enqueue_jobs(p_credentials jsonb[], p_inputs jsonb[])
returns table (o_place int, o_answer jsonb)
language plpgsql
-- Planned once for each connection, see R__batches.sql.
set plan_cache_mode = force_generic_plan
set jit = off as $$
declare
  v_row record;
  v_job jobs;
  v_lane text;
  v_holds jsonb := '{}';
begin
  for v_row in
    with calls as materialized (
      select w.place, new_id() as job_id, w.input, n.namespace, a.agent_id, x.job_type,
        concat_ws(':', t.kind, t.name) as asked_by,
        case when t.kind = 'agent' then t.name end as source_agent,
        coalesce(w.input ->> 'trust', 'trusted') as trust,
        coalesce(w.input ->> 'model', a.model) as model,
        coalesce(w.input ->> 'thinking', a.thinking) as thinking,
        coalesce((w.input ->> 'timeoutSeconds')::int, a.timeout_seconds, y.timeout_seconds) as timeout_seconds,
        y.hard_timeout_seconds,
        coalesce((w.input ->> 'maxAttempts')::int, y.max_attempts) as max_attempts
      from unnest(p_credentials, p_inputs) with ordinality as w (credential, input, place)
      join access_tokens t on t.token_hash = decode(w.credential ->> 'tokenHash', 'hex')
        and t.revoked_at is null
        and t.kind in ('operator', 'agent')
        and w.credential -> 'allowed' ? t.kind
      join namespaces n on n.namespace = coalesce(w.input ->> 'namespace', t.namespace, 'default')
        and n.namespace = coalesce(t.namespace, n.namespace)
      join agents a on a.namespace = n.namespace and a.agent_id = w.input ->> 'targetAgent'
      cross join lateral (select coalesce(w.input ->> 'jobType', 'reactive') as job_type) x
      -- The same as job_type_settings, which would be a call of a function for each row.
      cross join lateral (
        select *
        from job_types
        where namespace = n.namespace and job_type in (x.job_type, split_part(x.job_type, '.', 1))
        order by length(job_type) desc
        limit 1) y
      left join agents s on t.kind = 'agent' and s.namespace = n.namespace and s.agent_id = t.name
      where a.enabled
        and (w.input ->> 'subject' = any (a.accepts) or '*' = any (a.accepts))
        and (a.reads <> 'trusted' or coalesce(w.input ->> 'trust', 'trusted') <> 'untrusted')
        and (t.kind = 'operator' or hands_on_freely(s.handoffs, s.may_enqueue_to, t.name, a.agent_id))
        and not is_proactive(x.job_type)
        and split_part(x.job_type, '.', 1) <> 'idle'
        -- The first call with a new token ends the older ones (revoke_older_tokens).
        and (t.kind = 'operator' or not exists (
          select
          from access_tokens o
          where o.kind = t.kind and o.name = t.name and o.namespace is not distinct from t.namespace
            and o.created_at < t.created_at and o.revoked_at is null))
        and not exists (
          select
          from pauses p
          where p.namespace = n.namespace and p.kind = 'agent' and p.name = a.agent_id and p.mode = 'freeze'
            and p.ended_at is null)
        -- The job of a subscriber would have the actor of another call in its audit row.
        and not exists (
          select
          from subscriptions u
          where u.namespace = n.namespace and u.enabled and 'job.enqueued' ~ u.topic_regex)
    ), made as (
      insert into jobs as j (job_id, namespace, flow_key, correlation_key, source_agent, target_agent,
        job_type, subject, priority, dedupe_key, payload, trust, model, thinking, state, run_after,
        timeout_seconds, hard_timeout_seconds, max_attempts, asked_by)
      select c.job_id, c.namespace, c.input ->> 'flowKey', c.input ->> 'correlationKey', c.source_agent,
        c.agent_id, c.job_type, c.input ->> 'subject', coalesce((c.input ->> 'priority')::int, 100),
        c.input ->> 'dedupeKey', coalesce(c.input -> 'payload', '{}'), c.trust, c.model, c.thinking, 'queued',
        due_time(c.input), c.timeout_seconds, greatest(c.hard_timeout_seconds, c.timeout_seconds),
        c.max_attempts, c.asked_by
      from calls c
      cross join (
        select act_as_each(jsonb_object_agg(job_id, jsonb_build_array(asked_by, null)))
        from calls) acting
      order by c.namespace, c.agent_id, c.input ->> 'dedupeKey' nulls first, c.place
      on conflict (namespace, target_agent, dedupe_key)
        where dedupe_key is not null and state in ('waiting', 'queued', 'leased', 'running', 'blocked')
        do nothing
      returning j.job_id, j as job
    )
    select c.place::int as place, m.job
    from made m
    join calls c using (job_id)
  loop
    v_job := v_row.job;
    v_lane := v_job.namespace || ' ' || v_job.target_agent;
    if not v_holds ? v_lane then
      -- After the insert, which may have waited for another call with the same dedupe key.
      perform refuse_frozen_agent(v_job.namespace, v_job.target_agent, 'targetAgent');
      v_holds := v_holds || jsonb_build_object(v_lane, hold_of_lane(v_job.namespace, v_job.target_agent));
    end if;
    o_place := v_row.place;
    o_answer := jsonb_build_object(
      'job', job_json_held(v_job, case when is_due(v_job) then v_holds ->> v_lane end), 'created', true);
    return next;
  end loop;
end
$$;
