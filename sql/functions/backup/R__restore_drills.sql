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

-- Returns the numbers of the drills for the metrics: lastGoodSeconds (the end of the newest good drill in
-- seconds since 1970) and ok, rtoSeconds and rpoSeconds of the newest one; a number that is not known is left
-- out. No row while there was no drill.
create or replace function restore_drill_numbers() returns setof jsonb
language sql stable as $$
  select jsonb_strip_nulls(jsonb_build_object(
    'lastGoodSeconds', (
      select extract(epoch from ended_at) from restore_drills where ok order by ended_at desc limit 1),
    'ok', ok,
    'rtoSeconds', rto_seconds,
    'rpoSeconds', rpo_seconds))
  from restore_drills
  order by ended_at desc
  limit 1
$$;
