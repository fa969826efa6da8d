-- The part of the auditor that looks at proposals (ideas and opportunities) without a model: whether they
-- still keep the form that lets people trust the lane. It judges no proposal and changes none; each finding
-- is one event audit.proposals.<finding>, and the thresholds are in proposals/R__policy_of_proposals.sql.

-- Returns the codes with which the calls of an agent that proposes too much, too little or again are refused.
create or replace function proposal_refusals() returns text[] language sql immutable as $$
  select array['proposal_budget', 'open_limit', 'near_duplicate', 'rejected_before', 'below_bar', 'unknown_evidence']
$$;

-- Returns for each agent the number of its calls that were refused since p_from with one of p_codes, and the
-- number by code. An agent without such a call has no row.
create or replace function refused_proposals(p_from timestamptz, p_codes text[])
returns table (namespace text, agent_id text, refused bigint, by_code jsonb) language sql stable as $$
  select c.namespace, c.agent_id, sum(c.refused)::bigint, jsonb_object_agg(c.code, c.refused)
  from (
    select a.namespace, a.agent_id, r.code, sum(r.refused)::bigint as refused
    from agents a
    cross join unnest('{agent,attempt}'::text[]) k (kind)
    join refusals r on r.namespace = a.namespace and r.actor = k.kind || ':' || a.agent_id
      and r.minute >= p_from
      and r.code = any (p_codes)
    group by a.namespace, a.agent_id, r.code) c
  group by c.namespace, c.agent_id
$$;

-- Emits audit.proposals.spam for an agent that has sent spam_size proposals or more within spam_window, those
-- that were refused among them; at most once in each clock hour.
create or replace function audit_spam(p_now timestamptz) returns void language sql as $$
  select append_event(a.namespace, 'audit.proposals.spam', null, null,
    jsonb_build_object(
      'agentId', a.agent_id,
      'proposed', m.made,
      'refused', coalesce(r.refused, 0),
      'refusedFor', coalesce(r.by_code, '{}'),
      'windowMinutes', extract(epoch from spam_window())::int / 60),
    once_key(a.agent_id, date_trunc('hour', p_now, 'UTC')))
  from agents a
  cross join lateral (
    select (
        select count(*)
        from ideas
        where namespace = a.namespace and source_agent = a.agent_id and created_at > p_now - spam_window())
      + (
        select count(*)
        from opportunities
        where namespace = a.namespace and source_agent = a.agent_id and idea_id is null
          and created_at > p_now - spam_window()) as made) m
  left join refused_proposals(p_now - spam_window(), proposal_refusals()) r using (namespace, agent_id)
  where m.made + coalesce(r.refused, 0) >= spam_size()
$$;

-- Emits audit.proposals.stale for the waiting opportunities of a namespace that nobody has touched for
-- stale_proposal_after, once a day for all of them; parked ones have a date of their own. None while the
-- phase is off or frozen, because nobody could decide them.
create or replace function audit_stale_proposals(p_now timestamptz) returns void language sql as $$
  select append_event(s.namespace, 'audit.proposals.stale', null, null,
    jsonb_build_object(
      'opportunities', s.ids[:findings_listed()],
      'stale', cardinality(s.ids),
      'oldestDays', floor(extract(epoch from p_now - s.oldest) / 86400),
      'untouchedForDays', floor(extract(epoch from stale_proposal_after()) / 86400)),
    once_key('stale', date_trunc('day', p_now, 'UTC')))
  from (
    select namespace, min(touched_at) as oldest,
      array_agg(opportunity_id order by touched_at, opportunity_id) as ids
    from opportunities o
    where is_waiting(o)
      and touched_at < p_now - stale_proposal_after()
    group by namespace) s
  where phase_stop(s.namespace, 3) is null
$$;

-- Emits audit.proposals.duplicate for open proposals of one kind and theme that rest on the very same pieces
-- of evidence, and again when another joins them. Proposals whose words are alike are refused already; those
-- that are found here have other words for the same thing.
create or replace function audit_duplicates(p_now timestamptz) returns void language sql as $$
  with proposals as (
    select 'idea' as kind, namespace, theme, idea_id as id, seq, source_agent, evidence
    from ideas
    where ended_at is null and evidence <> '[]'
    union all
    select 'opportunity', namespace, theme, opportunity_id, seq, source_agent, evidence
    from opportunities
    where ended_at is null and evidence <> '[]'
  ), alike as (
    select p.kind, p.namespace, p.theme, e.pieces,
      array_agg(p.id order by p.seq desc) as ids,
      array_agg(distinct p.source_agent) as authors
    from proposals p
    cross join lateral (
      select array_agg(distinct evidence_key(x)) as pieces
      from jsonb_array_elements(p.evidence) x) e
    group by p.kind, p.namespace, p.theme, e.pieces
    having count(*) > 1
  )
  select append_event(namespace, 'audit.proposals.duplicate', null, null,
    jsonb_build_object(
      'kind', kind,
      'theme', theme,
      'proposals', ids[:findings_listed()],
      'alike', cardinality(ids),
      'agents', authors,
      'evidence', pieces[:findings_listed()]),
    kind || ':' || ids[1] || ':' || md5(array_to_string(pieces, ' ')))
  from alike
$$;

-- Emits audit.proposals.low_confidence_streak for an agent of whose opportunities the newest streak_size all
-- have a confidence of unsure_confidence or less; once for each streak.
create or replace function audit_low_confidence(p_now timestamptz) returns void language sql as $$
  select append_event(a.namespace, 'audit.proposals.low_confidence_streak', null, null,
    jsonb_build_object(
      'agentId', a.agent_id,
      'opportunities', n.ids,
      'highestConfidence', n.highest,
      'since', n.since),
    once_key(a.agent_id, (
      select max(created_at)
      from opportunities
      where namespace = a.namespace
        and source_agent = a.agent_id
        and confidence > unsure_confidence())))
  from agents a
  cross join lateral (
    select array_agg(opportunity_id order by created_at desc) as ids, max(confidence) as highest,
      min(created_at) as since
    from (
      select opportunity_id, confidence, created_at
      from opportunities
      where namespace = a.namespace
        and source_agent = a.agent_id
      order by created_at desc
      limit streak_size()) o) n
  where cardinality(n.ids) = streak_size()
    and n.highest <= unsure_confidence()
$$;

-- Emits audit.proposals.budget_abuse for an agent that was refused budget_refusals_to_tell times or more
-- since the begin of the UTC day because its budget was spent; once a day.
create or replace function audit_budget_abuse(p_now timestamptz) returns void language sql as $$
  select append_event(namespace, 'audit.proposals.budget_abuse', null, null,
    jsonb_build_object('agentId', agent_id, 'refused', refused, 'refusedFor', by_code),
    once_key(agent_id, date_trunc('day', p_now, 'UTC')))
  from refused_proposals(date_trunc('day', p_now, 'UTC'), '{proposal_budget,open_limit}')
  where refused >= budget_refusals_to_tell()
$$;

-- Emits audit.proposals.orphaned_conversion for each opportunity that was converted to a job that does not
-- exist, live or in history, or is the job of something else; once for each opportunity.
create or replace function audit_orphaned_conversions(p_now timestamptz) returns void language sql as $$
  select append_event(o.namespace, 'audit.proposals.orphaned_conversion', null, null,
    jsonb_build_object(
      'opportunityId', o.opportunity_id,
      'jobId', o.converted_job_id,
      'convertedBy', o.converted_by,
      'convertedAt', o.converted_at,
      'why', case when j.job_id is null then 'its job does not exist'
        else 'its job belongs to ' || coalesce(j.correlation_key, 'nothing') end),
    o.opportunity_id::text)
  from opportunities o
  left join lateral (
    select job_id, correlation_key from jobs where job_id = o.converted_job_id
    union all
    select job_id, correlation_key from jobs_history where job_id = o.converted_job_id
    limit 1) j on true
  where o.converted_job_id is not null
    and j.correlation_key is distinct from 'opportunity:' || o.opportunity_id
$$;
