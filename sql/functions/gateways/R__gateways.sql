-- The gateways: made known at every start, asked for their health by every node, held while they cannot take work.

create or replace function configure_gateway(p_namespace text, p_gateway text, p_max_in_flight int, p_url text, p_form text)
returns void language sql as $$
  insert into gateways as g (namespace, gateway, max_in_flight, url, form) values (p_namespace, p_gateway, p_max_in_flight, p_url, p_form)
  on conflict (namespace, gateway) do update
  set max_in_flight = excluded.max_in_flight, url = excluded.url, form = excluded.form, updated_at = now()
  where (g.max_in_flight, g.url, g.form) is distinct from (excluded.max_in_flight, excluded.url, excluded.form)
$$;
comment on function configure_gateway(text, text, int, text, text) is
  'Makes a gateway known: runs at once, its address without credentials, and the form in which a run is asked for (mapped or direct).';

create or replace function gateway_shut(p_gateway gateways) returns boolean language sql stable as $$
  -- A node that dispatches also asks, so what nobody has asked for a minute nobody dispatches to; and if one does, an old
  -- answer must not hold it for ever.
  select (p_gateway).state in ('draining', 'down') and (p_gateway).checked_at > now() - gateway_news_lifetime()
$$;
comment on function gateway_shut(gateways) is 'Whether the gateway drains or is down, by an answer not older than a minute.';

create or replace function gateway_open(p_gateway gateways) returns boolean language sql stable as $$
  select ((p_gateway).held_until is null or (p_gateway).held_until <= now()) and gateway_shut(p_gateway) is not true
$$;
comment on function gateway_open(gateways) is 'Whether jobs may be claimed for the gateway: not held, not draining and not down.';

create or replace function seen_by_another(p_gateway gateways, p_node text) returns boolean language sql stable as $$
  -- Half a minute: longer than a node waits between two questions (20 s at most).
  select (p_gateway).state in ('ready', 'draining') and (p_gateway).seen_by <> p_node and (p_gateway).seen_at > now() - seen_by_another_lifetime()
$$;
comment on function seen_by_another(gateways, text) is
  'Whether another node has had an answer just now: then a node that gets none has lost its own way to the gateway, and the gateway is not down.';

create or replace function gateway_checked(p_node text, p_gateway text, p_state text, p_reason text) returns jsonb language plpgsql as $$
declare
  v_was gateways;
  v_changed jsonb := '[]';
begin
  -- One gateway serves every namespace, so what it says holds in each.
  for v_was in select * from gateways where gateway = p_gateway order by namespace for no key update loop
    continue when p_state = 'down' and seen_by_another(v_was, p_node);
    update gateways
    set state = p_state, state_reason = p_reason, checked_at = now(),
      state_since = case when state = p_state then state_since else now() end,
      seen_at = case when p_state = 'down' then seen_at else now() end,
      seen_by = case when p_state = 'down' then seen_by else p_node end,
      -- Calls that failed while it was away hold it longer than it was away.
      failures = case when p_state = 'ready' and v_was.state in ('draining', 'down') then 0 else failures end,
      held_until = case when p_state = 'ready' and v_was.state in ('draining', 'down') then null else held_until end,
      hold_reason = case when p_state = 'ready' and v_was.state in ('draining', 'down') then null else hold_reason end,
      updated_at = now()
    where namespace = v_was.namespace and gateway = p_gateway;
    continue when v_was.state = p_state;
    v_changed := v_changed || jsonb_build_object('namespace', v_was.namespace, 'from', v_was.state, 'to', p_state);
    if p_state in ('draining', 'down') or v_was.state in ('draining', 'down') then
      perform append_event(v_was.namespace, 'gateway.' || p_state, null, null,
        jsonb_strip_nulls(jsonb_build_object('gateway', p_gateway, 'from', v_was.state, 'reason', p_reason)));
      perform pg_notify('jobs_ready', '');
    end if;
  end loop;
  return jsonb_build_object('gateway', p_gateway, 'state', p_state, 'changed', v_changed);
end
$$;
comment on function gateway_checked(text, text, text, text) is
  'What a node has heard from a gateway: ready, draining, down (no answer), or unknown. Any number of nodes may say so: what the gateway itself says counts, silence only where nobody else has just heard it. Ready again ends the hold at once and wakes the dispatchers. Returns changed, one entry for each namespace in which the state is another now.';

create or replace function gateway_json(p_gateway gateways) returns jsonb language sql stable as $$
  select jsonb_strip_nulls(jsonb_build_object(
    'name', (p_gateway).gateway,
    'namespace', (p_gateway).namespace,
    'url', (p_gateway).url,
    'form', (p_gateway).form,
    'state', case when (p_gateway).checked_at > now() - gateway_news_lifetime() then (p_gateway).state else 'unknown' end,
    'since', (p_gateway).state_since,
    'reason', coalesce((p_gateway).state_reason, case when (p_gateway).held_until > now() then (p_gateway).hold_reason end),
    'heldUntil', case when (p_gateway).held_until > now() then (p_gateway).held_until end,
    'maxInFlight', (p_gateway).max_in_flight,
    'inFlight', (
      select count(*) from jobs j join agents a on a.namespace = j.namespace and a.agent_id = j.target_agent
      where a.namespace = (p_gateway).namespace and a.gateway = (p_gateway).gateway
        and j.state in ('leased', 'running') and j.delivery = 'hook' and j.leased_until > now()),
    'agents', (
      select coalesce(jsonb_agg(agent_id order by agent_id), '[]') from agents
      where namespace = (p_gateway).namespace and gateway = (p_gateway).gateway and enabled),
    'version', (p_gateway).version,
    'startedAt', (p_gateway).booted_at,
    'checkedAt', (p_gateway).checked_at))
$$;
comment on function gateway_json(gateways) is 'A gateway as the contract shows it.';

create or replace function list_gateways(p_principal jsonb, p_input jsonb) returns jsonb language plpgsql stable as $$
declare
  v_namespace text := namespace_of(p_principal, p_input);
begin
  return jsonb_build_object('gateways', (
    select coalesce(jsonb_agg(gateway_json(g) order by g.gateway), '[]') from gateways g where g.namespace = v_namespace));
end
$$;
comment on function list_gateways(jsonb, jsonb) is 'The operation listGateways.';

create or replace function issue_gateway_token(p_principal jsonb, p_input jsonb) returns jsonb language plpgsql as $$
declare
  -- None asked for and none of the caller's own: the token is good for every namespace, as the gateway is.
  v_namespace text := coalesce(p_input ->> 'namespace', p_principal ->> 'namespace');
  v_gateway text := p_input ->> 'gateway';
begin
  perform namespace_of(p_principal, p_input);
  if not exists (select from gateways where gateway = v_gateway and (v_namespace is null or namespace = v_namespace)) then
    perform refuse(404, 'unknown_gateway', format('there is no gateway %s', v_gateway), 'gateway', to_jsonb(v_gateway),
      'one of: ' || (select string_agg(distinct gateway, ', ') from gateways where v_namespace is null or namespace = v_namespace));
  end if;
  perform act_as(p_principal, 'new token');
  update access_tokens set revoked_at = now()
  where kind = 'gateway' and name = v_gateway and namespace is not distinct from v_namespace and revoked_at is null;
  insert into access_tokens (token_hash, kind, name, namespace)
  values (decode(p_input ->> 'tokenHash', 'hex'), 'gateway', v_gateway, v_namespace);
  insert into audit_log (namespace, actor, action, table_name, row_id, why)
  values (coalesce(v_namespace, 'default'), current_actor(), 'gateway.token_issued', 'access_tokens', v_gateway, 'new token');
  return jsonb_build_object('gateway', v_gateway);
end
$$;
comment on function issue_gateway_token(jsonb, jsonb) is
  'Registers a new token of a gateway by its SHA-256 (tokenHash, hex, added by the door) and revokes the older ones.';
