-- The operation account: what an agent was woken for, was told, wrote, handed over, asked, spent and left
-- open in a window, or the same for a flow. Everything comes from the ledger, and no model writes a word of
-- it.

-- Returns the agent of an account with its state in words for the headline: disabled or paused, since when
-- and why.
create or replace function account_agent(p_agent agents) returns jsonb
language sql stable as $$
  select jsonb_strip_nulls(jsonb_build_object(
    'agentId', (p_agent).agent_id,
    'enabled', (p_agent).enabled,
    'gateway', (p_agent).gateway,
    'disabledAt', case when not (p_agent).enabled then (
      select max(created_at)
      from audit_log
      where table_name = 'agents' and row_id = (p_agent).agent_id and namespace = (p_agent).namespace
        and action = 'agent.disabled') end,
    'pausedAt', case when lane_paused(p_agent) then (p_agent).paused_at end,
    'pausedBy', case when lane_paused(p_agent) then (p_agent).paused_by end,
    'pausedReason', case when lane_paused(p_agent) then cut((p_agent).paused_reason, account_text()) end))
$$;

-- Returns the window of an account: of an agent as bounded_window_of, of a flow from its first job to now
-- unless the input names other times. Refuses (422) a window that does not go forward.
create or replace function account_window(
  p_namespace text, p_input jsonb, p_jobs uuid[], out o_from timestamptz, out o_to timestamptz
) language plpgsql stable as $$
begin
  if p_jobs is null then
    select w.o_from, w.o_to into o_from, o_to from bounded_window_of(p_input) w;
    return;
  end if;
  o_to := coalesce((p_input ->> 'to')::timestamptz, now());
  o_from := coalesce((p_input ->> 'from')::timestamptz, (
    select min(created_at)
    from (
      select created_at from jobs where job_id = any (p_jobs)
      union all
      select created_at from jobs_history where job_id = any (p_jobs)) j));
  if o_from >= o_to then
    perform refuse(422, 'invalid_field',
      format('the window ends at %s and begins at %s', utc_text(o_to), utc_text(o_from)),
      'to', to_jsonb(o_to), 'a time after from');
  end if;
end
$$;

-- Returns the section asked without blocks: the questions, reviews and approvals that an agent, or the jobs
-- p_jobs if p_agent is null, asked for in a window, newest first, with their answers; and attempts, <job
-- id>:<attempt no> of the attempts that asked.
create or replace function account_questions(
  p_namespace text, p_agent text, p_jobs uuid[], p_from timestamptz, p_to timestamptz
) returns jsonb
language plpgsql stable
-- Planned anew each time, so that the agent or the jobs are found by their own index.
set plan_cache_mode = force_custom_plan as $$
declare
  v_answer jsonb;
begin
  with q as materialized (
    select *
    from (
      select question_id, kind, status, job_id, attempt_no, agent_id, question, answer, option, decision,
        answered_by, created_at, closed_at, seq
      from questions
      where namespace = p_namespace and created_at >= p_from and created_at < p_to
        and (p_agent is null or agent_id = p_agent)
        and (p_agent is not null or job_id = any (p_jobs))
      union all
      select question_id, kind, status, job_id, attempt_no, agent_id, question, answer, option, decision,
        answered_by, created_at, closed_at, seq
      from questions_history
      where namespace = p_namespace and created_at >= p_from and created_at < p_to
        and (p_agent is null or agent_id = p_agent)
        and (p_agent is not null or job_id = any (p_jobs))) every_one
    where attempt_no is not null
    order by seq desc
    limit account_look()
  )
  select jsonb_build_object(
    'total', count(*),
    'open', count(*) filter (where status = 'open'),
    'attempts', coalesce(jsonb_agg(job_id || ':' || attempt_no), '[]'),
    'list', account_page((
      select jsonb_agg(jsonb_strip_nulls(jsonb_build_object('at', created_at, 'questionId', question_id,
        'kind', kind, 'status', status, 'jobId', job_id, 'agentId', agent_id,
        'question', cut(question, account_text()),
        'answer', cut(coalesce(answer, option, decision), account_text()), 'decision', decision,
        'answeredBy', answered_by, 'closedAt', closed_at)) order by seq desc)
      from (select * from q order by seq desc limit account_rows() + 1) shown)))
  into v_answer
  from q;
  return v_answer;
end
$$;

create or replace function account(p_principal jsonb, p_input jsonb) returns jsonb
language plpgsql stable as $$
declare
  v_namespace text := namespace_of(p_principal, p_input);
  v_agent text := p_input ->> 'agent';
  v_flow text := p_input ->> 'flow';
  v_jobs uuid[];
  v_about jsonb;
  v_window record;
  v_asked jsonb;
  v_said jsonb;
  v_account jsonb;
begin
  if (v_agent is null) = (v_flow is null) then
    perform refuse(422, 'invalid_field', format('%s of agent and flow is given', case when v_agent is null
      then 'neither' else 'each' end), 'agent', to_jsonb(v_agent), 'either agent or flow');
  end if;
  if v_agent is not null then
    v_about := jsonb_build_object('agent', account_agent(agent_named(v_namespace, v_agent, 'agent', 404)));
  else
    v_jobs := known_flow(v_namespace, v_flow, 'flow', account_look() + 1);
    v_about := jsonb_build_object('flow', jsonb_build_object(
      'flowKey', v_flow,
      'jobs', least(cardinality(v_jobs), account_look()),
      'more', cardinality(v_jobs) > account_look()));
    v_jobs := v_jobs[1:account_look()];
  end if;
  select * into v_window from account_window(v_namespace, p_input, v_jobs);
  v_asked := account_questions(v_namespace, v_agent, v_jobs, v_window.o_from, v_window.o_to);
  v_said := account_of_attempts(v_namespace, v_agent, v_jobs, v_window.o_from, v_window.o_to,
    array(select jsonb_array_elements_text(v_asked -> 'attempts')));
  v_account := v_about || jsonb_build_object(
    'namespace', v_namespace,
    'from', v_window.o_from,
    'to', v_window.o_to,
    'asOf', now(),
    'woken', v_said -> 'woken',
    'told', v_said -> 'told',
    'wrote', jsonb_build_object(
      'results', v_said -> 'results',
      'events', account_emitted(v_namespace, v_agent, v_jobs, v_window.o_from, v_window.o_to)),
    'failed', v_said -> 'failures',
    'handedOver', account_handed_over(v_namespace, v_agent, v_jobs, v_window.o_from, v_window.o_to),
    'asked', jsonb_build_object('questions', v_asked - 'attempts', 'blocks', v_said -> 'blocks'),
    'spent', v_said -> 'spent',
    'leftOpen', account_left_open(v_namespace, v_agent, v_jobs, v_window.o_to),
    'refused', account_refused(v_namespace, v_agent, v_jobs, v_window.o_from, v_window.o_to));
  return jsonb_build_object('headline', account_headline(v_account, false))
    || v_account
    || jsonb_build_object('markdown', account_markdown(v_account));
end
$$;
comment on function account(jsonb, jsonb) is
  'The operation account: the account of an agent for a window, or of a flow, from the ledger alone: a headline, the sections with at most account_rows rows each, and the whole as Markdown. Refuses an unknown agent or flow (404) and a window that is too long or does not go forward (422).';
