-- An abort stops a run at its gateway after a cancellation, a timeout or a lost lease has ended the
-- attempt. The row of an abort is written in the transaction that ends the attempt, so that no crash loses
-- it.

-- The function with fewer parameters, which an earlier version of this script made.
drop function if exists request_abort(uuid, text);

-- Requests that the run of an attempt be stopped at its gateway, and notifies the dispatchers. Writes no
-- row when no run can exist, because the hook was never called or the run has ended.
-- A second request reopens an abort that found no run, because the run may have begun since. p_session_key
-- names the session of a run that does not have the session of its attempt; null takes the latter.
create or replace function request_abort(p_attempt uuid, p_why text, p_session_key text default null)
returns void language sql as $$
  insert into run_aborts as r (attempt_id, namespace, gateway, session_key, why)
  select a.attempt_id, a.namespace, a.gateway, coalesce(p_session_key, session_key_of(j, a, g.form)),
    left(p_why, 500)
  from job_attempts a
  join jobs j using (job_id)
  join gateways g on g.namespace = a.namespace and g.gateway = a.gateway
  where a.attempt_id = p_attempt
    and j.delivery = 'hook'
    and a.run_ended_at is null
    and (a.admitted_at is not null or a.deliveries > 0)
  on conflict (attempt_id) do update
  set done_at = null, outcome = null, tries = 0, next_try_at = now()
  where r.outcome = 'no_run';
  select pg_notify('jobs_ready', 'runs_to_stop')
$$;

-- Closes an open abort with its outcome and, for gave_up, the last error. An abort that is closed already
-- stays as it is.
create or replace function abort_done(p_attempt uuid, p_outcome text, p_error text default null) returns void
language sql as $$
  update run_aborts
  set done_at = now(), outcome = p_outcome, error = p_error
  where attempt_id = p_attempt
    and done_at is null
$$;

-- Emits the event p_topic about an abort, with its gateway, session, reason and the fields of p_more.
create or replace function append_abort_event(p_abort run_aborts, p_topic text, p_more jsonb) returns void
language sql as $$
  select append_event((p_abort).namespace, p_topic, null,
    (select job_id from job_attempts where attempt_id = (p_abort).attempt_id),
    jsonb_build_object(
      'gateway', (p_abort).gateway,
      'sessionKey', (p_abort).session_key,
      'why', (p_abort).why) || p_more)
$$;

-- Gives an abort up: closes it as gave_up with the error, and emits job.abort_failed.
create or replace function give_up_abort(p_abort run_aborts, p_error text) returns void language sql as $$
  select abort_done((p_abort).attempt_id, 'gave_up', p_error);
  select append_abort_event(p_abort, 'job.abort_failed',
    jsonb_build_object('tries', (p_abort).tries, 'error', p_error))
$$;

-- Returns whether a newer attempt runs in the session of the abort. A session has one run at a time, so the
-- run to be stopped is over, and the abort would stop the newer run.
create or replace function abort_is_superseded(p_abort run_aborts) returns boolean language sql stable as $$
  select exists (
    select from jobs j
    join job_attempts a on a.attempt_id = j.live_attempt
    join gateways g on g.namespace = a.namespace and g.gateway = a.gateway
    where j.state in ('leased', 'running')
      and a.attempt_id <> (p_abort).attempt_id
      and a.admitted_at is not null
      and a.gateway = (p_abort).gateway
      and session_key_of(j, a, g.form) = (p_abort).session_key)
$$;

drop function if exists aborts_left(text[]);

-- Returns whether aborts on the given gateways are still open in the namespaces of a node of p_namespace.
create or replace function aborts_left(p_gateways text[], p_namespace text default null) returns boolean
language sql stable as $$
  select exists (
    select from run_aborts
    where done_at is null and gateway = any (p_gateways) and namespace = any (namespaces_served(p_namespace)))
$$;

-- Returns what a node of p_namespace with the given gateways has to look after: runs_ended while runs have
-- ended without closing their job (ended_runs_left), runs_to_stop while aborts are open (aborts_left). These
-- are the notifications that the sweep stands in for.
create or replace function runs_to_look_after(p_gateways text[], p_namespace text) returns setof text
language plpgsql stable as $$
begin
  return query
    select 'runs_ended' where ended_runs_left()
    union all
    select 'runs_to_stop' where aborts_left(p_gateways, p_namespace);
end
$$;

-- Returns whether the gateway of an abort is down, so that the abort has to wait: the run may come back
-- with the gateway. After abort_lifetime the abort no longer waits.
create or replace function abort_must_wait(p_abort run_aborts) returns boolean language sql stable as $$
  select (p_abort).requested_at > now() - abort_lifetime()
    and exists (
      select from gateways g
      where g.namespace = (p_abort).namespace
        and g.gateway = (p_abort).gateway
        and g.state = 'down'
        and gateway_shut(g))
$$;

-- Returns the outcome of a locked abort that needs no call to the gateway: no_operator_token, superseded,
-- no_run, or gave_up when its tries or its time are used up. Null when the gateway has to be called.
create or replace function abort_outcome(p_abort run_aborts, p_without_token text[]) returns text
language sql stable as $$
  select case
    when (p_abort).gateway = any (p_without_token) then 'no_operator_token'
    when abort_is_superseded(p_abort) then 'superseded'
    when exists (
      select from job_attempts
      where attempt_id = (p_abort).attempt_id
        and run_ended_at is not null) then 'no_run'
    when (p_abort).tries >= abort_tries() then 'gave_up'
    when (p_abort).requested_at < now() - abort_lifetime() then 'gave_up' end
$$;

drop function if exists claim_aborts(text[], text[], int);

-- Claims due aborts of the caller's gateways, in the namespaces that a node of p_namespace serves, for
-- abort_lease, at most p_limit (null: aborts_batch), and returns attemptId, gateway and sessionKey of each.
-- p_without_token names the gateways that the caller cannot call, because it has no operator token for them.
-- Aborts that need no call are closed at once; aborts that another call has locked are skipped.
create or replace function claim_aborts(
  p_gateways text[], p_without_token text[], p_limit int default null, p_namespace text default null
) returns setof jsonb language plpgsql as $$
declare
  v_namespaces text[] := namespaces_served(p_namespace);
  v_abort run_aborts;
  v_outcome text;
begin
  perform act_as('{"kind": "dispatcher", "name": "sweep"}', 'stopping runs');
  for v_abort in
    select * from run_aborts r
    where r.done_at is null
      and r.next_try_at <= now()
      and r.gateway = any (p_gateways || p_without_token)
      and r.namespace = any (v_namespaces)
      and not abort_must_wait(r)
    order by r.next_try_at
    limit coalesce(p_limit, aborts_batch())
    for no key update skip locked
  loop
    v_outcome := abort_outcome(v_abort, p_without_token);
    if v_outcome is null then
      update run_aborts
      set tries = tries + 1, next_try_at = now() + abort_lease()
      where attempt_id = v_abort.attempt_id;
      return next jsonb_build_object(
        'attemptId', v_abort.attempt_id,
        'gateway', v_abort.gateway,
        'sessionKey', v_abort.session_key);
    elsif v_outcome = 'gave_up' then
      perform give_up_abort(v_abort, coalesce(v_abort.error, 'the gateway was away for an hour'));
    else
      perform abort_done(v_abort.attempt_id, v_outcome);
    end if;
  end loop;
end
$$;

-- Returns whether the run of an attempt may still begin, although the gateway finds none. For some seconds
-- after its admission a run is unknown to the abort call of the gateway.
create or replace function run_may_still_begin(p_attempt uuid) returns boolean language sql stable as $$
  select run_ended_at is null
    and (admitted_at is null or admitted_at > now() - run_begin_window())
  from job_attempts
  where attempt_id = p_attempt
$$;

-- Schedules another try of an abort after short_backoff, and keeps the error of the last try if there was
-- one. Returns 'again'.
create or replace function retry_abort(p_abort run_aborts, p_error text default null) returns text
language sql as $$
  update run_aborts
  set error = coalesce(p_error, error),
    next_try_at = now() + short_backoff(tries, abort_cap_seconds())
  where attempt_id = (p_abort).attempt_id;
  select 'again'
$$;

-- Writes the result of a try to stop a run: aborted, no_run, or failed with an error. A failed try is
-- repeated until abort_tries are used up, and so is no_run while the run may still begin. Returns the
-- outcome, 'again' before a repetition, or 'done before' for a closed abort.
create or replace function abort_tried(p_attempt uuid, p_outcome text, p_error text) returns text
language plpgsql as $$
declare
  v_abort run_aborts;
  v_tries_left boolean;
begin
  perform act_as('{"kind": "dispatcher", "name": "sweep"}', 'stopping runs');
  select * into v_abort from run_aborts where attempt_id = p_attempt and done_at is null for no key update;
  if not found then
    return 'done before';
  end if;
  v_tries_left := v_abort.tries < abort_tries();
  if p_outcome = 'aborted' then
    perform append_abort_event(v_abort, 'job.run_aborted', '{}');
  elsif p_outcome = 'no_run' then
    if v_tries_left and run_may_still_begin(p_attempt) then
      return retry_abort(v_abort);
    end if;
  elsif v_tries_left then
    return retry_abort(v_abort, p_error);
  else
    perform give_up_abort(v_abort, p_error);
    return 'gave_up';
  end if;
  perform abort_done(p_attempt, p_outcome);
  return p_outcome;
end
$$;
