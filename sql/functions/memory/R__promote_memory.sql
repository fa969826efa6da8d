-- The operation promoteMemoryCandidate: how a candidate becomes a memory. The gates are in
-- R__promotion_gates.sql and R__conflicts.sql.

-- Returns the memory that a candidate would become: its own words, scope and readers, changed by what the
-- promoter sends, with a shorter text or a narrower scope. p_input is clean. Refuses (422) a subject or an
-- owner that does not fit.
create or replace function promotion_draft(p_principal jsonb, p_candidate memory_candidates, p_input jsonb)
returns memories
language plpgsql stable as $$
declare
  v_draft memories;
begin
  v_draft.namespace := p_candidate.namespace;
  v_draft.kind := coalesce(p_input ->> 'kind', p_candidate.kind);
  v_draft.scope := coalesce(p_input ->> 'scope', p_candidate.scope);
  v_draft.subject_key := coalesce(p_input ->> 'subjectKey',
    case when v_draft.scope = p_candidate.scope then p_candidate.subject_key end);
  perform require_subject(v_draft.namespace, jsonb_strip_nulls(jsonb_build_object(
    'scope', v_draft.scope, 'subjectKey', v_draft.subject_key)));
  v_draft.title := coalesce(p_input ->> 'title', p_candidate.title);
  v_draft.body := coalesce(p_input ->> 'body', p_candidate.body);
  v_draft.evidence := p_candidate.evidence;
  v_draft.source_refs := p_candidate.source_refs;
  v_draft.confidence := coalesce((p_input ->> 'confidenceScore')::int, p_candidate.confidence);
  v_draft.stability := p_candidate.stability;
  v_draft.visibility := coalesce(p_input ->> 'visibility', p_candidate.visibility);
  v_draft.owner_agent := case
    when v_draft.visibility = 'shared' then p_input ->> 'ownerAgent'
    else coalesce(p_input ->> 'ownerAgent', p_candidate.owner_agent, p_candidate.source_agent) end;
  v_draft.trust := p_candidate.trust;
  v_draft.candidate_id := p_candidate.candidate_id;
  v_draft.source_agent := p_candidate.source_agent;
  v_draft.notes := p_input ->> 'notes';
  v_draft.expires_at := (p_input ->> 'expiresAt')::timestamptz;
  v_draft.next_review_at := (p_input ->> 'nextReviewAt')::timestamptz;
  v_draft.supersedes := (p_input ->> 'supersedesMemoryId')::uuid;
  return v_draft;
end
$$;

-- Writes the memory of a draft that has passed the gates, and returns it. p_old is the memory that it
-- supersedes; all null for the first version.
create or replace function insert_memory(p_draft memories, p_old memories) returns memories
language plpgsql as $$
declare
  v_memory memories;
begin
  insert into memories (namespace, version, kind, scope, subject_key, title, body, evidence, source_refs,
    confidence, stability, visibility, owner_agent, trust, candidate_id, source_agent, promoted_by, notes,
    expires_at, next_review_at, supersedes)
  values (
    p_draft.namespace, coalesce(p_old.version, 0) + 1, p_draft.kind, p_draft.scope, p_draft.subject_key,
    p_draft.title, p_draft.body, p_draft.evidence, p_draft.source_refs, p_draft.confidence,
    p_draft.stability, p_draft.visibility, p_draft.owner_agent, p_draft.trust, p_draft.candidate_id,
    p_draft.source_agent, p_draft.promoted_by, p_draft.notes, p_draft.expires_at, p_draft.next_review_at,
    p_old.memory_id)
  returning * into v_memory;
  return v_memory;
end
$$;

-- Returns the fields of a memory that its promoter may send, as a candidate or a memory has them.
create or replace function promoted_fields(
  p_kind text, p_scope text, p_subject text, p_title text, p_body text, p_confidence int, p_visibility text,
  p_owner text
) returns jsonb
language sql stable as $$
  select jsonb_build_object('kind', p_kind, 'scope', p_scope, 'subjectKey', p_subject, 'title', p_title,
    'body', p_body, 'confidenceScore', p_confidence, 'visibility', p_visibility, 'ownerAgent', p_owner)
$$;

-- Returns promoted_fields of a memory.
create or replace function fields_of_memory(p_memory memories) returns jsonb
language sql stable as $$
  select promoted_fields((p_memory).kind, (p_memory).scope, (p_memory).subject_key, (p_memory).title,
    (p_memory).body, (p_memory).confidence, (p_memory).visibility, (p_memory).owner_agent)
$$;

-- Writes the audit row memory.edited when a memory differs from its candidate: each field that the promoter
-- has changed, with the words before and after. Returns the names of the fields.
create or replace function audit_edits(p_candidate memory_candidates, p_memory memories) returns jsonb
language plpgsql as $$
declare
  v_edits jsonb := (
    select jsonb_object_agg(before.key, jsonb_build_object(
      'from', left(before.value #>> '{}', audited_value_length()),
      'to', left(later.value #>> '{}', audited_value_length())))
    from jsonb_each(promoted_fields(p_candidate.kind, p_candidate.scope, p_candidate.subject_key,
      p_candidate.title, p_candidate.body, p_candidate.confidence, p_candidate.visibility,
      p_candidate.owner_agent)) before
    join jsonb_each(fields_of_memory(p_memory)) later using (key)
    where before.value <> later.value);
begin
  if v_edits is null then
    return '[]';
  end if;
  insert into audit_log (namespace, actor, action, table_name, row_id, why, detail)
  values (p_memory.namespace, current_actor(), 'memory.edited', 'memories', p_memory.memory_id::text,
    p_memory.notes, v_edits);
  return (select jsonb_agg(key order by key) from jsonb_object_keys(v_edits) key);
end
$$;

-- Returns the answer to a promotion of a candidate that was promoted before: its memory, created false, and
-- the fields in which the request differs. Refuses (409) a caller that may not read the memory.
create or replace function repeated_promotion(
  p_principal jsonb, p_candidate memory_candidates, p_input jsonb
) returns jsonb language plpgsql stable as $$
declare
  v_memory memories;
begin
  select * into v_memory
  from memories
  where memory_id = p_candidate.memory_id and memory_visible(p_principal, visibility, owner_agent);
  if not found then
    perform refuse_ended_candidate(p_candidate, 'be promoted');
  end if;
  return jsonb_build_object('promoted', true, 'created', false, 'memory', memory_row(v_memory, null),
    'candidate', candidate_json(p_principal, p_candidate, null),
    'differs', differing(p_input, fields_of_memory(v_memory)));
end
$$;

-- Asks the gates of a promotion before that of conflicts, in their order.
create or replace function pass_gates(p_principal jsonb, p_candidate memory_candidates, p_draft memories)
returns void
language plpgsql stable as $$
begin
  perform refuse_frozen_promotions(p_candidate.namespace, 'candidateId');
  perform gate_who(p_principal, p_candidate, p_draft);
  perform gate_author(p_principal, p_candidate);
  perform gate_trust(p_principal, p_candidate);
  perform gate_words(p_principal, p_candidate.title || E'\n' || p_candidate.body,
    p_draft.title || E'\n' || p_draft.body);
  perform gate_reason(p_draft.notes);
  perform gate_confidence(p_principal, p_candidate.confidence, p_draft.confidence);
  perform gate_evidence(p_principal, p_candidate);
  perform review_date(p_draft.stability, p_draft.next_review_at);
  perform gate_expiry(p_draft.expires_at);
end
$$;

-- Returns the memories that a call with p_input has to decide about before a draft is a memory, as objects
-- with memoryId and alike; [] when it says of each that it is superseded or holds beside. p_named is the
-- memory that the author would replace, p_field and p_id name the candidate or the version before. Refuses
-- (422) a draft that says the same as one of the others, (404) a memory named in besideMemoryIds that the
-- caller cannot see, and (409) one that has ended.
create or replace function undecided_conflicts(
  p_principal jsonb, p_draft memories, p_input jsonb, p_named uuid, p_field text, p_id uuid
) returns jsonb language plpgsql as $$
declare
  v_beside uuid[] := array(select jsonb_array_elements_text(p_input -> 'besideMemoryIds')::uuid);
  v_id uuid;
  v_like jsonb;
begin
  foreach v_id in array v_beside loop
    perform require_active(memory_of(p_principal, p_draft.namespace, v_id, 'besideMemoryIds'), 'besideMemoryIds');
  end loop;
  v_like := (
    select coalesce(jsonb_agg(jsonb_build_object('memoryId', memory_id, 'alike', alike, 'same', same)
      order by alike desc, memory_id), '[]')
    from memories_like(p_principal, p_draft, p_named)
    where memory_id is distinct from p_draft.supersedes);
  perform gate_duplicate((v_like #>> array[place::text, 'memoryId'])::uuid, p_field, to_jsonb(p_id))
  from generate_series(0, jsonb_array_length(v_like) - 1) place
  where (v_like #>> array[place::text, 'same'])::boolean;
  return (
    select coalesce(jsonb_agg(value order by place), '[]')
    from jsonb_array_elements(v_like) with ordinality l (value, place)
    where (value ->> 'memoryId')::uuid <> all (v_beside));
end
$$;

-- Returns the memory that a promotion supersedes, locked; all null for none. Refuses (404) one that the
-- caller cannot see, (403) one that it may not curate, and (409) one that has ended.
create or replace function memory_to_supersede(p_principal jsonb, p_namespace text, p_memory_id uuid)
returns memories
language plpgsql as $$
declare
  v_old memories;
begin
  if p_memory_id is null then
    return null;
  end if;
  v_old := locked_memory(p_principal, p_namespace, p_memory_id, 'supersedesMemoryId');
  perform require_right_to_curate(p_principal, p_namespace, v_old.visibility, v_old.owner_agent, 'supersede',
    'supersedesMemoryId', to_jsonb(p_memory_id));
  perform require_active(v_old, 'supersedesMemoryId');
  return v_old;
end
$$;

-- Ends a memory as superseded by another and tells of it. Returns the ended one.
create or replace function supersede_by(
  p_principal jsonb, p_old memories, p_new memories, p_notes text
) returns memories language plpgsql as $$
begin
  p_old := end_memory(p_old, 'superseded', p_notes, p_new.memory_id);
  perform tell_memory(p_principal, 'memory.superseded', p_old,
    jsonb_build_object('supersededBy', p_new.memory_id));
  return p_old;
end
$$;

-- Locks: the lock of memories, then the candidate, then the memory that it supersedes.
create or replace function promote_memory_candidate(p_principal jsonb, p_input jsonb) returns jsonb
language plpgsql as $$
declare
  v_namespace text := namespace_of(p_principal, p_input);
  v_input jsonb := clean_memory(p_input);
  v_candidate memory_candidates;
  v_draft memories;
  v_old memories;
  v_memory memories;
  v_conflicts jsonb;
begin
  perform act_as(p_principal, v_input ->> 'notes');
  perform lock_memories(v_namespace);
  v_candidate := locked_candidate(p_principal, v_namespace, (p_input ->> 'candidateId')::uuid);
  v_draft := promotion_draft(p_principal, v_candidate, v_input);
  v_draft.promoted_by := decider_of(p_principal, p_input, 'promotedBy');
  if v_candidate.status = 'promoted' then
    perform gate_who(p_principal, v_candidate, v_draft);
    return repeated_promotion(p_principal, v_candidate, v_input);
  end if;
  perform refuse_ended_candidate(v_candidate, 'be promoted');
  perform pass_gates(p_principal, v_candidate, v_draft);
  if v_draft.owner_agent is distinct from v_candidate.owner_agent
    or v_draft.visibility <> v_candidate.visibility then
    v_draft.owner_agent := memory_owner(p_principal, v_namespace, v_draft.visibility, v_draft.owner_agent,
      p_principal ->> 'name');
  end if;
  v_old := memory_to_supersede(p_principal, v_namespace, v_draft.supersedes);
  v_conflicts := undecided_conflicts(p_principal, v_draft, p_input, v_candidate.supersedes_memory_id,
    'candidateId', v_candidate.candidate_id);
  if v_conflicts <> '[]' then
    return answer_of_conflict(p_principal, v_candidate, v_draft, v_conflicts);
  end if;
  perform gate_limit(p_principal, v_namespace);
  v_draft.next_review_at := review_date(v_draft.stability, v_draft.next_review_at);
  v_memory := insert_memory(v_draft, v_old);
  update memory_candidates
  set status = 'promoted', memory_id = v_memory.memory_id, decided_by = v_draft.promoted_by,
    decided_at = now(), notes = v_draft.notes, ended_at = now(), updated_at = now()
  where candidate_id = v_candidate.candidate_id;
  if v_old.memory_id is not null then
    v_old := supersede_by(p_principal, v_old, v_memory, v_draft.notes);
  end if;
  -- These hold beside the new memory, as the promoter says or because it says something else now than the
  -- candidate. The others stay open: a promotion that no longer meets them says nothing about them.
  update memory_reviews
  set outcome = 'narrowed', notes = v_draft.notes, closed_by = current_actor(), closed_at = now(),
    updated_at = now()
  where candidate_id = v_candidate.candidate_id
    and closed_at is null
    and ((v_memory.title, v_memory.body, v_memory.scope, v_memory.subject_key) is distinct from
        (v_candidate.title, v_candidate.body, v_candidate.scope, v_candidate.subject_key)
      or memory_id = any (array(select jsonb_array_elements_text(p_input -> 'besideMemoryIds')::uuid)));
  perform tell_memory(p_principal, 'memory.promoted', v_memory, jsonb_build_object(
    'candidateId', v_candidate.candidate_id, 'supersedes', v_memory.supersedes));
  return jsonb_build_object('promoted', true, 'created', true, 'memory', memory_row(v_memory, null),
      'candidate', candidate_json(p_principal,
        candidate_of(p_principal, v_namespace, v_candidate.candidate_id), null),
      'edited', audit_edits(v_candidate, v_memory))
    || case when v_old.memory_id is null then '{}'
      else jsonb_build_object('superseded', memory_row(v_old, null)) end;
end
$$;
comment on function promote_memory_candidate(jsonb, jsonb) is
  'The operation promoteMemoryCandidate: makes a candidate a memory, if every gate lets it through. Takes candidateId, notes and what the promoter changes: kind, title, body, confidenceScore, scope, subjectKey, visibility, ownerAgent, expiresAt, nextReviewAt, supersedesMemoryId and besideMemoryIds. Returns promoted, created (false for a repeated call), memory and candidate; or, when an active memory is about the same matter, promoted false and conflict with both texts, for which a review is open. Refuses (403) who may not, (422, memory_gate) at the other gates by name, (409) a candidate that has ended, and (409, frozen) while promotions are frozen.';
