-- The sessions of runs, and the attempt to which a run belongs.
--
-- A run is identified by its session key: agent:<agent>:job:<job id>, or in the direct form
-- agent:<agent>:job:<session> for a standing order with a named session. The gateway converts keys to lower
-- case (measured on OpenClaw 2026.9.6).

drop function if exists session_key_of(jobs, text);

-- Returns the agent that has an attempt. The job may have gone to another agent since; an attempt of an
-- earlier version names none.
create or replace function agent_of_attempt(p_job jobs, p_attempt job_attempts) returns text
language sql immutable as $$
  select coalesce((p_attempt).agent_id, (p_job).target_agent)
$$;

-- Returns the session key with which a gateway of the given form runs an attempt at the job. It is derived
-- from job and attempt, and never read from an agent's report.
create or replace function session_key_of(p_job jobs, p_attempt job_attempts, p_form text) returns text
language sql immutable as $$
  select 'agent:' || agent_of_attempt(p_job, p_attempt) || ':job:' || lower(case
    when p_form = 'direct' then coalesce((p_job).session, (p_job).job_id::text)
    else (p_job).job_id::text end)
$$;

drop function if exists jobs_of_session(text, text);

-- Returns the jobs of a namespace (null: of all) to which a session key can refer: the job whose id it holds,
-- whichever agent ran it, or the newest jobs of the agent in the session that it names. The newest few are
-- enough, because the runs of a session come one after another.
create or replace function jobs_of_session(p_namespace text, p_agent text, p_session text)
returns setof jobs
language plpgsql stable as $$
begin
  if p_session ~ '^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$' then
    return query
      select * from jobs
      where job_id = p_session::uuid
        and (p_namespace is null or namespace = p_namespace);
  else
    return query
      select * from jobs
      where target_agent = p_agent
        and session is not null
        and lower(session) = p_session
        and (p_namespace is null or namespace = p_namespace)
      order by seq desc
      limit session_jobs_searched();
  end if;
end
$$;

-- Returns the newest attempt on the calling gateway that has the session key of the report and had begun at
-- p_began; all null when there is none. Attempts of the agent in the key come first, because the job may have
-- gone from one agent to another. A gateway whose token is for one namespace finds attempts of that
-- namespace only.
create or replace function attempt_of_run(p_principal jsonb, p_input jsonb, p_began timestamptz)
returns job_attempts language plpgsql stable as $$
declare
  v_key text[] := regexp_match(lower(p_input ->> 'sessionKey'), '^(?:agent:([^:]+):)?job:(.+)$');
  v_attempt job_attempts;
begin
  perform require_principal(p_principal);
  select a.* into v_attempt
  from jobs_of_session(
    p_principal ->> 'namespace', coalesce(v_key[1], p_input ->> 'agentId'), v_key[2]) j
  join job_attempts a using (job_id)
  where a.gateway = p_principal ->> 'name'
    and a.created_at <= p_began
  order by a.agent_id is not distinct from v_key[1] desc, a.created_at desc
  limit 1;
  return v_attempt;
end
$$;
