-- Viewers are people who only look: a token of kind viewer may call the operations of the group look and no
-- other. Each of these operations names viewer in x-principals, and principal_of lets Postgres refuse every
-- change in the transaction of a viewer.

-- The door adds tokenHash, the SHA-256 of the new token in hex. When neither the input nor the caller has a
-- namespace, the token is valid in every namespace.
create or replace function issue_viewer_token(p_principal jsonb, p_input jsonb) returns jsonb
language plpgsql as $$
declare
  v_namespace text := coalesce(p_input ->> 'namespace', p_principal ->> 'namespace');
  v_name text := p_input ->> 'name';
begin
  -- Refuses a foreign and an unknown namespace.
  perform namespace_of(p_principal, p_input);
  perform act_as(p_principal, p_input ->> 'reason');
  insert into access_tokens (token_hash, kind, name, namespace)
  values (decode(p_input ->> 'tokenHash', 'hex'), 'viewer', v_name, v_namespace);
  insert into audit_log (namespace, actor, action, table_name, row_id, why)
  values (coalesce(v_namespace, 'default'), current_actor(), 'viewer.token_issued', 'access_tokens', v_name,
    p_input ->> 'reason');
  return jsonb_strip_nulls(jsonb_build_object('name', v_name, 'namespace', v_namespace));
end
$$;
comment on function issue_viewer_token(jsonb, jsonb) is
  'The operation issueViewerToken: registers a new token of a viewer, whose first use revokes the older ones of the same name.';

-- Revokes every token of a viewer; the sessions of the tokens are over with them. A token for every namespace
-- can be revoked only by an operator of every namespace. A repeated call changes nothing.
create or replace function revoke_viewer_token(p_principal jsonb, p_input jsonb) returns jsonb
language plpgsql as $$
declare
  v_namespace text := namespace_of(p_principal, p_input);
  v_name text := p_input ->> 'name';
  v_revoked int;
begin
  perform act_as(p_principal, p_input ->> 'reason');
  if not exists (
    select from access_tokens
    where kind = 'viewer'
      and name = v_name
      and (namespace = v_namespace or namespace is null and p_principal ->> 'namespace' is null)) then
    perform refuse(404, 'unknown_viewer', format('there is no viewer %s in namespace %s', v_name, v_namespace),
      'name', to_jsonb(v_name), coalesce('one of: ' || (
        select string_agg(distinct name, ', ')
        from access_tokens
        where kind = 'viewer' and revoked_at is null
          and (namespace = v_namespace or namespace is null and p_principal ->> 'namespace' is null)),
        'a name that issue-viewer-token was called with'));
  end if;
  update access_tokens
  set revoked_at = now()
  where kind = 'viewer'
    and name = v_name
    and (namespace = v_namespace or namespace is null and p_principal ->> 'namespace' is null)
    and revoked_at is null;
  get diagnostics v_revoked = row_count;
  if v_revoked > 0 then
    insert into audit_log (namespace, actor, action, table_name, row_id, why)
    values (v_namespace, current_actor(), 'viewer.tokens_revoked', 'access_tokens', v_name, p_input ->> 'reason');
  end if;
  return jsonb_build_object('name', v_name, 'revoked', v_revoked, 'changed', v_revoked > 0);
end
$$;
comment on function revoke_viewer_token(jsonb, jsonb) is
  'The operation revokeViewerToken: revokes every token of a viewer.';

-- Returns the caller and what the caller can look at: kind, name, namespace (absent for every namespace),
-- scope (operate or read), the namespaces, and version and phase of the node that started last.
create or replace function whoami(p_principal jsonb, p_input jsonb) returns jsonb
language plpgsql stable as $$
declare
  v_namespace text := namespace_of(p_principal, p_input);
begin
  return jsonb_strip_nulls(jsonb_build_object(
    'kind', p_principal ->> 'kind',
    'name', p_principal ->> 'name',
    'namespace', p_principal ->> 'namespace',
    'scope', case p_principal ->> 'kind' when 'operator' then 'operate' else 'read' end,
    'version', program_fact(v_namespace, 'version'),
    'phase', program_fact(v_namespace, 'phase')::int,
    'namespaces', (
      select jsonb_agg(namespace order by namespace)
      from namespaces
      where p_principal ->> 'namespace' is null or namespace = p_principal ->> 'namespace')));
end
$$;
comment on function whoami(jsonb, jsonb) is
  'The operation whoami: the caller, the scope, the namespaces, and version and phase of the node that started last.';

-- Returns a fact that the last start of a node of the namespace has noted; that of namespace default for a
-- namespace without nodes of its own.
create or replace function program_fact(p_namespace text, p_name text) returns text language sql stable as $$
  select value
  from bus_facts
  where name = p_name and namespace in (p_namespace, 'default')
  order by namespace = p_namespace desc
  limit 1
$$;

drop function if exists note_program(text, text, int);

-- Notes version, phase and commit of a node that starts in a namespace. The commit is empty if the node does
-- not know it; a node of an earlier version gives none.
create or replace function note_program(
  p_namespace text, p_version text, p_phase int, p_commit text default '') returns void
language sql as $$
  insert into bus_facts (namespace, name, value)
  values
    (p_namespace, 'version', p_version),
    (p_namespace, 'phase', p_phase::text),
    (p_namespace, 'commit', p_commit)
  on conflict (namespace, name) do update
  set value = excluded.value
  where bus_facts.value <> excluded.value
$$;
