-- What has changed, for the live stream of the console. Each change of a row is in the audit log or is an
-- event already, so that writers pay nothing for the console: a node reads the newest rows of both while a
-- page is open.

-- Returns the kinds of the console's pages that a change of a table concerns, besides audit.
create or replace function console_kinds(p_table text) returns text[] language sql immutable as $$
  select case p_table
    when 'jobs' then array['jobs', 'agents']
    when 'agents' then array['agents']
    when 'gateways' then array['gateways', 'agents']
    when 'standing_orders' then array['orders']
    when 'standing_order_runs' then array['orders']
    when 'questions' then array['questions', 'jobs']
    when 'bulk_actions' then array['bulk', 'jobs']
    when 'ideas' then array['proposals']
    when 'opportunities' then array['proposals']
    when 'memory_candidates' then array['memories']
    when 'memories' then array['memories']
    when 'memory_reviews' then array['memories']
    when 'reports' then array['reports']
    when 'pauses' then array['jobs', 'agents', 'gateways', 'orders']
    else array[]::text[] end
$$;

-- Returns the kinds that an event of a topic concerns, besides events.
create or replace function console_kinds_of_topic(p_topic text) returns text[] language sql immutable as $$
  select case split_part(p_topic, '.', 1)
    when 'gateway' then array['gateways', 'agents']
    when 'standing_order' then array['orders']
    when 'question' then array['questions', 'jobs']
    when 'bulk' then array['bulk']
    when 'idea' then array['proposals']
    when 'opportunity' then array['proposals']
    when 'memory' then array['memories']
    when 'digest' then array['reports']
    when 'ops' then array['anomalies']
    when 'pause' then array['jobs', 'agents', 'gateways', 'orders']
    else array[]::text[] end
$$;

-- Returns the transaction of a row, whose xmin has lost its upper half: the last one with that lower half
-- before p_next, the next transaction.
create or replace function full_xid(p_xmin xid, p_next bigint) returns xid8
language sql immutable as $$
  select (p_next - ((p_next - p_xmin::text::bigint) & 4294967295))::text::xid8
$$;

-- Returns what has changed since an earlier look: changes, for each namespace the kinds that have new rows;
-- and since, which the next look takes as p_since. A first look takes null and returns no changes.
--
-- A row can be written before another and committed after it. So a look reads all rows after a place (audit,
-- seq) before which no transaction can commit any more, and counts those as new that the snapshot of the
-- last look did not see. That place follows with each look (pending) once the transactions that were open at
-- it are over, or when too many rows lie behind it. A snapshot does not know subtransactions, therefore a row
-- behind the newest of the last look (seenAudit, seenSeq) is new in any case.
create or replace function console_changes(p_since jsonb) returns jsonb
language plpgsql stable as $$
declare
  v_now pg_snapshot := pg_current_snapshot();
  v_next bigint := pg_snapshot_xmax(v_now)::text::bigint;
  v_before pg_snapshot := (p_since ->> 'snapshot')::pg_snapshot;
  v_seen_audit bigint := (p_since ->> 'seenAudit')::bigint;
  v_seen_seq bigint := (p_since ->> 'seenSeq')::bigint;
  v_audit bigint := (select coalesce(max(audit_id), 0) from audit_log);
  v_seq bigint := (
    select coalesce(max(last.seq), 0)
    from namespaces n
    cross join lateral (select seq from events where namespace = n.namespace order by seq desc limit 1) last);
  v_changes jsonb;
  v_complete boolean := p_since is null
    or pg_snapshot_xmin(v_now) >= (p_since -> 'pending' ->> 'next')::xid8
    or v_audit - (p_since ->> 'audit')::bigint > console_rows_looked_at()
    or v_seq - (p_since ->> 'seq')::bigint > console_rows_looked_at();
  v_pending jsonb := jsonb_build_object('audit', v_audit, 'seq', v_seq, 'next', v_next::text);
begin
  -- Thousands of rows can be new and few kinds, so the rows are parted by what decides their kinds first.
  with tables as (
    select distinct namespace, table_name
    from (
      select namespace, table_name, audit_id, xmin
      from audit_log
      where audit_id > (p_since ->> 'audit')::bigint
      order by audit_id desc
      limit console_rows_looked_at()) a
    where audit_id > v_seen_audit or not pg_visible_in_snapshot(full_xid(xmin, v_next), v_before)
  ), topics as (
    select distinct e.namespace, e.topic
    from namespaces n
    cross join lateral (
      select namespace, topic, seq, xmin
      from events
      where namespace = n.namespace and seq > (p_since ->> 'seq')::bigint
      order by seq desc
      limit console_rows_looked_at()) e
    where e.seq > v_seen_seq or not pg_visible_in_snapshot(full_xid(xmin, v_next), v_before)
  ), new_rows as (
    select namespace, array['audit'] || console_kinds(table_name) as kinds from tables
    union all
    select namespace, array['events'] || console_kinds_of_topic(topic) from topics
  ), by_namespace as (
    select namespace, jsonb_agg(distinct kind) as kinds
    from new_rows cross join unnest(kinds) kind
    group by namespace
  )
  select coalesce(jsonb_object_agg(namespace, kinds), '{}') into v_changes
  from by_namespace;
  return jsonb_build_object(
    'changes', v_changes,
    'since', jsonb_build_object(
      'snapshot', v_now::text,
      'seenAudit', v_audit,
      'seenSeq', v_seq,
      'audit', case
        when p_since is null then v_audit
        when v_complete then (p_since -> 'pending' ->> 'audit')::bigint
        else (p_since ->> 'audit')::bigint end,
      'seq', case
        when p_since is null then v_seq
        when v_complete then (p_since -> 'pending' ->> 'seq')::bigint
        else (p_since ->> 'seq')::bigint end,
      'pending', case when v_complete then v_pending else p_since -> 'pending' end));
end
$$;
