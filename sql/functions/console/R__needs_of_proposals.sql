-- The sources of needs-me that are alerts: urgent opportunities, anomalies, and critical paths that are
-- blocked (sql/functions/reports/R__alerts.sql).

-- Returns the urgent opportunities that nobody has decided.
create or replace function needs_urgent(p_namespace text)
returns table (id text, kind text, since timestamptz, item jsonb) language sql stable as $$
  select
    'opportunity/' || o.opportunity_id,
    'urgent',
    o.created_at,
    needs_item(
      format('%s says it is urgent: %s, because %s.', o.source_agent, in_sentence(o.title),
        in_sentence(o.why_now)),
      format('%s.', upper(left(t.nothing, 1)) || substr(t.nothing, 2)),
      jsonb_build_object('opportunityId', o.opportunity_id, 'agentId', o.source_agent),
      needs_action('Accept', 'triageOpportunity',
        jsonb_build_object('opportunityId', o.opportunity_id, 'decision', 'accepted'), '{notes}'),
      needs_action('Reject', 'triageOpportunity',
        jsonb_build_object('opportunityId', o.opportunity_id, 'decision', 'rejected'), '{notes}', true))
  from opportunities o
  cross join lateral (select in_sentence(o.if_nothing) as nothing) t
  where o.namespace = p_namespace
    and o.ended_at is null
    and o.status in ('new', 'triaged')
    and is_alert(o)
$$;

-- Returns what an event ops.anomaly says, in one line: its field what or another one in words, or the whole
-- payload.
create or replace function anomaly_text(p_payload jsonb) returns text language sql stable as $$
  select in_sentence(coalesce(
    p_payload ->> 'what', p_payload ->> 'summary', p_payload ->> 'anomaly', p_payload ->> 'title',
    p_payload::text))
$$;

-- Returns the anomalies of the last days that no person has seen. Those of one agent with the same words are
-- one item; a person sees all of them up to one event with the event ops.anomaly_seen, whose dedupe key is
-- the key of the item and the id of that event.
create or replace function needs_anomalies(p_namespace text)
returns table (id text, kind text, since timestamptz, item jsonb) language sql stable as $$
  with major as (
    select e.event_id, e.source_agent, e.source_job_id, e.created_at, e.seq, anomaly_text(e.payload) as words,
      'anomaly/' || coalesce(e.source_agent, 'operator') || '/'
        || left(md5(anomaly_text(e.payload)), 12) as key
    from (
      select *
      from events
      where namespace = p_namespace
        and topic = 'ops.anomaly'
        and created_at > now() - anomaly_shown()
      order by created_at desc
      limit needs_searched()) e
    where is_major(e)
  ), seen as (
    -- Whole keys are compared, because a range of them would depend on the collation of the database.
    select m.key, max(m.seq) as seq
    from major m
    join events s on s.namespace = p_namespace
      and s.topic = 'ops.anomaly_seen'
      and s.dedupe_key = m.key || ':' || m.event_id
    -- Only a person sees an anomaly; an agent that may emit the topic hides none.
    where s.source_agent is null
    group by m.key
  ), unseen as (
    select m.*
    from major m
    left join seen s on s.key = m.key
    where m.seq > coalesce(s.seq, 0)
  ), matters as (
    select key, source_agent, words, count(*) as times, min(created_at) as since,
      (array_agg(event_id order by seq desc))[1] as newest,
      (array_agg(source_job_id order by seq desc))[1] as job
    from unseen
    group by key, source_agent, words
    order by since
    limit needs_shown() + 1
  )
  select
    key,
    'anomaly',
    since,
    needs_item(
      format('%s reports an anomaly%s: %s.', coalesce(source_agent, 'An operator'),
        case when times > 1 then format(' %s times', times) else '' end, words),
      format('This line stays until a person has seen it, at most until %s.', utc_text(since + anomaly_shown())),
      jsonb_build_object('eventId', newest, 'agentId', source_agent, 'jobId', job, 'count', nullif(times, 1)),
      needs_action('Seen', 'emitEvent', jsonb_build_object(
        'topic', 'ops.anomaly_seen',
        'dedupeKey', key || ':' || newest,
        'payload', jsonb_build_object('eventId', newest))))
  from matters
$$;

-- Returns the blocked jobs on critical paths that are no item of needs_blocked yet, because a time ends the
-- block or the coordinator may still answer.
create or replace function needs_critical(p_namespace text)
returns table (id text, kind text, since timestamptz, item jsonb) language sql stable as $$
  select
    'critical_path/' || j.job_id,
    'critical_path',
    j.updated_at,
    needs_item(
      format('%s wait for a job of %s (%s), which is blocked: %s.',
        jobs_counted(waiting_below(j.job_id, needs_searched() + 1), needs_searched()), j.target_agent,
        j.subject,
        in_sentence(j.blocked_reason)),
      case
        when j.blocked_until is not null then format('It goes on by itself at %s.', utc_text(j.blocked_until))
        else block_outcome(1, true) end,
      jsonb_build_object('agentId', j.target_agent, 'jobId', j.job_id, 'subject', j.subject),
      needs_action('Answer', 'unblockJob', jsonb_build_object('jobId', j.job_id), '{answer}'),
      needs_action('Cancel', 'cancelJob', jsonb_build_object('jobId', j.job_id), '{reason}', true))
  from (
    -- Each of the two reads an index of its own. The blocks that the coordinator may still answer are among
    -- the newest.
    (
      select b.*
      from (
        select *
        from jobs
        where namespace = p_namespace
          and state = 'blocked'
          and blocked_until is null
          and blocked_on_job is null
        order by seq desc
        limit needs_searched()) b
      cross join (select has_coordinator(p_namespace) as there offset 0) coordinator
      where coordinator.there
        and b.blocked_on_person is null
        and b.updated_at >= now() - coordinator_patience())
    union all
    (
      select *
      from jobs
      where state = 'blocked'
        and blocked_until > now() + coordinator_patience()
        and namespace = p_namespace
        and blocked_on_job is null
      order by blocked_until
      limit needs_searched())) j
  where on_critical_path(j)
    and not question_open(j.question_id)
$$;
