-- How the bus identifies a caller, and how it refuses a call.
--
-- A principal is a JSON object with kind (operator, viewer, agent, attempt, gateway or dispatcher), name,
-- namespace (null for every namespace) and, for an attempt, attemptId and jobId. The door verifies the token
-- of an attempt; every other token, and the rights of every caller, are checked here.
--
-- A refusal is an error with SQLSTATE AB followed by the HTTP status. Its message is the detail of the
-- problem, and its DETAIL holds code, field, value and expected as JSON. A refused call changes nothing.

-- Raises a refusal with the HTTP status, the stable code and a message that says what was wrong. The field,
-- its value and what would be right (p_expected) are optional.
create or replace function refuse(
  p_status int, p_code text, p_message text,
  p_field text default null, p_value jsonb default null, p_expected text default null
) returns void language plpgsql as $$
begin
  raise exception using
    errcode = 'AB' || p_status,
    message = p_message,
    detail = jsonb_strip_nulls(jsonb_build_object(
      'code', p_code, 'field', p_field, 'value', p_value, 'expected', p_expected))::text;
end
$$;

-- Sets the actor and the reason for the audit rows of this transaction.
-- In plpgsql, because Postgres would prepare the body of a SQL function anew at each call.
create or replace function act_as(p_principal jsonb, p_why text default null) returns void
language plpgsql as $$
begin
  perform
    set_config('agentbus.actor', (p_principal ->> 'kind') || ':' || coalesce(p_principal ->> 'name', ''), true),
    set_config('agentbus.why', coalesce(p_why, ''), true);
end
$$;

-- Returns the actor that act_as has set, or the database role for a change by hand.
create or replace function current_actor() returns text
language sql stable as $$
  select coalesce(nullif(current_setting('agentbus.actor', true), ''), 'postgres:' || session_user)
$$;

-- Returns the actors under which an agent acts: with its own token, and with that of an attempt.
create or replace function actors_of(p_agent text) returns text[]
language sql immutable as $$
  select array['agent:' || p_agent, 'attempt:' || p_agent]
$$;

-- Refuses (403) a principal without a known kind and a name, and an agent or attempt without a namespace.
-- Each would otherwise have the rights of an operator, because the rules of agents would not apply to it.
create or replace function require_principal(p_principal jsonb) returns void
language plpgsql immutable as $$
begin
  if (p_principal ->> 'kind' in ('operator', 'viewer', 'agent', 'attempt', 'gateway', 'dispatcher')) is not true
    or coalesce(p_principal ->> 'name', '') = ''
    or (p_principal ->> 'kind' in ('agent', 'attempt') and p_principal ->> 'namespace' is null) then
    perform refuse(403, 'forbidden', 'this is no principal', 'token', p_principal,
      'an object with kind (operator, viewer, agent, attempt, gateway or dispatcher) and name; of an agent or attempt also namespace');
  end if;
end
$$;

-- Returns the namespace of a call: the requested one, the token's own, or default. Refuses a namespace
-- other than the token's own (403), an unknown one (404), a call without a principal (403), and a write of a
-- phase that is off or frozen (409, refuse_phase).
create or replace function namespace_of(p_principal jsonb, p_input jsonb) returns text
language plpgsql stable as $$
declare
  v_asked text := p_input ->> 'namespace';
  v_own text := p_principal ->> 'namespace';
  v_namespace text := coalesce(v_asked, v_own, 'default');
begin
  perform require_principal(p_principal);
  if v_own is not null and v_asked is distinct from v_own and v_asked is not null then
    perform refuse(403, 'forbidden', format('this token belongs to namespace %s, not to %s', v_own, v_asked),
      'namespace', to_jsonb(v_asked), v_own);
  end if;
  if not exists (select from namespaces where namespace = v_namespace) then
    perform refuse(404, 'unknown_namespace', format('there is no namespace %s', v_namespace),
      'namespace', to_jsonb(v_namespace),
      'one of: ' || (select string_agg(namespace, ', ' order by namespace) from namespaces));
  end if;
  if p_principal ? 'phase' then
    perform refuse_phase(v_namespace, (p_principal ->> 'phase')::int, null);
  end if;
  return v_namespace;
end
$$;
comment on function namespace_of(jsonb, jsonb) is
  'The namespace of a call: the requested one, the token''s own, or default.';

-- Returns the principal of the long-lived token with this SHA-256; null when the token is unknown or
-- revoked. Most calls call this function, so it is in plpgsql, which is planned once for each connection.
create or replace function authenticate(p_token_hash bytea) returns jsonb
language plpgsql stable as $$
begin
  return (
    select jsonb_build_object('kind', kind, 'name', name, 'namespace', namespace)
    from access_tokens
    where token_hash = p_token_hash and revoked_at is null);
end
$$;

-- Returns the principal of an attempt whose token the door has verified; null when the attempt is unknown
-- or in history. The attempt of an idle job has idle, true.
create or replace function authenticate_attempt(p_attempt uuid) returns jsonb
language plpgsql stable as $$
begin
  return (
    select jsonb_build_object('kind', 'attempt', 'name', agent_of_attempt(j, a), 'namespace', a.namespace,
      'attemptId', a.attempt_id, 'jobId', a.job_id) || case when is_idle(j.job_type) then '{"idle": true}' else '{}' end::jsonb
    from job_attempts a join jobs j using (job_id)
    where a.attempt_id = p_attempt);
end
$$;

-- Returns the principal of a call. p_credential has tokenHash or sessionHash (hex SHA-256), attemptId (of a
-- token that the door has verified) or route, allowed, the kinds that may call the operation, and closes for
-- an operation that closes attempts. Refuses an unknown token (401), a kind that is not allowed (403), and an
-- attempt that is over (409). The first call with a new token of an agent, a gateway or a viewer ends the
-- older ones. From here on Postgres itself refuses every change in the transaction of a viewer.
-- The attempt of an idle job may call only what a viewer may call too, and operations with idle in the
-- credential, the x-idle of the contract; others are refused (403, idle_scope).
-- With bytes and bytesADay in the credential, the bytes count against the agent's day (count_stored, 429). A
-- phase in the credential, the x-phase of the operation, goes into the principal for namespace_of.
create or replace function principal_of(p_credential jsonb) returns jsonb
language plpgsql as $$
declare
  v_allowed jsonb := p_credential -> 'allowed';
  v_of_attempt boolean := v_allowed = '["attempt"]' or p_credential ? 'closes';
  v_principal jsonb := case
    when p_credential ? 'attemptId' then authenticate_attempt((p_credential ->> 'attemptId')::uuid)
    when p_credential ? 'sessionHash' then authenticate_session(decode(p_credential ->> 'sessionHash', 'hex'))
    when p_credential ? 'route' then jsonb_build_object('kind', 'operator', 'name', 'route:' || (p_credential ->> 'route'))
    else authenticate(decode(p_credential ->> 'tokenHash', 'hex')) end;
begin
  if v_principal is null then
    perform refuse(401, 'invalid_token', 'this token is not known here, or was revoked', 'token', null,
      'a token of this bus: of an operator, a viewer, an agent, a gateway or a live attempt');
  end if;
  if not v_allowed ? (v_principal ->> 'kind') then
    perform refuse(403, 'forbidden', format('this operation is not for a token of kind %s', v_principal ->> 'kind'),
      'token', v_principal -> 'kind',
      'a token of kind ' || (select string_agg(value, ' or ') from jsonb_array_elements_text(v_allowed)));
  end if;
  if v_principal ? 'idle' and not (v_allowed ? 'viewer' or p_credential ? 'idle') then
    perform refuse_idle(null, null);
  end if;
  -- The token of an attempt expires with the attempt. Closes and renewals check this themselves, because
  -- they repeat earlier answers and keep late reports.
  if v_principal ->> 'kind' = 'attempt' and not v_of_attempt then
    if not exists (select from jobs where live_attempt = (v_principal ->> 'attemptId')::uuid
        and job_id = (v_principal ->> 'jobId')::uuid) then
      perform refuse(409, 'stale_attempt', format('the attempt of this token at job %s is over', v_principal ->> 'jobId'),
        'token', null, 'the token of a live attempt');
    end if;
  end if;
  if p_credential ? 'bytes' then
    -- Closes and renewals count and are never refused, because the work of a whole run would be lost.
    perform count_stored(v_principal, (p_credential ->> 'bytes')::bigint,
      case when not v_of_attempt then (p_credential ->> 'bytesADay')::bigint end);
  end if;
  if v_principal ->> 'kind' in ('agent', 'gateway', 'viewer') and p_credential ? 'tokenHash' then
    perform revoke_older_tokens(decode(p_credential ->> 'tokenHash', 'hex'));
  end if;
  if v_principal ->> 'kind' = 'viewer' then
    perform set_config('transaction_read_only', 'on', true);
  end if;
  if p_credential ? 'phase' then
    v_principal := v_principal || jsonb_build_object('phase', p_credential -> 'phase');
  end if;
  return v_principal;
end
$$;

-- Refuses (403, idle_scope) what the attempt of an idle job must not do. p_field and p_value are those of the
-- refusal.
create or replace function refuse_idle(p_field text, p_value jsonb) returns void
language plpgsql stable as $$
begin
  perform refuse(403, 'idle_scope',
    'this attempt is idle thinking, which asks no agent to work, tells no event and decides nothing',
    coalesce(p_field, 'token'), p_value,
    'an idea, an opportunity, a memory candidate or one question to a person, and the end of the job by completeJob or failJob; propose as an idea what should follow');
end
$$;

-- Revokes the older tokens of the owner of this token. A call with the token proves that it has reached its
-- owner; until then the older ones stay valid, because an answer that holds a new token can get lost.
create or replace function revoke_older_tokens(p_token_hash bytea) returns void
language plpgsql as $$
declare
  v_used access_tokens;
  v_older bytea[];
begin
  select * into v_used
  from access_tokens
  where token_hash = p_token_hash;
  v_older := array(
    select token_hash
    from access_tokens
    where kind = v_used.kind
      and name = v_used.name
      and namespace is not distinct from v_used.namespace
      and created_at < v_used.created_at
      and revoked_at is null);
  -- Without this return, a database that only reads would refuse an agent's reads too: there every update
  -- fails, even of no row.
  if v_older = '{}' then
    return;
  end if;
  update access_tokens
  set revoked_at = now()
  where token_hash = any (v_older)
    and revoked_at is null;
  if found then
    insert into audit_log (namespace, actor, action, table_name, row_id, why)
    values (coalesce(v_used.namespace, 'default'), v_used.kind || ':' || v_used.name,
      v_used.kind || '.tokens_revoked', 'access_tokens', v_used.name, 'a newer token was used');
  end if;
end
$$;

drop function if exists register_operator_token(bytea, text);

-- Registers an operator token by its SHA-256. It is valid in p_namespace, or in all namespaces when that is
-- null. Refuses (409) a registered token that belongs to another namespace, was revoked, or is of another
-- kind.
create or replace function register_operator_token(
  p_token_hash bytea, p_name text, p_namespace text default null
) returns void language plpgsql as $$
declare
  v_known access_tokens;
begin
  insert into access_tokens (token_hash, kind, name, namespace)
  values (p_token_hash, 'operator', p_name, p_namespace)
  on conflict (token_hash) do nothing;
  if found then
    return;
  end if;
  select * into v_known from access_tokens where token_hash = p_token_hash;
  if v_known.kind <> 'operator' or v_known.revoked_at is not null
    or v_known.namespace is distinct from p_namespace and v_known.namespace is not null then
    -- The way out is part of the message, because a start shows nothing else.
    perform refuse(409, 'wrong_state', format('this operator token is known already, as that of %s %s%s%s; a node of'
        ' namespace %s needs another: move its file operator.token away, and the next start makes a new one',
        v_known.kind, v_known.name, ' for namespace ' || v_known.namespace,
        ', which was revoked at ' || utc_text(v_known.revoked_at), coalesce(p_namespace, 'default')));
  end if;
end
$$;

create or replace function issue_agent_token(p_principal jsonb, p_input jsonb) returns jsonb
language plpgsql as $$
declare
  v_namespace text := namespace_of(p_principal, p_input);
  v_agent agents := agent_named(v_namespace, p_input ->> 'agentId', 'agentId', 404);
begin
  perform act_as(p_principal, 'new token');
  insert into access_tokens (token_hash, kind, name, namespace)
  values (decode(p_input ->> 'tokenHash', 'hex'), 'agent', v_agent.agent_id, v_namespace);
  insert into audit_log (namespace, actor, action, table_name, row_id, why)
  values (v_namespace, current_actor(), 'agent.token_issued', 'access_tokens', v_agent.agent_id, 'new token');
  return jsonb_build_object('agentId', v_agent.agent_id);
end
$$;
comment on function issue_agent_token(jsonb, jsonb) is
  'The operation issueAgentToken: registers a new token of an agent, whose first use revokes the older ones. The door adds tokenHash, the SHA-256 of the new token in hex.';

-- Keeps the fingerprint of the first node's server key and returns it. A node with another key must not
-- start.
create or replace function agree_on_server_key(p_fingerprint text) returns text
language plpgsql as $$
declare
  v_kept text;
begin
  insert into bus_facts (namespace, name, value) values ('default', 'server_key_fingerprint', p_fingerprint)
  on conflict do nothing;
  select value into v_kept from bus_facts where namespace = 'default' and name = 'server_key_fingerprint';
  return v_kept;
end
$$;

-- Counts a refused call of an agent or attempt; calls of others are not counted. It runs in its own
-- transaction, because the refused call is rolled back.
-- p_who is a credential (attemptId or tokenHash) or a principal. p_problem may have count, the number of
-- refusals that one call reports.
create or replace function note_refusal(p_who jsonb, p_operation text, p_problem jsonb) returns jsonb
language plpgsql as $$
declare
  v_principal jsonb := case
    when p_who ? 'attemptId' then authenticate_attempt((p_who ->> 'attemptId')::uuid)
    when p_who ? 'tokenHash' then authenticate(decode(p_who ->> 'tokenHash', 'hex'))
    else p_who end;
  v_actor text := concat_ws(':', v_principal ->> 'kind', v_principal ->> 'name');
  v_count int := coalesce((p_problem ->> 'count')::int, 1);
  v_told int;
begin
  -- The kind is null for an unknown token, which belongs to no caller.
  if (v_principal ->> 'kind' in ('agent', 'attempt')) is not true then
    return jsonb_build_object('noted', false);
  end if;
  insert into refusals as r (namespace, actor, minute, code, refused)
  values (v_principal ->> 'namespace', v_actor, date_trunc('minute', now()), p_problem ->> 'code', v_count)
  on conflict (namespace, actor, minute, code) do update
  set refused = r.refused + excluded.refused, told = r.told + 1
  returning told into v_told;
  if v_told = 1 then
    delete from refusals
    where namespace = v_principal ->> 'namespace' and actor = v_actor and minute < now() - refusals_kept();
  end if;
  if v_told <= refusal_rows() then
    insert into audit_log (namespace, actor, action, table_name, row_id, why, detail)
    values (v_principal ->> 'namespace', v_actor, 'call.refused',
      case when v_principal ? 'jobId' then 'jobs' else 'agents' end, coalesce(v_principal ->> 'jobId', v_principal ->> 'name'),
      left(p_problem ->> 'detail', 1000),
      jsonb_strip_nulls(jsonb_build_object('operation', p_operation, 'status', p_problem -> 'status', 'code', p_problem ->> 'code',
        'field', p_problem ->> 'field', 'value', left(p_problem ->> 'value', 200), 'attemptId', v_principal -> 'attemptId',
        'count', nullif(v_count, 1))));
  end if;
  return jsonb_build_object('noted', true);
end
$$;
