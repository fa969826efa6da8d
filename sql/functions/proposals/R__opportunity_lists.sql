-- The list of opportunities, by rank or by arrival.

-- Returns whether the statuses are only those of opportunities that are not decided for good.
create or replace function only_open(p_statuses text[]) returns boolean
language sql immutable as $$
  select p_statuses <@ '{new,triaged,accepted,parked}'::text[]
$$;

-- Returns the opportunities among which a list searches, newest first, at most proposal_looks: the open ones
-- when only these are asked for, otherwise all. Only one branch runs, so that the open ones are found beside
-- any number of others.
create or replace function opportunities_to_list(p_namespace text, p_statuses text[], p_before bigint)
returns setof opportunities
language sql stable as $$
  (
    select *
    from opportunities
    where only_open(p_statuses) and ended_at is null and namespace = p_namespace and seq < p_before
    order by seq desc
    limit proposal_looks())
  union all
  (
    select *
    from opportunities
    where not only_open(p_statuses) and namespace = p_namespace and seq < p_before
    order by seq desc
    limit proposal_looks())
$$;

-- Returns whether an opportunity fits the filter of a list.
create or replace function opportunity_fits(p_opportunity opportunities, p_statuses text[], p_input jsonb)
returns boolean
language sql immutable as $$
  select (p_opportunity).status = any (p_statuses)
    and (p_input ->> 'sourceAgent' is null or (p_opportunity).source_agent = p_input ->> 'sourceAgent')
    and (p_input ->> 'ownerCandidate' is null or (p_opportunity).owner_candidate = p_input ->> 'ownerCandidate')
    and (p_input ->> 'theme' is null or (p_opportunity).theme = lower(one_line(p_input ->> 'theme', null)))
$$;

-- Returns the opportunities that fit, by id with the parts of their rank and a place, the highest rank first
-- and of equal ranks the oldest first; at most p_limit of those that come after the last row of the page
-- before, which has p_after_rank and p_after_seq (null for the first page).
create or replace function opportunities_by_rank(
  p_namespace text, p_statuses text[], p_input jsonb, p_after_rank numeric, p_after_seq bigint,
  p_limit int
) returns table (opportunity_id uuid, parts jsonb, place bigint)
language sql stable as $$
  with found as materialized (
    select o.opportunity_id, o.seq, o.source_agent, o.impact, o.confidence, o.urgency, o.reversibility
    from opportunities_to_list(p_namespace, p_statuses, 9223372036854775807) o
    where opportunity_fits(o, p_statuses, p_input)
  ), authors as materialized (
    -- Once for each author, because the factor is counted from rows.
    select source_agent, author_factor(p_namespace, source_agent) as factor
    from (select distinct source_agent from found) a
  ), ranked as materialized (
    select opportunity_id, seq, parts, (parts ->> 'rank')::numeric as rank
    from found
    join authors using (source_agent),
    rank_parts(impact, confidence, urgency, reversibility, factor) parts
  )
  select opportunity_id, parts, row_number() over (order by rank desc, seq)
  from ranked
  where p_after_seq is null
    or rank < p_after_rank
    or rank = p_after_rank and seq > p_after_seq
  order by rank desc, seq
  limit p_limit
$$;

-- Returns the opportunities that fit, newest first, as opportunities_by_rank does; at most p_limit of those
-- below p_before.
create or replace function opportunities_by_arrival(
  p_namespace text, p_statuses text[], p_input jsonb, p_before bigint, p_limit int
) returns table (opportunity_id uuid, parts jsonb, place bigint)
language sql stable as $$
  select o.opportunity_id, opportunity_rank(o), -o.seq
  from opportunities_to_list(p_namespace, p_statuses, p_before) o
  where opportunity_fits(o, p_statuses, p_input)
  order by o.seq desc
  limit p_limit
$$;

create or replace function list_opportunities(p_principal jsonb, p_input jsonb) returns jsonb
language plpgsql stable as $$
declare
  v_namespace text := namespace_of(p_principal, p_input);
  v_by_rank boolean := p_input ->> 'order' is distinct from 'newest';
  v_statuses text[] := string_to_array(coalesce(p_input ->> 'status', 'new,triaged,accepted'), ',');
  v_limit int := coalesce((p_input ->> 'limit')::int, 50);
  v_before bigint := coalesce((p_input ->> 'before')::bigint, 9223372036854775807);
  v_most int := list_bytes(p_input);
  v_after opportunities;
  v_after_rank numeric;
  v_found record;
  v_row jsonb;
  v_rows jsonb[] := '{}';
  v_bytes int := 0;
  v_more boolean := false;
  v_looked record;
begin
  if v_by_rank and p_input ? 'before' then
    select * into v_after from opportunities where namespace = v_namespace and seq = v_before;
    if not found then
      perform refuse(422, 'invalid_field', format('there is no opportunity with seq %s any more', v_before),
        'before', p_input -> 'before', 'next of the page before; or no before, for the first page');
    end if;
    v_after_rank := (opportunity_rank(v_after) ->> 'rank')::numeric;
  end if;
  for v_found in
    select f.parts, f.opportunity_id
    from (
      select *
      from opportunities_by_rank(v_namespace, v_statuses, p_input, v_after_rank, v_after.seq, v_limit + 1)
      where v_by_rank
      union all
      select *
      from opportunities_by_arrival(v_namespace, v_statuses, p_input, v_before, v_limit + 1)
      where not v_by_rank) f
    order by f.place
  loop
    v_row := (
      select opportunity_row(o, list_text(), v_found.parts)
      from opportunities o
      where opportunity_id = v_found.opportunity_id);
    v_bytes := v_bytes + octet_length(v_row::text);
    v_more := cardinality(v_rows) = v_limit or v_bytes > v_most and cardinality(v_rows) > 0;
    exit when v_more;
    v_rows := v_rows || v_row;
  end loop;
  if v_more then
    return jsonb_build_object('opportunities', to_jsonb(v_rows), 'next', v_rows[cardinality(v_rows)] -> 'seq');
  end if;
  select count(*) as many, min(seq) as seq, min(created_at) as created_at into v_looked
  from opportunities_to_list(v_namespace, v_statuses,
    case when v_by_rank then 9223372036854775807 else v_before end);
  return jsonb_build_object('opportunities', to_jsonb(v_rows))
    || case when v_looked.many < proposal_looks() then '{}'
      else jsonb_build_object('searchedTo', v_looked.created_at)
        || case when v_by_rank then '{}' else jsonb_build_object('next', v_looked.seq) end end;
end
$$;
comment on function list_opportunities(jsonb, jsonb) is
  'The operation listOpportunities: opportunities by rank, the highest first, or by arrival, the newest first (order newest); at most limit (default 50) and at most answer_bytes. Without status the waiting ones. next of the answer is before of the following page. A call reads at most proposal_looks rows; when it stops there, searchedTo says how far it has looked.';
