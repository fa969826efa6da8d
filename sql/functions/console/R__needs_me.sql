-- The operation needs-me: what waits for a person, the oldest first, with the calls that resolve it.
--
-- Each source is a function needs_<source>(namespace) that returns rows of id, kind, since and item. An id
-- stays the same while its cause lasts, so a page can keep its place. An item has its sentence, what happens
-- if nobody acts, and actions; every sentence comes from a row.

-- Returns one action of an item: the words on its button, the id of the operation, its input, and the fields
-- of the input that the person gives. p_danger marks an action that ends work.
create or replace function needs_action(
  p_label text, p_operation text, p_input jsonb, p_needs text[] default '{}', p_danger boolean default false
) returns jsonb language sql stable as $$
  select jsonb_build_object(
      'label', p_label,
      'operation', p_operation,
      'input', jsonb_strip_nulls(p_input),
      'needs', to_jsonb(p_needs))
    || case when p_danger then '{"danger": true}' else '{}'::jsonb end
$$;

-- Returns an item without its id, kind and since. p_sentence ends with a full stop, which goes when the words
-- of a person before it end with a mark of their own. p_more adds fields, of which nulls are left out; a null
-- action is left out too.
create or replace function needs_item(
  p_sentence text, p_if_nobody_acts text, p_more jsonb, variadic p_actions jsonb[] default '{}'
) returns jsonb language sql stable as $$
  select jsonb_build_object(
      'sentence', regexp_replace(p_sentence, '([?!…])\.$', '\1'),
      'ifNobodyActs', p_if_nobody_acts)
    || jsonb_strip_nulls(p_more)
    || jsonb_build_object('actions', to_jsonb(array_remove(p_actions, null)))
$$;

-- Returns a number of jobs in words. A number above p_cap stands for a count that stopped there.
create or replace function jobs_counted(p_count bigint, p_cap bigint) returns text
language sql stable as $$
  select case
    when p_count > p_cap then format('more than %s jobs', to_char(p_cap, 'FM999,999,999'))
    when p_count = 1 then '1 job'
    else to_char(p_count, 'FM999,999,999') || ' jobs' end
$$;

-- Returns the fields count and, if the count stopped at p_cap, countCapped.
create or replace function count_fields(p_count bigint, p_cap bigint) returns jsonb
language sql stable as $$
  select jsonb_build_object('count', least(p_count, p_cap))
    || case when p_count > p_cap then '{"countCapped": true}' else '{}'::jsonb end
$$;

-- Returns a text with one space in place of each run of white space.
create or replace function single_spaced(p_text text) returns text language sql immutable as $$
  select case
    -- Most texts are like that already, and looking costs a tenth of a regular expression.
    when strpos(p_text, '  ') = 0 and translate(p_text, E'\t\n\r\f\v', '') = p_text then p_text
    else regexp_replace(p_text, '\s+', ' ', 'g') end
$$;

-- Returns a text for the end of a sentence: one line, cut after list_text characters, without a full stop at
-- its end.
create or replace function in_sentence(p_text text) returns text language sql immutable as $$
  select rtrim(cut(single_spaced(trim(left(p_text, 2 * list_text()))), list_text()), '.')
$$;

-- Returns the rows of all sources of a namespace.
create or replace function needs_of(p_namespace text)
returns table (id text, kind text, since timestamptz, item jsonb) language plpgsql stable as $$
begin
  return query
    select * from needs_answers(p_namespace)
    union all
    select * from needs_urgent(p_namespace)
    union all
    select * from needs_anomalies(p_namespace)
    union all
    select * from needs_critical(p_namespace)
    union all
    select * from needs_memories(p_namespace)
    union all
    select * from needs_idle(p_namespace)
    union all
    select * from needs_blocked(p_namespace)
    union all
    select * from needs_ended_causes(p_namespace)
    union all
    select * from needs_dead(p_namespace)
    union all
    select * from needs_orders(p_namespace)
    union all
    select * from needs_lanes(p_namespace)
    union all
    select * from needs_gateways(p_namespace)
    union all
    select * from needs_pauses(p_namespace)
    union all
    select * from needs_bulk_actions(p_namespace)
    union all
    select * from needs_dispatcher(p_namespace)
    union all
    select * from needs_database(p_namespace)
    union all
    select * from needs_sweeps(p_namespace)
    union all
    select * from needs_phases(p_namespace)
    union all
    select * from needs_routes(p_namespace)
    union all
    select * from needs_vaults(p_namespace);
end
$$;

-- Returns whether there are more blocked jobs, or more jobs on which others are blocked, than the sources
-- look at.
create or replace function needs_are_cut(p_namespace text) returns boolean language sql stable as $$
  select exists (
      select from jobs
      where namespace = p_namespace
        and state = 'blocked'
        and blocked_until is null
        and blocked_on_job is null
      order by seq
      offset needs_searched()
      limit 1)
    or (select count(*) from blocking_jobs(p_namespace)) > causes_searched()
$$;

-- Returns how the bus does while nobody is needed: jobs at work (at most count_cap), jobs that succeeded
-- since p_since, and the next slot of a standing order.
create or replace function quiet_numbers(p_namespace text, p_since timestamptz) returns jsonb
language sql stable as $$
  select jsonb_build_object(
      'atWork', (
        select count(*)
        from (
          select from jobs
          where namespace = p_namespace and state in ('leased', 'running')
          limit count_cap()) j),
      'doneSince', p_since,
      'doneSinceMidnight', (
        select coalesce(sum(succeeded), 0) from ends_between(p_namespace, p_since, 'infinity')))
    || coalesce((
      select jsonb_build_object('nextOrderAt', scheduled_for, 'nextOrder', order_name)
      from standing_order_runs
      where namespace = p_namespace
        and status = 'expected'
        and scheduled_for > now()
      order by scheduled_for
      limit 1), '{}')
$$;

create or replace function needs_me(p_principal jsonb, p_input jsonb) returns jsonb
language plpgsql stable
-- Planned once for each connection; planning costs more than the reads.
set plan_cache_mode = force_generic_plan as $$
declare
  v_namespace text := namespace_of(p_principal, p_input);
  v_items jsonb;
  v_count bigint;
begin
  select
    coalesce(jsonb_agg(
      jsonb_build_object('id', n.id, 'kind', n.kind, 'since', n.since) || n.item
      order by n.place) filter (where n.place <= needs_shown()), '[]'),
    count(*)
  into v_items, v_count
  from (
    select *, row_number() over (order by since, id) as place
    from needs_of(v_namespace)
    order by since, id
    limit needs_shown() + 1) n;
  return jsonb_build_object(
    'count', least(v_count, needs_shown()),
    'items', v_items,
    'more', v_count > needs_shown() or needs_are_cut(v_namespace),
    'quiet', quiet_numbers(v_namespace,
      coalesce((p_input ->> 'midnight')::timestamptz, date_trunc('day', now(), 'UTC'))),
    'measuredAt', now());
end
$$;
comment on function needs_me(jsonb, jsonb) is
  'The operation needsMe: what waits for a person in the namespace, oldest first, at most needs_shown items. Each item has the actions that resolve it. quiet says how the bus does; its field doneSinceMidnight counts from the input''s midnight (default: the last one in UTC).';
