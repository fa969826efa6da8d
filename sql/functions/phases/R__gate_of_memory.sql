-- The criteria of the gate of phase 4, each computed from the ledger since p_from; p_now is the present time.

-- How many roles must have seen a memory come of their candidates.
-- Documented: the plan of the rollout says three.
create or replace function gate_roles() returns int language sql immutable as $$ select 3 $$;

-- Criterion: candidates of gate_roles agents or more have become memories since p_from, among the newest
-- gate_looks memories. Memories of people and new versions show nothing about the fleet.
create or replace function gate_promotions(
  p_namespace text, p_phase int, p_from timestamptz, p_now timestamptz
) returns jsonb language plpgsql stable as $$
declare
  v_seen record;
begin
  select count(*) as roles, string_agg(author, ', ' order by author) as names, sum(memories) as memories,
    max(since) as since, min(sample) as sample
  into v_seen
  from (
    select m.source_agent as author, count(*) as memories, min(m.created_at) as since,
      min(m.memory_id::text) as sample
    from (
      select *
      from memories
      where namespace = p_namespace
        and created_at >= p_from
      order by created_at desc
      limit gate_looks()) m
    join agents a on a.namespace = m.namespace and a.agent_id = m.source_agent
    where m.candidate_id is not null
      and m.supersedes is null
    group by m.source_agent
    order by since
    limit gate_roles()) r;
  return criterion('memories_promoted', 'memories are promoted for three roles',
    case when v_seen.roles >= gate_roles() then 'met' else 'not_met' end,
    case when v_seen.roles >= gate_roles() then v_seen.since end,
    case
      when v_seen.roles = 0 then 'no candidate of an agent has become a memory in this time'
      else format('%s of %s of %s', count_of(v_seen.memories::bigint, 'memory', 'memories'),
        count_of(v_seen.roles, 'role', 'roles'), v_seen.names) end,
    jsonb_build_object('roles', v_seen.roles, 'memories', v_seen.memories, 'sample', v_seen.sample),
    gate_command(p_namespace, 'list-memories'));
end
$$;

-- Criterion: within the demanded time prompts had memories, and none of the newest had more than
-- most_injected; each memory in a prompt is one row. Without such a prompt there is nothing to judge.
create or replace function gate_injections(
  p_namespace text, p_phase int, p_from timestamptz, p_now timestamptz
) returns jsonb language plpgsql stable as $$
declare
  v_window timestamptz := greatest(p_from, p_now - gate_time(p_phase));
  v_seen record;
begin
  select count(*) as prompts, max(memories) as most, max(tokens) as tokens,
    (array_agg(attempt_id order by memories desc, at desc))[1] as attempt,
    (array_agg(job_id order by memories desc, at desc))[1] as job,
    (array_agg(at order by memories desc, at desc))[1] as at
  into v_seen
  from (
    select attempt_id, job_id, count(*) as memories, sum(tokens) as tokens, min(created_at) as at
    from (
      select *
      from memory_injections
      where namespace = p_namespace
        and created_at >= v_window
      order by created_at desc
      limit gate_looks() * most_injected()) i
    group by attempt_id, job_id) p;
  return criterion('memories_in_prompts', format('no prompt has more than %s memories', most_injected()),
    case when v_seen.most > most_injected() then 'not_met' when v_seen.prompts > 0 then 'met'
      else 'not_measured' end,
    case when v_seen.most > most_injected() then v_seen.at end,
    case
      when v_seen.most > most_injected() then format('the prompt of attempt %s of job %s had %s memories',
        v_seen.attempt, v_seen.job, v_seen.most)
      when v_seen.prompts > 0 then format('%s with memories, at most %s in one, and %s tokens',
        count_of(v_seen.prompts, 'prompt', 'prompts'), v_seen.most, v_seen.tokens)
      else 'no prompt had a memory in this time' end,
    jsonb_build_object('prompts', v_seen.prompts, 'most', v_seen.most, 'mostTokens', v_seen.tokens,
      'sample', v_seen.job),
    gate_command(p_namespace, 'list-memory-injections'));
end
$$;

-- Criterion: since p_from somebody has closed a review of a memory, no review is open for longer than the
-- demanded time, and no memory is past its review date for as long. Who confirms a due memory closes a
-- review, which confirm_memory opens if the auditor has not. Without anything to review there is nothing to
-- judge.
create or replace function gate_reviews(p_namespace text, p_phase int, p_from timestamptz, p_now timestamptz)
returns jsonb language plpgsql stable as $$
declare
  v_late timestamptz := p_now - gate_time(p_phase);
  v_open record;
  v_overdue record;
  v_done record;
begin
  select review_id, memory_id, kind, created_at into v_open
  from memory_reviews
  where namespace = p_namespace
    and closed_at is null
    and created_at < v_late
  order by seq
  limit 1;
  select memory_id, next_review_at into v_overdue
  from memories
  where namespace = p_namespace
    and status = 'active'
    and next_review_at < v_late
  order by next_review_at
  limit 1;
  select count(*) as reviews, max(closed_at) as at,
    (array_agg(review_id order by closed_at desc))[1] as sample
  into v_done
  from (
    select review_id, closed_at
    from memory_reviews
    where namespace = p_namespace
      and closed_at >= p_from
    order by seq desc
    limit gate_looks()) r;
  return criterion('memories_reviewed', 'stale memories are reviewed',
    case when v_open.review_id is not null or v_overdue.memory_id is not null then 'not_met'
      when v_done.reviews > 0 then 'met' else 'not_measured' end,
    coalesce(v_open.created_at, v_overdue.next_review_at, v_done.at),
    case
      when v_open.review_id is not null then format('review %s (%s) of memory %s is open since %s',
        v_open.review_id, v_open.kind, v_open.memory_id, utc_text(v_open.created_at))
      when v_overdue.memory_id is not null then format('the review date %s of memory %s has passed',
        utc_text(v_overdue.next_review_at), v_overdue.memory_id)
      when v_done.reviews > 0 then format('%s closed, the last one at %s',
        count_of(v_done.reviews, 'review was', 'reviews were'), utc_text(v_done.at))
      else 'no review of a memory was closed in this time' end,
    jsonb_build_object('reviews', v_done.reviews,
      'sample', coalesce(v_open.review_id::text, v_overdue.memory_id::text, v_done.sample::text)),
    gate_command(p_namespace, 'list-memory-reviews'));
end
$$;
