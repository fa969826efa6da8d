-- The sources of needs-me about memories. The curator looks at them every night, so people see what it has
-- left: one item for each kind, with the oldest of its rows and its acts, and how many more there are.

-- Returns how many others there are, for the end of a sentence; empty for none.
create or replace function and_others(p_count bigint) returns text language sql stable as $$
  select case when p_count > 1 then format(' (and %s more)', p_count - 1) else '' end
$$;

-- Returns the open reviews of some kinds that are older than p_patience as one row: how many, and the oldest
-- with its memory; no row when there is none.
create or replace function reviews_left(p_namespace text, p_kinds text[], p_patience interval)
returns table (reviews bigint, review memory_reviews, memory memories) language sql stable as $$
  select c.reviews, r, m
  from (
    select count(*) as reviews, min(seq) as oldest
    from memory_reviews
    where namespace = p_namespace
      and closed_at is null
      and kind = any (p_kinds)
      and created_at < now() - p_patience) c
  join memory_reviews r on r.namespace = p_namespace and r.seq = c.oldest and r.closed_at is null
  join memories m using (memory_id)
  where c.reviews > 0
$$;

-- Returns the memory that was called wrong longest ago and that nobody has looked at for curator_patience.
create or replace function needs_wrong_memories(p_namespace text)
returns table (id text, kind text, since timestamptz, item jsonb) language sql stable as $$
  select
    'memory_review/' || (review).review_id,
    'memory_wrong',
    (review).created_at,
    needs_item(
      format('The memory "%s" was called wrong%s: %s.', in_sentence((memory).title), and_others(reviews),
        in_sentence((review).detail)),
      'It goes on standing in prompts.',
      jsonb_build_object('memoryId', (memory).memory_id, 'agentId', (memory).source_agent),
      needs_action('It is right', 'confirmMemory', jsonb_build_object('memoryId', (memory).memory_id), '{notes}'),
      needs_action('It is wrong', 'markMemoryWrong', jsonb_build_object('memoryId', (memory).memory_id),
        '{notes}', true))
  from reviews_left(p_namespace, '{wrong}', curator_patience())
$$;

-- Returns the oldest conflict between a memory and a candidate that nobody has settled for curator_patience.
create or replace function needs_memory_conflicts(p_namespace text)
returns table (id text, kind text, since timestamptz, item jsonb) language sql stable as $$
  select
    'memory_review/' || (review).review_id,
    'memory_conflict',
    (review).created_at,
    needs_item(
      format('A candidate of %s is about the same matter as the memory "%s"%s: %s.', coalesce(c.source_agent, 'nobody'),
        in_sentence((memory).title), and_others(reviews), in_sentence(coalesce(c.body, (review).detail))),
      'The memory goes on standing in prompts, and the candidate waits.',
      jsonb_build_object('memoryId', (memory).memory_id, 'candidateId', c.candidate_id,
        'agentId', c.source_agent),
      case when c.status = 'new' then needs_action('Replace the memory', 'promoteMemoryCandidate',
        jsonb_build_object('candidateId', c.candidate_id, 'supersedesMemoryId', (memory).memory_id),
        '{notes}') end,
      case when c.status = 'new' then needs_action('Reject the candidate', 'rejectMemoryCandidate',
        jsonb_build_object('candidateId', c.candidate_id), '{notes}', true) end,
      needs_action('Close the review', 'closeMemoryReview',
        jsonb_build_object('reviewId', (review).review_id), '{notes}'))
  from reviews_left(p_namespace, '{conflict}', curator_patience())
  left join memory_candidates c on c.candidate_id = (review).candidate_id
$$;

-- Returns the oldest candidate that only a person may promote, after curator_patience, in which a curator
-- may reject it: a source of it holds text from outside, or no enabled agent has the right, because the
-- curator is its author, it is private of another agent, or there is no curator.
create or replace function needs_memory_candidates(p_namespace text)
returns table (id text, kind text, since timestamptz, item jsonb) language sql stable as $$
  select
    'memory_candidate/' || c.candidate_id,
    'memory_candidate',
    c.created_at,
    needs_item(
      format('%s would have the fleet remember%s: %s.', c.source_agent, and_others(w.waiting),
        in_sentence(c.title)),
      format('It is no memory and expires at %s. Only a person may promote it, because %s.',
        utc_text(c.updated_at + candidate_idle()),
        in_sentence(case c.trust
          when 'untrusted' then c.trust_reason
          else format('no enabled agent may promote the %s candidate of %s', c.visibility, c.source_agent) end)),
      jsonb_build_object('candidateId', c.candidate_id, 'agentId', c.source_agent, 'jobId', c.source_job_id),
      needs_action('Promote', 'promoteMemoryCandidate', jsonb_build_object('candidateId', c.candidate_id),
        '{notes}'),
      needs_action('Reject', 'rejectMemoryCandidate', jsonb_build_object('candidateId', c.candidate_id),
        '{notes}', true))
  from (
    select count(*) as waiting, min(seq) as oldest
    from memory_candidates o
    where namespace = p_namespace
      and ended_at is null
      and created_at < now() - curator_patience()
      and not exists (
        select
        from agents a
        where a.namespace = p_namespace
          and a.enabled
          and a.may_promote is not null
          and agent_may_promote(a.agent_id, a.may_promote, o.source_agent, o.visibility, o.owner_agent,
            o.trust))) w
  join memory_candidates c on c.namespace = p_namespace and c.seq = w.oldest
$$;

-- Returns the oldest of the reviews about date, use and sources that nobody has closed for curator_absence.
create or replace function needs_memory_reviews(p_namespace text)
returns table (id text, kind text, since timestamptz, item jsonb) language sql stable as $$
  select
    'memory_review/' || (review).review_id,
    'memory_review',
    (review).created_at,
    needs_item(
      format('Nobody has looked again at the memory "%s"%s: %s.', in_sentence((memory).title),
        and_others(reviews), in_sentence((review).detail)),
      'It goes on standing in prompts.',
      jsonb_build_object('memoryId', (memory).memory_id, 'agentId', (memory).source_agent),
      needs_action('It still holds', 'confirmMemory', jsonb_build_object('memoryId', (memory).memory_id),
        '{notes}'),
      needs_action('End it', 'expireMemory', jsonb_build_object('memoryId', (memory).memory_id),
        '{notes}', true))
  from reviews_left(p_namespace, '{overdue,unused,source_changed}', curator_absence())
$$;

-- Returns the items of all sources about memories; none while phase 4 is off or frozen, because the acts
-- would be refused and no memory stands in a prompt.
create or replace function needs_memories(p_namespace text)
returns table (id text, kind text, since timestamptz, item jsonb) language plpgsql stable as $$
begin
  if phase_stop(p_namespace, 4) is null then
    return query
      select * from needs_wrong_memories(p_namespace)
      union all
      select * from needs_memory_conflicts(p_namespace)
      union all
      select * from needs_memory_candidates(p_namespace)
      union all
      select * from needs_memory_reviews(p_namespace);
  end if;
end
$$;
