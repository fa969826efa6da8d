-- The operation get-agent: what an agent may do, what it did last, and what was refused to it.

-- Returns the newest jobs of an agent, at most agent_rows_shown, as rows of a list.
create or replace function newest_jobs(p_namespace text, p_agent text) returns jsonb
language sql stable as $$
  select list_jobs(
    jsonb_build_object('kind', 'operator', 'name', 'bus'),
    jsonb_build_object('namespace', p_namespace, 'targetAgent', p_agent, 'limit', agent_rows_shown()))
$$;

-- Returns the newest refused calls of an agent and of its attempts that have a row in the audit log, at most
-- agent_rows_shown of the newest others_searched refusals of the namespace.
create or replace function recent_refusals(p_namespace text, p_agent text) returns jsonb
language sql stable as $$
  select coalesce(jsonb_agg(jsonb_strip_nulls(jsonb_build_object(
    'auditId', audit_id,
    'at', created_at,
    'actor', actor,
    'operation', detail ->> 'operation',
    'code', detail ->> 'code',
    'detail', cut(why, list_text()),
    'jobId', case when table_name = 'jobs' then row_id end)) order by audit_id desc), '[]')
  from (
    select *
    from (
      select *
      from audit_log
      where namespace = p_namespace
        and action = 'call.refused'
      order by created_at desc, audit_id desc
      limit others_searched()) newest
    where actor = any (actors_of(p_agent))
    order by created_at desc, audit_id desc
    limit agent_rows_shown()) r
$$;

create or replace function get_agent(p_principal jsonb, p_input jsonb) returns jsonb
language plpgsql stable as $$
declare
  v_namespace text := namespace_of(p_principal, p_input);
  v_agent agents := agent_named(v_namespace, p_input ->> 'agentId', 'agentId', 404);
  v_jobs jsonb := newest_jobs(v_namespace, v_agent.agent_id);
begin
  return agent_json(v_agent)
    || jsonb_strip_nulls(jsonb_build_object(
      'model', v_agent.model,
      'thinking', v_agent.thinking,
      'timeoutSeconds', v_agent.timeout_seconds,
      'configHash', v_agent.config_hash,
      'agentsMdHash', v_agent.agents_md_hash,
      'jobsSearchedTo', v_jobs -> 'searchedTo'))
    || jsonb_build_object(
      'idle', idle_json(v_agent),
      'subscriptions', (
        select coalesce(jsonb_agg(jsonb_build_object(
          'topic', topic_pattern, 'subject', subject, 'priority', priority, 'coalesce', coalesces)
          order by topic_pattern, subject), '[]')
        from subscriptions
        where namespace = v_namespace and agent_id = v_agent.agent_id and enabled),
      'standingOrders', (
        select coalesce(jsonb_agg(order_name order by order_name), '[]')
        from standing_orders
        where namespace = v_namespace and agent_id = v_agent.agent_id and enabled),
      -- The hash of a token proves nothing to a person, so only its times are shown.
      'tokens', (
        select coalesce(jsonb_agg(jsonb_build_object('createdAt', created_at) order by created_at desc), '[]')
        from access_tokens
        where namespace = v_namespace and kind = 'agent' and name = v_agent.agent_id and revoked_at is null),
      'pauses', (
        select coalesce(jsonb_agg(pause_json(p) order by p.since desc), '[]')
        from pauses_in_force(v_namespace) p
        where p.kind = 'everything'
          or p.kind = 'agent' and p.name = v_agent.agent_id
          or p.kind = 'gateway' and p.name = v_agent.gateway),
      'jobs', v_jobs -> 'jobs',
      'refusals', recent_refusals(v_namespace, v_agent.agent_id));
end
$$;
comment on function get_agent(jsonb, jsonb) is
  'The operation getAgent: the agent as list-agents shows it, with what it may do, its idle thinking, when its tokens were made, its pauses, its newest jobs and its newest refused calls. Refuses an unknown agent (404).';
