-- The part of the auditor that looks at memories without a model: whether somebody still looks after them. It
-- ends no memory. What a curator can settle becomes a review of the memory (open_memory_review), and what
-- people should know becomes an event audit.memories.<finding>. The thresholds are in
-- memory/R__policy_of_memory.sql.

-- Returns the namespaces whose memories the auditor looks at: those where phase 4 is on and not frozen, so
-- that somebody can settle what it finds.
create or replace function namespaces_with_memories() returns setof text
language sql stable as $$
  select namespace from namespaces where phase_stop(namespace, 4) is null
$$;

-- Opens a review of kind overdue for each active memory whose review date has come, the longest overdue
-- first. A date gets one review: when that is closed and the date was not moved, somebody has said why.
create or replace function audit_overdue_memories(p_now timestamptz) returns void language sql as $$
  select open_memory_review(n, m.memory_id, 'overdue',
    format('Its review date %s has come%s.', utc_text(m.next_review_at),
      case when m.expires_at is not null then ', and it expires at ' || utc_text(m.expires_at) end))
  from namespaces_with_memories() n
  cross join lateral (
    select memory_id, next_review_at, expires_at
    from memories o
    where namespace = n
      and status = 'active'
      and next_review_at <= p_now
      and not exists (
        select
        from memory_reviews r
        where r.memory_id = o.memory_id and r.kind = 'overdue'
          and (r.closed_at is null or r.created_at >= o.next_review_at))
    order by next_review_at
    limit reviews_opened_at_once()) m
$$;

-- Returns since when no agent has found a memory useful: its newest verdict used, its last confirmation or
-- its begin.
create or replace function idle_since(p_memory memories, p_used timestamptz) returns timestamptz
language sql immutable as $$
  select greatest((p_memory).created_at, (p_memory).confirmed_at, p_used)
$$;

-- Opens a review of kind unused for each active memory of a namespace that nobody has called used for
-- unused_memory_after, whether it stood in prompts or not; once for each such time.
create or replace function audit_unused_memories(p_namespace text, p_now timestamptz) returns void
language sql as $$
  select open_memory_review(p_namespace, m.memory_id, 'unused', case
    when m.injected = 0 then format('It has stood in no prompt since %s.', utc_text(m.since))
    else format('It has stood in %s, the last time at %s. Since %s no agent has called it used; %s called it irrelevant.',
      count_of(m.injected, 'prompt', 'prompts'), utc_text(m.last_injected_at), utc_text(m.since),
      count_of(m.irrelevant, 'agent has', 'agents have')) end)
  from (
    select o.memory_id, coalesce(u.injected, 0) as injected, coalesce(u.irrelevant, 0) as irrelevant,
      u.last_injected_at, idle_since(o, u.last_used_at) as since
    from memories o
    left join memory_uses u using (memory_id)
    where o.namespace = p_namespace
      and o.status = 'active'
      and o.created_at < p_now - unused_memory_after()
      and idle_since(o, u.last_used_at) < p_now - unused_memory_after()
      and not exists (
        select
        from memory_reviews r
        where r.memory_id = o.memory_id and r.kind = 'unused'
          and (r.closed_at is null or r.created_at >= idle_since(o, u.last_used_at)))
    order by since
    limit reviews_opened_at_once()) m
$$;

-- Opens a review of kind source_changed for each active memory of a namespace that rests on another memory
-- which has ended since, unless it was confirmed after that end. The words of a source that not all may read
-- stay out of the review.
create or replace function audit_changed_sources(p_namespace text, p_now timestamptz) returns void
language sql as $$
  select open_memory_review(p_namespace, m.memory_id, 'source_changed', m.detail)
  from (
    select o.memory_id, min(case s.visibility
      when 'shared' then format('Its source memory %s ("%s") was ended by %s at %s (%s): %s', s.memory_id,
        s.title, s.ended_by, utc_text(s.ended_at), s.status, cut(s.end_reason, list_text()))
      else format('Its source memory %s has ended.', s.memory_id) end) as detail
    from memories o
    cross join lateral jsonb_array_elements(o.source_refs) e
    join memories s on s.memory_id::text = e ->> 'id' and s.namespace = o.namespace
    where o.namespace = p_namespace
      and o.status = 'active'
      and o.source_refs @> '[{"kind": "memory"}]'
      and e ->> 'kind' = 'memory'
      and s.ended_at <= p_now
      and s.ended_at > greatest(o.created_at, o.confirmed_at)
      -- The memory that it replaces is no source that has changed.
      and s.superseded_by is distinct from o.memory_id
      and not exists (
        select
        from memory_reviews r
        where r.memory_id = o.memory_id and r.kind = 'source_changed'
          and (r.closed_at is null or r.created_at >= s.ended_at))
    group by o.memory_id
    limit reviews_opened_at_once()) m
$$;

-- Emits audit.memories.crowded for each subject of a namespace about which crowded_subject active memories or
-- more lie, once a day.
create or replace function audit_crowded_subjects(p_namespace text, p_now timestamptz) returns void
language sql as $$
  select append_event(p_namespace, 'audit.memories.crowded', null, null,
    jsonb_strip_nulls(jsonb_build_object('scope', c.scope, 'subjectKey', c.subject_key, 'active', c.active)),
    once_key(c.scope || ':' || coalesce(c.subject_key, ''), date_trunc('day', p_now, 'UTC')))
  from (
    select scope, subject_key, count(*) as active
    from memories
    where namespace = p_namespace and status = 'active'
    group by scope, subject_key
    having count(*) >= crowded_subject()) c
$$;

-- Looks at every active memory of each namespace, once in memories_looked_at_every: audit_unused_memories,
-- audit_changed_sources and audit_crowded_subjects.
create or replace function audit_every_memory(p_now timestamptz) returns void language plpgsql as $$
declare
  v_namespace text;
begin
  for v_namespace in
    insert into bus_facts as f (namespace, name, value)
    select n, 'memories_looked_at', p_now::text
    from namespaces_with_memories() n
    on conflict (namespace, name) do update
    set value = excluded.value
    where f.value::timestamptz <= p_now - memories_looked_at_every()
    returning f.namespace
  loop
    perform audit_unused_memories(v_namespace, p_now);
    perform audit_changed_sources(v_namespace, p_now);
    perform audit_crowded_subjects(v_namespace, p_now);
  end loop;
end
$$;

-- Emits audit.memories.contradicted for the conflicts of a namespace that are open for longer than
-- contradiction_patience, once a day for all of them.
create or replace function audit_contradicted_memories(p_now timestamptz) returns void language sql as $$
  select append_event(c.namespace, 'audit.memories.contradicted', null, null,
    jsonb_build_object(
      'reviews', c.ids[:findings_listed()],
      'memories', c.memories[:findings_listed()],
      'contradicted', cardinality(c.ids),
      'oldestDays', floor(extract(epoch from p_now - c.oldest) / 86400)),
    once_key('contradicted', date_trunc('day', p_now, 'UTC')))
  from (
    select r.namespace, min(r.created_at) as oldest, array_agg(r.review_id order by r.seq) as ids,
      array_agg(r.memory_id order by r.seq) as memories
    from namespaces_with_memories() n
    join memory_reviews r on r.namespace = n
    where r.closed_at is null
      and r.kind = 'conflict'
      and r.created_at < p_now - contradiction_patience()
    group by r.namespace) c
$$;

-- Returns how often a memory was called wrong: by the verdicts of attempts, or by its reviews of kind wrong
-- when those are more, because an agent may also say it outside of a job that had the memory.
create or replace function times_called_wrong(p_memory_id uuid) returns bigint language sql stable as $$
  select greatest(
    (select count(*) from memory_injections where memory_id = p_memory_id and verdict = 'wrong'),
    (select count(*) from memory_reviews where memory_id = p_memory_id and kind = 'wrong'))
$$;

-- Emits audit.memories.twice_wrong for each active memory with an open review of kind wrong that was called
-- wrong wrongs_to_tell times or more, once for each such review.
create or replace function audit_wrong_memories(p_now timestamptz) returns void language sql as $$
  select append_event(w.namespace, 'audit.memories.twice_wrong', null, null,
    jsonb_build_object(
      'memoryId', w.memory_id,
      'reviewId', w.review_id,
      'sourceAgent', w.source_agent,
      'promotedBy', w.promoted_by,
      'wrong', w.wrong),
    w.review_id::text)
  from (
    select m.namespace, m.memory_id, m.source_agent, m.promoted_by, r.review_id,
      times_called_wrong(m.memory_id) as wrong
    from namespaces_with_memories() n
    join memory_reviews r on r.namespace = n and r.closed_at is null and r.kind = 'wrong'
    join memories m on m.memory_id = r.memory_id and m.status = 'active'
    where r.created_at <= p_now) w
  where w.wrong >= wrongs_to_tell()
$$;

-- Emits audit.memories.growth for a namespace that has gained growth_size memories or more within
-- growth_window, once a day. New versions of memories are no growth.
create or replace function audit_memory_growth(p_now timestamptz) returns void language sql as $$
  select append_event(g.namespace, 'audit.memories.growth', null, null,
    jsonb_build_object('added', g.added, 'windowHours', extract(epoch from growth_window())::int / 3600,
      'authors', g.authors, 'promotedBy', g.promoters),
    once_key('growth', date_trunc('day', p_now, 'UTC')))
  from namespaces_with_memories() n
  cross join lateral (
    select n as namespace, count(*) as added, to_jsonb(array_agg(distinct source_agent)) as authors,
      to_jsonb(array_agg(distinct promoted_by)) as promoters
    from memories
    where namespace = n
      and created_at > p_now - growth_window()
      and created_at <= p_now
      and supersedes is null) g
  where g.added >= growth_size()
$$;
