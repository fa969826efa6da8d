-- Sessions of the console: a browser sends the token of an operator or viewer once, and a cookie after that.
-- The door makes the cookie and passes only its SHA-256.

-- Ends the open sessions of a token that were used longest ago, so that a new one fits below
-- console_sessions_of_token. Logins with one token wait for each other here, until the new session is
-- committed and counts.
create or replace function end_surplus_sessions(p_token_hash bytea) returns void
language plpgsql as $$
declare
  v_surplus uuid[];
  v_session console_sessions;
begin
  perform pg_advisory_xact_lock(
    hashtextextended('agentbus.console_sessions.' || encode(p_token_hash, 'hex'), 0));
  v_surplus := array(
    select session_id
    from console_sessions
    where token_hash = p_token_hash and ended_at is null and ends_at > now()
    order by used_at desc, session_id desc
    offset console_sessions_of_token() - 1);
  for v_session in
    update console_sessions
    set ended_at = now(), updated_at = now()
    where session_id = any (v_surplus) and ended_at is null
    returning *
  loop
    perform note_console_session(v_session, 'ended');
  end loop;
end
$$;

-- Opens a session for the token of an operator or viewer with this SHA-256, and the SHA-256 of the cookie.
-- The session that was used longest ago makes room when the token has console_sessions_of_token already.
-- Returns sessionId, kind, name, namespace (null for every namespace) and seconds, how long it lasts. Refuses
-- an unknown token (401) and one of another kind (403).
create or replace function open_console_session(p_token_hash bytea, p_session_hash bytea) returns jsonb
language plpgsql as $$
declare
  v_principal jsonb := authenticate(p_token_hash);
  v_namespace text := coalesce(v_principal ->> 'namespace', 'default');
  v_session console_sessions;
begin
  if v_principal is null then
    perform refuse(401, 'invalid_token', 'this token is not known here, or was revoked', 'token', null,
      'the token of an operator or viewer');
  end if;
  if v_principal ->> 'kind' not in ('operator', 'viewer') then
    perform refuse(403, 'forbidden', format('the console is not for a token of kind %s', v_principal ->> 'kind'),
      'token', v_principal -> 'kind', 'the token of an operator or viewer');
  end if;
  if v_principal ->> 'kind' = 'viewer' then
    perform revoke_older_tokens(p_token_hash);
  end if;
  perform act_as(v_principal, 'a newer login took its place');
  perform end_surplus_sessions(p_token_hash);
  perform act_as(v_principal, 'logged in');
  insert into console_sessions (session_hash, token_hash, namespace, ends_at)
  values (p_session_hash, p_token_hash, v_namespace, now() + console_session_lifetime())
  returning * into v_session;
  perform note_console_session(v_session, 'opened');
  return v_principal || jsonb_build_object('sessionId', v_session.session_id,
    'seconds', extract(epoch from console_session_lifetime())::int);
end
$$;

-- Writes the audit row session.<what> of a session.
create or replace function note_console_session(p_session console_sessions, p_what text) returns void
language sql as $$
  insert into audit_log (namespace, actor, action, table_name, row_id, why)
  values (p_session.namespace, current_actor(), 'session.' || p_what, 'console_sessions',
    p_session.session_id::text, nullif(current_setting('agentbus.why', true), ''))
$$;

-- Returns the principal of the session with this SHA-256: that of its token. Returns null for an
-- unknown session, and refuses an ended one (401). The function notes the use once a minute, because
-- otherwise each call of an open page would write; a database that only reads notes none.
create or replace function authenticate_session(p_session_hash bytea) returns jsonb
language plpgsql as $$
declare
  v_session console_sessions;
  v_token access_tokens;
begin
  select * into v_session
  from console_sessions
  where session_hash = p_session_hash;
  if not found then
    return null;
  end if;
  select * into v_token
  from access_tokens
  where token_hash = v_session.token_hash;
  if least(v_session.ended_at, v_token.revoked_at, v_session.ends_at) <= now() then
    perform refuse(401, 'session_ended', format('this session is over since %s: %s',
        to_char(least(v_session.ended_at, v_token.revoked_at, v_session.ends_at) at time zone 'UTC',
          'YYYY-MM-DD"T"HH24:MI:SS"Z"'),
        case
          when v_session.ended_at <= now() then coalesce(
            (
              select why
              from audit_log
              where table_name = 'console_sessions'
                and row_id = v_session.session_id::text
                and action = 'session.ended'
                and why <> 'logged out'
              limit 1),
            'it was logged out')
          when v_token.revoked_at <= now() then 'its token was revoked'
          else 'it has lasted as long as a session may' end),
      'agentbus_session', null, 'a new session: POST /console/session with the token');
  end if;
  if v_session.used_at < now() - console_session_noted_every() and current_setting('transaction_read_only') = 'off' then
    update console_sessions
    set used_at = now(), updated_at = now()
    where session_id = (
      select session_id
      from console_sessions
      where session_id = v_session.session_id and used_at = v_session.used_at
      for update skip locked);
  end if;
  return jsonb_build_object('kind', v_token.kind, 'name', v_token.name, 'namespace', v_token.namespace);
end
$$;

-- Ends the session with this SHA-256. Returns true if the session was open. For an unknown or ended session
-- the function changes nothing and returns false.
create or replace function end_console_session(p_session_hash bytea) returns boolean
language plpgsql as $$
declare
  v_session console_sessions;
begin
  select s.* into v_session
  from console_sessions s
  where s.session_hash = p_session_hash
    and s.ended_at is null
    and s.ends_at > now()
  for update;
  if not found then
    return false;
  end if;
  perform act_as(authenticate(v_session.token_hash), 'logged out');
  update console_sessions
  set ended_at = now(), updated_at = now()
  where session_id = v_session.session_id;
  perform note_console_session(v_session, 'ended');
  return true;
end
$$;

-- Returns those of the sessions, by their SHA-256 in hex, that are over or unknown. The streams of these
-- sessions are to be closed.
create or replace function console_sessions_over(p_session_hashes text[]) returns setof text
language sql stable as $$
  select asked
  from unnest(p_session_hashes) asked
  where not exists (
    select from console_sessions s
    join access_tokens t using (token_hash)
    where s.session_hash = decode(asked, 'hex')
      and s.ended_at is null
      and s.ends_at > now()
      and t.revoked_at is null)
$$;
