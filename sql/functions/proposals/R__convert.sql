-- The operation convertOpportunity: an opportunity becomes a job, in one transaction with its review.

drop function if exists proposals_behind(opportunities);

-- Returns the job whose attempt proposed an opportunity, and its evidence; the same of its idea and of the
-- opportunities that were merged into it, with those that were merged into these before. outside is true of
-- an idea with the tag untrusted.
create function proposals_behind(p_opportunity opportunities)
returns table (source_job_id uuid, evidence jsonb, outside boolean)
language sql stable as $$
  with recursive parts as (
    select (p_opportunity).opportunity_id, (p_opportunity).idea_id, (p_opportunity).source_job_id,
      (p_opportunity).evidence
    union all
    select o.opportunity_id, o.idea_id, o.source_job_id, o.evidence
    from parts p
    join opportunities o on o.merged_into = p.opportunity_id
  )
  select source_job_id, evidence, false from parts
  union all
  select i.source_job_id, i.evidence, 'untrusted' = any (i.tags)
  from parts p
  join ideas i on i.idea_id = p.idea_id
$$;

-- Returns untrusted when a text of the opportunity may come from outside: an idea has the tag untrusted, or a
-- job is untrusted, or is in no table any more, whose attempt made one of proposals_behind, or added evidence
-- to it. Otherwise trusted.
create or replace function trust_of_opportunity(p_opportunity opportunities) returns text
language sql stable as $$
  select case when exists (
    select
    from proposals_behind(p_opportunity)
    where outside
      or source_job_id is not null and not job_is_trusted(source_job_id)
      or exists (
        select
        from jsonb_array_elements(evidence) entry
        where entry ->> 'addedJob' is not null and not job_is_trusted((entry ->> 'addedJob')::uuid)))
    then 'untrusted' else 'trusted' end
$$;

-- Returns the input of enqueueJob for an opportunity. The payload is the given one, with the proposal as
-- proposal.
create or replace function job_of_opportunity(p_opportunity opportunities, p_input jsonb) returns jsonb
language sql stable as $$
  select jsonb_build_object(
    'targetAgent', coalesce(p_input ->> 'targetAgent', (p_opportunity).owner_candidate),
    'subject', p_input ->> 'subject',
    'jobType', coalesce(p_input ->> 'jobType', 'proactive'),
    'priority', coalesce((p_input ->> 'priority')::int, converted_priority()),
    'correlationKey', 'opportunity:' || (p_opportunity).opportunity_id,
    'trust', trust_of_opportunity(p_opportunity),
    'payload', coalesce(p_input -> 'payload', '{}') || jsonb_build_object('proposal', jsonb_build_object(
      'opportunityId', (p_opportunity).opportunity_id,
      'title', (p_opportunity).title,
      'whyNow', (p_opportunity).why_now,
      'evidence', (p_opportunity).evidence,
      'suggestedNextStep', (p_opportunity).suggested_next_step)))
$$;

-- Returns the fields in which a request differs from the job that the opportunity became.
create or replace function differing_conversion(p_input jsonb, p_job_id uuid) returns jsonb
language sql stable as $$
  select differing(p_input, jsonb_build_object('targetAgent', target_agent, 'subject', subject,
    'jobType', job_type, 'priority', priority))
  from (
    select target_agent, subject, job_type, priority from jobs where job_id = p_job_id
    union all
    select target_agent, subject, job_type, priority from jobs_history where job_id = p_job_id) j
$$;

-- Returns the answer of convertOpportunity.
create or replace function conversion_json(p_opportunity opportunities, p_created boolean, p_differs jsonb)
returns jsonb
language sql stable as $$
  select jsonb_strip_nulls(jsonb_build_object(
    'jobId', (p_opportunity).converted_job_id,
    'created', p_created,
    'differs', p_differs,
    'convertedBy', (p_opportunity).converted_by,
    'convertedAt', (p_opportunity).converted_at,
    'cameOf', came_of(p_opportunity),
    'opportunity', opportunity_json(p_opportunity)))
$$;

create or replace function convert_opportunity(p_principal jsonb, p_input jsonb) returns jsonb
language plpgsql as $$
declare
  v_namespace text := namespace_of(p_principal, p_input);
  v_notes text := clean_proposal(p_input) ->> 'notes';
  v_decider text;
  v_opportunity opportunities;
  v_job jsonb;
begin
  perform act_as(p_principal, v_notes);
  perform require_right_to_decide(p_principal, v_namespace, 'convert', 'convert opportunities', 'opportunityId',
    p_input -> 'opportunityId');
  v_decider := decider_of(p_principal, p_input, 'convertedBy');
  v_opportunity := locked_opportunity(v_namespace, (p_input ->> 'opportunityId')::uuid);
  perform require_right_to_judge(p_principal, v_opportunity, 'convert it', 'opportunityId',
    p_input -> 'opportunityId');
  if v_opportunity.status = 'converted_to_job' then
    return conversion_json(v_opportunity, false,
      differing_conversion(p_input, v_opportunity.converted_job_id));
  end if;
  perform require_status(v_opportunity, '{new,triaged,accepted}',
    case v_opportunity.status when 'parked' then 'the decision triaged first, with triage-opportunity'
      else 'an opportunity that is new, triaged or accepted' end);
  if is_agent(p_principal) and not is_proactive(coalesce(p_input ->> 'jobType', 'proactive')) then
    perform refuse(403, 'forbidden', format('an agent makes an opportunity a job of type proactive, not of type %s', p_input ->> 'jobType'),
      'jobType', p_input -> 'jobType', 'proactive; an operator may choose another type');
  end if;
  v_job := insert_job(p_principal || jsonb_build_object('opportunity', v_opportunity.opportunity_id),
    v_namespace, job_of_opportunity(v_opportunity, p_input)) -> 'job';
  v_opportunity.converted_job_id := (v_job ->> 'jobId')::uuid;
  v_opportunity.converted_by := v_decider;
  v_opportunity := decide_opportunity(v_opportunity, v_decider, 'converted_to_job', v_notes);
  perform tell_decision(p_principal, 'opportunity.converted', v_opportunity, jsonb_build_object(
    'jobId', v_opportunity.converted_job_id, 'targetAgent', v_job -> 'targetAgent',
    'subject', v_job -> 'subject', 'notes', cut(v_notes, list_text())));
  return conversion_json(v_opportunity, true, null);
end
$$;
comment on function convert_opportunity(jsonb, jsonb) is
  'The operation convertOpportunity: makes an opportunity a job of its owner candidate, or of targetAgent, and keeps the decision as a review. Asked again it answers with the same job (created false) and who converted it. Refuses (403) an agent without the right, or one whose own opportunity it is, (409) an opportunity that is parked or decided otherwise, (422, proactive_limit) one more proactive job than may be alive, and everything that enqueueJob refuses.';
