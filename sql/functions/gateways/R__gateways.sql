-- Gateways are configured at each start of a node, checked by every node, and held while they cannot take
-- work.
--
-- A gateway serves the namespaces of its nodes. Each namespace has its own row for the gateway, with its own
-- limit of runs and its own holds.

-- Writes the configuration of a gateway in one namespace: the most runs at once, the address without
-- credentials, and the form of the hook calls. A row that already has these values is not written.
create or replace function configure_gateway(
  p_namespace text, p_gateway text, p_max_in_flight int, p_url text, p_form text
) returns void language sql as $$
  insert into gateways as g (namespace, gateway, max_in_flight, url, form)
  values (p_namespace, p_gateway, p_max_in_flight, p_url, p_form)
  on conflict (namespace, gateway) do update
  set max_in_flight = excluded.max_in_flight,
    url = excluded.url,
    form = excluded.form,
    operator_refusal = null,
    updated_at = now()
  where (g.max_in_flight, g.url, g.form, g.operator_refusal)
    is distinct from (excluded.max_in_flight, excluded.url, excluded.form, null)
$$;

drop function if exists configure_gateway_everywhere(text, text, int, text, text);

-- Configures a gateway in every namespace that a node of p_namespace serves. p_max_in_flight is for
-- p_namespace and for namespaces that do not have the gateway yet; the others keep their number, which an
-- operator may have set. p_run_end_seconds is how long a run keeps its place after its attempt
-- (dispatch/R__runs_going_on.sql); a node of the previous version does not give it, which changes nothing.
create or replace function configure_gateway_everywhere(
  p_namespace text, p_gateway text, p_max_in_flight int, p_url text, p_form text,
  p_run_end_seconds int default null
) returns void language sql as $$
  select configure_gateway(
    n.namespace,
    p_gateway,
    case
      when n.namespace = p_namespace then p_max_in_flight
      else coalesce(g.max_in_flight, p_max_in_flight) end,
    p_url,
    p_form)
  from unnest(namespaces_served(p_namespace)) as n (namespace)
  left join gateways g on g.namespace = n.namespace and g.gateway = p_gateway
  order by n.namespace;
  update gateways
  set run_end_seconds = p_run_end_seconds, updated_at = now()
  where gateway = p_gateway
    and namespace = any (namespaces_served(p_namespace))
    and run_end_seconds <> p_run_end_seconds
$$;

-- Returns whether the last health check of a gateway is recent enough to count. Every dispatching node
-- checks its gateways, so an old result means that no node dispatches to this one.
create or replace function gateway_answer_counts(p_gateway gateways) returns boolean language sql stable as $$
  select coalesce((p_gateway).checked_at > now() - gateway_news_lifetime(), false)
$$;

-- Returns whether a recent health check says that the gateway drains or is down. An old result does not
-- count, because it would hold work for ever.
create or replace function gateway_shut(p_gateway gateways) returns boolean language sql stable as $$
  select (p_gateway).state in ('draining', 'down') and gateway_answer_counts(p_gateway)
$$;

-- Returns whether jobs may be claimed for the gateway: it is neither held nor draining nor down.
create or replace function gateway_open(p_gateway gateways) returns boolean language sql stable as $$
  select ((p_gateway).held_until is null or (p_gateway).held_until <= now())
    and not gateway_shut(p_gateway)
$$;

-- Returns whether nothing keeps a gateway from its jobs: it is neither held nor draining nor down, and a node
-- that dispatches to it has checked it.
create or replace function gateway_takes_work(p_gateway gateways) returns boolean language sql stable as $$
  select gateway_open(p_gateway) and (gateway_answer_counts(p_gateway) or (p_gateway).checked_at is null)
$$;

-- Returns whether another node has just had an answer from the gateway. Then silence towards p_node means
-- that p_node has lost its connection to the gateway, and not that the gateway is down.
create or replace function seen_by_another(p_gateway gateways, p_node text) returns boolean
language sql stable as $$
  select (p_gateway).state in ('ready', 'draining')
    and (p_gateway).seen_by <> p_node
    and (p_gateway).seen_at > now() - seen_by_another_lifetime()
$$;

-- Writes the result of a health check to a locked row. A gateway that is ready again loses its hold and its
-- count of failures, because calls that failed during its absence would hold it for longer than it was
-- away. Lanes that its refusals have stopped try again at once.
create or replace function write_gateway_state(p_gateway gateways, p_node text, p_state text, p_reason text)
returns void language plpgsql as $$
declare
  v_back boolean := p_state = 'ready' and p_gateway.state in ('draining', 'down');
begin
  update gateways
  set state = p_state,
    state_reason = p_reason,
    state_since = case when state = p_state then state_since else now() end,
    checked_at = now(),
    seen_at = case when p_state = 'down' then seen_at else now() end,
    seen_by = case when p_state = 'down' then seen_by else p_node end,
    failures = case when v_back then 0 else failures end,
    held_until = case when v_back then null else held_until end,
    hold_reason = case when v_back then null else hold_reason end,
    updated_at = now()
  where namespace = p_gateway.namespace
    and gateway = p_gateway.gateway;
  if p_state = 'ready' and p_gateway.state <> 'ready' then
    perform retry_lanes(p_gateway.namespace, p_gateway.gateway, false);
  end if;
end
$$;

drop function if exists gateway_checked(text, text, text, text);

-- Writes the health check of a gateway by one node of p_namespace in every namespace that the node serves.
-- An answer always counts; silence counts only when no other node has just had an answer.
-- Emits gateway.<state> when the gateway shuts or opens, and notifies the dispatchers. Returns gateway,
-- state and changed (namespace, from and to of each row with a new state). Locks the rows of the gateway in
-- the order of their namespaces.
create or replace function gateway_checked(
  p_node text, p_gateway text, p_state text, p_reason text, p_namespace text default null
) returns jsonb language plpgsql as $$
declare
  v_was gateways;
  v_changed jsonb := '[]';
begin
  perform act_as(jsonb_build_object('kind', 'dispatcher', 'name', p_node),
    format('gateway %s is %s', p_gateway, p_state));
  for v_was in
    select *
    from gateways
    where gateway = p_gateway and namespace = any (namespaces_served(p_namespace))
    order by namespace
    for no key update
  loop
    continue when p_state = 'down' and seen_by_another(v_was, p_node);
    perform write_gateway_state(v_was, p_node, p_state, p_reason);
    continue when v_was.state = p_state;
    v_changed := v_changed
      || jsonb_build_object('namespace', v_was.namespace, 'from', v_was.state, 'to', p_state);
    if p_state in ('draining', 'down') or v_was.state in ('draining', 'down') then
      perform append_event(v_was.namespace, 'gateway.' || p_state, null, null,
        jsonb_strip_nulls(jsonb_build_object('gateway', p_gateway, 'from', v_was.state, 'reason', p_reason)));
      perform pg_notify('jobs_ready', '');
    end if;
  end loop;
  return jsonb_build_object('gateway', p_gateway, 'state', p_state, 'changed', v_changed);
end
$$;

drop function if exists operator_token_checked(text, text);

-- Notes in every namespace that a node of p_namespace serves whether a gateway accepts the operator token of
-- the node. p_refusal is null when it does. Returns the number of rows that changed. Locks the rows in the
-- order of their namespaces.
create or replace function operator_token_checked(
  p_gateway text, p_refusal text, p_namespace text default null
) returns int language plpgsql as $$
declare
  v_was gateways;
  v_changed int := 0;
begin
  for v_was in
    select * from gateways
    where gateway = p_gateway
      and namespace = any (namespaces_served(p_namespace))
      and operator_refusal is distinct from p_refusal
    order by namespace
    for no key update
  loop
    update gateways
    set operator_refusal = p_refusal,
      updated_at = now()
    where namespace = v_was.namespace and gateway = p_gateway;
    v_changed := v_changed + 1;
  end loop;
  return v_changed;
end
$$;

-- Returns the number of runs of the namespace that take a place on the gateway: hook jobs with a lease that
-- has not run out, and runs that go on after their attempts. Idle runs take none.
create or replace function runs_in_flight(p_gateway gateways) returns bigint language sql stable as $$
  select count(*) + (
    select count(*)
    from runs_with_place()
    where namespace = (p_gateway).namespace
      and gateway = (p_gateway).gateway)
  from jobs j
  join agents a on a.namespace = j.namespace and a.agent_id = j.target_agent
  where a.namespace = (p_gateway).namespace
    and a.gateway = (p_gateway).gateway
    and j.state in ('leased', 'running')
    and j.delivery = 'hook'
    and j.leased_until > now()
    and not is_idle(j.job_type)
$$;

-- Returns a gateway as the contract shows it. Its state is unknown when its last health check is too old to
-- count.
create or replace function gateway_json(p_gateway gateways) returns jsonb language sql stable as $$
  select jsonb_strip_nulls(jsonb_build_object(
    'name', (p_gateway).gateway,
    'namespace', (p_gateway).namespace,
    'url', (p_gateway).url,
    'form', (p_gateway).form,
    'state', case when gateway_answer_counts(p_gateway) then (p_gateway).state else 'unknown' end,
    'since', (p_gateway).state_since,
    'reason', coalesce((p_gateway).state_reason,
      case when (p_gateway).held_until > now() then (p_gateway).hold_reason end),
    'heldUntil', case when (p_gateway).held_until > now() then (p_gateway).held_until end,
    'maxInFlight', (p_gateway).max_in_flight,
    'inFlight', runs_in_flight(p_gateway),
    'idleRuns', (select nullif(count(*), 0) from idle_runs_on(p_gateway)),
    'agents', (
      select coalesce(jsonb_agg(agent_id order by agent_id), '[]')
      from agents
      where namespace = (p_gateway).namespace and gateway = (p_gateway).gateway and enabled),
    'operatorRefusal', (p_gateway).operator_refusal,
    'version', (p_gateway).version,
    'startedAt', (p_gateway).booted_at,
    'checkedAt', (p_gateway).checked_at))
$$;

create or replace function list_gateways(p_principal jsonb, p_input jsonb) returns jsonb
language plpgsql stable as $$
declare
  v_namespace text := namespace_of(p_principal, p_input);
begin
  return jsonb_build_object('gateways', (
    select coalesce(jsonb_agg(gateway_json(g) order by g.gateway), '[]')
    from gateways g
    where g.namespace = v_namespace));
end
$$;
comment on function list_gateways(jsonb, jsonb) is
  'The operation listGateways: the gateways of the namespace with their states.';

-- Refuses (404, unknown_gateway) a gateway that the namespace does not have; a null namespace stands for
-- all namespaces.
create or replace function require_gateway(p_namespace text, p_gateway text) returns void
language plpgsql stable as $$
begin
  if exists (
    select from gateways
    where gateway = p_gateway
      and namespace = coalesce(p_namespace, namespace)
  ) then
    return;
  end if;
  perform refuse(404, 'unknown_gateway', format('there is no gateway %s', p_gateway),
    'gateway', to_jsonb(p_gateway), 'one of: ' || (
      select string_agg(distinct gateway, ', ')
      from gateways
      where namespace = coalesce(p_namespace, namespace)));
end
$$;

-- Ends the hold of a gateway and opens every lane that its refusals have stopped, emits gateway.resumed and
-- notifies the dispatchers. Returns the agents of these lanes; null when the gateway was not held and no lane
-- stopped.
create or replace function open_gateway(p_namespace text, p_gateway text) returns text[]
language plpgsql as $$
declare
  v_agents text[];
  v_held boolean;
begin
  update gateways
  set failures = 0, held_until = null, hold_reason = null, updated_at = now()
  where namespace = p_namespace and gateway = p_gateway and (failures > 0 or held_until is not null);
  v_held := found;
  v_agents := open_lanes(p_namespace, p_gateway, null);
  if not v_held and v_agents = '{}' then
    return null;
  end if;
  perform append_event(p_namespace, 'gateway.resumed', null, null, jsonb_build_object(
    'gateway', p_gateway,
    'agents', to_jsonb(v_agents)));
  perform pg_notify('jobs_ready', '');
  return v_agents;
end
$$;

create or replace function resume_gateway(p_principal jsonb, p_input jsonb) returns jsonb
language plpgsql as $$
declare
  v_namespace text := namespace_of(p_principal, p_input);
  v_gateway text := p_input ->> 'gateway';
  v_pause pauses;
  v_agents text[];
begin
  perform require_gateway(v_namespace, v_gateway);
  perform act_as(p_principal, 'resumed');
  v_pause := locked_pause(v_namespace, 'gateway', v_gateway, false);
  if v_pause.pause_id is not null then
    perform end_pause(v_pause, 'resumed');
  end if;
  v_agents := coalesce(open_gateway(v_namespace, v_gateway), '{}');
  return jsonb_build_object('gateway', v_gateway, 'agents', to_jsonb(v_agents));
end
$$;
comment on function resume_gateway(jsonb, jsonb) is
  'The operation resumeGateway: ends the hold of a gateway, and its pause, and opens every lane that its refusals have stopped. Lanes that an operator has paused stay paused.';

-- The door adds tokenHash, the SHA-256 of the new token in hex. When neither the input nor the caller has a
-- namespace, the token is valid in every namespace, because the gateway serves them all.
create or replace function issue_gateway_token(p_principal jsonb, p_input jsonb) returns jsonb
language plpgsql as $$
declare
  v_namespace text := coalesce(p_input ->> 'namespace', p_principal ->> 'namespace');
  v_gateway text := p_input ->> 'gateway';
begin
  -- Refuses a foreign and an unknown namespace.
  perform namespace_of(p_principal, p_input);
  perform require_gateway(v_namespace, v_gateway);
  perform act_as(p_principal, 'new token');
  insert into access_tokens (token_hash, kind, name, namespace)
  values (decode(p_input ->> 'tokenHash', 'hex'), 'gateway', v_gateway, v_namespace);
  -- The audit row about a token for every namespace is in namespace default, like all facts of the whole
  -- bus.
  insert into audit_log (namespace, actor, action, table_name, row_id, why)
  values (coalesce(v_namespace, 'default'), current_actor(), 'gateway.token_issued', 'access_tokens',
    v_gateway, 'new token');
  return jsonb_build_object('gateway', v_gateway);
end
$$;
comment on function issue_gateway_token(jsonb, jsonb) is
  'The operation issueGatewayToken: registers a new token of a gateway, whose first use revokes the older ones.';
