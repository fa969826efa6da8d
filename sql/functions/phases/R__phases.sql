-- Which phases are on, and the one check that refuses writes of a phase that is off or frozen.
--
-- A phase is a folder of routes; agentbus.phase turns on the folders up to it. The node of a namespace that
-- started last decides, as it does for the standing orders.

-- Returns the name of a phase, the last part of the name of its folder of routes.
create or replace function phase_name(p_phase int) returns text language sql immutable as $$
  select (array['spine', 'fleet', 'proactive', 'memory', 'idle'])[p_phase]
$$;

-- Returns the row of a phase: of the namespace, and for a namespace without nodes of its own that of
-- namespace default. All null as long as no node has noted its phase.
create or replace function phase_row(p_namespace text, p_phase int) returns phases
language plpgsql stable as $$
declare
  v_phase phases;
begin
  select * into v_phase
  from phases
  where namespace in (p_namespace, 'default')
    and phase = p_phase
  order by namespace = p_namespace desc
  limit 1;
  return v_phase;
end
$$;

-- Returns the highest phase that is on in a namespace; null as long as no node has noted its phase.
create or replace function highest_phase(p_namespace text) returns int language sql stable as $$
  select max(phase) from generate_series(1, 5) phase where (phase_row(p_namespace, phase)).is_on
$$;

-- Describes in words that a phase is off: since when, and by which node. Null when the phase is on, or when
-- no node has noted its phase.
create or replace function phase_off_text(p_namespace text, p_phase int) returns text
language plpgsql stable as $$
declare
  v_phase phases := phase_row(p_namespace, p_phase);
begin
  return case when not v_phase.is_on then
    format('phase %s (%s) is off since %s: node %s started with agentbus.phase=%s', p_phase,
      phase_name(p_phase), utc_text(v_phase.changed_at), v_phase.changed_by, v_phase.setting) end;
end
$$;

-- Refuses (409) a write of a phase that is frozen (frozen) or off (phase_off); p_phase null is no phase.
-- Every operation with x-phase passes here by namespace_of, and every start of a standing order. Reads go on.
create or replace function refuse_phase(p_namespace text, p_phase int, p_field text) returns void
language plpgsql stable as $$
declare
  v_off text := phase_off_text(p_namespace, p_phase);
begin
  perform refuse_frozen(freeze_of(p_namespace, 'phase', p_phase::text), p_field);
  if v_off is not null then
    perform refuse(409, 'phase_off', v_off, p_field, to_jsonb(p_phase),
      format('start a node with agentbus.phase=%s or more, and none with less; reads are answered as before',
        p_phase));
  end if;
end
$$;

-- Returns why the standing orders of a phase take no slots, in words: the phase is frozen or off. Null when
-- they do.
create or replace function phase_stop(p_namespace text, p_phase int) returns text
language plpgsql stable as $$
declare
  v_freeze pauses := freeze_of(p_namespace, 'phase', p_phase::text);
begin
  return case when v_freeze.pause_id is not null then stop_text(v_freeze)
    else phase_off_text(p_namespace, p_phase) end;
end
$$;

-- Keeps the phases as they are until the end of the transaction, so that a slot that starts is either seen by
-- a start that turns its phase off (note_phase), or sees that. Called before any row is locked.
create or replace function hold_phases() returns void language sql as $$
  select pg_advisory_xact_lock_shared(hashtextextended('agentbus.phases', 0))
$$;

-- Cancels the jobs of the standing orders of a phase that no agent has begun (queued or waiting), with
-- p_reason. Jobs at work, blocked jobs and the rows of all others stay. Returns how many.
create or replace function cancel_orders_jobs(p_namespace text, p_phase int, p_reason text) returns int
language sql as $$
  select cancel_in_states(array(
    select j.job_id
    from standing_order_runs r
    join standing_orders o on o.namespace = r.namespace and o.order_name = r.order_name
    join jobs j on j.job_id = r.job_id
    where r.namespace = p_namespace
      and r.status = 'started'
      and o.phase = p_phase
      and j.state in ('queued', 'waiting')
    order by j.job_id), '{queued,waiting}', p_reason)
$$;

-- Notes that a node (its host and process) starts in a namespace with p_setting as agentbus.phase. A phase
-- that was on and is above it goes off: its queued jobs of standing orders are cancelled, idle runs are asked
-- to close, and its data stay.
-- Returns a warning for the log when an earlier phase has no sign-off, and null otherwise.
create or replace function note_phase(p_namespace text, p_setting int, p_node text) returns text
language plpgsql as $$
declare
  v_phase int;
  v_unsigned int;
begin
  perform act_as(jsonb_build_object('kind', 'dispatcher', 'name', p_node),
    format('started with agentbus.phase=%s', p_setting));
  -- Two nodes that start at once with different settings take turns.
  perform pg_advisory_xact_lock(hashtextextended('agentbus.phases', 0));
  for v_phase in
    insert into phases as p (namespace, phase, is_on, changed_by, setting)
    select p_namespace, phase, phase <= p_setting, p_node, p_setting
    from generate_series(1, 5) phase
    on conflict (namespace, phase) do update
    set is_on = excluded.is_on,
      changed_at = now(),
      changed_by = excluded.changed_by,
      setting = excluded.setting,
      updated_at = now()
    where p.is_on <> excluded.is_on
    returning p.phase
  loop
    if v_phase > p_setting then
      if v_phase = 5 then
        perform ask_idle_to_stop(p_namespace, null, null, phase_off_text(p_namespace, v_phase));
      end if;
      perform cancel_orders_jobs(p_namespace, v_phase, phase_off_text(p_namespace, v_phase));
    end if;
  end loop;
  v_unsigned := unsigned_phase(p_namespace);
  return case when v_unsigned is not null then format(
    'Phase %s (%s) runs although phase %s has no sign-off: look with agentbus phase-gate %s, then '
      'agentbus sign-off-phase %s', p_setting, phase_name(p_setting), v_unsigned, v_unsigned, v_unsigned) end;
end
$$;
