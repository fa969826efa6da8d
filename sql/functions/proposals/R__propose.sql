-- The one operation for both kinds of proposals, which is also the MCP tool.

-- Refuses (400) fields that the kind does not have, so that no text of a proposal is dropped, and an idea
-- without a body. create_opportunity names what an opportunity lacks.
create or replace function require_fields_of_kind(p_input jsonb) returns void
language plpgsql stable as $$
declare
  v_idea boolean := p_input ->> 'kind' = 'idea';
  v_foreign text := (
    select min(key)
    from jsonb_object_keys(p_input) key
    where key = any (case when v_idea
      then '{whyNow,impactScore,confidenceScore,urgencyScore,reversibility,ifNothing,ownerCandidate,suggestedNextStep}'
      else '{body,tags}' end::text[]));
begin
  if v_foreign is not null then
    perform refuse(400, 'unknown_field', format('an %s has no %s', p_input ->> 'kind', v_foreign), v_foreign, null,
      case when v_idea then 'the same words in body, or kind opportunity'
        else 'the same words in whyNow, or kind idea' end);
  end if;
  if v_idea and not p_input ? 'body' then
    perform refuse(400, 'missing_field', 'an idea needs a body', 'body', null, 'the idea in words');
  end if;
end
$$;

create or replace function propose(p_principal jsonb, p_input jsonb) returns jsonb
language plpgsql as $$
declare
  v_namespace text := namespace_of(p_principal, p_input);
  v_answer jsonb;
begin
  perform require_fields_of_kind(p_input);
  v_answer := case p_input ->> 'kind'
    when 'idea' then create_idea(p_principal, p_input - 'kind')
    else create_opportunity(p_principal, p_input - 'kind') end;
  return v_answer || case when is_agent(p_principal)
    then jsonb_build_object('budget', proposal_budget(v_namespace, p_principal ->> 'name')) else '{}' end;
end
$$;
comment on function propose(jsonb, jsonb) is
  'The operation propose: create_idea or create_opportunity, by kind; an agent also gets its budget, as proposal_budget returns it. Refuses (400) fields of the other kind and an idea without a body.';
