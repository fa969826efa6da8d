-- Memory candidates: what agents and people think the fleet should remember. See docs/guide/memory.md.
--
--   new ---------> promoted, rejected, expired
--
-- All three are final. Nobody is shown a candidate in a prompt; only a promoted one becomes a memory.

-- Returns whether a caller may read the memory that came of a candidate. There is nothing to hide when
-- p_memory_id is null or the memory has retired.
create or replace function memory_of_candidate_visible(p_principal jsonb, p_memory_id uuid) returns boolean
language sql stable as $$
  select p_memory_id is null
    or not exists (
      select
      from memories
      where memory_id = p_memory_id and not memory_visible(p_principal, visibility, owner_agent))
$$;

-- Returns whether a caller may read a candidate: its author may, and everybody who might read the memory. Of
-- a promoted one this is the memory that came of it, too, whose promoter may have narrowed the readers.
create or replace function candidate_visible(p_principal jsonb, p_candidate memory_candidates) returns boolean
language sql stable as $$
  select is_agent(p_principal) and (p_candidate).source_agent = p_principal ->> 'name'
    or memory_visible(p_principal, (p_candidate).visibility, (p_candidate).owner_agent)
      and memory_of_candidate_visible(p_principal, (p_candidate).memory_id)
$$;

-- Returns the entries of alike that the caller may read.
create or replace function alike_for(p_principal jsonb, p_alike jsonb) returns jsonb
language sql stable as $$
  select coalesce(jsonb_agg(entry order by place), '[]')
  from jsonb_array_elements(p_alike) with ordinality a (entry, place)
  where exists (
      select
      from memory_candidates c
      where entry ->> 'kind' = 'candidate' and candidate_id = (entry ->> 'id')::uuid
        and candidate_visible(p_principal, c))
    or exists (
      select
      from memories
      where entry ->> 'kind' = 'memory' and memory_id = (entry ->> 'id')::uuid
        and memory_visible(p_principal, visibility, owner_agent))
$$;

-- Returns a candidate as the contract shows it to a caller. Long texts are cut after p_text characters (null:
-- whole), and then the sources are only counted and alike is left out. The notes of a promotion are for those
-- who may read the memory.
create or replace function candidate_json(p_principal jsonb, p_candidate memory_candidates, p_text int)
returns jsonb
language sql stable as $$
  select jsonb_strip_nulls(jsonb_build_object(
    'candidateId', (p_candidate).candidate_id,
    'seq', (p_candidate).seq,
    'namespace', (p_candidate).namespace,
    'status', (p_candidate).status,
    'sourceAgent', (p_candidate).source_agent,
    'sourceJobId', (p_candidate).source_job_id,
    'sourceJobType', (p_candidate).source_job_type,
    'sourceAttemptId', (p_candidate).source_attempt_id,
    'kind', (p_candidate).kind,
    'scope', (p_candidate).scope,
    'subjectKey', (p_candidate).subject_key,
    'title', (p_candidate).title,
    'body', cut((p_candidate).body, p_text),
    'evidence', cut((p_candidate).evidence, p_text),
    'sourceRefs', case when p_text is null then (p_candidate).source_refs end,
    'sourceRefsCount', jsonb_array_length((p_candidate).source_refs),
    'confidenceScore', (p_candidate).confidence,
    'stability', (p_candidate).stability,
    'visibility', (p_candidate).visibility,
    'ownerAgent', (p_candidate).owner_agent,
    'trust', (p_candidate).trust,
    'trustReason', (p_candidate).trust_reason,
    'overlap', round((p_candidate).overlap::numeric, 2),
    'alike', case when p_text is null then alike_for(p_principal, (p_candidate).alike) end,
    'alikeCount', jsonb_array_length(alike_for(p_principal, (p_candidate).alike)),
    'gates', unmet_gates(p_principal, p_candidate),
    'supersedesMemoryId', (p_candidate).supersedes_memory_id,
    'dedupeKey', (p_candidate).dedupe_key,
    'memoryId', (p_candidate).memory_id,
    'decidedBy', (p_candidate).decided_by,
    'decidedAt', (p_candidate).decided_at,
    'notes', case when memory_of_candidate_visible(p_principal, (p_candidate).memory_id)
      then cut((p_candidate).notes, p_text) end,
    'endedAt', (p_candidate).ended_at,
    'createdAt', (p_candidate).created_at,
    'updatedAt', (p_candidate).updated_at))
$$;

-- Returns a candidate of the namespace that the caller may read. Refuses every other one as unknown (404).
create or replace function candidate_of(p_principal jsonb, p_namespace text, p_candidate_id uuid)
returns memory_candidates
language plpgsql stable as $$
declare
  v_candidate memory_candidates;
begin
  select * into v_candidate
  from memory_candidates c
  where candidate_id = p_candidate_id and namespace = p_namespace and candidate_visible(p_principal, c);
  if not found then
    perform refuse(404, 'unknown_memory_candidate',
      format('there is no memory candidate %s in namespace %s', p_candidate_id, p_namespace),
      'candidateId', to_jsonb(p_candidate_id), 'the id of a candidate; see list-memory-candidates');
  end if;
  return v_candidate;
end
$$;

-- Returns a candidate as candidate_of does, locked. Refuses (409) a frozen agent. Call it under
-- lock_memories.
create or replace function locked_candidate(p_principal jsonb, p_namespace text, p_candidate_id uuid)
returns memory_candidates
language plpgsql as $$
declare
  v_candidate memory_candidates := candidate_of(p_principal, p_namespace, p_candidate_id);
begin
  perform refuse_frozen_caller(p_principal, p_namespace, 'candidateId');
  select * into v_candidate
  from memory_candidates
  where candidate_id = v_candidate.candidate_id
  for no key update;
  return v_candidate;
end
$$;

-- Refuses (409, wrong_state) a candidate that has ended, and says how, when and by whom. p_what is what was
-- asked for, such as be rejected.
create or replace function refuse_ended_candidate(p_candidate memory_candidates, p_what text) returns void
language plpgsql stable as $$
begin
  if p_candidate.ended_at is null then
    return;
  end if;
  perform refuse(409, 'wrong_state',
    case p_candidate.status
      when 'promoted' then format('candidate %s was promoted to memory %s by %s at %s and cannot %s',
        p_candidate.candidate_id, p_candidate.memory_id, p_candidate.decided_by,
        utc_text(p_candidate.ended_at), p_what)
      when 'rejected' then format('candidate %s was rejected by %s at %s and cannot %s: %s',
        p_candidate.candidate_id, p_candidate.decided_by, utc_text(p_candidate.ended_at), p_what,
        p_candidate.notes)
      else format('candidate %s expired at %s, because nobody had decided it, and cannot %s',
        p_candidate.candidate_id, utc_text(p_candidate.ended_at), p_what) end,
    'candidateId', to_jsonb(p_candidate.candidate_id),
    case p_candidate.status when 'expired' then 'a new candidate with the same content'
      else 'a candidate that is new' end);
end
$$;

-- Refuses (422) a memory to be superseded that does not exist for the caller or is not active.
create or replace function require_supersedable(p_principal jsonb, p_namespace text, p_memory_id uuid)
returns void
language plpgsql stable as $$
declare
  v_memory memories;
begin
  select * into v_memory
  from memories
  where memory_id = p_memory_id and namespace = p_namespace
    and memory_visible(p_principal, visibility, owner_agent);
  if v_memory.status = 'active' or p_memory_id is null then
    return;
  end if;
  perform refuse(422, 'invalid_field',
    case when v_memory.memory_id is null
      then format('there is no memory %s in namespace %s', p_memory_id, p_namespace)
      else format('memory %s is %s since %s', p_memory_id, v_memory.status, utc_text(v_memory.ended_at)) end,
    'supersedesMemoryId', to_jsonb(p_memory_id),
    case when v_memory.superseded_by is not null
      then format('its newer version, such as %s', v_memory.superseded_by)
      else 'the id of an active memory' end);
end
$$;

create or replace function get_memory_candidate(p_principal jsonb, p_input jsonb) returns jsonb
language plpgsql stable as $$
begin
  return candidate_json(p_principal,
    candidate_of(p_principal, namespace_of(p_principal, p_input), (p_input ->> 'candidateId')::uuid), null);
end
$$;
comment on function get_memory_candidate(jsonb, jsonb) is
  'The operation getMemoryCandidate: one candidate with its whole text, its sources and those that say nearly the same. Refuses (404) one that does not exist or that the caller may not read.';
