-- A freeze refuses new writes of an agent or of a phase, with 409 frozen, and says who froze it, when and
-- why. Jobs that are queued already go on, and so do retries.

-- Refuses a phase that does not exist (422). p_field is the field that names the phase.
create or replace function require_phase(p_phase text, p_field text) returns void
language plpgsql immutable as $$
begin
  if (p_phase ~ '^[1-5]$') is not true then
    perform refuse(422, 'invalid_field', format('there is no phase %s', p_phase), p_field, to_jsonb(p_phase),
      'a number from 1 to 5');
  end if;
end
$$;
drop function if exists require_phase(text);

-- Returns the freeze in force of an agent or a phase; all null when there is none. Every enqueue calls this
-- function, so it is in plpgsql, which is planned once for each connection.
create or replace function freeze_of(p_namespace text, p_kind text, p_name text) returns pauses
language plpgsql stable as $$
declare
  v_freeze pauses;
begin
  select * into v_freeze
  from pauses
  where namespace = p_namespace
    and kind = p_kind
    and name = p_name
    and mode = 'freeze'
    and ended_at is null;
  return v_freeze;
end
$$;

-- Refuses (409, frozen) a write that a freeze in force forbids; a freeze that is all null forbids nothing.
create or replace function refuse_frozen(p_freeze pauses, p_field text) returns void
language plpgsql stable as $$
begin
  if p_freeze.pause_id is not null then
    perform refuse(409, 'frozen', stop_text(p_freeze), p_field, to_jsonb(p_freeze.name),
      format('a try after unfreeze of %s', paused_subject(p_freeze.kind, p_freeze.name)));
  end if;
end
$$;

-- Refuses (409, frozen) new work for a frozen agent. p_field is the field that names the agent.
create or replace function refuse_frozen_agent(p_namespace text, p_agent text, p_field text) returns void
language plpgsql stable as $$
begin
  perform refuse_frozen(freeze_of(p_namespace, 'agent', p_agent), p_field);
end
$$;

-- Returns why an order takes no slots, in words: its phase is frozen or off, or its agent is frozen. Null
-- when it takes slots.
create or replace function order_freeze(p_order standing_orders) returns text
language plpgsql stable as $$
declare
  v_freeze pauses := freeze_of(p_order.namespace, 'agent', p_order.agent_id);
begin
  return coalesce(phase_stop(p_order.namespace, p_order.phase),
    case when v_freeze.pause_id is not null then stop_text(v_freeze) end);
end
$$;

-- Refuses (409) a run of an order whose phase is frozen or off, or whose agent is frozen.
create or replace function refuse_frozen_order(p_order standing_orders) returns void
language plpgsql stable as $$
begin
  perform refuse_phase(p_order.namespace, p_order.phase, 'orderName');
  perform refuse_frozen(freeze_of(p_order.namespace, 'agent', p_order.agent_id), 'orderName');
end
$$;

-- Returns the freeze that the input names, locked, and the newest ended one as o_last when there is none.
-- Refuses a phase or agent that does not exist.
create or replace function freeze_named(
  p_namespace text, p_input jsonb, out o_freeze pauses, out o_last pauses
) language plpgsql as $$
begin
  if p_input ->> 'kind' = 'phase' then
    perform require_phase(p_input ->> 'name', 'name');
  else
    perform agent_named(p_namespace, p_input ->> 'name', 'name');
  end if;
  o_freeze := locked_pause(p_namespace, p_input ->> 'kind', p_input ->> 'name', true);
  if o_freeze.pause_id is null then
    o_last := last_pause(p_namespace, p_input ->> 'kind', p_input ->> 'name', true);
  end if;
end
$$;

create or replace function freeze(p_principal jsonb, p_input jsonb) returns jsonb
language plpgsql as $$
declare
  v_namespace text := namespace_of(p_principal, p_input);
  v_named record;
begin
  perform act_as(p_principal, p_input ->> 'reason');
  perform lock_claims();
  select * into v_named from freeze_named(v_namespace, p_input);
  if (v_named.o_freeze).reason = p_input ->> 'reason' then
    return pause_json(v_named.o_freeze) || '{"changed": false}';
  end if;
  return pause_json(write_pause(v_namespace, p_input ->> 'kind', p_input ->> 'name', 'freeze',
      p_input ->> 'reason', null))
    || '{"changed": true}';
end
$$;
comment on function freeze(jsonb, jsonb) is
  'The operation freeze: refuses new work for an agent and the writes of a phase with 409 frozen, and skips the slots of its standing orders. Queued and running jobs go on. Takes kind, name and reason; returns the freeze with changed.';

create or replace function unfreeze(p_principal jsonb, p_input jsonb) returns jsonb
language plpgsql as $$
declare
  v_namespace text := namespace_of(p_principal, p_input);
  v_named record;
begin
  perform act_as(p_principal, p_input ->> 'reason');
  select * into v_named from freeze_named(v_namespace, p_input);
  if (v_named.o_freeze).pause_id is not null then
    return pause_json(end_pause(v_named.o_freeze, p_input ->> 'reason')) || '{"changed": true}';
  end if;
  return case
      when (v_named.o_last).pause_id is not null then pause_json(v_named.o_last)
      else jsonb_build_object('namespace', v_namespace, 'kind', p_input ->> 'kind',
        'name', p_input ->> 'name', 'status', 'ended') end
    || '{"changed": false}';
end
$$;
comment on function unfreeze(jsonb, jsonb) is
  'The operation unfreeze: ends the freeze of an agent or a phase. What was refused meanwhile is not made up for. Takes kind, name and reason; returns the freeze with changed.';
