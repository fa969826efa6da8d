-- Routes that do not run although they should, as the nodes report them, and the calls of Hawtio and Jolokia
-- that may have stopped them.

-- Replaces the report of a node. p_routes is an array of objects with route, status (stopped or suspended),
-- ageMs (since the node noticed it) and by (the actor; absent if unknown). Returns how many routes are
-- stopped.
create or replace function note_stopped_routes(p_node text, p_namespace text, p_routes jsonb) returns int
language plpgsql as $$
begin
  perform act_as(jsonb_build_object('kind', 'dispatcher', 'name', p_node), 'report of the node');
  delete from stopped_routes
  where node = p_node
    and route_id not in (select value ->> 'route' from jsonb_array_elements(p_routes));
  insert into stopped_routes (namespace, node, route_id, status, stopped_at, stopped_by)
  select p_namespace, p_node, value ->> 'route', value ->> 'status', ms_ago(value ->> 'ageMs'), value ->> 'by'
  from jsonb_array_elements(p_routes)
  on conflict (node, route_id) do update
  set status = excluded.status, stopped_by = excluded.stopped_by, updated_at = now();
  return jsonb_array_length(p_routes);
end
$$;

-- Returns the stopped routes of the nodes that serve a namespace. A node that no longer reports has ended,
-- so its routes are left out.
create or replace function stopped_routes_of(p_namespace text) returns setof stopped_routes
language sql stable as $$
  select *
  from stopped_routes
  where updated_at > now() - stopped_route_shown()
    and p_namespace = any (namespaces_served(namespace))
$$;

-- Returns the beginning of a sentence about a stopped route, without a full stop.
create or replace function stopped_route_text(p_route stopped_routes) returns text
language sql stable as $$
  select format('route %s is %s on node %s since %s%s', (p_route).route_id, (p_route).status, (p_route).node,
    utc_text((p_route).stopped_at), coalesce(', by ' || (p_route).stopped_by, ''))
$$;

-- Returns the problems of health about stopped routes, each as a weight and a sentence.
create or replace function route_problems(p_namespace text) returns table (weight int, problem text)
language sql stable as $$
  select 3, stopped_route_text(r) || ': start it in Hawtio, or start the node again'
  from stopped_routes_of(p_namespace) r
$$;

-- Returns the principal of a caller of Hawtio or Jolokia on a node of the namespace. Refuses an unknown token
-- (401), a caller who is no operator, and an operator of another namespace (403).
create or replace function hawtio_principal(p_credential jsonb, p_namespace text) returns jsonb
language plpgsql as $$
declare
  v_principal jsonb := principal_of(p_credential);
begin
  perform namespace_of(v_principal, jsonb_build_object('namespace', p_namespace));
  return v_principal;
end
$$;

-- Writes the audit row of a call of an MBean's operation, before the call. p_call has node, mbean, operation,
-- arguments (an array) and, for a route, route. Returns the action of the row.
create or replace function note_mbean_call(p_principal jsonb, p_namespace text, p_call jsonb) returns text
language plpgsql as $$
declare
  v_action text := 'mbean.' || split_part(p_call ->> 'operation', '(', 1);
begin
  perform act_as(p_principal, 'through Jolokia');
  insert into audit_log (namespace, actor, action, table_name, row_id, why, detail)
  values (
    p_namespace,
    current_actor(),
    v_action,
    case when p_call ? 'route' then 'routes' else 'mbeans' end,
    coalesce(p_call ->> 'route', p_call ->> 'mbean'),
    'through Jolokia',
    jsonb_strip_nulls(p_call - 'route'
      || jsonb_build_object('arguments', left(p_call ->> 'arguments', audited_value_length()))));
  return v_action;
end
$$;
