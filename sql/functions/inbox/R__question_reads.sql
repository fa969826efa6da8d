-- How questions are listed, shown in a prompt, and measured.

-- Returns whether a question fits the filter of a list.
create or replace function question_fits(p_question questions, p_input jsonb) returns boolean
language sql immutable as $$
  select (p_input ->> 'status' is null or (p_question).status = p_input ->> 'status')
    and (p_input ->> 'kind' is null or (p_question).kind = p_input ->> 'kind')
    and (p_input ->> 'agentId' is null or (p_question).agent_id = p_input ->> 'agentId')
$$;

-- Returns the questions among which a list searches, newest first, at most p_limit: the open ones, those of a
-- job or of an agent, or all. Only one branch runs, with an index of its own, so that the few open questions
-- are found beside any number of closed ones. The caller compares the rest of the filter (question_fits).
create or replace function questions_to_list(p_namespace text, p_input jsonb, p_before bigint, p_limit int)
returns setof questions
language sql stable as $$
  (
    select *
    from questions q
    where p_input ? 'jobId' and job_id = (p_input ->> 'jobId')::uuid and seq < p_before
      and namespace = p_namespace
    order by seq desc
    limit p_limit)
  union all
  (
    select *
    from questions q
    where not p_input ? 'jobId' and p_input ->> 'status' = 'open' and status = 'open'
      and namespace = p_namespace and seq < p_before
    order by seq desc
    limit p_limit)
  union all
  (
    select *
    from questions q
    where not p_input ? 'jobId' and (p_input ->> 'status' = 'open') is not true and p_input ? 'agentId'
      and namespace = p_namespace and agent_id = p_input ->> 'agentId' and seq < p_before
    order by seq desc
    limit p_limit)
  union all
  (
    select *
    from questions q
    where not p_input ?| '{jobId,agentId}' and (p_input ->> 'status' = 'open') is not true
      and namespace = p_namespace and seq < p_before
    order by seq desc
    limit p_limit)
$$;

create or replace function list_questions(p_principal jsonb, p_input jsonb) returns jsonb
language plpgsql stable
-- Planned anew each time, so that a filter which is not given disappears from the plan.
set plan_cache_mode = force_custom_plan as $$
declare
  v_namespace text := namespace_of(p_principal, p_input);
  v_rows refcursor;
begin
  open v_rows for
    select q.seq, q.created_at,
      case when question_fits(q, p_input) then question_row(q, list_text()) end as shown
    from questions_to_list(v_namespace, p_input,
      coalesce((p_input ->> 'before')::bigint, 9223372036854775807), question_looks()) q;
  return page_of(v_rows, 'questions', p_input, question_looks());
end
$$;
comment on function list_questions(jsonb, jsonb) is
  'The operation listQuestions: the questions that are not in history, newest first, at most limit (default 50) and at most answer_bytes. Every other field of the input narrows the list; next of the answer is before of the following page. A call reads at most question_looks rows; when it stops there, the answer says how far it has searched (searchedTo), and next goes on.';

create or replace function get_question(p_principal jsonb, p_input jsonb) returns jsonb
language plpgsql stable as $$
declare
  v_namespace text := namespace_of(p_principal, p_input);
  v_question questions := question_of(v_namespace, (p_input ->> 'questionId')::uuid);
  v_job jobs;
begin
  select * into v_job from jobs where job_id = v_question.job_id;
  if not found then
    v_job := jsonb_populate_record(null::jobs, to_jsonb(retired_job(v_namespace, v_question.job_id)));
  end if;
  return question_row(v_question, null)
    || case when v_question.content is null then '{}'
      else jsonb_build_object('content', v_question.content) end
    || case when v_job.job_id is null then '{}'
      else jsonb_build_object('job', job_row(v_job, hold_of(v_job))) end;
end
$$;
comment on function get_question(jsonb, jsonb) is
  'The operation getQuestion: a question, live or retired, with its content and the row of its job. Refuses an unknown question (404).';

-- Returns the newest closed questions of a job, oldest first, as its prompt shows them; at most
-- questions_in_prompt. told is the text that the job got as its answer.
create or replace function questions_for_prompt(p_job_id uuid) returns jsonb
language sql stable as $$
  select coalesce(jsonb_agg(
    question_row(q, null) || jsonb_build_object('told', told_text(q))
      || shown_if_small('content', q.content, q.content_bytes, small_json())
    order by q.seq), '[]')
  from (
    select *
    from questions_of(p_job_id)
    where status <> 'open'
    order by seq desc
    limit questions_in_prompt()) q
$$;

-- Returns the open questions of each namespace that has some, and the age of the oldest in seconds.
create or replace function questions_open() returns setof jsonb
language sql stable as $$
  select jsonb_build_object(
    'namespace', namespace,
    'open', count(*),
    'oldestSeconds', greatest(0, round(extract(epoch from now() - min(created_at)))))
  from questions
  where status = 'open'
  group by namespace
$$;
