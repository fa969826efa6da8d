-- Idle thinking: runs of an agent for which no work waits. Each is the job of one slot of a standing order
-- with the job type idle, and has one row in idle_runs.

-- Returns whether jobs of this type are idle thinking. The index jobs_idle holds the same condition.
create or replace function is_idle(p_job_type text) returns boolean
language sql immutable as $$
  select p_job_type = 'idle'
$$;

-- Writes the row of an idle run, for the slot of p_order that has just got the job p_job: with its question,
-- its news (idle_news), and the gateway that its agent has now. Returns the row.
create or replace function insert_idle_run(
  p_order standing_orders, p_slot standing_order_runs, p_job uuid, p_question text, p_news jsonb
) returns idle_runs language sql as $$
  insert into idle_runs (namespace, agent_id, order_name, slot_id, job_id, gateway, question, news)
  select (p_order).namespace, (p_order).agent_id, (p_order).order_name, (p_slot).run_id, p_job, a.gateway,
    p_question, p_news
  from agents a
  where a.namespace = (p_order).namespace and a.agent_id = (p_order).agent_id
  returning *
$$;
