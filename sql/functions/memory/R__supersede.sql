-- The operation supersedeMemory: a new version of a memory, or another active memory in its place.
--
-- There are no rings: the memory that is superseded is active and ends with the call, the one that replaces
-- it is active too, and none becomes active again.

-- Returns the new version of a memory: its words, changed by those of a clean input. Refuses (422) a version
-- that is the same as the old one, and a subject that does not fit.
create or replace function version_draft(p_old memories, p_input jsonb) returns memories
language plpgsql stable as $$
declare
  v_draft memories := p_old;
begin
  if not p_input ?| '{title,body,confidenceScore,scope,subjectKey}' then
    perform refuse(422, 'invalid_field', 'the call does not say what takes the place of the memory', 'body', null,
      'memoryId of an active memory; or title, body, confidenceScore, scope or subjectKey of the new version');
  end if;
  v_draft.scope := coalesce(p_input ->> 'scope', p_old.scope);
  v_draft.subject_key := coalesce(p_input ->> 'subjectKey',
    case when v_draft.scope = p_old.scope then p_old.subject_key end);
  perform require_subject(p_old.namespace, jsonb_strip_nulls(jsonb_build_object(
    'scope', v_draft.scope, 'subjectKey', v_draft.subject_key)));
  v_draft.title := coalesce(p_input ->> 'title', p_old.title);
  v_draft.body := coalesce(p_input ->> 'body', p_old.body);
  v_draft.confidence := coalesce((p_input ->> 'confidenceScore')::int, p_old.confidence);
  v_draft.notes := p_input ->> 'notes';
  v_draft.expires_at := coalesce((p_input ->> 'expiresAt')::timestamptz, p_old.expires_at);
  v_draft.next_review_at := (p_input ->> 'nextReviewAt')::timestamptz;
  v_draft.supersedes := p_old.memory_id;
  if fields_of_memory(v_draft) = fields_of_memory(p_old)
    and v_draft.expires_at is not distinct from p_old.expires_at then
    perform refuse(422, 'invalid_field', format('the new version says the same as memory %s', p_old.memory_id),
      'body', null, 'confirm-memory, if it still holds; or a version that differs from it');
  end if;
  return v_draft;
end
$$;

-- Returns the words, title and body, that an agent's version of a memory has to keep: those of the last
-- version by a person, otherwise of the candidate, and of the first version where the candidate has retired.
-- The version before is not it, because many small steps would lead away from all that anybody has promoted.
create or replace function words_to_keep(p_memory memories) returns text
language sql stable as $$
  with recursive versions as (
    select m as version, 0 as steps from memories m where memory_id = (p_memory).memory_id
    union all
    select m, steps + 1
    from versions v
    join memories m on m.memory_id = (v.version).supersedes
    where m.candidate_id is not distinct from (p_memory).candidate_id
  ), known (words, rank, steps) as (
    select (version).title || E'\n' || (version).body, 1, steps
    from versions
    where (version).promoted_by ~ '^operator:(?!route:)'
    union all
    select title || E'\n' || body, 2, 0
    from memory_candidates
    where candidate_id = (p_memory).candidate_id
    union all
    select (version).title || E'\n' || (version).body, 3, -steps
    from versions
  )
  select words from known order by rank, steps limit 1
$$;

-- Asks the gates that a new version has to pass. An agent changes the words of a memory that others have
-- promoted, but does not make it say something else: that is a candidate, which another one promotes.
create or replace function pass_gates_of_version(
  p_principal jsonb, p_old memories, p_draft memories, p_input jsonb
) returns void language plpgsql as $$
begin
  perform gate_about(p_principal, 'memory ' || p_old.memory_id, p_old.kind, p_old.scope, p_old.subject_key,
    p_draft);
  if p_old.trust = 'untrusted' and not is_person(p_principal) then
    perform refuse_at_gate('trust', format('memory %s is untrusted', p_old.memory_id), 'supersedesMemoryId',
      to_jsonb(p_old.memory_id), 'a person, who has looked at its sources');
  end if;
  if (p_draft.title, p_draft.body) <> (p_old.title, p_old.body) then
    perform gate_words(p_principal, words_to_keep(p_old), p_draft.title || E'\n' || p_draft.body);
  end if;
  perform gate_reason(p_draft.notes);
  perform gate_confidence(p_principal, p_old.confidence, p_draft.confidence);
  perform gate_expiry(p_draft.expires_at);
  perform gate_conflict(undecided_conflicts(p_principal, p_draft, p_input, null, 'supersedesMemoryId',
    p_old.memory_id));
  perform gate_limit(p_principal, p_old.namespace);
end
$$;

-- Returns the answer to a repeated call: both memories with changed false, when the old one was superseded by
-- p_new_id, or without it by a version with the words of p_input for the same reason. Null when it was not.
create or replace function repeated_supersede(p_old memories, p_new_id uuid, p_input jsonb) returns jsonb
language sql stable as $$
  select jsonb_build_object('memory', memory_row(n, null), 'superseded', memory_row(p_old, null),
    'changed', false)
  from memories n
  where n.memory_id = (p_old).superseded_by
    and case when p_new_id is not null then n.memory_id = p_new_id
      else (p_old).end_reason = p_input ->> 'notes' and differing(p_input, fields_of_memory(n)) = '[]' end
$$;

-- Puts an active memory in the place of another: it gets the later version and, if it has replaced none
-- before, the link to the old one. Returns it.
create or replace function replace_by_existing(p_old memories, p_new memories) returns memories
language plpgsql as $$
begin
  update memories
  set version = greatest(version, p_old.version + 1), supersedes = coalesce(supersedes, p_old.memory_id),
    updated_at = now()
  where memory_id = p_new.memory_id
  returning * into p_new;
  return p_new;
end
$$;

-- Moves the open reviews of kinds wrong and conflict from a memory to its new version by an agent, which says
-- the same in other words and so answers neither.
create or replace function carry_reviews(p_old memories, p_new memories) returns void
language sql as $$
  update memory_reviews
  set memory_id = (p_new).memory_id, updated_at = now()
  where memory_id = (p_old).memory_id and kind in ('wrong', 'conflict') and closed_at is null
$$;

-- Locks: the lock of memories, then both memories by memory_id.
create or replace function supersede_memory(p_principal jsonb, p_input jsonb) returns jsonb
language plpgsql as $$
declare
  v_namespace text := namespace_of(p_principal, p_input);
  v_input jsonb := clean_memory(p_input);
  v_old_id uuid := (p_input ->> 'supersedesMemoryId')::uuid;
  v_new_id uuid := (p_input ->> 'memoryId')::uuid;
  v_old memories;
  v_draft memories;
  v_new memories;
begin
  perform act_as(p_principal, v_input ->> 'notes');
  perform lock_memories(v_namespace);
  perform from memories where memory_id in (v_old_id, v_new_id) order by memory_id for no key update;
  v_old := memory_of(p_principal, v_namespace, v_old_id, 'supersedesMemoryId');
  perform refuse_frozen_caller(p_principal, v_namespace, 'supersedesMemoryId');
  perform require_right_to_curate(p_principal, v_namespace, v_old.visibility, v_old.owner_agent, 'supersede',
    'supersedesMemoryId', to_jsonb(v_old_id));
  perform refuse_author(p_principal, v_old, 'supersede', 'supersedesMemoryId');
  if repeated_supersede(v_old, v_new_id, v_input) is not null then
    return repeated_supersede(v_old, v_new_id, v_input);
  end if;
  perform refuse_frozen_promotions(v_namespace, 'supersedesMemoryId');
  perform require_active(v_old, 'supersedesMemoryId');
  if v_new_id is null then
    v_draft := version_draft(v_old, v_input);
    v_draft.promoted_by := decider_of(p_principal, p_input, 'promotedBy');
    perform pass_gates_of_version(p_principal, v_old, v_draft, p_input);
    v_draft.next_review_at := review_date(v_draft.stability, v_draft.next_review_at);
    v_new := insert_memory(v_draft, v_old);
    if is_agent(p_principal) then
      perform carry_reviews(v_old, v_new);
    end if;
  else
    v_new := memory_of(p_principal, v_namespace, v_new_id);
    if v_new_id = v_old_id then
      perform refuse(422, 'invalid_field', format('memory %s cannot supersede itself', v_new_id), 'memoryId',
        p_input -> 'memoryId', 'another active memory');
    end if;
    perform require_right_to_curate(p_principal, v_namespace, v_new.visibility, v_new.owner_agent, 'supersede by',
      'memoryId', to_jsonb(v_new_id));
    perform refuse_author(p_principal, v_new, 'put in the place of another', 'memoryId');
    perform require_active(v_new, 'memoryId');
    perform gate_reason(v_input ->> 'notes');
    v_new := replace_by_existing(v_old, v_new);
  end if;
  v_old := supersede_by(p_principal, v_old, v_new, v_input ->> 'notes');
  return jsonb_build_object('memory', memory_row(v_new, null), 'superseded', memory_row(v_old, null),
    'changed', true);
end
$$;
comment on function supersede_memory(jsonb, jsonb) is
  'The operation supersedeMemory: ends a memory in favour of another active one (memoryId), or of a new version with other words (title, body, confidenceScore, scope, subjectKey, expiresAt, nextReviewAt; besideMemoryIds names those about the same matter that hold beside it). Takes supersedesMemoryId and notes; returns memory, superseded and changed. The open reviews of kinds wrong and conflict go over to a version by an agent. Refuses (403) the author and an agent that may not curate one of them, (409) memories that have ended, (409, frozen) while promotions are frozen, and (422, memory_gate) a new version at a gate.';
