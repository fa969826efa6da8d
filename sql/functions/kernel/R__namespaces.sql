-- The namespaces of a database and the nodes that serve them.

-- Makes a namespace ready for nodes of its own: creates it if it is missing, and notes that the nodes of
-- namespace default no longer serve it.
create or replace function take_namespace(p_namespace text) returns void language sql as $$
  insert into namespaces (namespace) values (p_namespace) on conflict do nothing;
  insert into bus_facts (namespace, name, value)
  select p_namespace, 'has_own_nodes', 'true'
  where p_namespace <> 'default'
  on conflict do nothing
$$;

-- Returns the namespaces that a node serves: its own, and for a node of namespace default also those without
-- nodes of their own. Null stands for a node of an older version, which serves all.
create or replace function namespaces_served(p_own text) returns text[] language plpgsql stable as $$
begin
  return (
    select coalesce(array_agg(namespace order by namespace), '{}')
    from namespaces n
    where p_own is null
      or namespace = p_own
      or p_own = 'default' and not exists (
        select from bus_facts where namespace = n.namespace and name = 'has_own_nodes'));
end
$$;
