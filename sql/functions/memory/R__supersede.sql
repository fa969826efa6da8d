-- The operation supersedeMemory: a new version of a memory, or another active memory in its place.
--
-- There are no rings: the memory that is superseded is active and ends with the call, the one that replaces
-- it is active too, and none becomes active again.

-- Returns the new version of a memory: its words, changed by those of a clean input. Refuses (422) an input
-- that changes nothing, and a subject that does not fit.
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
  return v_draft;
end
$$;

-- Asks the gates that a new version has to pass. An agent changes the words of a memory that others have
-- promoted, but does not make it say something else: that is a candidate, which another one promotes.
create or replace function pass_gates_of_version(p_principal jsonb, p_old memories, p_draft memories)
returns void
language plpgsql stable as $$
begin
  if p_old.trust = 'untrusted' and not is_person(p_principal) then
    perform refuse_at_gate('trust', format('memory %s is untrusted', p_old.memory_id), 'supersedesMemoryId',
      to_jsonb(p_old.memory_id), 'a person, who has looked at its sources');
  end if;
  perform gate_words(p_principal, p_old.title || E'\n' || p_old.body, p_draft.title || E'\n' || p_draft.body);
  perform gate_reason(p_draft.notes);
  perform gate_confidence(p_principal, p_old.confidence, p_draft.confidence);
  perform gate_expiry(p_draft.expires_at);
  perform gate_duplicate(memory_id, 'supersedesMemoryId', to_jsonb(p_old.memory_id))
  from memories_like(p_principal, p_draft, null)
  where same and memory_id <> p_old.memory_id;
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
  if repeated_supersede(v_old, v_new_id, v_input) is not null then
    return repeated_supersede(v_old, v_new_id, v_input);
  end if;
  perform refuse_frozen_promotions(v_namespace, 'supersedesMemoryId');
  perform require_active(v_old, 'supersedesMemoryId');
  if v_new_id is null then
    v_draft := version_draft(v_old, v_input);
    v_draft.promoted_by := decider_of(p_principal, p_input, 'promotedBy');
    perform pass_gates_of_version(p_principal, v_old, v_draft);
    v_draft.next_review_at := review_date(v_draft.stability, v_draft.next_review_at);
    v_new := insert_memory(v_draft, v_old);
  else
    v_new := memory_of(p_principal, v_namespace, v_new_id);
    if v_new_id = v_old_id then
      perform refuse(422, 'invalid_field', format('memory %s cannot supersede itself', v_new_id), 'memoryId',
        p_input -> 'memoryId', 'another active memory');
    end if;
    perform require_right_to_curate(p_principal, v_namespace, v_new.visibility, v_new.owner_agent, 'supersede by',
      'memoryId', to_jsonb(v_new_id));
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
  'The operation supersedeMemory: ends a memory in favour of another active one (memoryId), or of a new version with other words (title, body, confidenceScore, scope, subjectKey, expiresAt, nextReviewAt). Takes supersedesMemoryId and notes; returns memory, superseded and changed. Refuses (403) an agent that may not curate one of them, (409) memories that have ended, (409, frozen) while promotions are frozen, and (422, memory_gate) a new version at a gate.';
