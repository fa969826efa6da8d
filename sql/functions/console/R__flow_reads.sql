-- The operation get-flow: jobs that belong together, and how they depend on each other.

-- Returns the jobs in history with the ids, as rows of the table jobs, without the values that can be
-- large.
create or replace function retired_jobs(p_namespace text, p_jobs uuid[]) returns setof jobs
language sql stable as $$
  select jsonb_populate_record(null::jobs, jsonb_build_object(
    'job_id', job_id, 'seq', seq, 'namespace', namespace, 'parent_job_id', parent_job_id,
    'flow_key', flow_key, 'correlation_key', correlation_key, 'hops', hops, 'source_agent', source_agent,
    'asked_by', asked_by, 'target_agent', target_agent, 'job_type', job_type, 'subject', subject, 'priority', priority,
    'trust', trust, 'model', model, 'thinking', thinking, 'state', state, 'run_after', run_after,
    'attempt_no', attempt_no, 'attempt_count', attempt_count, 'max_attempts', max_attempts,
    'blocked_reason', blocked_reason, 'blocked_on_job', blocked_on_job, 'answer', answer)
    || jsonb_build_object(
    'answered_by', answered_by, 'outcome', outcome, 'summary', summary, 'last_error', last_error,
    'created_at', created_at, 'updated_at', updated_at, 'ended_at', ended_at))
  from jobs_history
  where job_id = any (p_jobs)
    and namespace = p_namespace
$$;

-- Returns the jobs that touch one of p_jobs, as parent, child, dependency, dependent, or by a block, live
-- or retired. Those in p_seen are left out. Each kind of relation gives at most p_most jobs, so that a job
-- with very many children costs no more than one with a few.
create or replace function touching_jobs(p_jobs uuid[], p_seen uuid[], p_most int) returns setof uuid
language sql stable as $$
  (select parent_job_id from jobs where job_id = any (p_jobs) and parent_job_id <> all (p_seen))
  union
  (select parent_job_id from jobs_history where job_id = any (p_jobs) and parent_job_id <> all (p_seen))
  union
  (select blocked_on_job from jobs where job_id = any (p_jobs) and blocked_on_job <> all (p_seen))
  union
  (select depends_on from job_dependencies where job_id = any (p_jobs) and depends_on <> all (p_seen)
    limit p_most)
  union
  (select depends_on from job_dependencies_history where job_id = any (p_jobs) and depends_on <> all (p_seen)
    limit p_most)
  union
  (select job_id from job_dependencies where depends_on = any (p_jobs) and job_id <> all (p_seen)
    limit p_most)
  union
  (select job_id from job_dependencies_history where depends_on = any (p_jobs) and job_id <> all (p_seen)
    limit p_most)
  union
  (select job_id from jobs where blocked_on_job = any (p_jobs) and job_id <> all (p_seen) limit p_most)
  union
  (select job_id from jobs where parent_job_id = any (p_jobs) and job_id <> all (p_seen) limit p_most)
  union
  (select job_id from jobs_history where parent_job_id = any (p_jobs) and job_id <> all (p_seen) limit p_most)
$$;

-- Returns a job and the jobs that are connected with it, nearest first, at most p_most.
create or replace function connected_jobs(p_job_id uuid, p_most int) returns uuid[]
language plpgsql stable as $$
declare
  v_seen uuid[] := array[p_job_id];
  v_ring uuid[] := v_seen;
begin
  while cardinality(v_ring) > 0 and cardinality(v_seen) < p_most loop
    v_ring := array(
      select * from touching_jobs(v_ring, v_seen, p_most) limit p_most - cardinality(v_seen));
    v_seen := v_seen || v_ring;
  end loop;
  return v_seen;
end
$$;

-- Returns the jobs of a flow, live or retired, oldest first, at most p_most.
create or replace function jobs_of_flow(p_namespace text, p_flow_key text, p_most int) returns uuid[]
language sql stable as $$
  select coalesce(array_agg(job_id order by seq), '{}')
  from (
    (
      select job_id, seq from jobs
      where namespace = p_namespace and flow_key = p_flow_key
      order by seq
      limit p_most)
    union all
    (
      select job_id, seq from jobs_history
      where namespace = p_namespace and flow_key = p_flow_key
      order by seq
      limit p_most)
    order by seq
    limit p_most) j
$$;

-- Returns the jobs of a flow as jobs_of_flow. Refuses a flow without jobs (404).
create or replace function known_flow(p_namespace text, p_flow_key text, p_field text, p_most int)
returns uuid[]
language plpgsql stable as $$
declare
  v_jobs uuid[] := jobs_of_flow(p_namespace, p_flow_key, p_most);
begin
  if v_jobs = '{}' then
    perform refuse(404, 'unknown_flow',
      format('no job in namespace %s has the flow key %s', p_namespace, p_flow_key),
      p_field, to_jsonb(p_flow_key), 'the flowKey of a job');
  end if;
  return v_jobs;
end
$$;

-- Returns a job as a node of a flow, with the hold of its lane as in next_move_held.
create or replace function flow_node(p_job jobs, p_hold text) returns jsonb
language sql stable as $$
  select jsonb_strip_nulls(jsonb_build_object(
    'jobId', (p_job).job_id,
    'seq', (p_job).seq,
    'state', (p_job).state,
    'nextMove', nullif(next_move_held(p_job, p_hold), ''),
    'targetAgent', (p_job).target_agent,
    'sourceAgent', (p_job).source_agent,
    'subject', (p_job).subject,
    'jobType', (p_job).job_type,
    'priority', (p_job).priority,
    'parentJobId', (p_job).parent_job_id,
    'flowKey', (p_job).flow_key,
    'hops', (p_job).hops,
    'attemptCount', (p_job).attempt_count,
    'maxAttempts', (p_job).max_attempts,
    'outcome', (p_job).outcome,
    'summary', cut((p_job).summary, list_text()),
    'lastError', cut((p_job).last_error, list_text()),
    'blockedReason', cut((p_job).blocked_reason, list_text()),
    'blockedOnPerson', (p_job).blocked_on_person,
    'runAfter', case when (p_job).state = 'queued' then (p_job).run_after end,
    'createdAt', (p_job).created_at,
    'endedAt', (p_job).ended_at))
$$;

-- Returns flow_node of each of the jobs, live or retired, oldest first.
create or replace function flow_nodes(p_namespace text, p_jobs uuid[]) returns jsonb
language plpgsql stable as $$
declare
  v_job jobs;
  v_nodes jsonb[] := '{}';
  v_holds jsonb := '{}';
begin
  for v_job in
    select * from jobs where job_id = any (p_jobs) and namespace = p_namespace
  loop
    -- The values are removed first, because passing a row to a function would read them.
    v_job.payload := null;
    v_job.result := null;
    v_job.evidence := null;
    if is_due(v_job) and not v_holds ? v_job.target_agent then
      v_holds := v_holds
        || jsonb_build_object(v_job.target_agent, hold_of_lane(p_namespace, v_job.target_agent));
    end if;
    v_nodes := v_nodes || flow_node(v_job, v_holds ->> v_job.target_agent);
  end loop;
  for v_job in select * from retired_jobs(p_namespace, p_jobs) loop
    v_nodes := v_nodes || (flow_node(v_job, null) || '{"retired": true}');
  end loop;
  return (select coalesce(jsonb_agg(n order by (n ->> 'seq')::bigint), '[]') from unnest(v_nodes) n);
end
$$;

-- Returns the relations between the jobs, at most flow_edges. Each goes from the job that comes first to
-- the job that comes after it: from parent to child, from a dependency to the job that needs it, from a job
-- to the one that is blocked on it.
create or replace function flow_edges_of(p_jobs uuid[]) returns jsonb
language sql stable as $$
  select coalesce(jsonb_agg(jsonb_build_object('from', a, 'to', b, 'kind', kind) order by kind, a, b), '[]')
  from (
    select parent_job_id as a, job_id as b, 'child' as kind
    from jobs
    where job_id = any (p_jobs) and parent_job_id = any (p_jobs)
    union
    select parent_job_id, job_id, 'child'
    from jobs_history
    where job_id = any (p_jobs) and parent_job_id = any (p_jobs)
    union
    select depends_on, job_id, 'dependency'
    from job_dependencies
    where job_id = any (p_jobs) and depends_on = any (p_jobs)
    union
    select depends_on, job_id, 'dependency'
    from job_dependencies_history
    where job_id = any (p_jobs) and depends_on = any (p_jobs)
    union
    select blocked_on_job, job_id, 'block'
    from jobs
    where job_id = any (p_jobs) and blocked_on_job = any (p_jobs) and state = 'blocked'
    limit flow_edges()) e
$$;

create or replace function get_flow(p_principal jsonb, p_input jsonb) returns jsonb
language plpgsql stable as $$
declare
  v_namespace text := namespace_of(p_principal, p_input);
  v_flow text := p_input ->> 'flowKey';
  v_job_id uuid := (p_input ->> 'jobId')::uuid;
  v_most int := flow_jobs() + 1;
  v_jobs uuid[];
  v_edges jsonb;
begin
  if (v_flow is null) = (v_job_id is null) then
    perform refuse(422, 'invalid_field', format('%s of flowKey and jobId is given', case when v_flow is null
      then 'neither' else 'each' end), 'flowKey', to_jsonb(v_flow), 'either flowKey or jobId');
  end if;
  if v_job_id is not null then
    v_flow := (any_job_of(v_namespace, v_job_id)).flow_key;
  end if;
  if v_flow is not null then
    v_jobs := known_flow(v_namespace, v_flow, 'flowKey', v_most);
  end if;
  if v_flow is null or (v_job_id is not null and cardinality(v_jobs) = v_most) then
    -- Of a flow that does not fit, the job and its nearest relatives are shown.
    v_jobs := connected_jobs(v_job_id, v_most);
  end if;
  v_edges := flow_edges_of(v_jobs[1:flow_jobs()]);
  return jsonb_strip_nulls(jsonb_build_object('flowKey', v_flow, 'jobId', v_job_id)) || jsonb_build_object(
    'nodes', flow_nodes(v_namespace, v_jobs[1:flow_jobs()]),
    'edges', v_edges,
    'more', cardinality(v_jobs) = v_most or jsonb_array_length(v_edges) = flow_edges());
end
$$;
comment on function get_flow(jsonb, jsonb) is
  'The operation getFlow: the jobs of a flow, or of the flow of a job, or of a job without a flow those connected with it, live or retired, at most flow_jobs, with the relations between them. more says whether jobs or relations are left out. Refuses an unknown flow or job (404).';
