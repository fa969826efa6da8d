-- What came of idle thinking: the outputs of idle runs, and whether anybody wanted them.

drop function if exists idle_outputs(text, timestamptz);
drop function if exists idle_run_judged(timestamptz, bigint, bigint);

-- Returns whether another than its agent has looked at an output: p_at is when that was, p_by the actor. An
-- agent may archive its own idea, reject its own candidate, and triage its own opportunity.
create or replace function seen_by_other(p_at timestamptz, p_by text, p_agent text) returns boolean
language sql immutable as $$
  select p_at is not null and coalesce(p_by <> all (actors_of(p_agent)), true)
$$;

-- Returns the outputs of the idle runs of a namespace since p_since: ideas, opportunities, memory candidates
-- and questions. They have the run's agent and job, and
--   reviewed  another than its agent has looked at it
--   wanted    another has promoted it, it was accepted or converted, or a person has answered the question
--   used      it has helped since: the job of the opportunity succeeded, or the memory was used
--   open      nobody has decided about it yet
-- An idea that its own agent has promoted is no more than an opportunity of that agent: others decide it.
-- What the bus itself ended because nobody had looked is neither reviewed nor wanted.
create or replace function idle_outputs(p_namespace text, p_since timestamptz)
returns table (
  kind text, id uuid, agent_id text, job_id uuid, reviewed boolean, wanted boolean, used boolean, open boolean
) language sql stable as $$
  with runs as materialized (
    select r.agent_id, r.job_id
    from idle_runs r
    where r.namespace = p_namespace and r.created_at >= p_since
  ), thinkers as materialized (
    select distinct r.agent_id from runs r
  )
  select 'idea', i.idea_id, r.agent_id, r.job_id,
    p.by_other or seen_by_other(i.reviewed_at, i.reviewed_by, r.agent_id)
      or seen_by_other(o.decided_at, o.decided_by, r.agent_id),
    p.by_other or coalesce(o.status in ('accepted', 'converted_to_job'), false),
    coalesce(job_hit(o.converted_job_id), false),
    i.ended_at is null or coalesce(not p.by_other and o.ended_at is null and o.status <> 'accepted', false)
  from thinkers t
  join ideas i on i.namespace = p_namespace and i.source_agent = t.agent_id and i.created_at >= p_since
  join runs r on r.job_id = i.source_job_id
  left join opportunities o on o.opportunity_id = i.opportunity_id
  cross join lateral (select coalesce(o.promoted_by <> r.agent_id, false) as by_other) p
  union all
  -- The opportunity of a promoted idea belongs to that idea.
  select 'opportunity', o.opportunity_id, r.agent_id, r.job_id,
    seen_by_other(o.decided_at, o.decided_by, r.agent_id),
    o.status in ('accepted', 'converted_to_job'), coalesce(job_hit(o.converted_job_id), false),
    o.ended_at is null and o.status <> 'accepted'
  from thinkers t
  join opportunities o
    on o.namespace = p_namespace and o.source_agent = t.agent_id and o.created_at >= p_since
      and o.idea_id is null
  join runs r on r.job_id = o.source_job_id
  union all
  select 'memory_candidate', c.candidate_id, r.agent_id, r.job_id,
    seen_by_other(c.decided_at, c.decided_by, r.agent_id),
    c.status = 'promoted', coalesce(u.used > 0 or u.helped > 0, false), c.ended_at is null
  from thinkers t
  join memory_candidates c
    on c.namespace = p_namespace and c.source_agent = t.agent_id and c.created_at >= p_since
  join runs r on r.job_id = c.source_job_id
  left join memory_uses u using (memory_id)
  union all
  select 'question', q.question_id, r.agent_id, r.job_id, q.status = 'answered', q.status = 'answered', false,
    q.status = 'open'
  from runs r
  cross join lateral (
    select question_id, status
    from questions
    where job_id = r.job_id
    union all
    select question_id, status
    from questions_history
    where job_id = r.job_id) q
$$;

-- Returns whether an ended run counts for its agent's yield: not when it was stopped or failed before it
-- brought anything, and not while an output waits for its first decision, for at most idle_judged_after,
-- unless another one is wanted already.
create or replace function idle_run_judged(
  p_outcome text, p_ended timestamptz, p_outputs bigint, p_wanted bigint, p_open bigint
) returns boolean language sql stable as $$
  select (p_outputs > 0 or p_outcome not in ('stopped', 'failed'))
    and (p_wanted > 0 or p_open = 0 or p_ended < now() - idle_judged_after())
$$;

-- Returns of each agent of a namespace with idle runs since p_since, or of p_agent alone: its runs that have
-- begun and ended, by outcome; how many of them are judged (idle_run_judged); its outputs by kind, and how
-- many were reviewed, wanted and used; what the runs have taken; and yield, the wanted outputs of a judged
-- run, which is null without one.
create or replace function idle_yields(p_namespace text, p_agent text, p_since timestamptz)
returns table (
  agent_id text, runs int, completed int, no_work int, stopped int, failed int, judged int,
  outputs int, ideas int, opportunities int, memory_candidates int, questions int,
  reviewed int, wanted int, used int, seconds bigint, tokens bigint, cost_usd numeric, yield numeric
) language sql stable as $$
  with came as materialized (
    select o.job_id, count(*) as outputs,
      count(*) filter (where o.kind = 'idea') as ideas,
      count(*) filter (where o.kind = 'opportunity') as opportunities,
      count(*) filter (where o.kind = 'memory_candidate') as memory_candidates,
      count(*) filter (where o.kind = 'question') as questions,
      count(*) filter (where o.reviewed) as reviewed,
      count(*) filter (where o.wanted) as wanted,
      count(*) filter (where o.used) as used,
      count(*) filter (where o.open) as open
    from idle_outputs(p_namespace, p_since) o
    group by o.job_id
  )
  select s.*, round(s.wanted::numeric / nullif(s.judged, 0), 2)
  from (
    select r.agent_id, count(*)::int,
      count(*) filter (where r.outcome = 'completed')::int,
      count(*) filter (where r.outcome = 'no_work')::int,
      count(*) filter (where r.outcome = 'stopped')::int,
      count(*) filter (where r.outcome = 'failed')::int,
      count(*) filter (
        where idle_run_judged(r.outcome, r.ended_at, coalesce(c.outputs, 0), coalesce(c.wanted, 0),
          coalesce(c.open, 0)))::int as judged,
      coalesce(sum(c.outputs), 0)::int, coalesce(sum(c.ideas), 0)::int,
      coalesce(sum(c.opportunities), 0)::int, coalesce(sum(c.memory_candidates), 0)::int,
      coalesce(sum(c.questions), 0)::int, coalesce(sum(c.reviewed), 0)::int,
      coalesce(sum(c.wanted), 0)::int as wanted, coalesce(sum(c.used), 0)::int,
      sum(r.seconds), sum(r.tokens)::bigint, sum(r.cost_usd)
    from idle_runs r
    left join came c using (job_id)
    where r.namespace = p_namespace
      and r.created_at >= p_since
      and r.began_at is not null
      and r.ended_at is not null
      and r.agent_id = coalesce(p_agent, r.agent_id)
    group by r.agent_id) s
$$;
