-- The blocked.replan jobs of the coordinator that nobody has to do any more.

-- Cancels a locked queued blocked.replan job that nobody has to do any more. Returns whether it did so. A job
-- may have joined the replan job (join_replan) after the statement of the caller began, so the blocks are
-- read again here, under the lock that a join needs too.
create or replace function cancel_replan(p_replan jobs) returns boolean
language plpgsql as $$
begin
  if asks_for_several(p_replan)
    and exists (
      select from jobs where blocked_on_job = (p_replan.payload ->> 'failedDependency')::uuid) then
    return false;
  end if;
  perform cancel_one(p_replan, replan_withdrawn());
  return true;
end
$$;

-- Returns the reason with which the bus withdraws a blocked.replan job.
create or replace function replan_withdrawn() returns text language sql immutable as $$
  select 'no job is blocked any more as it was when this was asked'
$$;

-- Returns whether the bus has withdrawn a blocked.replan job with this state and error, so that its question
-- was not asked.
create or replace function replan_was_withdrawn(p_state text, p_error text) returns boolean
language sql immutable as $$
  select p_state = 'cancelled' and coalesce(p_error = replan_withdrawn(), false)
$$;

-- Cancels queued blocked.replan jobs of the bus about jobs that are no longer blocked, or about which the bus
-- has asked anew, at most p_limit (null: sweep_batch). The end of a block cancels its replan job itself, but
-- passes over a replan job that another call has locked at that moment. A job that cannot be cancelled does
-- not stop the others. Returns the ids of the cancelled jobs.
create or replace function cancel_stale_replans(p_limit int default null) returns setof uuid
language plpgsql as $$
declare
  v_replan jobs;
begin
  for v_replan in
    select q.*
    from agents a
    join jobs q on q.namespace = a.namespace and q.target_agent = a.agent_id
    left join jobs b on b.job_id = q.parent_job_id
    where a.agent_id = 'coordinator'
      and q.state = 'queued'
      and q.subject = 'blocked.replan'
      and q.asked_by = 'operator:bus'
      and case
        when q.coalesce_key is not null then not exists (
          select from jobs
          where blocked_on_job = (q.payload ->> 'failedDependency')::uuid and state = 'blocked')
        else b.state is distinct from 'blocked' or exists (
          select from jobs n
          where n.parent_job_id = q.parent_job_id
            and n.subject = 'blocked.replan'
            and n.state in ('queued', 'leased', 'running')
            and n.coalesce_key is null
            and n.seq > q.seq) end
      and sweep_may_try('replan', q.job_id)
    order by q.job_id
    limit coalesce(p_limit, sweep_batch())
    for no key update of q skip locked
  loop
    begin
      if cancel_replan(v_replan) then
        return next v_replan.job_id;
      end if;
      perform forget_sweep_failure('replan', v_replan.job_id);
    exception when others then
      perform note_sweep_failure('replan', v_replan.job_id, v_replan.namespace, sqlerrm);
    end;
  end loop;
end
$$;
drop function if exists withdraw_stale_questions(int);
