-- A freeze refuses new writes of an agent or of a phase, or the promotions of memories, with 409 frozen, and
-- says who froze it, when and why. Jobs that are queued already go on, and so do retries.

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

-- Refuses (409, frozen) a promotion of a memory while promotions are frozen.
create or replace function refuse_frozen_promotions(p_namespace text, p_field text) returns void
language plpgsql stable as $$
begin
  perform refuse_frozen(freeze_of(p_namespace, 'promotions', 'memory'), p_field);
end
$$;

-- Returns what the input of freeze or unfreeze names; promotions are memory, the only ones. Refuses a missing
-- name (400), and a phase, an agent or promotions that do not exist (422).
create or replace function frozen_name(p_namespace text, p_input jsonb) returns text
language plpgsql stable as $$
declare
  v_kind text := p_input ->> 'kind';
  v_name text := coalesce(p_input ->> 'name', case v_kind when 'promotions' then 'memory' end);
begin
  if v_name is null then
    perform refuse(400, 'missing_field', format('the call does not say which %s', v_kind), 'name', null,
      case v_kind when 'phase' then 'a number from 1 to 5' else 'the name of the agent' end);
  end if;
  if v_kind = 'phase' then
    perform require_phase(v_name, 'name');
  elsif v_kind = 'agent' then
    perform agent_named(p_namespace, v_name, 'name');
  elsif v_name <> 'memory' then
    perform refuse(422, 'invalid_field', format('there are no promotions of %s', v_name), 'name',
      p_input -> 'name', 'memory, or no name');
  end if;
  return v_name;
end
$$;

-- Returns the freeze of a kind and name, locked, and the newest ended one as o_last when there is none.
create or replace function freeze_named(
  p_namespace text, p_kind text, p_name text, out o_freeze pauses, out o_last pauses
) language plpgsql as $$
begin
  o_freeze := locked_pause(p_namespace, p_kind, p_name, true);
  if o_freeze.pause_id is null then
    o_last := last_pause(p_namespace, p_kind, p_name, true);
  end if;
end
$$;
drop function if exists freeze_named(text, jsonb);

create or replace function freeze(p_principal jsonb, p_input jsonb) returns jsonb
language plpgsql as $$
declare
  v_namespace text := namespace_of(p_principal, p_input);
  v_kind text := p_input ->> 'kind';
  v_name text := frozen_name(v_namespace, p_input);
  v_named record;
begin
  perform act_as(p_principal, p_input ->> 'reason');
  -- No write that is under way when this call begins is left once it has answered.
  if v_kind = 'promotions' then
    perform lock_memories(v_namespace);
  else
    perform lock_claims();
  end if;
  select * into v_named from freeze_named(v_namespace, v_kind, v_name);
  if (v_named.o_freeze).reason = p_input ->> 'reason' then
    return pause_json(v_named.o_freeze) || '{"changed": false}';
  end if;
  return pause_json(write_pause(v_namespace, v_kind, v_name, 'freeze', p_input ->> 'reason', null))
    || '{"changed": true}';
end
$$;
comment on function freeze(jsonb, jsonb) is
  'The operation freeze: refuses new work for an agent, the writes of a phase or the promotions of memories with 409 frozen, and skips the slots of standing orders that are frozen. Queued and running jobs go on. Takes kind, name and reason; returns the freeze with changed.';

create or replace function unfreeze(p_principal jsonb, p_input jsonb) returns jsonb
language plpgsql as $$
declare
  v_namespace text := namespace_of(p_principal, p_input);
  v_kind text := p_input ->> 'kind';
  v_name text := frozen_name(v_namespace, p_input);
  v_named record;
begin
  perform act_as(p_principal, p_input ->> 'reason');
  select * into v_named from freeze_named(v_namespace, v_kind, v_name);
  if (v_named.o_freeze).pause_id is not null then
    return pause_json(end_pause(v_named.o_freeze, p_input ->> 'reason')) || '{"changed": true}';
  end if;
  return case
      when (v_named.o_last).pause_id is not null then pause_json(v_named.o_last)
      else jsonb_build_object('namespace', v_namespace, 'kind', v_kind, 'name', v_name,
        'status', 'ended') end
    || '{"changed": false}';
end
$$;
comment on function unfreeze(jsonb, jsonb) is
  'The operation unfreeze: ends the freeze of an agent, a phase or the promotions of memories. What was refused meanwhile is not made up for. Takes kind, name and reason; returns the freeze with changed.';
