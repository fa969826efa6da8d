-- Stopping runs whose attempt has ended by another hand than their own: cancelled, timed out, lease lost.
-- The row is written in the transaction that ends the attempt, so that no crash loses it.

create or replace function request_abort(p_attempt uuid, p_why text) returns void language sql as $$
  insert into run_aborts as r (attempt_id, namespace, gateway, session_key, why)
  select a.attempt_id, a.namespace, a.gateway, session_key_of(j, g.form), left(p_why, 500)
  from job_attempts a join jobs j using (job_id) join gateways g on g.namespace = a.namespace and g.gateway = a.gateway
  where a.attempt_id = p_attempt and j.delivery = 'hook' and a.run_ended_at is null
    -- Never sent: there is no run.
    and (a.admitted_at is not null or a.deliveries > 0)
  -- Asked for once before, when the run had not begun.
  on conflict (attempt_id) do update set done_at = null, outcome = null, tries = 0, next_try_at = now()
  where r.outcome = 'no_run';
  select pg_notify('jobs_ready', 'runs_to_stop')
$$;
comment on function request_abort(uuid, text) is 'Asks for the run of an attempt to be stopped at its gateway, if there can be one, and notifies the dispatchers.';

create or replace function abort_done(p_attempt uuid, p_outcome text, p_error text) returns void language sql as $$
  update run_aborts set done_at = now(), outcome = p_outcome, error = p_error where attempt_id = p_attempt and done_at is null
$$;
comment on function abort_done(uuid, text, text) is 'Writes down what came of an abort.';

create or replace function give_up_abort(p_abort run_aborts, p_error text) returns void language plpgsql as $$
begin
  perform abort_done(p_abort.attempt_id, 'gave_up', p_error);
  perform append_event(p_abort.namespace, 'job.abort_failed', null, (select job_id from job_attempts where attempt_id = p_abort.attempt_id),
    jsonb_build_object('gateway', p_abort.gateway, 'sessionKey', p_abort.session_key, 'why', p_abort.why, 'tries', p_abort.tries, 'error', p_error));
end
$$;
comment on function give_up_abort(run_aborts, text) is 'The run could not be stopped: the row and the event job.abort_failed say so.';

create or replace function abort_is_pointless(p_abort run_aborts) returns boolean language sql stable as $$
  select exists (
    select from jobs j join job_attempts a on a.attempt_id = j.live_attempt
      join gateways g on g.namespace = a.namespace and g.gateway = a.gateway
    where j.state in ('leased', 'running') and a.attempt_id <> (p_abort).attempt_id and a.admitted_at is not null
      and a.gateway = (p_abort).gateway and session_key_of(j, g.form) = (p_abort).session_key)
$$;
comment on function abort_is_pointless(run_aborts) is
  'Whether a newer attempt runs in the session: a session has one run at a time, so the one to be stopped is over, and an abort would meet the newer.';

create or replace function aborts_left(p_gateways text[]) returns boolean language sql stable as $$
  select exists (select from run_aborts where done_at is null and gateway = any (p_gateways))
$$;
comment on function aborts_left(text[]) is 'Whether runs on the given gateways are still to be stopped, now or later.';

create or replace function claim_aborts(p_gateways text[], p_without_token text[], p_limit int default null) returns setof jsonb
language plpgsql as $$
declare
  v_abort run_aborts;
begin
  perform act_as('{"kind": "dispatcher", "name": "sweep"}', 'stopping runs');
  for v_abort in
    select r.* from run_aborts r
    where r.done_at is null and r.next_try_at <= now() and r.gateway = any (p_gateways || p_without_token)
      -- Whoever is away cannot be told. Its runs may come back with it.
      and not exists (select from gateways g where g.namespace = r.namespace and g.gateway = r.gateway and g.state = 'down' and gateway_shut(g)
        and r.requested_at > now() - abort_lifetime())
    order by r.next_try_at
    limit coalesce(p_limit, aborts_batch())
    for no key update of r skip locked
  loop
    if v_abort.gateway = any (p_without_token) then
      perform abort_done(v_abort.attempt_id, 'no_operator_token', null);
    elsif abort_is_pointless(v_abort) then
      perform abort_done(v_abort.attempt_id, 'superseded', null);
    elsif exists (select from job_attempts where attempt_id = v_abort.attempt_id and run_ended_at is not null) then
      perform abort_done(v_abort.attempt_id, 'no_run', null);
    elsif v_abort.tries >= abort_tries() or v_abort.requested_at < now() - abort_lifetime() then
      perform give_up_abort(v_abort, coalesce(v_abort.error, 'the gateway was away for an hour'));
    else
      -- Longer than a call may take (10 s): should its caller die, another one tries.
      update run_aborts set tries = tries + 1, next_try_at = now() + abort_lease() where attempt_id = v_abort.attempt_id;
      return next jsonb_build_object('attemptId', v_abort.attempt_id, 'gateway', v_abort.gateway, 'sessionKey', v_abort.session_key);
    end if;
  end loop;
end
$$;
comment on function claim_aborts(text[], text[], int) is
  'Takes due aborts of the gateways that the caller can tell, each for 30 s: attemptId, gateway and sessionKey. Settles by itself those of gateways without an operator token, those that a newer run has overtaken, and those that five tries or an hour have not brought through.';

create or replace function may_begin_yet(p_attempt uuid) returns boolean language sql stable as $$
  -- A run that is admitted is at first unknown to sessions.abort, for four seconds on a gateway that had just started
  -- (measured on OpenClaw 2026.9.6); a minute is ours.
  select run_ended_at is null and (admitted_at is null or admitted_at > now() - run_begin_window())
  from job_attempts where attempt_id = p_attempt
$$;
comment on function may_begin_yet(uuid) is 'Whether a gateway that finds no run of the attempt may find one soon.';

create or replace function abort_tried(p_attempt uuid, p_outcome text, p_error text) returns text language plpgsql as $$
declare
  v_abort run_aborts;
begin
  perform act_as('{"kind": "dispatcher", "name": "sweep"}', 'stopping runs');
  select * into v_abort from run_aborts where attempt_id = p_attempt and done_at is null for no key update;
  if not found then
    return 'done before';
  end if;
  if p_outcome = 'no_run' and v_abort.tries < abort_tries() and may_begin_yet(p_attempt) then
    update run_aborts set next_try_at = now() + short_backoff(tries, abort_cap_seconds()) where attempt_id = p_attempt;
    return 'again';
  end if;
  if p_outcome in ('aborted', 'no_run') then
    perform abort_done(p_attempt, p_outcome, null);
    if p_outcome = 'aborted' then
      perform append_event(v_abort.namespace, 'job.run_aborted', null, (select job_id from job_attempts where attempt_id = p_attempt),
        jsonb_build_object('gateway', v_abort.gateway, 'sessionKey', v_abort.session_key, 'why', v_abort.why));
    end if;
    return p_outcome;
  end if;
  update run_aborts set error = p_error, next_try_at = now() + short_backoff(tries, abort_cap_seconds()) where attempt_id = p_attempt;
  if v_abort.tries >= abort_tries() then
    perform give_up_abort(v_abort, p_error);
    return 'gave_up';
  end if;
  return 'again';
end
$$;
comment on function abort_tried(uuid, text, text) is
  'What came of a try: aborted, no_run, or failed with an error, which is tried again after 1 to 60 s, five times in all; and so is no_run, while the run may yet begin. Returns the outcome, or again.';
