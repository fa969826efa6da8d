-- The operation promoteIdeaToOpportunity.

-- Returns the input of an opportunity that an idea becomes: theme and title of the idea where the input has
-- none.
create or replace function promoted_input(p_idea ideas, p_input jsonb) returns jsonb
language sql stable as $$
  select jsonb_build_object('theme', (p_idea).theme, 'title', (p_idea).title) || clean_proposal(p_input)
$$;

-- Refuses (409, dedupe_conflict) a dedupe key that another opportunity has.
create or replace function refuse_taken_key(p_namespace text, p_key text) returns void
language plpgsql stable as $$
declare
  v_other uuid := (
    select opportunity_id from opportunities where namespace = p_namespace and dedupe_key = p_key);
begin
  if v_other is not null then
    perform refuse(409, 'dedupe_conflict', format('opportunity %s has the dedupe key %s', v_other, p_key),
      'dedupeKey', to_jsonb(p_key), 'another dedupeKey, or none');
  end if;
end
$$;

-- Locks: the lock of proposals, then the idea.
create or replace function promote_idea_to_opportunity(p_principal jsonb, p_input jsonb) returns jsonb
language plpgsql as $$
declare
  v_namespace text := namespace_of(p_principal, p_input);
  v_promoter text;
  v_agent agents;
  v_idea ideas;
  v_input jsonb;
  v_evidence jsonb;
  v_opportunity opportunities;
begin
  perform act_as(p_principal, 'idea promoted');
  v_promoter := decider_of(p_principal, p_input, 'promotedBy');
  if is_agent(p_principal) then
    v_promoter := p_principal ->> 'name';
    perform refuse_frozen_agent(v_namespace, v_promoter, 'promotedBy');
  end if;
  perform lock_proposals(v_namespace);
  v_idea := locked_idea(v_namespace, (p_input ->> 'ideaId')::uuid);
  v_input := promoted_input(v_idea, p_input);
  if v_idea.status = 'promoted_to_opportunity' then
    select * into v_opportunity from opportunities where opportunity_id = v_idea.opportunity_id;
    if found then
      return jsonb_build_object('opportunity', opportunity_json(v_opportunity), 'idea', idea_row(v_idea, null),
        'created', false, 'differs', differing_opportunity(clean_proposal(p_input), v_opportunity));
    end if;
  end if;
  perform refuse_ended_idea(v_idea, 'be promoted');
  perform refuse_taken_key(v_namespace, p_input ->> 'dedupeKey');
  v_evidence := v_idea.evidence
    || new_evidence(checked_evidence(p_principal, v_namespace, p_input -> 'evidence'), v_idea.evidence);
  perform require_bar(v_namespace, v_input,
    missing_for_bar(v_input, evidence_beside_own(p_principal, v_evidence, v_idea.idea_id)));
  perform answer_of_older(p_principal, v_namespace, v_promoter, 'promotion', v_input,
    opportunity_body(v_input ->> 'whyNow', v_input ->> 'ifNothing', v_input ->> 'suggestedNextStep'),
    v_evidence, v_idea.idea_id);
  if is_agent(p_principal) then
    v_agent := speaker(p_principal, v_namespace);
    if v_agent.may_triage and v_idea.source_agent <> v_promoter then
      perform charge_shared(v_agent, v_input ->> 'theme', (v_input ->> 'urgencyScore')::int);
    else
      perform charge_proposal(v_namespace, v_promoter, 'opportunity', v_input ->> 'theme',
        (v_input ->> 'urgencyScore')::int, (v_input ->> 'confidenceScore')::int);
    end if;
  end if;
  v_opportunity := insert_opportunity(p_principal, v_namespace, v_idea.source_agent, v_input, v_evidence,
    v_idea.idea_id, v_promoter);
  update ideas
  set status = 'promoted_to_opportunity', opportunity_id = v_opportunity.opportunity_id, ended_at = now(),
    touched_at = now(), updated_at = now()
  where idea_id = v_idea.idea_id
  returning * into v_idea;
  return jsonb_build_object('opportunity', opportunity_json(v_opportunity), 'idea', idea_row(v_idea, null),
    'created', true);
end
$$;
comment on function promote_idea_to_opportunity(jsonb, jsonb) is
  'The operation promoteIdeaToOpportunity: makes an opportunity of an idea in one transaction, which keeps the author, the evidence and the id of the idea. Takes ideaId, the parts of the bar and more evidence; returns opportunity, idea and created, which is false when the idea was promoted before.';
