-- What the filters of the console complete: agents, subjects, job types, states and flows.

create or replace function list_facets(p_principal jsonb, p_input jsonb) returns jsonb
language plpgsql stable
-- Planned once for each connection; planning costs more than the reads.
set plan_cache_mode = force_generic_plan as $$
declare
  v_namespace text := namespace_of(p_principal, p_input);
begin
  return (
    with recent as materialized (
      select subject, job_type, flow_key, seq, created_at
      from jobs
      where namespace = v_namespace
      order by seq desc
      limit facets_looked_at()
    )
    select jsonb_build_object(
      'agents', (
        select coalesce(jsonb_agg(agent_id order by agent_id), '[]') from agents where namespace = v_namespace),
      'subjects', (
        select coalesce(jsonb_agg(jsonb_build_object('subject', subject, 'jobs', jobs)
          order by jobs desc, subject), '[]')
        from (
          select subject, count(*) as jobs
          from recent
          group by subject
          order by jobs desc, subject
          limit facets_shown()) s),
      'jobTypes', (
        select coalesce(jsonb_agg(job_type order by job_type), '[]')
        from (
          select job_type from job_types where namespace = v_namespace
          union
          select job_type from recent) t),
      'states', to_jsonb(job_states()),
      'flows', (
        select coalesce(jsonb_agg(jsonb_build_object('flowKey', flow_key, 'jobs', jobs) order by last desc), '[]')
        from (
          select flow_key, count(*) as jobs, max(seq) as last
          from recent
          where flow_key is not null
          group by flow_key
          order by last desc
          limit facets_shown()) f),
      'lookedAt', (select count(*) from recent))
      || jsonb_strip_nulls(jsonb_build_object('lookedTo', (select min(created_at) from recent))));
end
$$;
comment on function list_facets(jsonb, jsonb) is
  'The operation listFacets: the values that filters of jobs complete. Subjects, flows and their numbers are those of the newest facets_looked_at jobs, the most frequent subjects and the newest flows first, at most facets_shown of each.';
