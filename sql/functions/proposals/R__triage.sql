-- Decisions on opportunities: who may decide what, and the operation triageOpportunity. Each decision is a
-- row of opportunity_reviews with its reason.
--
--   new ---------> triaged, accepted, rejected, parked, merged, converted_to_job
--   triaged -----> triaged, accepted, rejected, parked, merged, converted_to_job
--   accepted ----> rejected, parked, merged, converted_to_job
--   parked ------> triaged, rejected, parked, merged
--
-- rejected, merged and converted_to_job are final. At its date the bus sets a parked opportunity to triaged
-- (R__proposal_sweep.sql).

-- Refuses (403) an agent without the right p_right, triage or convert, or whose agent.yaml is gone. p_what
-- says in words what was asked for; field and value are those of the refusal. Operators have both rights.
create or replace function require_right_to_decide(
  p_principal jsonb, p_namespace text, p_right text, p_what text, p_field text, p_value jsonb
) returns void language plpgsql stable as $$
declare
  v_agent agents := speaker(p_principal, p_namespace);
  v_may boolean := case p_right when 'triage' then v_agent.may_triage else v_agent.may_convert end;
begin
  if not is_agent(p_principal) or v_may and v_agent.enabled then
    return;
  end if;
  perform refuse(403, 'forbidden', format('agent %s may not %s%s', p_principal ->> 'name', p_what,
      case when not v_agent.enabled then ': it is disabled' else '' end),
    p_field, p_value, 'an operator' || coalesce(' or one of: ' || (
      select string_agg(agent_id, ', ' order by agent_id)
      from agents
      where namespace = p_namespace
        and enabled
        and case p_right when 'triage' then may_triage else may_convert end), '')
      || format(' (%s in agent.yaml)', case p_right when 'triage' then 'mayTriage' else 'mayConvert' end));
end
$$;

-- Refuses (403) an agent without the right to convert, and one that would decide about its own opportunity:
-- one that it has proposed, or has promoted from an idea. p_what says in words what was asked for; field and
-- value are those of the refusal. Call it for a locked opportunity.
create or replace function require_right_to_judge(
  p_principal jsonb, p_opportunity opportunities, p_what text, p_field text, p_value jsonb
) returns void language plpgsql stable as $$
begin
  perform require_right_to_decide(p_principal, p_opportunity.namespace, 'convert', p_what, p_field, p_value);
  if is_agent(p_principal)
    and p_principal ->> 'name' in (p_opportunity.source_agent, p_opportunity.promoted_by) then
    perform refuse(403, 'forbidden',
      format('agent %s has %s opportunity %s itself and may not %s', p_principal ->> 'name',
        case p_principal ->> 'name' when p_opportunity.promoted_by then 'promoted' else 'proposed' end,
        p_opportunity.opportunity_id, p_what),
      p_field, p_value, 'an operator, or another agent with mayConvert in agent.yaml');
  end if;
end
$$;

-- Returns who decides, as a review shows it: the actor, and the name that an operator gives in p_field of the
-- input. Refuses (403) the name of another agent.
create or replace function decider_of(p_principal jsonb, p_input jsonb, p_field text) returns text
language plpgsql stable as $$
declare
  v_name text := nullif(one_line(p_input ->> p_field, null), '');
begin
  if is_agent(p_principal) and v_name <> p_principal ->> 'name' then
    perform refuse(403, 'forbidden',
      format('this token speaks for agent %s, not for %s', p_principal ->> 'name', v_name),
      p_field, p_input -> p_field, p_principal ->> 'name');
  end if;
  return current_actor() || case when v_name <> p_principal ->> 'name' then format(' (%s)', v_name) else '' end;
end
$$;

-- Returns an opportunity of the namespace, locked. Refuses an unknown one (404) and names p_field.
create or replace function locked_opportunity(
  p_namespace text, p_opportunity_id uuid, p_field text default 'opportunityId'
) returns opportunities language plpgsql as $$
declare
  v_opportunity opportunities;
begin
  select * into v_opportunity
  from opportunities
  where opportunity_id = p_opportunity_id and namespace = p_namespace
  for no key update;
  if not found then
    perform refuse_unknown_opportunity(p_namespace, p_opportunity_id, p_field);
  end if;
  return v_opportunity;
end
$$;

-- Returns the newest review of an opportunity; all null when there is none.
create or replace function last_review(p_opportunity_id uuid) returns opportunity_reviews
language sql stable as $$
  select *
  from opportunity_reviews
  where opportunity_id = p_opportunity_id
  order by seq desc
  limit 1
$$;

-- Returns who decided what about an opportunity, and when, in words that continue its id.
create or replace function decided_text(p_opportunity opportunities) returns text
language plpgsql stable as $$
declare
  v_review opportunity_reviews := last_review(p_opportunity.opportunity_id);
begin
  if v_review.review_id is null then
    return 'is ' || p_opportunity.status;
  end if;
  return case p_opportunity.status
      when 'parked' then format('is parked until %s; it was parked', utc_text(p_opportunity.parked_until))
      when 'merged' then 'was merged into ' || p_opportunity.merged_into
      when 'converted_to_job' then 'was converted to job ' || p_opportunity.converted_job_id
      else 'was ' || v_review.decision end
    || format(' by %s at %s: %s', v_review.reviewer, utc_text(v_review.created_at),
      cut(v_review.notes, list_text()));
end
$$;

-- Refuses (409, wrong_state) an opportunity that is in none of the statuses p_from, and says who decided what
-- and when.
create or replace function require_status(p_opportunity opportunities, p_from text[], p_expected text)
returns void
language plpgsql stable as $$
begin
  if p_opportunity.status <> all (p_from) then
    perform refuse(409, 'wrong_state',
      format('opportunity %s %s', p_opportunity.opportunity_id, decided_text(p_opportunity)),
      'opportunityId', to_jsonb(p_opportunity.opportunity_id), p_expected);
  end if;
end
$$;

-- Writes a review and the status that it gives to a locked opportunity, with the columns of p_opportunity
-- that belong to the status. Returns the opportunity.
create or replace function decide_opportunity(
  p_opportunity opportunities, p_reviewer text, p_decision text, p_notes text
) returns opportunities language plpgsql as $$
begin
  insert into opportunity_reviews (namespace, opportunity_id, reviewer, decision, notes, until)
  values (
    p_opportunity.namespace, p_opportunity.opportunity_id, p_reviewer, p_decision, p_notes,
    p_opportunity.parked_until);
  update opportunities
  set status = case p_decision when 'unparked' then 'triaged' else p_decision end,
    parked_until = p_opportunity.parked_until,
    merged_into = p_opportunity.merged_into,
    converted_job_id = p_opportunity.converted_job_id,
    converted_by = p_opportunity.converted_by,
    converted_at = case when p_decision = 'converted_to_job' then now() end,
    decided_by = current_actor(),
    decided_at = now(),
    touched_at = now(),
    ended_at = case when p_decision in ('rejected', 'converted_to_job', 'merged') then now() end,
    updated_at = now()
  where opportunity_id = p_opportunity.opportunity_id
  returning * into p_opportunity;
  return p_opportunity;
end
$$;

-- Emits an event about a decision on an opportunity. p_more adds fields to its payload.
create or replace function tell_decision(
  p_principal jsonb, p_topic text, p_opportunity opportunities, p_more jsonb
) returns void language plpgsql as $$
begin
  perform append_event(p_opportunity.namespace, p_topic,
    case when is_agent(p_principal) then p_principal ->> 'name' end, (p_principal ->> 'jobId')::uuid,
    jsonb_strip_nulls(jsonb_build_object(
      'opportunityId', p_opportunity.opportunity_id,
      'theme', p_opportunity.theme,
      'title', p_opportunity.title,
      'sourceAgent', p_opportunity.source_agent,
      'by', current_actor()) || p_more));
end
$$;

-- Returns the date of a decision to park; null for another decision. Refuses (422) a date that is missing,
-- not after now, or later than parked_at_most, and a date with another decision.
create or replace function parking_date(p_input jsonb) returns timestamptz
language plpgsql stable as $$
declare
  v_until timestamptz := (p_input ->> 'until')::timestamptz;
begin
  if p_input ->> 'decision' <> 'parked' then
    if v_until is not null then
      perform refuse(422, 'invalid_field', format('until belongs to the decision parked, not to %s', p_input ->> 'decision'),
        'until', p_input -> 'until', 'no until, or the decision parked');
    end if;
    return null;
  end if;
  if v_until is null or v_until <= now() or v_until > now() + parked_at_most() then
    perform refuse(422, 'invalid_field',
      case when v_until is null then 'an opportunity is parked until a date'
        else format('%s is %s', utc_text(v_until),
          case when v_until <= now() then 'not in the future' else 'more than a year ahead' end) end,
      'until', p_input -> 'until',
      format('a time after %s and not after %s; reject what nobody will want by then', utc_text(now()),
        utc_text(now() + parked_at_most())));
  end if;
  return v_until;
end
$$;

create or replace function triage_opportunity(p_principal jsonb, p_input jsonb) returns jsonb
language plpgsql as $$
declare
  v_namespace text := namespace_of(p_principal, p_input);
  v_decision text := p_input ->> 'decision';
  v_notes text := clean_proposal(p_input) ->> 'notes';
  v_until timestamptz := parking_date(p_input);
  v_reviewer text;
  v_opportunity opportunities;
  v_last opportunity_reviews;
begin
  perform act_as(p_principal, v_notes);
  perform require_right_to_decide(p_principal, v_namespace,
    case when v_decision in ('triaged', 'parked') then 'triage' else 'convert' end,
    format('set an opportunity to %s', v_decision), 'decision', p_input -> 'decision');
  v_reviewer := decider_of(p_principal, p_input, 'reviewer');
  v_opportunity := locked_opportunity(v_namespace, (p_input ->> 'opportunityId')::uuid);
  if v_decision in ('accepted', 'rejected')
    or v_decision = 'parked' and v_opportunity.status = 'accepted' then
    perform require_right_to_judge(p_principal, v_opportunity,
      format('set an %sopportunity to %s', case v_opportunity.status when 'accepted' then 'accepted ' else '' end,
        v_decision),
      'decision', p_input -> 'decision');
  end if;
  v_last := last_review(v_opportunity.opportunity_id);
  if v_opportunity.status = v_decision and v_last.decision = v_decision and v_last.notes = v_notes
    and v_last.until is not distinct from v_until then
    -- A repeated call, after a lost answer; or another caller has decided the same in the same words.
    return opportunity_json(v_opportunity)
      || jsonb_build_object('reviews', reviews_of(v_opportunity.opportunity_id), 'changed', false);
  end if;
  perform require_status(v_opportunity,
    case v_decision
      when 'triaged' then '{new,triaged,parked}'
      when 'accepted' then '{new,triaged}'
      else '{new,triaged,accepted,parked}' end::text[],
    case v_decision
      when 'triaged' then 'an opportunity that is new, triaged or parked'
      when 'accepted' then 'an opportunity that is new or triaged; triage a parked one first'
      else 'an opportunity that is not rejected, merged or converted' end);
  v_opportunity.parked_until := v_until;
  v_opportunity := decide_opportunity(v_opportunity, v_reviewer, v_decision, v_notes);
  if v_decision <> 'triaged' then
    perform tell_decision(p_principal, 'opportunity.decided', v_opportunity, jsonb_build_object(
      'decision', v_decision, 'notes', cut(v_notes, list_text()), 'until', v_until));
  end if;
  return opportunity_json(v_opportunity)
    || jsonb_build_object('reviews', reviews_of(v_opportunity.opportunity_id), 'changed', true);
end
$$;
comment on function triage_opportunity(jsonb, jsonb) is
  'The operation triageOpportunity: sets an opportunity to triaged, accepted, rejected, or parked until a date, and keeps decision, reviewer and notes as a review. A repeated call with the same notes changes nothing (changed false). Parking an accepted one needs mayConvert, as accepting and rejecting do. Refuses (403) an agent without the right, or one that would accept or reject its own opportunity, and (409) an opportunity whose status does not allow the decision, with the words of the earlier one.';
