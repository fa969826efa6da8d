-- The allowed moves of a job from state to state, and the columns that a move clears.

-- Trigger: guards every change of state and every earlier start of a job, also by hand. Refuses (AB409,
-- wrong_state) a move that the diagram in sql/migrations/V0002__jobs.sql does not show. Besides these an
-- operator may kill a job that has not begun or is blocked (kill_one).
-- A job that is no longer at work loses its lease, and a job that is no longer blocked loses its reason, so
-- that no statement has to clear those columns. moved_xid keeps the transaction of the move for claims
-- (dispatch/R__claim_mark.sql).
create or replace function move_job() returns trigger
language plpgsql as $$
begin
  if old.state <> new.state then
    if not (case old.state
      when 'waiting' then new.state in ('queued', 'blocked', 'dead', 'cancelled')
      when 'queued' then new.state in ('leased', 'dead', 'cancelled')
      when 'leased' then
        new.state in ('running', 'queued', 'succeeded', 'blocked', 'failed', 'dead', 'cancelled')
      when 'running' then new.state in ('queued', 'succeeded', 'blocked', 'failed', 'dead', 'cancelled')
      when 'blocked' then new.state in ('queued', 'waiting', 'dead', 'cancelled')
      when 'failed' then new.state = 'queued'
      -- A dead letter is redriven or dismissed. It waits again when it was killed while it waited.
      when 'dead' then new.state in ('queued', 'waiting', 'cancelled')
      else false
    end) then
      raise exception 'job % cannot go from % to %', old.job_id, old.state, new.state using
        errcode = 'AB409',
        detail = jsonb_build_object('code', 'wrong_state', 'field', 'state', 'value', new.state)::text;
    end if;
    if old.state in ('leased', 'running') and new.state not in ('leased', 'running') then
      new.live_attempt := null;
      new.lease_owner := null;
      new.leased_until := null;
      new.hard_deadline := null;
      new.keeps_lease := false;
    elsif old.state = 'blocked' then
      new.blocked_reason := null;
      new.blocked_until := null;
      new.blocked_on_job := null;
      new.blocked_on_agent := null;
      new.blocked_on_person := null;
    end if;
  end if;
  new.moved_xid := pg_current_xact_id();
  return new;
end
$$;

create or replace trigger job_moves before update of state, run_after on jobs
  for each row when (old.state is distinct from new.state or new.run_after < old.run_after)
  execute function move_job();
