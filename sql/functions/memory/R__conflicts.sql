-- Conflicts: an active memory of the same scope and subject that is about the same matter in other words, of
-- whatever kind. The bus does not read what they say. It shows both to the promoter, who decides.

-- Returns whether some reader has both in sight: one of them is shared, or both have the same owner.
create or replace function visibilities_overlap(
  p_visibility text, p_owner text, p_other text, p_other_owner text
) returns boolean
language sql immutable as $$
  select p_visibility = 'shared' or p_other = 'shared' or p_owner = p_other_owner
$$;

-- Returns the active memories that are about the matter of a draft, the most similar first: those of its
-- scope and subject, of every kind, with a title or a text like it, of which the newest compared_proposals
-- are compared, and p_named, which the author of the candidate would replace. same: the same words. Only
-- memories that the caller may read, so that no refusal tells of others.
create or replace function memories_like(p_principal jsonb, p_draft memories, p_named uuid)
returns table (memory_id uuid, alike real, same boolean)
language sql stable as $$
  with near as (
    select m.*
    from memories m
    where namespace = (p_draft).namespace
      and status = 'active'
      and scope = (p_draft).scope
      and subject_key is not distinct from (p_draft).subject_key
      and (expires_at is null or expires_at > now())
      and visibilities_overlap((p_draft).visibility, (p_draft).owner_agent, visibility, owner_agent)
      and memory_visible(p_principal, visibility, owner_agent)
    order by seq desc
    limit compared_proposals()
  ), alike as materialized (
    select n.memory_id,
      greatest(similarity_of((p_draft).title, n.title), proposal_similarity((p_draft).title,
        compared_body((p_draft).body), n.title, compared_body(n.body))) as alike,
      n.same_as = text_key((p_draft).title, (p_draft).body) as same
    from near n
  ), found as (
    select * from alike where alike >= conflict_from() or same
  )
  select f.memory_id, f.alike, f.same
  from (
    select * from found
    union all
    select m.memory_id, similarity_of((p_draft).title, m.title), false
    from memories m
    where m.memory_id = p_named
      and status = 'active'
      and memory_visible(p_principal, visibility, owner_agent)
      and not exists (select from found f where f.memory_id = p_named)) f
  order by f.alike desc, f.memory_id
  limit memory_rows_shown()
$$;

-- Gate conflict: refuses (422, near_duplicate) a draft that says what the active memory p_same says in the
-- same words. Field and value are those of the refusal.
create or replace function gate_duplicate(p_same uuid, p_field text, p_value jsonb) returns void
language plpgsql stable as $$
begin
  if p_same is not null then
    perform refuse(422, 'near_duplicate', format('gate conflict: memory %s says the same in the same words', p_same),
      p_field, p_value, 'confirm-memory for that one; or supersedesMemoryId with that one');
  end if;
end
$$;

-- Gate conflict: refuses (422) a new version that is about the same matter as the memories p_conflicts; []
-- lets it through. It has no candidate to be reviewed: its writer decides in the same call.
create or replace function gate_conflict(p_conflicts jsonb) returns void
language plpgsql stable as $$
declare
  v_ids text;
  v_texts text;
begin
  if p_conflicts = '[]' then
    return;
  end if;
  select string_agg(m.memory_id::text, ', ' order by place),
    string_agg(format('%s (%s)', m.memory_id, m.title), ', ' order by place)
  into v_ids, v_texts
  from jsonb_array_elements(p_conflicts) with ordinality c (value, place)
  join memories m on m.memory_id = (value ->> 'memoryId')::uuid;
  perform refuse_at_gate('conflict', 'about the same matter there is already: ' || v_texts, 'besideMemoryIds',
    null, format('besideMemoryIds with %s, if both hold; another title, scope or subjectKey; or a candidate', v_ids));
end
$$;

-- Opens a review for each memory that a candidate conflicts with, tells of the new ones by the event
-- memory.conflict.detected, and returns the answer of a promotion that has to wait: promoted false,
-- reviewId of the nearest, and conflict with the texts of both sides. A repeated call returns the same and
-- changes nothing.
create or replace function answer_of_conflict(
  p_principal jsonb, p_candidate memory_candidates, p_draft memories, p_conflicts jsonb
) returns jsonb language plpgsql as $$
declare
  v_conflict jsonb;
  v_memory memories;
  v_review uuid;
  v_memories jsonb := '[]';
begin
  for v_conflict in select value from jsonb_array_elements(p_conflicts) loop
    select * into v_memory from memories where memory_id = (v_conflict ->> 'memoryId')::uuid;
    v_review := open_memory_review(p_candidate.namespace, v_memory.memory_id, 'conflict',
      format('a candidate of %s is about the same matter (titles and texts %s %% alike)', p_candidate.source_agent,
        round((v_conflict ->> 'alike')::numeric * 100)),
      p_candidate.candidate_id);
    if v_review is not null then
      perform tell_memory(p_principal, 'memory.conflict.detected', v_memory,
        jsonb_build_object('candidateId', p_candidate.candidate_id, 'reviewId', v_review));
    end if;
    v_memories := v_memories || (memory_row(v_memory, null) || jsonb_build_object(
      'alike', round((v_conflict ->> 'alike')::numeric, 2),
      'reviewId', coalesce(v_review, (
        select review_id
        from memory_reviews
        where memory_id = v_memory.memory_id and candidate_id = p_candidate.candidate_id
          and kind = 'conflict' and closed_at is null))));
  end loop;
  return jsonb_build_object('promoted', false, 'reviewId', v_memories -> 0 -> 'reviewId',
    'conflict', jsonb_build_object(
      'candidate', jsonb_strip_nulls(jsonb_build_object('candidateId', p_candidate.candidate_id,
        'kind', p_draft.kind, 'scope', p_draft.scope, 'subjectKey', p_draft.subject_key,
        'title', p_draft.title, 'body', p_draft.body, 'sourceAgent', p_candidate.source_agent)),
      'memories', v_memories,
      'next', 'the same call with supersedesMemoryId (this one replaces it), with another title, scope or subjectKey (it says less), or with besideMemoryIds (both hold); or reject-memory-candidate'));
end
$$;
