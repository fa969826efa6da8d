-- Opportunities: proposals that are ready for a decision. See docs/guide/proposals.md.

-- Returns an opportunity as the contract shows it, with its rank. Long texts are cut after p_text characters
-- (null: whole), and then the evidence is only counted.
create or replace function opportunity_row(p_opportunity opportunities, p_text int, p_rank jsonb)
returns jsonb
language sql stable as $$
  select jsonb_strip_nulls(jsonb_build_object(
    'opportunityId', (p_opportunity).opportunity_id,
    'seq', (p_opportunity).seq,
    'namespace', (p_opportunity).namespace,
    'status', (p_opportunity).status,
    'sourceAgent', (p_opportunity).source_agent,
    'sourceJobId', (p_opportunity).source_job_id,
    'sourceJobType', (p_opportunity).source_job_type,
    'ideaId', (p_opportunity).idea_id,
    'promotedBy', (p_opportunity).promoted_by,
    'theme', (p_opportunity).theme,
    'title', (p_opportunity).title,
    'whyNow', cut((p_opportunity).why_now, p_text),
    'ifNothing', cut((p_opportunity).if_nothing, p_text),
    'evidence', case when p_text is null then (p_opportunity).evidence end,
    'evidenceCount', jsonb_array_length((p_opportunity).evidence),
    'impactScore', (p_opportunity).impact,
    'confidenceScore', (p_opportunity).confidence,
    'urgencyScore', (p_opportunity).urgency,
    'reversibility', (p_opportunity).reversibility,
    'ownerCandidate', (p_opportunity).owner_candidate,
    'suggestedNextStep', cut((p_opportunity).suggested_next_step, p_text),
    'bytes', octet_length((p_opportunity).why_now) + octet_length((p_opportunity).if_nothing)
      + octet_length((p_opportunity).suggested_next_step) + octet_length((p_opportunity).evidence::text),
    'dedupeKey', (p_opportunity).dedupe_key,
    'rank', p_rank -> 'rank',
    'rankParts', p_rank - 'rank',
    'parkedUntil', (p_opportunity).parked_until,
    'mergedInto', (p_opportunity).merged_into,
    'convertedJobId', (p_opportunity).converted_job_id,
    'convertedBy', (p_opportunity).converted_by,
    'convertedAt', (p_opportunity).converted_at,
    'decidedBy', (p_opportunity).decided_by,
    'decidedAt', (p_opportunity).decided_at,
    'touchedAt', (p_opportunity).touched_at,
    'endedAt', (p_opportunity).ended_at,
    'createdAt', (p_opportunity).created_at,
    'updatedAt', (p_opportunity).updated_at))
$$;

-- Returns an opportunity with its whole texts and its rank.
create or replace function opportunity_json(p_opportunity opportunities) returns jsonb
language sql stable as $$
  select opportunity_row(p_opportunity, null, opportunity_rank(p_opportunity))
$$;

-- Refuses (404) an opportunity that the namespace does not have and names p_field.
create or replace function refuse_unknown_opportunity(p_namespace text, p_opportunity_id uuid, p_field text)
returns void
language plpgsql stable as $$
begin
  perform refuse(404, 'unknown_opportunity',
    format('there is no opportunity %s in namespace %s', p_opportunity_id, p_namespace),
    p_field, to_jsonb(p_opportunity_id), 'the id of an opportunity; see list-opportunities');
end
$$;

-- Returns an opportunity of the namespace. Refuses an unknown one (404).
create or replace function opportunity_of(p_namespace text, p_opportunity_id uuid) returns opportunities
language plpgsql stable as $$
declare
  v_opportunity opportunities;
begin
  select * into v_opportunity
  from opportunities
  where opportunity_id = p_opportunity_id and namespace = p_namespace;
  if not found then
    perform refuse_unknown_opportunity(p_namespace, p_opportunity_id, 'opportunityId');
  end if;
  return v_opportunity;
end
$$;

-- Returns the reviews of an opportunity, oldest first.
create or replace function reviews_of(p_opportunity_id uuid) returns jsonb
language sql stable as $$
  select coalesce(jsonb_agg(jsonb_strip_nulls(jsonb_build_object(
      'reviewId', review_id,
      'reviewer', reviewer,
      'decision', decision,
      'notes', notes,
      'until', until,
      'createdAt', created_at)) order by seq), '[]')
  from opportunity_reviews
  where opportunity_id = p_opportunity_id
$$;

-- Returns what came of a converted opportunity by the state of its job: hit when the job succeeded, miss when
-- it ended otherwise, and open before its end.
create or replace function outcome_of_state(p_state text) returns text
language sql immutable as $$
  select case
    when p_state = 'succeeded' then 'hit'
    when p_state in ('failed', 'dead', 'cancelled') then 'miss'
    else 'open' end
$$;

-- Returns what came of an opportunity that became a job: the job's id, state, agent, subject, summary and
-- end, and outcome, as outcome_of_state returns it. Null for an opportunity without a job. outcome unknown:
-- the job is in no table any more.
create or replace function came_of(p_opportunity opportunities) returns jsonb
language sql stable as $$
  select case when (p_opportunity).converted_job_id is not null then coalesce(
    (
      select jsonb_strip_nulls(jsonb_build_object(
        'jobId', job_id,
        'targetAgent', target_agent,
        'subject', subject,
        'state', state,
        'outcome', outcome_of_state(state),
        'summary', summary,
        'lastError', case when state <> 'succeeded' then last_error end,
        'endedAt', ended_at))
      from (
        select job_id, target_agent, subject, state, summary, last_error, ended_at
        from jobs
        where job_id = (p_opportunity).converted_job_id
        union all
        select job_id, target_agent, subject, state, summary, last_error, ended_at
        from jobs_history
        where job_id = (p_opportunity).converted_job_id) j),
    jsonb_build_object('jobId', (p_opportunity).converted_job_id, 'outcome', 'unknown')) end
$$;

create or replace function get_opportunity(p_principal jsonb, p_input jsonb) returns jsonb
language plpgsql stable as $$
declare
  v_namespace text := namespace_of(p_principal, p_input);
  v_opportunity opportunities := opportunity_of(v_namespace, (p_input ->> 'opportunityId')::uuid);
  v_idea jsonb := (select idea_row(i, null) from ideas i where idea_id = v_opportunity.idea_id);
begin
  return opportunity_json(v_opportunity)
    || jsonb_build_object('reviews', reviews_of(v_opportunity.opportunity_id))
    || jsonb_strip_nulls(jsonb_build_object('idea', v_idea, 'cameOf', came_of(v_opportunity)));
end
$$;
comment on function get_opportunity(jsonb, jsonb) is
  'The operation getOpportunity: one opportunity with its reviews, the idea that it was made of, and cameOf, the job that it became and what came of it. Refuses an unknown opportunity (404).';

-- Inserts an opportunity of a checked input and tells of it: the event opportunity.created, the event
-- opportunity.urgent when it is an alert, and the notification opportunities_ready. p_idea is the idea that
-- p_promoted_by promotes, or null.
create or replace function insert_opportunity(
  p_principal jsonb, p_namespace text, p_source text, p_input jsonb, p_evidence jsonb, p_idea uuid,
  p_promoted_by text
) returns opportunities language plpgsql as $$
declare
  v_opportunity opportunities;
  v_payload jsonb;
begin
  insert into opportunities (namespace, source_agent, source_job_id, source_job_type, idea_id, promoted_by,
    theme, title, why_now, if_nothing, evidence, impact, confidence, urgency, reversibility, owner_candidate,
    suggested_next_step, dedupe_key)
  values (
    p_namespace, p_source, (p_principal ->> 'jobId')::uuid,
    (select job_type from jobs where job_id = (p_principal ->> 'jobId')::uuid),
    p_idea, p_promoted_by, p_input ->> 'theme', p_input ->> 'title', p_input ->> 'whyNow', p_input ->> 'ifNothing', p_evidence,
    (p_input ->> 'impactScore')::int, (p_input ->> 'confidenceScore')::int, (p_input ->> 'urgencyScore')::int,
    p_input ->> 'reversibility', p_input ->> 'ownerCandidate', p_input ->> 'suggestedNextStep',
    p_input ->> 'dedupeKey')
  returning * into v_opportunity;
  v_payload := jsonb_build_object('opportunityId', v_opportunity.opportunity_id, 'theme', v_opportunity.theme,
    'title', v_opportunity.title, 'urgencyScore', v_opportunity.urgency);
  perform append_event(p_namespace, 'opportunity.created', p_source, v_opportunity.source_job_id, v_payload);
  if is_alert(v_opportunity) then
    perform append_event(p_namespace, 'opportunity.urgent', p_source, v_opportunity.source_job_id, v_payload);
  end if;
  perform pg_notify('opportunities_ready', p_namespace);
  return v_opportunity;
end
$$;

-- Returns the fields in which the request of an opportunity differs from the one with its dedupe key.
create or replace function differing_opportunity(p_input jsonb, p_opportunity opportunities) returns jsonb
language sql stable as $$
  select differing(p_input, jsonb_build_object(
    'theme', (p_opportunity).theme, 'title', (p_opportunity).title, 'whyNow', (p_opportunity).why_now,
    'ifNothing', (p_opportunity).if_nothing, 'impactScore', (p_opportunity).impact,
    'confidenceScore', (p_opportunity).confidence, 'urgencyScore', (p_opportunity).urgency,
    'reversibility', (p_opportunity).reversibility, 'ownerCandidate', (p_opportunity).owner_candidate,
    'suggestedNextStep', (p_opportunity).suggested_next_step))
$$;

-- Returns the body of the idea that keeps the content of an opportunity below the bar.
create or replace function body_of_idea(p_input jsonb) returns text
language sql stable as $$
  select coalesce(
    nullif(concat_ws(E'\n\n',
      p_input ->> 'whyNow',
      'If nothing is done: ' || (p_input ->> 'ifNothing'),
      'Next step: ' || (p_input ->> 'suggestedNextStep'),
      'Owner candidate: ' || (p_input ->> 'ownerCandidate'),
      'Impact: ' || (p_input ->> 'impactScore'),
      'Confidence: ' || (p_input ->> 'confidenceScore'),
      'Urgency: ' || (p_input ->> 'urgencyScore'),
      'Reversibility: ' || (p_input ->> 'reversibility')), ''),
    p_input ->> 'title')
$$;

create or replace function create_opportunity(p_principal jsonb, p_input jsonb) returns jsonb
language plpgsql as $$
declare
  v_namespace text := namespace_of(p_principal, p_input);
  v_source text := proposer_of(p_principal, v_namespace, p_input);
  v_input jsonb := clean_proposal(p_input);
  v_evidence jsonb;
  v_missing text[];
  v_older jsonb;
  v_opportunity opportunities;
begin
  perform act_as(p_principal, 'opportunity proposed');
  perform lock_proposals(v_namespace);
  select * into v_opportunity
  from opportunities
  where namespace = v_namespace and dedupe_key = p_input ->> 'dedupeKey';
  if found then
    return jsonb_build_object('opportunity', opportunity_json(v_opportunity), 'created', false,
      'differs', differing_opportunity(v_input, v_opportunity)) || close_now(p_principal);
  end if;
  v_evidence := checked_evidence(p_principal, v_namespace, p_input -> 'evidence');
  v_missing := missing_for_bar(v_input, evidence_beside_own(p_principal, v_evidence, null));
  if v_missing <> '{}' and p_input ->> 'belowBar' = 'idea' then
    return jsonb_build_object('belowBar', v_missing)
      || create_idea(p_principal, jsonb_strip_nulls(jsonb_build_object(
        'namespace', v_namespace, 'sourceAgent', p_input -> 'sourceAgent', 'theme', p_input -> 'theme',
        'title', p_input -> 'title', 'body', body_of_idea(v_input), 'evidence', p_input -> 'evidence',
        'dedupeKey', p_input -> 'dedupeKey', 'ifSimilar', p_input -> 'ifSimilar')));
  end if;
  perform require_bar(v_namespace, v_input, v_missing);
  v_older := answer_of_older(p_principal, v_namespace, v_source, 'opportunity', v_input,
    opportunity_body(v_input ->> 'whyNow', v_input ->> 'ifNothing', v_input ->> 'suggestedNextStep'), v_evidence);
  if v_older is not null then
    return v_older || close_now(p_principal);
  end if;
  if is_agent(p_principal) then
    perform charge_proposal(v_namespace, v_source, 'opportunity', v_input ->> 'theme',
      (v_input ->> 'urgencyScore')::int, (v_input ->> 'confidenceScore')::int);
  end if;
  v_opportunity := insert_opportunity(p_principal, v_namespace, v_source, v_input, v_evidence, null, null);
  return jsonb_build_object('opportunity', opportunity_json(v_opportunity), 'created', true)
    || close_now(p_principal);
end
$$;
comment on function create_opportunity(jsonb, jsonb) is
  'The operation createOpportunity: records an opportunity that meets the bar, or returns the one with the same dedupe key. What falls below is refused (below_bar), or with belowBar idea kept as an idea. Refuses what is there already in other words (near_duplicate) or was decided against (rejected_before), and what is over the budget of its agent.';
