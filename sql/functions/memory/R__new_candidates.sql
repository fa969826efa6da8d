-- How a candidate is created: the bus checks what can be checked, and holds back what is there already.

-- Returns the row of a new candidate from the request: clean texts, author, scope and owner, without sources.
-- Refuses what the request gets wrong.
create or replace function candidate_asked_for(p_principal jsonb, p_namespace text, p_input jsonb)
returns memory_candidates
language plpgsql stable as $$
declare
  v_input jsonb := clean_memory(p_input);
  v_new memory_candidates;
begin
  v_new.namespace := p_namespace;
  v_new.source_agent := proposer_of(p_principal, p_namespace, p_input);
  v_new.source_job_id := (p_principal ->> 'jobId')::uuid;
  v_new.source_attempt_id := (p_principal ->> 'attemptId')::uuid;
  select job_type into v_new.source_job_type from jobs where job_id = v_new.source_job_id;
  perform require_subject(p_namespace, v_input);
  v_new.kind := v_input ->> 'candidateKind';
  v_new.scope := v_input ->> 'scope';
  v_new.subject_key := v_input ->> 'subjectKey';
  v_new.title := v_input ->> 'title';
  v_new.body := v_input ->> 'body';
  v_new.evidence := v_input ->> 'evidence';
  v_new.confidence := (v_input ->> 'confidenceScore')::int;
  v_new.stability := coalesce(v_input ->> 'stability', 'medium');
  v_new.visibility := coalesce(v_input ->> 'visibility', 'shared');
  v_new.owner_agent := memory_owner(p_principal, p_namespace, v_new.visibility, v_input ->> 'ownerAgent',
    v_new.source_agent);
  v_new.supersedes_memory_id := (v_input ->> 'supersedesMemoryId')::uuid;
  v_new.dedupe_key := v_input ->> 'dedupeKey';
  return v_new;
end
$$;

-- Returns the candidate with the dedupe key of a new one; all null when there is none. Refuses (422) a key of
-- a candidate that the caller may not read.
create or replace function candidate_with_key(p_principal jsonb, p_new memory_candidates)
returns memory_candidates
language plpgsql stable as $$
declare
  v_candidate memory_candidates;
begin
  select * into v_candidate
  from memory_candidates
  where namespace = p_new.namespace and dedupe_key = p_new.dedupe_key;
  if found and not candidate_visible(p_principal, v_candidate) then
    perform refuse(422, 'invalid_field', 'this dedupeKey is taken in the namespace', 'dedupeKey',
      to_jsonb(p_new.dedupe_key), 'another dedupeKey');
  end if;
  return v_candidate;
end
$$;

-- Returns the fields of a candidate that a request names.
create or replace function asked_of_candidate(p_candidate memory_candidates) returns jsonb
language sql stable as $$
  select jsonb_build_object(
    'candidateKind', (p_candidate).kind,
    'scope', (p_candidate).scope,
    'subjectKey', (p_candidate).subject_key,
    'title', (p_candidate).title,
    'body', (p_candidate).body,
    'evidence', (p_candidate).evidence,
    'confidenceScore', (p_candidate).confidence,
    'stability', (p_candidate).stability,
    'visibility', (p_candidate).visibility,
    'ownerAgent', (p_candidate).owner_agent)
$$;

-- Returns the fields in which a request, of which p_new is the row, differs from the candidate with its
-- dedupe key.
create or replace function differing_candidate(
  p_input jsonb, p_new memory_candidates, p_old memory_candidates
) returns jsonb language sql stable as $$
  select differing(asked_of_candidate(p_new), coalesce(jsonb_object_agg(key, value), '{}'))
  from jsonb_each(asked_of_candidate(p_old))
  where p_input ? key
$$;

-- Returns the open candidate that says the same as a new one in the same words, about the same subject, with
-- the same kind, visibility, owner and trust, and that the caller may read. All null when there is none. With
-- another trust it stays apart: an untrusted source must not take a trusted candidate from the curators.
create or replace function same_candidate(p_principal jsonb, p_new memory_candidates)
returns memory_candidates
language plpgsql stable as $$
declare
  v_candidate memory_candidates;
begin
  select * into v_candidate
  from memory_candidates c
  where namespace = p_new.namespace and ended_at is null
    and kind = p_new.kind and scope = p_new.scope and visibility = p_new.visibility
    and trust = p_new.trust
    and subject_key is not distinct from p_new.subject_key
    and owner_agent is not distinct from p_new.owner_agent
    and same_as = text_key(p_new.title, p_new.body)
    and candidate_visible(p_principal, c)
  order by seq
  limit 1;
  return v_candidate;
end
$$;

-- Adds the sources of a candidate to an older one that says the same, each with the name of p_source as
-- addedBy and with the job of the call as addedJob. When all sources are there already, the word of a person
-- is noted as saidBy at those that it names, unless a person has said so before, and nothing else changes.
-- Refuses (422, near_duplicate) more than most_evidence. Returns the answer of createMemoryCandidate.
create or replace function merge_candidate(
  p_principal jsonb, p_source text, p_old memory_candidates, p_refs jsonb
) returns jsonb language plpgsql as $$
declare
  v_new jsonb := new_evidence(p_refs, p_old.source_refs);
  v_said boolean := v_new = '[]' and is_person(p_principal) and is_name_of_person(p_old.namespace, p_source)
    and not person_said_so(p_old);
  v_candidate memory_candidates := p_old;
begin
  if is_agent(p_principal) then
    perform require_budget(p_old.namespace, p_source, 'memory');
  end if;
  if jsonb_array_length(p_old.source_refs || v_new) > most_evidence() then
    perform refuse(422, 'near_duplicate',
      format('candidate %s says the same and would have more than %s sources', p_old.candidate_id, most_evidence()),
      'sourceRefs', to_jsonb(jsonb_array_length(p_refs)), 'nothing: it is known');
  end if;
  if v_new <> '[]' or v_said then
    update memory_candidates
    set source_refs = case when v_said then (
        select jsonb_agg(
          entry || case when new_evidence(jsonb_build_array(entry), p_refs) = '[]'
            then jsonb_build_object('saidBy', p_source) else '{}' end
          order by place)
        from jsonb_array_elements(source_refs) with ordinality e (entry, place))
      else source_refs || (
        select jsonb_agg(
          entry || jsonb_strip_nulls(jsonb_build_object('addedBy', p_source, 'addedJob', p_principal -> 'jobId'))
          order by place)
        from jsonb_array_elements(v_new) with ordinality e (entry, place)) end,
      updated_at = now()
    where candidate_id = p_old.candidate_id
    returning * into v_candidate;
    perform pg_notify('memory_candidates_ready', p_old.namespace);
  end if;
  return jsonb_build_object('candidate', candidate_json(p_principal, v_candidate, null), 'created', false,
    'merged', v_new <> '[]' or v_said);
end
$$;

create or replace function create_memory_candidate(p_principal jsonb, p_input jsonb) returns jsonb
language plpgsql as $$
declare
  v_namespace text := namespace_of(p_principal, p_input);
  v_new memory_candidates := candidate_asked_for(p_principal, v_namespace, p_input);
  v_old memory_candidates;
begin
  perform act_as(p_principal, 'memory candidate proposed');
  perform lock_memories(v_namespace);
  v_old := candidate_with_key(p_principal, v_new);
  if v_old.candidate_id is not null then
    return jsonb_build_object('candidate', candidate_json(p_principal, v_old, null), 'created', false,
      'differs', differing_candidate(p_input, v_new, v_old)) || close_now(p_principal);
  end if;
  v_new.source_refs := checked_source_refs(p_principal, v_namespace, p_input -> 'sourceRefs');
  v_new.trust_reason := untrusted_because(p_principal, v_new.source_refs);
  v_new.trust := case when v_new.trust_reason is null then 'trusted' else 'untrusted' end;
  perform require_supersedable(p_principal, v_namespace, v_new.supersedes_memory_id);
  v_new.overlap := overlap_of(p_principal, v_new.title, v_new.body);
  perform refuse_known_memory(p_principal, v_new);
  v_old := same_candidate(p_principal, v_new);
  if v_old.candidate_id is not null then
    return merge_candidate(p_principal, v_new.source_agent, v_old, v_new.source_refs)
      || close_now(p_principal);
  end if;
  perform refuse_rejected_candidate(p_principal, v_new);
  if is_agent(p_principal) then
    perform charge_proposal(v_namespace, v_new.source_agent, 'memory', null, null, null);
  end if;
  insert into memory_candidates (namespace, source_agent, source_job_id, source_job_type, source_attempt_id,
    kind, scope, subject_key, title, body, evidence, source_refs, confidence, stability, visibility,
    owner_agent, trust, trust_reason, overlap, alike, supersedes_memory_id, dedupe_key)
  values (
    v_namespace, v_new.source_agent, v_new.source_job_id, v_new.source_job_type, v_new.source_attempt_id,
    v_new.kind, v_new.scope, v_new.subject_key, v_new.title, v_new.body, v_new.evidence, v_new.source_refs,
    v_new.confidence, v_new.stability, v_new.visibility, v_new.owner_agent,
    v_new.trust, v_new.trust_reason, v_new.overlap, alike_of(v_new), v_new.supersedes_memory_id,
    v_new.dedupe_key)
  returning * into v_new;
  perform pg_notify('memory_candidates_ready', v_namespace);
  return jsonb_build_object('candidate', candidate_json(p_principal, v_new, null), 'created', true)
    || close_now(p_principal);
end
$$;
comment on function create_memory_candidate(jsonb, jsonb) is
  'The operation createMemoryCandidate: keeps a candidate, returns the one with the same dedupe key, or adds the sources to the open one that says the same. Refuses sources that do not exist (unknown_evidence), a text that stood in the prompt of the same attempt (recalled_text), one that is an active memory (near_duplicate) or was rejected (rejected_before), and one over the budget of its agent.';
