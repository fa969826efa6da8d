-- What happens to proposals on its own: ideas that nobody touches are archived, parked opportunities come
-- back at their date, and the triage of opportunities begins early when it should not wait for its slot.
--
-- Every node sweeps, at a steady pace and after each new proposal. A row that another call has locked is
-- left to the next sweep, and a namespace whose phase is off or frozen is left as it is.

-- Returns the namespaces whose proposals the bus may move now.
create or replace function namespaces_with_proposals() returns setof text
language sql stable as $$
  select namespace from namespaces where phase_stop(namespace, 3) is null
$$;

-- Archives ideas that nobody has touched for idea_idle, at most p_limit of each namespace. Returns how many.
create or replace function archive_idle_ideas(p_limit int) returns int
language plpgsql as $$
declare
  v_archived int;
begin
  perform act_as('{"kind": "dispatcher", "name": "proposals"}',
    format('nobody touched it for %s days', extract(day from idea_idle())));
  update ideas
  set status = 'archived',
    ended_at = now(),
    notes = concat_ws(E'\n', notes,
      format('Archived by the bus: nobody touched it since %s.', utc_text(touched_at))),
    updated_at = now()
  where idea_id in (
    select i.idea_id
    from namespaces_with_proposals() n
    cross join lateral (
      select idea_id
      from ideas
      where namespace = n and ended_at is null and touched_at < now() - idea_idle()
      order by touched_at
      limit p_limit
      for no key update skip locked) i);
  get diagnostics v_archived = row_count;
  return v_archived;
end
$$;

-- Sets parked opportunities whose date has come to triaged, at most p_limit of each namespace, each with a
-- review and the event opportunity.unparked. Returns how many. One that cannot be set does not stop the
-- others.
create or replace function unpark_due_opportunities(p_limit int) returns int
language plpgsql as $$
declare
  v_opportunity opportunities;
  v_unparked int := 0;
begin
  perform act_as('{"kind": "dispatcher", "name": "proposals"}', 'its date has come');
  for v_opportunity in
    select o.*
    from namespaces_with_proposals() n
    cross join lateral (
      select *
      from opportunities
      where namespace = n and status = 'parked' and ended_at is null and parked_until <= now()
        and sweep_may_try('opportunity', opportunity_id)
      order by parked_until
      limit p_limit
      for no key update skip locked) o
  loop
    exit when sweep_time_is_up();
    begin
      v_opportunity.parked_until := null;
      v_opportunity := decide_opportunity(v_opportunity, current_actor(), 'unparked',
        'its date has come; it ' || parked_text(v_opportunity.opportunity_id));
      perform tell_decision('{}', 'opportunity.unparked', v_opportunity, '{}');
      perform forget_sweep_failure('opportunity', v_opportunity.opportunity_id);
      v_unparked := v_unparked + 1;
    exception when others then
      perform note_sweep_failure('opportunity', v_opportunity.opportunity_id, v_opportunity.namespace, sqlerrm);
    end;
  end loop;
  return v_unparked;
end
$$;

-- Returns who parked an opportunity, when and why, in words.
create or replace function parked_text(p_opportunity_id uuid) returns text
language sql stable as $$
  select format('was parked by %s at %s: %s', reviewer, utc_text(created_at), cut(notes, list_text()))
  from last_review(p_opportunity_id)
$$;

-- Returns why the triage of a namespace should begin before its next slot, in words: an opportunity of
-- early_triage_urgency or more, or early_triage_after proposals that nobody has looked at, all newer than the
-- last triage. Null when it can wait. touched_at is never before created_at, and the indexes have it.
create or replace function early_triage_reason(p_namespace text, p_since timestamptz) returns text
language sql stable as $$
  select case
    when urgent > 0 then format('%s new with urgency %s or more', urgent, early_triage_urgency())
    when waiting >= early_triage_after() then format('%s new proposals', waiting) end
  from (
    select count(*) filter (where urgency >= early_triage_urgency()) as urgent, count(*) as waiting
    from (
      select urgency
      from opportunities
      where namespace = p_namespace and status = 'new' and ended_at is null
        and touched_at > p_since and created_at > p_since
      union all
      select null
      from ideas
      where namespace = p_namespace and status = 'new' and ended_at is null
        and touched_at > p_since and created_at > p_since) n) counted
$$;

-- Starts the order that triages opportunities when there is a reason (early_triage_reason), unless it may not
-- start early (order_free_early). Returns the slot's id; null when nothing was started.
create or replace function triage_early(p_namespace text) returns uuid
language plpgsql as $$
declare
  v_order standing_orders := order_free_early(p_namespace, triage_order(), early_triage_rest());
begin
  return case when v_order.order_name is not null then
    start_early(v_order, 'proposals', early_triage_reason(p_namespace, coalesce(last_start(v_order), '-infinity')))
  end;
end
$$;

-- The statement of the route sweep-proposals: archives idle ideas, brings parked opportunities back and
-- starts a triage early. Returns archived, unparked and triages, the numbers of each.
create or replace function sweep_proposals() returns jsonb
language plpgsql as $$
declare
  v_archived int;
  v_unparked int;
begin
  perform hold_phases();
  v_archived := archive_idle_ideas(sweep_batch());
  v_unparked := unpark_due_opportunities(sweep_batch());
  return jsonb_build_object('archived', v_archived, 'unparked', v_unparked, 'triages', (
    select count(triage_early(n)) from namespaces_with_proposals() n));
end
$$;
