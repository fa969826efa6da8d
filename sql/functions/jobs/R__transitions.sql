-- The moves of a job from state to state, in one place: which are allowed, and what a job leaves behind
-- when it moves.

-- Guards every change of a job's state, whoever writes, and every start that comes nearer. A move that
-- the picture in sql/migrations/V0002__jobs.sql does not show is refused (AB409, wrong_state). A job that
-- leaves its attempt loses the lease with it, and one that leaves its block loses the reason, so that no
-- statement has to list those columns. The transaction of the move is noted for claims
-- (dispatch/R__claim_mark.sql).
create or replace function move_job() returns trigger
language plpgsql as $$
begin
  if old.state <> new.state then
    if not (case old.state
      when 'waiting' then new.state in ('queued', 'blocked', 'cancelled')
      when 'queued' then new.state in ('leased', 'cancelled')
      when 'leased' then
        new.state in ('running', 'queued', 'succeeded', 'blocked', 'failed', 'dead', 'cancelled')
      when 'running' then new.state in ('queued', 'succeeded', 'blocked', 'failed', 'dead', 'cancelled')
      when 'blocked' then new.state in ('queued', 'waiting', 'cancelled')
      when 'failed' then new.state = 'queued'
      -- A dead letter is redriven, or dismissed.
      when 'dead' then new.state in ('queued', 'cancelled')
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
