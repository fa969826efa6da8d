-- The operations enable-standing-order and disable-standing-order: the switch of an operator, which a sync of
-- the route files leaves alone.

-- Describes in words that an order is disabled: by whom, since when and why.
create or replace function disabled_text(p_order standing_orders) returns text
language sql stable as $$
  select format('standing order %s is disabled by %s since %s: %s', (p_order).order_name,
    (p_order).disabled_by, utc_text((p_order).disabled_at), (p_order).disabled_reason)
$$;

-- Refuses (409) the start of a run elsewhere while a person has disabled the order, frozen it or paused
-- everything.
create or replace function refuse_order_away(p_order standing_orders) returns void
language plpgsql stable as $$
declare
  v_pause pauses := pause_over(p_order.namespace, null, null);
begin
  perform refuse_frozen_order(p_order);
  if v_pause.pause_id is not null then
    perform refuse(409, 'wrong_state', stop_text(v_pause), 'orderName', to_jsonb(p_order.order_name),
      'a start after the resume of everything');
  end if;
  if p_order.disabled_at is not null then
    perform refuse(409, 'wrong_state', disabled_text(p_order), 'orderName', to_jsonb(p_order.order_name),
      'a start after enable-standing-order');
  end if;
end
$$;

create or replace function disable_standing_order(p_principal jsonb, p_input jsonb) returns jsonb
language plpgsql as $$
declare
  v_order standing_orders := locked_order(namespace_of(p_principal, p_input), p_input ->> 'orderName');
  v_changed boolean;
begin
  perform act_as(p_principal, p_input ->> 'reason');
  v_changed := v_order.disabled_reason is distinct from p_input ->> 'reason';
  if v_changed then
    update standing_orders
    set disabled_at = now(),
      disabled_by = current_actor(),
      disabled_reason = p_input ->> 'reason',
      updated_at = now()
    where namespace = v_order.namespace and order_name = v_order.order_name
    returning * into v_order;
    perform note_order(v_order.namespace, v_order.order_name, 'disabled', '{}');
  end if;
  return order_json(v_order) || jsonb_build_object('changed', v_changed);
end
$$;
comment on function disable_standing_order(jsonb, jsonb) is
  'The operation disableStandingOrder: the slots of the order are skipped until it is enabled, also after a restart or a sync of the route files. A run under way goes on. Takes orderName and reason; returns the order with changed.';

create or replace function enable_standing_order(p_principal jsonb, p_input jsonb) returns jsonb
language plpgsql as $$
declare
  v_order standing_orders := locked_order(namespace_of(p_principal, p_input), p_input ->> 'orderName');
  v_changed boolean := v_order.disabled_at is not null;
begin
  perform act_as(p_principal, p_input ->> 'reason');
  if v_changed then
    update standing_orders
    set disabled_at = null, disabled_by = null, disabled_reason = null, updated_at = now()
    where namespace = v_order.namespace and order_name = v_order.order_name
    returning * into v_order;
    perform note_order(v_order.namespace, v_order.order_name, 'enabled', '{}');
  end if;
  return order_json(v_order) || jsonb_build_object('changed', v_changed);
end
$$;
comment on function enable_standing_order(jsonb, jsonb) is
  'The operation enableStandingOrder: the next slots of a disabled order start again. Takes orderName and reason; returns the order with changed.';
