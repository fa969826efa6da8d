-- Budgets of proposals and of memory candidates: how many each agent may make a day (UTC), and how many
-- opportunities may wait.
--
-- Nothing is booked: the rows of the day are counted under lock_proposals, those of memory candidates under
-- lock_memories, so no two writers can use the same last place. Operators have no budget.

-- Returns one number of the agent's proposalBudget, with the default of a key that it does not name: no
-- ideas, opportunities and memoryCandidates, but urgent_a_day and open_of_agent.
create or replace function written_budget(p_agent agents, p_key text) returns int
language sql stable as $$
  select coalesce(((p_agent).budgets ->> p_key)::int,
    case p_key when 'urgent' then urgent_a_day() when 'openOpportunities' then open_of_agent() else 0 end)
$$;

-- Returns the number of p_key that holds today: for an agent with poor acceptance half of the written one,
-- rounded down, but not less than 1.
create or replace function budget_in_force(p_agent agents, p_key text, p_poor boolean) returns int
language sql stable as $$
  select case when p_poor and written > 1 then written / 2 else written end
  from written_budget(p_agent, p_key) written
$$;

-- Returns the proposals that an agent has made on the day (UTC) of this transaction, oldest first. The
-- opportunity of a promoted idea counts for the agent that promoted it, and not for the author of the idea.
create or replace function proposals_of_day(p_namespace text, p_agent text)
returns table (kind text, id uuid, title text, urgency int, made_at timestamptz)
language sql stable as $$
  select 'idea', idea_id, title, null, created_at
  from ideas
  where namespace = p_namespace
    and source_agent = p_agent
    and created_at >= date_trunc('day', now(), 'UTC')
    and created_at < date_trunc('day', now(), 'UTC') + interval '1 day'
  union all
  select 'opportunity', opportunity_id, title, urgency, created_at
  from opportunities
  where namespace = p_namespace
    and source_agent = p_agent
    and idea_id is null
    and created_at >= date_trunc('day', now(), 'UTC')
    and created_at < date_trunc('day', now(), 'UTC') + interval '1 day'
  union all
  select 'opportunity', opportunity_id, title, urgency, created_at
  from opportunities
  where namespace = p_namespace
    and promoted_by = p_agent
    and created_at >= date_trunc('day', now(), 'UTC')
    and created_at < date_trunc('day', now(), 'UTC') + interval '1 day'
  union all
  select 'memory', candidate_id, title, null, created_at
  from memory_candidates
  where namespace = p_namespace
    and source_agent = p_agent
    and created_at >= date_trunc('day', now(), 'UTC')
    and created_at < date_trunc('day', now(), 'UTC') + interval '1 day'
  order by 5, 2
$$;

-- Returns the next start of a day (UTC), when the budgets are free again.
create or replace function budgets_free_at() returns timestamptz
language sql stable as $$
  select date_trunc('day', now(), 'UTC') + interval '1 day'
$$;

-- Returns why an agent has half its budget, in words that begin with because; null when it has the whole.
create or replace function half_budget_text(p_namespace text, p_agent text) returns text
language sql stable as $$
  select case when o_poor then
    format('because %s of its last %s decided proposals %s accepted; the whole comes back when %s of them are',
      case o_accepted when 0 then 'none' else 'only ' || o_accepted end, o_decided,
      case o_accepted when 1 then 'was' else 'were' end,
      ceil(o_decided * poor_rate_percent() / 100.0)) end
  from acceptance_of(p_namespace, p_agent)
$$;

-- Returns the budgets of an agent today: for ideas, opportunities and urgent the number (budget), the made
-- and the left ones, and so for memoryCandidates while phase 4 is on; for openOpportunities the number and
-- how many wait; freeAt, and with poor acceptance half, the reason in words.
create or replace function proposal_budget(p_namespace text, p_agent text) returns jsonb
language plpgsql stable as $$
declare
  v_agent agents := agent_named(p_namespace, p_agent, 'sourceAgent');
  v_half text := half_budget_text(p_namespace, p_agent);
  v_ideas int;
  v_opportunities int;
  v_urgent int;
  v_candidates int;
begin
  select count(*) filter (where kind = 'idea'), count(*) filter (where kind = 'opportunity'),
    count(*) filter (where urgency = 5), count(*) filter (where kind = 'memory')
  into v_ideas, v_opportunities, v_urgent, v_candidates
  from proposals_of_day(p_namespace, p_agent);
  return jsonb_strip_nulls(jsonb_build_object(
    'ideas', budget_json(budget_in_force(v_agent, 'ideas', v_half is not null), v_ideas),
    'opportunities', budget_json(
      budget_in_force(v_agent, 'opportunities', v_half is not null), v_opportunities),
    'urgent', budget_json(budget_in_force(v_agent, 'urgent', v_half is not null), v_urgent),
    'openOpportunities', budget_json(written_budget(v_agent, 'openOpportunities'), (
      select count(*)::int
      from waiting_opportunities(p_namespace)
      where coalesce(promoted_by, source_agent) = p_agent)),
    'memoryCandidates', case when phase_stop(p_namespace, 4) is null
      then budget_json(written_budget(v_agent, 'memoryCandidates'), v_candidates) end,
    'freeAt', utc_text(budgets_free_at()),
    'half', v_half));
end
$$;

-- Returns a budget and its use as JSON.
create or replace function budget_json(p_budget int, p_used int) returns jsonb
language sql stable as $$
  select jsonb_build_object('budget', p_budget, 'used', p_used, 'left', greatest(p_budget - p_used, 0))
$$;

-- Returns whether an opportunity waits for somebody: a new, triaged or accepted one. A parked one waits for
-- its date and takes no place.
create or replace function is_waiting(p_opportunity opportunities) returns boolean
language sql immutable as $$
  select (p_opportunity).status in ('new', 'triaged', 'accepted') and (p_opportunity).ended_at is null
$$;

-- Returns the opportunities of a namespace that wait for somebody.
create or replace function waiting_opportunities(p_namespace text) returns setof opportunities
language sql stable as $$
  select *
  from opportunities o
  where namespace = p_namespace
    and is_waiting(o)
$$;

-- Lists proposals for a refusal: each id with its label, the newest proposals_listed at most. The arrays are
-- in the order of the proposals.
create or replace function listed_proposals(p_ids uuid[], p_labels text[]) returns text
language sql stable as $$
  select string_agg(format('%s (%s)', id, left(label, 80)), ', ' order by place)
    || case when cardinality(p_ids) > proposals_listed()
      then format(' and %s earlier', cardinality(p_ids) - proposals_listed()) else '' end
  from unnest(p_ids, p_labels) with ordinality as p (id, label, place)
  where place > cardinality(p_ids) - proposals_listed()
$$;

-- Returns the name of the budget of a kind (idea, opportunity or memory), and the words for one and for
-- several of the kind.
create or replace function budget_of_kind(p_kind text, out key text, out one text, out many text)
language sql immutable as $$
  select k.key, k.one, k.many
  from (values
    ('idea', 'ideas', 'idea', 'ideas'),
    ('opportunity', 'opportunities', 'opportunity', 'opportunities'),
    ('memory', 'memoryCandidates', 'memory candidate', 'memory candidates')) k (kind, key, one, many)
  where k.kind = p_kind
$$;

-- Refuses (422, proposal_budget) an agent whose budget for the kind (budget_of_kind) is 0: it may not add
-- evidence to proposals of others either.
create or replace function require_budget(p_namespace text, p_agent text, p_kind text) returns void
language plpgsql stable as $$
begin
  perform refuse_over_budget(agent_named(p_namespace, p_agent, 'sourceAgent'), key, one, many, '{}', '{}',
    'sourceAgent', to_jsonb(p_agent), null)
  from budget_of_kind(p_kind);
end
$$;

-- Refuses (422, proposal_budget) a proposal of an agent that has used p_key of its budget today. p_one and
-- p_many name such proposals, p_ids and p_titles are those of today, p_instead says what would be right.
create or replace function refuse_over_budget(
  p_agent agents, p_key text, p_one text, p_many text, p_ids uuid[], p_titles text[], p_field text,
  p_value jsonb, p_instead text
) returns void language plpgsql stable as $$
declare
  v_written int := written_budget(p_agent, p_key);
  -- The rates are those of ideas and opportunities.
  v_half text := case when p_key <> 'memoryCandidates'
    then half_budget_text((p_agent).namespace, (p_agent).agent_id) end;
  v_budget int := budget_in_force(p_agent, p_key, v_half is not null);
begin
  if v_written = 0 then
    perform refuse(422, 'proposal_budget',
      format('agent %s may send no %s: %s in the proposalBudget of its agent.yaml is 0 or missing',
        (p_agent).agent_id, p_many, p_key),
      p_field, p_value, 'say it in the summary of the job; a person may raise the number');
  end if;
  if cardinality(p_ids) >= v_budget then
    perform refuse(422, 'proposal_budget',
      format('agent %s has sent %s today (UTC), and its budget is %s.%s It is free again at %s. Sent today: %s',
        (p_agent).agent_id, count_of(cardinality(p_ids), p_one, p_many), v_budget,
        case when v_budget < v_written then format(' That is half of %s, %s.', v_written, v_half) else '' end,
        utc_text(budgets_free_at()), listed_proposals(p_ids, p_titles)),
      p_field, p_value, p_instead);
  end if;
end
$$;

-- Refuses (422, open_limit) an opportunity when p_limit others wait. p_whose says of whom or of which
-- theme they are; p_labels stand beside their ids.
create or replace function refuse_many_open(
  p_limit int, p_whose text, p_ids uuid[], p_labels text[], p_field text, p_value jsonb
) returns void language plpgsql stable as $$
begin
  if cardinality(p_ids) >= p_limit then
    perform refuse(422, 'open_limit',
      format('%s has %s (new, triaged or accepted), and at most %s may wait at once: %s', p_whose,
        count_of(cardinality(p_ids), 'waiting opportunity', 'waiting opportunities'), p_limit,
        coalesce(listed_proposals(p_ids, p_labels), 'none')),
      p_field, p_value,
      'an idea of the same content, or the opportunity after one of these is converted, rejected, parked or merged');
  end if;
end
$$;

-- Refuses (422) an opportunity that is over a limit which holds for an agent with mayTriage too: the day's
-- urgent ones of the agent (proposal_budget), and the open ones of the theme (open_limit). Call it under
-- lock_proposals.
create or replace function charge_shared(p_agent agents, p_theme text, p_urgency int) returns void
language plpgsql as $$
declare
  v_ids uuid[];
  v_labels text[];
begin
  if p_urgency = 5 then
    select coalesce(array_agg(id order by made_at, id), '{}'), array_agg(title order by made_at, id)
    into v_ids, v_labels
    from proposals_of_day(p_agent.namespace, p_agent.agent_id)
    where urgency = 5;
    perform refuse_over_budget(p_agent, 'urgent', 'urgent opportunity', 'urgent opportunities', v_ids,
      v_labels, 'urgencyScore', to_jsonb(p_urgency), 'urgencyScore 4 or less');
  end if;
  -- The authors and not the titles, because the words of other agents are no part of a refusal.
  select coalesce(array_agg(opportunity_id order by created_at, seq), '{}'),
    array_agg('of ' || source_agent order by created_at, seq)
  into v_ids, v_labels
  from waiting_opportunities(p_agent.namespace)
  where theme = p_theme;
  perform refuse_many_open(open_of_theme(), 'the theme ' || p_theme, v_ids, v_labels, 'theme',
    to_jsonb(p_theme));
end
$$;

-- Refuses (422) an urgent opportunity with little confidence, whoever proposes it: people are told of it.
create or replace function refuse_unsure_urgent(p_urgency int, p_confidence int) returns void
language plpgsql stable as $$
begin
  if p_urgency = 5 and p_confidence <= unsure_confidence() then
    perform refuse(422, 'invalid_field',
      format('an opportunity with confidence %s cannot be urgent: people are told of an urgent one at once', p_confidence),
      'urgencyScore', to_jsonb(p_urgency),
      format('urgencyScore 4 or less, or evidence that lifts confidenceScore above %s', unsure_confidence()));
  end if;
end
$$;

-- Refuses a proposal of an agent that is over one of its budgets, in the transaction that creates it. p_kind
-- is idea, opportunity or memory; theme, urgency and confidence count for an opportunity only. Call it under
-- lock_proposals, and for memory under lock_memories. Refusals (422): invalid_field for an urgent one with
-- little confidence; proposal_budget for the day's ideas, opportunities, urgent ones and memory candidates;
-- open_limit for waiting opportunities of the agent and of the theme.
create or replace function charge_proposal(
  p_namespace text, p_agent text, p_kind text, p_theme text, p_urgency int, p_confidence int
) returns void language plpgsql as $$
declare
  v_agent agents := agent_named(p_namespace, p_agent, 'sourceAgent');
  v_ids uuid[];
  v_labels text[];
begin
  perform refuse_unsure_urgent(p_urgency, p_confidence);
  select coalesce(array_agg(id order by made_at, id), '{}'), array_agg(title order by made_at, id)
  into v_ids, v_labels
  from proposals_of_day(p_namespace, p_agent)
  where kind = p_kind;
  if p_kind <> 'opportunity' then
    perform refuse_over_budget(v_agent, key, one, many, v_ids, v_labels, 'sourceAgent', to_jsonb(p_agent),
      format('one line in the summary of the job, or the %s after that time', one))
    from budget_of_kind(p_kind);
    return;
  end if;
  perform refuse_over_budget(v_agent, 'opportunities', 'opportunity', 'opportunities', v_ids, v_labels,
    'sourceAgent', to_jsonb(p_agent), 'an idea of the same content, or the opportunity after that time');
  select coalesce(array_agg(opportunity_id order by created_at, seq), '{}'),
    array_agg(title order by created_at, seq)
  into v_ids, v_labels
  from waiting_opportunities(p_namespace)
  where coalesce(promoted_by, source_agent) = p_agent;
  perform refuse_many_open(written_budget(v_agent, 'openOpportunities'), 'agent ' || p_agent, v_ids, v_labels,
    'sourceAgent', to_jsonb(p_agent));
  perform charge_shared(v_agent, p_theme, p_urgency);
end
$$;
