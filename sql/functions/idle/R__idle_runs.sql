-- Idle thinking: runs of an agent for which no work waits. Each is the job of one slot of a standing order
-- with the job type idle, and has one row in idle_runs.

-- Returns whether jobs of this type are idle thinking. The index jobs_idle holds the same condition.
create or replace function is_idle(p_job_type text) returns boolean
language sql immutable as $$
  select p_job_type = 'idle'
$$;

-- Writes the row of an idle run, for the slot of p_order that has just got the job p_job: with its question,
-- its news (idle_news), and the gateway and the budget of a day that its agent has now. A manual slot is by
-- hand unless a dispatcher started it early. Returns the row.
create or replace function insert_idle_run(
  p_order standing_orders, p_slot standing_order_runs, p_job uuid, p_question text, p_news jsonb
) returns idle_runs language sql as $$
  insert into idle_runs (namespace, agent_id, order_name, slot_id, job_id, gateway, question, news, budget,
    by_hand)
  select (p_order).namespace, (p_order).agent_id, (p_order).order_name, (p_slot).run_id, p_job, a.gateway,
    p_question, p_news, idle_budget_of(a),
    (p_slot).trigger_source = 'manual' and current_actor() not like 'dispatcher:%'
  from agents a
  where a.namespace = (p_order).namespace and a.agent_id = (p_order).agent_id
  returning *
$$;

-- Enqueues the job of a slot of idle thinking and returns its id: p_job is the job of any slot, and gets the
-- question as the last line of its instructions, and in its payload the news and what the agent may still
-- spend today (budgetLeft). Its wall clock is that of the order, or what is left of the agent's minutes.
-- Refuses (409) an agent without a question for now; insert_job has further refusals.
create or replace function begin_idle_run(p_order standing_orders, p_slot standing_order_runs, p_job jsonb)
returns uuid
language plpgsql as $$
declare
  v_agent agents := agent_named(p_order.namespace, p_order.agent_id, 'agent');
  v_question text := question_of_slot(p_order);
  v_news jsonb := idle_news(
    p_order.namespace, p_order.agent_id, news_since(p_order.namespace, p_order.agent_id));
  v_job_id uuid;
begin
  v_job_id := insert_slot_job(p_order,
    jsonb_set(p_job, '{payload}', p_job -> 'payload' || jsonb_build_object(
      'news', v_news, 'budgetLeft', idle_budget_left(v_agent))),
    rtrim(p_order.instructions, E'\n') || E'\nThe question of this run: ' || v_question);
  update jobs
  set timeout_seconds = idle_seconds(v_agent, timeout_seconds),
    hard_timeout_seconds = idle_seconds(v_agent, hard_timeout_seconds)
  where job_id = v_job_id;
  perform insert_idle_run(p_order, p_slot, v_job_id, v_question, v_news);
  return v_job_id;
end
$$;
