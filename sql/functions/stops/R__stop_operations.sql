-- The operations pause, drain, resume and list-pauses. A pause is a row of pauses; for an agent the columns
-- of agents change with it, because claims read those (kernel/R__agents.sql).
--
-- Locks: the claim lock first, then the row of pauses, then the rows of agents, gateways and jobs.

-- Refuses a kind with a wrong name: a name for everything, no name for another kind, and an agent, job type
-- or gateway that the namespace does not have.
create or replace function require_pausable(p_namespace text, p_kind text, p_name text) returns void
language plpgsql stable as $$
begin
  if p_kind = 'everything' then
    if p_name is not null then
      perform refuse(422, 'invalid_field', format('everything has no name, and the name is %s', p_name),
        'name', to_jsonb(p_name), 'no name, or another kind');
    end if;
    return;
  end if;
  if p_name is null then
    perform refuse(400, 'missing_field', format('the call does not say which %s', replace(p_kind, '_', ' ')),
      'name', null, format('the name of the %s', replace(p_kind, '_', ' ')));
  end if;
  if p_kind = 'agent' then
    perform agent_named(p_namespace, p_name, 'name');
  elsif p_kind = 'gateway' then
    perform require_gateway(p_namespace, p_name);
  elsif p_kind = 'job_type' and (job_type_settings(p_namespace, p_name)).job_type is null then
    perform refuse(422, 'invalid_field', format('there is no job type %s in namespace %s', p_name, p_namespace),
      'name', to_jsonb(p_name),
      'one of: ' || (
        select string_agg(job_type, ', ' order by job_type) from job_types where namespace = p_namespace));
  end if;
end
$$;

-- Returns the pause of a kind and name that has not ended, locked; p_freeze asks for a freeze. All null when
-- there is none. A pause whose time is over is ended first, as the sweep would.
create or replace function locked_pause(p_namespace text, p_kind text, p_name text, p_freeze boolean)
returns pauses language plpgsql as $$
declare
  v_pause pauses;
begin
  select * into v_pause
  from pauses
  where namespace = p_namespace
    and kind = p_kind
    and coalesce(name, '') = coalesce(p_name, '')
    and (mode = 'freeze') = p_freeze
    and ended_at is null
  for no key update;
  if found and not pause_in_force(v_pause) then
    perform end_pause(v_pause, pause_over_text(v_pause));
    return null;
  end if;
  return v_pause;
end
$$;

-- Returns the reason of the end of a pause whose time is over.
create or replace function pause_over_text(p_pause pauses) returns text
language sql stable as $$
  select format('its time was over at %s', utc_text((p_pause).until))
$$;

-- Returns the newest pause of a kind and name that has ended; all null when there is none.
create or replace function last_pause(p_namespace text, p_kind text, p_name text, p_freeze boolean)
returns pauses language sql stable as $$
  select *
  from pauses
  where namespace = p_namespace
    and kind = p_kind
    and coalesce(name, '') = coalesce(p_name, '')
    and (mode = 'freeze') = p_freeze
    and ended_at is not null
  order by ended_at desc
  limit 1
$$;

-- Writes a pause, or a new mode, reason and end to the one in force, and returns it.
create or replace function write_pause(
  p_namespace text, p_kind text, p_name text, p_mode text, p_reason text, p_until timestamptz
) returns pauses language sql as $$
  insert into pauses as p (namespace, kind, name, mode, reason, paused_by, until)
  values (p_namespace, p_kind, p_name, p_mode, p_reason, current_actor(), p_until)
  on conflict (namespace, kind, coalesce(name, ''), (mode = 'freeze')) where ended_at is null do update
  set mode = excluded.mode,
    reason = excluded.reason,
    paused_by = excluded.paused_by,
    since = now(),
    until = excluded.until,
    drained_at = null,
    updated_at = now()
  returning *
$$;

-- Ends a locked pause with a reason, opens the lane of an agent that a person has paused, and notifies the
-- dispatchers. Returns the pause.
create or replace function end_pause(p_pause pauses, p_reason text) returns pauses
language plpgsql as $$
begin
  update pauses
  set ended_at = now(), ended_by = current_actor(), end_reason = p_reason, updated_at = now()
  where pause_id = p_pause.pause_id
  returning * into p_pause;
  if p_pause.kind = 'agent' and p_pause.mode <> 'freeze'
    and lane_is_paused_by_a_person(p_pause.namespace, p_pause.name) then
    perform open_paused_lane(p_pause.namespace, p_pause.name);
  end if;
  perform pg_notify('jobs_ready', '');
  return p_pause;
end
$$;

-- Pauses what the input names, with the mode pause or drain, and returns the pause with changed, which is
-- false for a repeated call. A later call with another reason, end or mode replaces these; the pause of
-- another caller only with replace, because that person counts on it. Refuses an end in the past (422),
-- everything that is stopped, and the pause of another caller (409).
-- Takes the lock of the claims, so that no claim after the answer takes a job that is paused. Running jobs go
-- on, except idle runs, which are asked to close.
create or replace function begin_pause(p_principal jsonb, p_input jsonb, p_mode text) returns jsonb
language plpgsql as $$
declare
  v_namespace text := namespace_of(p_principal, p_input);
  v_kind text := p_input ->> 'kind';
  v_name text := p_input ->> 'name';
  v_reason text := p_input ->> 'reason';
  v_until timestamptz := (p_input ->> 'until')::timestamptz;
  v_pause pauses;
begin
  perform require_pausable(v_namespace, v_kind, v_name);
  if v_until <= now() then
    perform refuse(422, 'invalid_field', format('until is %s, which has passed', utc_text(v_until)),
      'until', to_jsonb(v_until), 'a time that is still to come, or none');
  end if;
  perform act_as(p_principal, v_reason);
  perform lock_claims();
  v_pause := locked_pause(v_namespace, v_kind, v_name, false);
  if v_pause.mode = 'stop' then
    perform refuse(409, 'wrong_state', stop_text(v_pause), 'kind', to_jsonb(v_kind),
      'resume of everything first, which ends the stop');
  end if;
  if (v_pause.mode, v_pause.reason, v_pause.until) is not distinct from (p_mode, v_reason, v_until)
    and (v_kind <> 'agent' or lane_is_paused_by_a_person(v_namespace, v_name)) then
    return pause_json(v_pause) || '{"changed": false}';
  end if;
  if v_pause.paused_by <> current_actor() and not coalesce((p_input ->> 'replace')::boolean, false) then
    perform refuse(409, 'wrong_state', stop_text(v_pause), 'replace', coalesce(p_input -> 'replace', 'false'),
      'pause or drain with replace true, to put this pause in the place of that one; or resume first');
  end if;
  v_pause := write_pause(v_namespace, v_kind, v_name, p_mode, v_reason, v_until);
  if v_kind = 'agent' then
    perform pause_lane(v_namespace, v_name, p_principal ->> 'name', v_reason, v_until);
  end if;
  if v_kind <> 'job_type' or is_idle(v_name) then
    perform ask_idle_to_stop(v_namespace, case v_kind when 'agent' then v_name end,
      case v_kind when 'gateway' then v_name end, stop_text(v_pause));
  end if;
  return pause_json(note_drained(v_pause)) || '{"changed": true}';
end
$$;

-- Marks a locked drain as drained when nothing that it concerns runs any more, and emits pause.drained, once
-- for each drain. Returns the pause.
create or replace function note_drained(p_pause pauses) returns pauses
language plpgsql as $$
begin
  if p_pause.mode <> 'drain'
    or p_pause.drained_at is not null
    or paused_running(p_pause.namespace, p_pause.kind, p_pause.name) > 0 then
    return p_pause;
  end if;
  update pauses
  set drained_at = now(), updated_at = now()
  where pause_id = p_pause.pause_id
  returning * into p_pause;
  perform append_event(p_pause.namespace, 'pause.drained',
    case p_pause.kind when 'agent' then p_pause.name end, null,
    jsonb_strip_nulls(jsonb_build_object('pauseId', p_pause.pause_id, 'kind', p_pause.kind,
      'name', p_pause.name, 'by', p_pause.paused_by, 'since', p_pause.since, 'reason', p_pause.reason)));
  return p_pause;
end
$$;

create or replace function pause(p_principal jsonb, p_input jsonb) returns jsonb
language sql as $$
  select begin_pause(p_principal, p_input, 'pause')
$$;
comment on function pause(jsonb, jsonb) is
  'The operation pause: nothing new of an agent, a job type, a gateway or everything is claimed, with a reason and optionally until. Running jobs go on, and idle runs are asked to close. Takes kind, name, until and reason; returns the pause with changed.';

create or replace function drain(p_principal jsonb, p_input jsonb) returns jsonb
language sql as $$
  select begin_pause(p_principal, p_input, 'drain')
$$;
comment on function drain(jsonb, jsonb) is
  'The operation drain: pauses as the operation pause does, and reports the end of the last run as the event pause.drained. Takes kind, name, until and reason; returns the pause with running and changed.';

create or replace function resume(p_principal jsonb, p_input jsonb) returns jsonb
language plpgsql as $$
declare
  v_namespace text := namespace_of(p_principal, p_input);
  v_kind text := p_input ->> 'kind';
  v_name text := p_input ->> 'name';
  v_reason text := p_input ->> 'reason';
  v_pause pauses;
  v_opened boolean := false;
begin
  perform require_pausable(v_namespace, v_kind, v_name);
  perform act_as(p_principal, v_reason);
  v_pause := locked_pause(v_namespace, v_kind, v_name, false);
  if v_pause.pause_id is not null then
    v_pause := end_pause(v_pause, v_reason);
    v_opened := true;
  end if;
  if v_kind = 'agent' then
    v_opened := open_paused_lane(v_namespace, v_name) or v_opened;
  elsif v_kind = 'gateway' then
    v_opened := open_gateway(v_namespace, v_name) is not null or v_opened;
  end if;
  if v_pause.pause_id is null then
    v_pause := last_pause(v_namespace, v_kind, v_name, false);
  end if;
  return case
      when v_pause.pause_id is not null then pause_json(v_pause)
      else jsonb_strip_nulls(jsonb_build_object(
        'namespace', v_namespace, 'kind', v_kind, 'name', v_name, 'status', 'ended')) end
    || jsonb_build_object('changed', v_opened);
end
$$;
comment on function resume(jsonb, jsonb) is
  'The operation resume: ends the pause, drain or stop of an agent, a job type, a gateway or everything, and notifies the dispatchers. For an agent and a gateway it also ends what the bus has stopped itself, as resumeAgent and resumeGateway do. Takes kind, name and reason; returns the pause with changed.';

create or replace function list_pauses(p_principal jsonb, p_input jsonb) returns jsonb
language plpgsql stable as $$
declare
  v_namespace text := namespace_of(p_principal, p_input);
  v_limit int := coalesce((p_input ->> 'limit')::int, 50);
  v_before uuid := (p_input ->> 'before')::uuid;
  v_rows jsonb := '[]';
  v_ended jsonb := '[]';
begin
  if v_before is null then
    v_rows := (
      select coalesce(jsonb_agg(pause_json(p) order by p.since desc, p.pause_id), '[]')
      from pauses_in_force(v_namespace) p);
  end if;
  if coalesce((p_input ->> 'includeEnded')::boolean, false) then
    v_ended := (
      select coalesce(jsonb_agg(pause_json(p) order by p.pause_id desc), '[]')
      from (
        select *
        from pauses p
        where namespace = v_namespace
          and not pause_in_force(p)
          and (v_before is null or pause_id < v_before)
        order by pause_id desc
        limit v_limit) p);
  end if;
  return jsonb_build_object('pauses', v_rows || v_ended)
    || case
      when jsonb_array_length(v_ended) = v_limit then jsonb_build_object('next', v_ended #> '{-1,pauseId}')
      else '{}' end;
end
$$;
comment on function list_pauses(jsonb, jsonb) is
  'The operation listPauses: the pauses in force, newest first, and with includeEnded after them the ended ones, at most limit (default 50) of these. For the following page the caller passes next of this answer as before.';
