-- The record of restore drills.

-- Keeps the outcome of a drill and returns its row. p_input has startedAt, endedAt, ok, source, findings and,
-- where they are known, rtoSeconds and rpoSeconds.
create or replace function record_restore_drill(p_principal jsonb, p_input jsonb) returns jsonb
language plpgsql as $$
declare
  v_drill restore_drills;
begin
  perform require_principal(p_principal);
  perform act_as(p_principal, 'restore drill of ' || (p_input ->> 'source'));
  insert into restore_drills (started_at, ended_at, ok, rto_seconds, rpo_seconds, source, findings)
  values (
    (p_input ->> 'startedAt')::timestamptz,
    (p_input ->> 'endedAt')::timestamptz,
    (p_input ->> 'ok')::boolean,
    (p_input ->> 'rtoSeconds')::numeric,
    (p_input ->> 'rpoSeconds')::numeric,
    p_input ->> 'source',
    p_input -> 'findings')
  returning * into v_drill;
  return camel_keys(to_jsonb(v_drill));
end
$$;
