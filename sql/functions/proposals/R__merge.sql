-- The operation mergeOpportunity: of two opportunities about the same matter one remains, with the evidence
-- of both.

create or replace function merge_opportunity(p_principal jsonb, p_input jsonb) returns jsonb
language plpgsql as $$
declare
  v_namespace text := namespace_of(p_principal, p_input);
  v_notes text := clean_proposal(p_input) ->> 'notes';
  v_id uuid := (p_input ->> 'opportunityId')::uuid;
  v_into_id uuid := (p_input ->> 'into')::uuid;
  v_reviewer text;
  v_opportunity opportunities;
  v_into opportunities;
begin
  perform act_as(p_principal, v_notes);
  perform require_right_to_decide(p_principal, v_namespace, 'triage', 'merge opportunities', 'opportunityId',
    p_input -> 'opportunityId');
  v_reviewer := decider_of(p_principal, p_input, 'reviewer');
  -- Two merges in opposite directions would otherwise each wait for the row of the other.
  perform lock_proposals(v_namespace);
  v_opportunity := locked_opportunity(v_namespace, v_id);
  if v_opportunity.status = 'accepted' then
    perform require_right_to_judge(p_principal, v_opportunity, 'merge an accepted opportunity',
      'opportunityId', p_input -> 'opportunityId');
  end if;
  if v_id = v_into_id then
    perform refuse(422, 'invalid_field', format('opportunity %s cannot be merged into itself', v_id),
      'into', p_input -> 'into', 'another opportunity');
  end if;
  v_into := locked_opportunity(v_namespace, v_into_id, 'into');
  if v_opportunity.merged_into = v_into_id then
    return opportunity_json(v_opportunity) || jsonb_build_object('into', opportunity_json(v_into), 'changed', false);
  end if;
  perform require_status(v_opportunity, '{new,triaged,accepted,parked}',
    'an opportunity that is not rejected, merged or converted');
  if v_into.status = 'parked' then
    perform refuse(409, 'wrong_state', format('opportunity %s %s', v_into_id, decided_text(v_into)), 'into',
      p_input -> 'into', 'the decision triaged for that one first, or a merge of that one into this one');
  end if;
  if jsonb_array_length(v_into.evidence || new_evidence(v_opportunity.evidence, v_into.evidence))
      > most_evidence() then
    perform refuse(422, 'invalid_field',
      format('opportunity %s would have more than %s pieces of evidence', v_into_id, most_evidence()), 'into',
      p_input -> 'into', 'the decision rejected for this one, with the id of that one in the notes');
  end if;
  if v_into.ended_at is not null then
    perform refuse(409, 'wrong_state', format('opportunity %s %s', v_into_id, decided_text(v_into)), 'into',
      p_input -> 'into', coalesce('for example ' || nullif(v_into.merged_into, v_id) || ', or ', '')
        || 'an opportunity that is not rejected, merged or converted; reject this one if the matter is settled');
  end if;
  update opportunities
  set evidence = evidence || new_evidence(v_opportunity.evidence, evidence), touched_at = now(),
    updated_at = now()
  where opportunity_id = v_into_id
  returning * into v_into;
  v_opportunity.parked_until := null;
  v_opportunity.merged_into := v_into_id;
  v_opportunity := decide_opportunity(v_opportunity, v_reviewer, 'merged', v_notes);
  perform tell_decision(p_principal, 'opportunity.decided', v_opportunity, jsonb_build_object(
    'decision', 'merged', 'notes', cut(v_notes, list_text()), 'into', v_into_id));
  return opportunity_json(v_opportunity) || jsonb_build_object('into', opportunity_json(v_into), 'changed', true);
end
$$;
comment on function merge_opportunity(jsonb, jsonb) is
  'The operation mergeOpportunity: ends an opportunity as merged into another, which takes over its evidence. A repeated call changes nothing (changed false). Refuses (403) an agent that may not triage, or for an accepted one not convert, (409) an opportunity, or one to merge into, that is decided for good, or one to merge into that is parked, and (422) more than most_evidence pieces of evidence.';
