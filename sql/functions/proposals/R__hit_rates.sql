-- How often the proposals of an agent were wanted (acceptance) and how often the work that came of them
-- succeeded (hits).
--
-- A proposal is decided when it is accepted or converted, rejected, or an idea that an agent or a person
-- has archived. An idea that the bus has archived and a merged proposal count on neither side, and a promoted
-- idea is counted by its opportunity.

-- Returns whether the job of a converted opportunity succeeded (true, a hit) or ended otherwise (false, a
-- miss); null while it goes on, when it is gone from history, and for p_job null. Strict, because Postgres
-- would plan both reads anew for each null, which costs half a millisecond.
create or replace function job_hit(p_job uuid) returns boolean
language plpgsql stable strict as $$
declare
  v_state text;
begin
  select state into v_state
  from jobs
  where job_id = p_job;
  if not found then
    select state into v_state
    from jobs_history
    where job_id = p_job;
  end if;
  return case outcome_of_state(v_state) when 'hit' then true when 'miss' then false end;
end
$$;

-- Returns the newest decided proposals of an author (an agent, or an operator by name), at most p_limit,
-- newest first. By the time of the proposal and not of the decision, so that the index finds them.
create or replace function decided_proposals(p_namespace text, p_author text, p_limit int)
returns table (kind text, id uuid, title text, accepted boolean, job_id uuid, made_at timestamptz)
language sql stable as $$
  select *
  from (
    (select 'opportunity', opportunity_id, title, status <> 'rejected', converted_job_id, created_at
    from opportunities
    where namespace = p_namespace
      and source_agent = p_author
      and status in ('accepted', 'converted_to_job', 'rejected')
    order by created_at desc
    limit p_limit)
    union all
    (select 'idea', idea_id, title, false, null, created_at
    from ideas
    where namespace = p_namespace
      and source_agent = p_author
      and status = 'archived'
      and reviewed_at = ended_at
    order by created_at desc
    limit p_limit)) both_kinds (kind, id, title, accepted, job_id, made_at)
  order by made_at desc, id
  limit p_limit
$$;

-- Returns the acceptance of an author: how many of its last poor_rate_over decided proposals were accepted,
-- how many were decided, and whether that is poor: below poor_rate_percent of the full number.
create or replace function acceptance_of(
  p_namespace text, p_author text, out o_accepted int, out o_decided int, out o_poor boolean
) language sql stable as $$
  select accepted, decided,
    decided >= poor_rate_over() and accepted * 100 < decided * poor_rate_percent()
  from (
    select count(*) filter (where accepted)::int as accepted, count(*)::int as decided
    from decided_proposals(p_namespace, p_author, poor_rate_over())) counted
$$;

-- Returns the factor of an author in the rank of its opportunities, from 0.7 (nothing was wanted) to 1.3
-- (everything was wanted, and succeeded); 1.0 until rated_from of its proposals are decided. The share of
-- hits counts as much as the share of accepted proposals, as soon as rated_from of the jobs have ended.
create or replace function author_factor(p_namespace text, p_author text) returns numeric
language sql stable as $$
  select case
    when decided < rated_from() then 1.0
    when ended < rated_from() then round(0.7 + 0.6 * accepted / decided, 2)
    else round(0.7 + 0.3 * accepted / decided + 0.3 * hits / ended, 2) end
  from (
    select count(*) as decided,
      count(*) filter (where accepted)::numeric as accepted,
      count(hit) as ended,
      count(*) filter (where hit)::numeric as hits
    from (
      select accepted, job_hit(job_id) as hit
      from decided_proposals(p_namespace, p_author, poor_rate_over())) newest) counted
$$;

drop function if exists rates_shown(text);
drop function if exists hit_rates(text);

-- Returns the rates of a namespace for each author and theme, and for each author over all themes (theme
-- null): proposals made, decided, accepted, rejected (with the decided ideas), hits and misses. A rate is
-- from 0 to 1, and null without a case.
-- Only proposals made since p_since count.
create or replace function hit_rates(p_namespace text, p_since timestamptz default '-infinity')
returns table (
  source_agent text, theme text, made int, decided int, accepted int, rejected int, hits int, misses int,
  acceptance_rate numeric, hit_rate numeric
) language sql stable as $$
  with proposals as (
    select o.source_agent, o.theme, o.status in ('accepted', 'converted_to_job') as accepted,
      o.status = 'rejected' as rejected, job_hit(o.converted_job_id) as hit
    from opportunities o
    where o.namespace = p_namespace and o.created_at >= p_since
    union all
    select i.source_agent, i.theme, false, i.status = 'archived' and i.reviewed_at = i.ended_at, null
    from ideas i
    where i.namespace = p_namespace and i.opportunity_id is null and i.created_at >= p_since
  ), counted as (
    select p.source_agent, p.theme, count(*)::int as made,
      count(*) filter (where p.accepted)::int as accepted,
      count(*) filter (where p.rejected)::int as rejected,
      count(*) filter (where p.hit)::int as hits,
      count(*) filter (where not p.hit)::int as misses
    from proposals p
    group by grouping sets ((p.source_agent, p.theme), (p.source_agent))
  )
  select c.source_agent, c.theme, c.made, c.accepted + c.rejected, c.accepted, c.rejected, c.hits, c.misses,
    round(c.accepted::numeric / nullif(c.accepted + c.rejected, 0), 2),
    round(c.hits::numeric / nullif(c.hits + c.misses, 0), 2)
  from counted c
  order by c.source_agent, c.theme nulls first
$$;

-- Returns the rates of a namespace as JSON, for each author (without theme) and for each author and theme, in
-- this order, of the proposals made since p_since. halfBudget is true for an agent whose acceptance is poor.
create or replace function rates_shown(p_namespace text, p_since timestamptz)
returns table (source_agent text, theme text, rates jsonb)
language sql stable as $$
  select r.source_agent, r.theme,
    jsonb_strip_nulls(camel_keys(to_jsonb(r)) || jsonb_build_object('halfBudget', case
      when r.theme is null and a.agent_id is not null
        then nullif((acceptance_of(p_namespace, r.source_agent)).o_poor, false) end))
  from hit_rates(p_namespace, p_since) r
  left join agents a on a.namespace = p_namespace and a.agent_id = r.source_agent
$$;

create or replace function list_proposal_rates(p_principal jsonb, p_input jsonb) returns jsonb
language plpgsql stable as $$
declare
  v_namespace text := namespace_of(p_principal, p_input);
  v_limit int := coalesce((p_input ->> 'limit')::int, 50);
  v_rates jsonb;
  v_all int;
begin
  select coalesce(jsonb_agg(rates order by place) filter (where place <= v_limit), '[]'), count(*)
  into v_rates, v_all
  from (
    select rates, row_number() over (order by source_agent, theme nulls first) as place
    from rates_shown(v_namespace, '-infinity')
    where (p_input ->> 'sourceAgent' is null or source_agent = p_input ->> 'sourceAgent')
      and (p_input ->> 'theme' is null or theme = lower(one_line(p_input ->> 'theme', null)))) placed;
  return jsonb_build_object('rates', v_rates)
    || case when v_all > v_limit then jsonb_build_object('leftOut', v_all - v_limit) else '{}' end;
end
$$;
comment on function list_proposal_rates(jsonb, jsonb) is
  'The operation listProposalRates: how many proposals of each author, and of each author and theme, were accepted and succeeded; at most limit rows (default 50). leftOut is how many more there are.';
