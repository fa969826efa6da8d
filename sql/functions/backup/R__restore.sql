-- The end of a restore. A restored database is of the past: its live attempts have ended long ago, and its
-- due jobs may have been done since. So a restore stops everything, and a person resumes.

-- Returns the work of a namespace as a restore found it: live with the first attempts that were at work, due
-- with the due jobs of each agent, and the numbers liveCount, later (queued for a later time), waiting,
-- blocked and slotsDue (slots of standing orders whose time is over).
create or replace function restored_work(p_namespace text) returns jsonb
language sql stable as $$
  select jsonb_build_object(
    'namespace', p_namespace,
    'live', (
      select coalesce(jsonb_agg(jsonb_strip_nulls(jsonb_build_object(
        'jobId', job_id, 'targetAgent', target_agent, 'subject', subject, 'attemptNo', attempt_no,
        'gateway', gateway, 'since', started_at)) order by started_at), '[]')
      from (
        select j.job_id, j.target_agent, j.subject, a.attempt_no, a.gateway, a.started_at
        from jobs j
        join job_attempts a on a.attempt_id = j.live_attempt
        where j.namespace = p_namespace and j.state in ('leased', 'running')
        order by a.started_at
        limit restored_rows_shown()) l),
    'liveCount', (
      select count(*) from jobs where namespace = p_namespace and state in ('leased', 'running')),
    'due', (
      select coalesce(jsonb_agg(jsonb_build_object(
        'targetAgent', target_agent, 'jobs', jobs, 'oldest', oldest) order by target_agent), '[]')
      from (
        select target_agent, count(*) as jobs, min(run_after) as oldest
        from jobs
        where namespace = p_namespace and state = 'queued' and run_after <= now()
        group by target_agent) d),
    'later', (
      select count(*) from jobs where namespace = p_namespace and state = 'queued' and run_after > now()),
    'waiting', (select count(*) from jobs where namespace = p_namespace and state = 'waiting'),
    'blocked', (select count(*) from jobs where namespace = p_namespace and state = 'blocked'),
    'slotsDue', (
      select count(*)
      from standing_order_runs
      where namespace = p_namespace and status = 'expected' and scheduled_for <= now()))
$$;

-- Stops everything in each namespace of a restored database with p_input's reason, followed by the pause of
-- everything that the export had. With serverKey, the
-- fingerprint of another key, the database takes that key. Returns restored_work of each namespace, as it was
-- before the stop.
create or replace function begin_after_restore(p_principal jsonb, p_input jsonb) returns jsonb
language plpgsql as $$
declare
  v_namespace text;
  v_work jsonb := '[]';
  v_pause pauses;
  v_stopped jsonb;
begin
  perform act_as(p_principal, p_input ->> 'reason');
  if p_input ? 'serverKey' then
    update bus_facts
    set value = p_input ->> 'serverKey'
    where namespace = 'default' and name = 'server_key_fingerprint';
    insert into audit_log (namespace, actor, action, table_name, row_id, why)
    values ('default', current_actor(), 'server_key.replaced', 'bus_facts', 'server_key_fingerprint',
      p_input ->> 'reason');
  end if;
  for v_namespace in select namespace from namespaces order by namespace
  loop
    v_work := v_work || restored_work(v_namespace);
    -- stop_everything keeps the reason of a stop that it finds.
    perform lock_claims();
    v_pause := locked_pause(v_namespace, 'everything', null, false);
    perform write_pause(v_namespace, 'everything', null, 'stop',
      concat_ws('; the export says: ', p_input ->> 'reason',
        case when v_pause.pause_id is not null then stop_text(v_pause) end),
      null);
    loop
      v_stopped := stop_everything(p_principal,
        jsonb_build_object('namespace', v_namespace, 'reason', p_input ->> 'reason'));
      -- One call ends one batch of attempts; nothing else works on this database.
      exit when (v_stopped ->> 'left')::bigint = 0;
    end loop;
  end loop;
  return v_work;
end
$$;
