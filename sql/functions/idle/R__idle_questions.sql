-- The bank of questions: what an agent thinks about in its idle runs. The questions stand in its agent.yaml
-- (idleQuestions).

-- Returns the idle runs of an agent since p_since that have begun, or still may begin. A run that ended
-- before it began has spent nothing, and its question was not asked.
create or replace function idle_runs_since(p_namespace text, p_agent text, p_since timestamptz)
returns setof idle_runs language sql stable as $$
  select *
  from idle_runs
  where namespace = p_namespace
    and agent_id = p_agent
    and created_at >= p_since
    and (began_at is not null or ended_at is null)
$$;

-- Returns the question of the next idle run of an agent: in the order of its agent.yaml the first that was
-- never asked within the kept runs, otherwise the one that was asked longest ago. Null when the bus has
-- asked the agent each question within question_rest, and for an agent without questions.
create or replace function next_idle_question(p_namespace text, p_agent text) returns text
language sql stable as $$
  with asked as materialized (
    select question, max(created_at) as at
    from idle_runs_since(p_namespace, p_agent, '-infinity')
    group by question
  )
  select q.question
  from agents a
  cross join lateral unnest(a.idle_questions) with ordinality as q (question, place)
  left join asked d using (question)
  where a.namespace = p_namespace
    and a.agent_id = p_agent
    and (d.at is null or d.at <= now() - question_rest())
  order by d.at nulls first, q.place
  limit 1
$$;

-- Returns why an agent has no question for an idle run now, in words; null when it has one.
create or replace function no_question_text(p_namespace text, p_agent text) returns text
language sql stable as $$
  select case
    when next_idle_question(p_namespace, p_agent) is not null then null
    when idle_questions = '{}' then
      format('agent %s has no idleQuestions in its agent.yaml', agent_id)
    else format('all %s of agent %s were asked within the last %s days',
      count_of(cardinality(idle_questions), 'question', 'questions'), agent_id,
      extract(day from question_rest())) end
  from agents
  where namespace = p_namespace and agent_id = p_agent
$$;

-- Returns the question for a slot of an order of idle thinking that starts now. Refuses (409) when there is
-- none, as at a start by hand, which asks no pre-check.
create or replace function question_of_slot(p_order standing_orders) returns text
language plpgsql stable as $$
begin
  perform refuse(409, 'wrong_state', reason)
  from no_question_text(p_order.namespace, p_order.agent_id) reason
  where reason is not null;
  return next_idle_question(p_order.namespace, p_order.agent_id);
end
$$;
