-- The one operation for all kinds of proposals, which is also the MCP tool.

-- Returns what each kind of proposal has beside kind, title, sourceAgent, evidence and dedupeKey: the name of
-- the kind in a sentence, its fields, the ones without which it says nothing, each with what would be right,
-- and the place for the words of a field that it does not have. create_opportunity names what an opportunity
-- lacks.
create or replace function proposal_kinds()
returns table (kind text, named text, fields text[], needed jsonb, instead text)
language sql stable as $$
  values
    ('idea', 'an idea', '{theme,body,tags,ifSimilar}'::text[],
      '{"theme": "a few words that proposals about the same matter share", "body": "the idea in words"}'::jsonb,
      'the same words in body, or kind opportunity'),
    ('opportunity', 'an opportunity',
      '{theme,whyNow,impactScore,confidenceScore,urgencyScore,reversibility,ifNothing,ownerCandidate,suggestedNextStep,ifSimilar,belowBar}',
      '{"theme": "a few words that proposals about the same matter share"}',
      'the same words in whyNow, or kind idea'),
    ('memory', 'a memory candidate',
      '{candidateKind,scope,subjectKey,body,seen,confidenceScore,stability,visibility,ownerAgent,supersedesMemoryId}',
      '{"candidateKind": "such as lesson", "scope": "global, agent, project, person or service", "body": "what the next agent should know, in words", "seen": "what was seen, in words", "evidence": "the jobs, events or pages where it was seen", "confidenceScore": "1 to 5"}',
      'the same words in body or seen, or kind idea')
$$;

-- Refuses (400) fields that the kind does not have, so that no text of a proposal is dropped, and a proposal
-- without a field that its kind needs.
create or replace function require_fields_of_kind(p_input jsonb) returns void
language plpgsql stable as $$
declare
  v_kind record;
  v_field text;
begin
  select * into v_kind from proposal_kinds() where kind = p_input ->> 'kind';
  select min(key) into v_field
  from jsonb_object_keys(p_input) key
  where key <> all (v_kind.fields) and exists (select from proposal_kinds() k where key = any (k.fields));
  if v_field is not null then
    perform refuse(400, 'unknown_field', format('%s has no %s', v_kind.named, v_field), v_field, null,
      v_kind.instead);
  end if;
  select min(key) into v_field from jsonb_object_keys(v_kind.needed) key where not p_input ? key;
  if v_field is not null then
    perform refuse(400, 'missing_field', format('%s needs the field %s', v_kind.named, v_field), v_field, null,
      v_kind.needed ->> v_field);
  end if;
end
$$;

-- Returns the input of create_memory_candidate for a proposal of kind memory. Its evidence is the list of
-- sources, as for the other kinds, and seen has the words of the candidate's evidence.
create or replace function candidate_of_proposal(p_input jsonb) returns jsonb
language sql immutable as $$
  select p_input - '{kind,seen}'::text[]
    || jsonb_set(jsonb_set('{}', '{evidence}', p_input -> 'seen'), '{sourceRefs}', p_input -> 'evidence')
$$;

create or replace function propose(p_principal jsonb, p_input jsonb) returns jsonb
language plpgsql as $$
declare
  -- Memory candidates are of phase 4, and the contract can name one phase only.
  v_principal jsonb := case when p_principal ? 'phase' and p_input ->> 'kind' = 'memory'
    then p_principal || '{"phase": 4}' else p_principal end;
  v_namespace text := namespace_of(v_principal, p_input);
  v_answer jsonb;
begin
  perform require_fields_of_kind(p_input);
  v_answer := case p_input ->> 'kind'
    when 'idea' then create_idea(v_principal, p_input - 'kind')
    when 'opportunity' then create_opportunity(v_principal, p_input - 'kind')
    else create_memory_candidate(v_principal, candidate_of_proposal(p_input)) end;
  return v_answer || case when is_agent(p_principal)
    then jsonb_build_object('budget', proposal_budget(v_namespace, p_principal ->> 'name')) else '{}' end;
end
$$;
comment on function propose(jsonb, jsonb) is
  'The operation propose: create_idea, create_opportunity or create_memory_candidate, by kind; an agent also gets its budget, as proposal_budget returns it. Refuses (400) fields of another kind, and a proposal without a field that its kind needs.';
