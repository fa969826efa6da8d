-- The rows of the ledger that the vault shows. A private memory is in none of these answers, and a memory of
-- a role only when the vault shows those: what is not read here can reach no note, link or index.

-- Returns whether a memory may stand in a vault with this visibility: shared, or role, which adds memories of
-- roles. There is no third.
create or replace function in_vault(p_memory memories, p_visibility text) returns boolean
language sql immutable as $$
  select (p_memory).visibility = 'shared' or (p_memory).visibility = 'role' and p_visibility = 'role'
$$;

-- Returns a time as notes have it, in UTC and to the second.
create or replace function vault_time(p_at timestamptz) returns text
language sql stable as $$
  select to_char(p_at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"')
$$;

-- Returns one line for each row that has a note: what its name, its folder, links to it and the indexes need.
-- In the order of their creation, so that names do not depend on the order of a scan.
create or replace function vault_entries(p_namespace text, p_visibility text) returns setof jsonb
language sql stable as $$
  select entry
  from (
    select created_at, idea_id::text as id, jsonb_build_object('kind', 'idea', 'rowId', idea_id, 'title', title,
      'status', status, 'agent', source_agent, 'theme', theme, 'open', ended_at is null,
      'created', vault_time(created_at)) as entry
    from ideas
    where namespace = p_namespace
    union all
    select created_at, opportunity_id::text, jsonb_build_object('kind', 'opportunity', 'rowId', opportunity_id,
      'title', title, 'status', status, 'agent', source_agent, 'theme', theme, 'open', ended_at is null,
      'created', vault_time(created_at))
    from opportunities
    where namespace = p_namespace
    union all
    select created_at, memory_id::text, jsonb_build_object('kind', 'memory', 'rowId', memory_id, 'title', title,
      'status', status, 'agent', source_agent, 'group', kind, 'open', ended_at is null,
      'created', vault_time(created_at))
    from memories m
    where namespace = p_namespace and in_vault(m, p_visibility)
    union all
    select created_at, report_id::text, jsonb_build_object('kind', 'report', 'rowId', report_id,
      'title', vault_report_title(kind, period_to), 'status', kind, 'agent', 'publisher', 'group', kind,
      'open', false, 'created', vault_time(created_at))
    from reports
    where namespace = p_namespace
    union all
    select created_at, agent_id, jsonb_build_object('kind', 'agent', 'rowId', agent_id, 'title', agent_id,
      'status', case when enabled then 'enabled' else 'disabled' end, 'agent', agent_id, 'open', enabled,
      'created', vault_time(created_at))
    from agents
    where namespace = p_namespace) rows
  order by created_at, id
$$;

-- Returns the title of a report: its kind, and the day on which its time ends.
create or replace function vault_report_title(p_kind text, p_to timestamptz) returns text
language sql stable as $$
  select coalesce(report_title(p_kind), case p_kind when 'cost_report' then 'Cost report' else 'Account' end)
    || to_char(p_to at time zone 'UTC', ', FMDD FMMonth YYYY')
$$;

-- Returns what the ledger says of the row that an entry of evidence or sources names: about and state. A
-- question is told by its state alone, because its words may come from outside; a memory is told by its note.
-- Most entries are jobs and pages. They do not go through row_of_ref, whose call takes longer than reading
-- the job: 6,600 entries took 1.0 s of processor time with it and 0.1 s without (2026-11-29, busy machine).
create or replace function vault_ref_row(p_ref jsonb) returns jsonb
language sql stable as $$
  select case p_ref ->> 'kind'
    when 'url' then '{}'
    when 'memory' then '{}'
    when 'job' then coalesce((
      select jsonb_build_object('about', format('%s: %s', target_agent, subject), 'state', state)
      from (
        select target_agent, subject, state from jobs where job_id = (p_ref ->> 'id')::uuid
        union all
        select target_agent, subject, state from jobs_history where job_id = (p_ref ->> 'id')::uuid) j), '{}')
    when 'question' then coalesce(row_of_ref(null, p_ref), '{}') - 'about'
    else coalesce(row_of_ref(null, p_ref), '{}') end
$$;

-- Returns entries of evidence or sources, each with vault_ref_row.
create or replace function vault_refs(p_refs jsonb) returns jsonb
language sql stable as $$
  select coalesce(jsonb_agg(
    ref - 'about' - 'state' || vault_ref_row(ref)
    || case
      when ref ? 'lookedAt'
        then jsonb_build_object('lookedAt', vault_time((ref ->> 'lookedAt')::timestamptz))
      else '{}' end
    order by place), '[]')
  from jsonb_array_elements(p_refs) with ordinality r (ref, place)
$$;

-- Returns vault_ref_row of all entries, for a digest: vault_refs tells nothing else that is not in p_refs.
create or replace function vault_ref_rows(p_refs jsonb) returns text
language sql stable as $$
  select string_agg(vault_ref_row(ref)::text, ',' order by place)
  from jsonb_array_elements(p_refs) with ordinality r (ref, place)
$$;

-- The functions vault_*_digests return, for each row that has a note, its id, the digest of all that the
-- function vault_* beside them makes its answer of, and the ids of the rows to which its note may lead. When
-- these are as they were, the answer is as it was. They take half of its processor time: of 3,300
-- opportunities 0.27 s and not 0.56 s (2026-11-29, busy machine), and their text is a tenth.

-- Returns the SHA-256 in hex of a text.
create or replace function vault_digest(p_text text) returns text
language sql stable as $$
  select encode(sha256(convert_to(p_text, 'UTF8')), 'hex')
$$;

-- Returns untrusted for an idea with the tag untrusted, and for one whose job, or a job that added evidence
-- to it, is not known as trusted.
create or replace function trust_of_idea(p_idea ideas) returns text
language sql stable as $$
  select case when 'untrusted' = any ((p_idea).tags) or exists (
    select
    from (
      select (p_idea).source_job_id as job_id
      union all
      select (entry ->> 'addedJob')::uuid from jsonb_array_elements((p_idea).evidence) entry) sources
    where job_id is not null and not job_is_trusted(job_id))
    then 'untrusted' else 'trusted' end
$$;

-- Returns the digests of the ideas of a namespace, oldest first.
create or replace function vault_idea_digests(p_namespace text) returns setof jsonb
language sql stable as $$
  select jsonb_build_object(
    'ideaId', idea_id,
    'theme', theme,
    'digest', vault_digest(row(i, trust_of_idea(i), vault_ref_rows(i.evidence))::text),
    'links', jsonb_build_array(opportunity_id, jsonb_path_query_array(evidence, '$[*].id')))
  from ideas i
  where namespace = p_namespace
  order by created_at, idea_id
$$;

drop function if exists vault_ideas(text);

-- Returns the ideas of a namespace with the given ids (null: all), oldest first.
create or replace function vault_ideas(p_namespace text, p_ids uuid[] default null) returns setof jsonb
language sql stable as $$
  select idea_row(i, null) || jsonb_build_object(
    'trust', trust_of_idea(i),
    'evidence', vault_refs(i.evidence),
    'createdAt', vault_time(i.created_at),
    'updatedAt', vault_time(greatest(i.created_at, i.reviewed_at, i.touched_at, i.ended_at)),
    'version', 1 + (i.reviewed_at is not null)::int + (i.ended_at is not null)::int)
  from ideas i
  where namespace = p_namespace
    and ((select p_ids) is null or idea_id in (select unnest(p_ids)))
  order by created_at, idea_id
$$;

-- Returns the digests of the opportunities of a namespace, oldest first.
create or replace function vault_opportunity_digests(p_namespace text) returns setof jsonb
language sql stable as $$
  select jsonb_build_object(
    'opportunityId', opportunity_id,
    'theme', theme,
    'digest', vault_digest(row(o, trust_of_opportunity(o), vault_ref_rows(o.evidence), came_of(o), (
      select string_agg(r::text, ',' order by seq)
      from opportunity_reviews r
      where r.opportunity_id = o.opportunity_id))::text),
    'links', jsonb_build_array(idea_id, merged_into, jsonb_path_query_array(evidence, '$[*].id')))
  from opportunities o
  where namespace = p_namespace
  order by created_at, opportunity_id
$$;

drop function if exists vault_opportunities(text);

-- Returns the opportunities of a namespace with the given ids (null: all), oldest first, each with its
-- reviews and what came of it. The rank is left out, because it changes with the record of the author while
-- the row does not.
create or replace function vault_opportunities(p_namespace text, p_ids uuid[] default null)
returns setof jsonb
language sql stable as $$
  select opportunity_row(o, null, null) || jsonb_strip_nulls(jsonb_build_object(
    'trust', trust_of_opportunity(o),
    'evidence', vault_refs(o.evidence),
    'reviews', reviews,
    'cameOf', case when o.converted_job_id is not null then came_of(o) - 'endedAt' end,
    'parkedUntil', vault_time(o.parked_until),
    'createdAt', vault_time(o.created_at),
    'updatedAt', vault_time(greatest(o.created_at, o.decided_at, o.touched_at, o.converted_at, o.ended_at)),
    'version', 1 + decided))
  from opportunities o
  cross join lateral (
    select count(*) as decided, jsonb_agg(jsonb_build_object('reviewer', reviewer, 'decision', decision,
      'notes', notes, 'createdAt', vault_time(created_at)) order by seq) as reviews
    from opportunity_reviews r
    where r.opportunity_id = o.opportunity_id) r
  where namespace = p_namespace
    and ((select p_ids) is null or opportunity_id in (select unnest(p_ids)))
  order by created_at, opportunity_id
$$;

-- Returns the memories that a memory replaced, and that the vault shows, oldest first. Null for none.
create or replace function vault_replaced(p_memory_id uuid, p_visibility text) returns jsonb
language sql stable as $$
  select jsonb_agg(old.memory_id order by old.created_at, old.memory_id)
  from memories old
  where old.superseded_by = p_memory_id and in_vault(old, p_visibility)
$$;

-- Returns the digests of the memories of a namespace that the vault shows, oldest first.
create or replace function vault_memory_digests(p_namespace text, p_visibility text) returns setof jsonb
language sql stable as $$
  select jsonb_build_object(
    'memoryId', memory_id,
    'digest', vault_digest(row(m, vault_ref_rows(m.source_refs))::text),
    'links', jsonb_build_array(superseded_by, vault_replaced(memory_id, p_visibility),
      jsonb_path_query_array(source_refs, '$[*].id')))
  from memories m
  where namespace = p_namespace and in_vault(m, p_visibility)
  order by created_at, memory_id
$$;

drop function if exists vault_memories(text, text);

-- Returns the memories of a namespace with the given ids (null: all) that the vault shows, oldest first, each
-- with its sources and with the memories that it replaced. How often it was used is left out, because that
-- changes with every prompt.
create or replace function vault_memories(p_namespace text, p_visibility text, p_ids uuid[] default null)
returns setof jsonb
language sql stable as $$
  select memory_row(m, null) || jsonb_strip_nulls(jsonb_build_object(
    'sourceRefs', vault_refs(m.source_refs),
    'replaced', vault_replaced(m.memory_id, p_visibility),
    'createdAt', vault_time(m.created_at),
    'updatedAt', vault_time(greatest(m.created_at, m.confirmed_at, m.ended_at)),
    'validFrom', vault_time(m.valid_from),
    'expiresAt', vault_time(m.expires_at),
    'nextReviewAt', vault_time(m.next_review_at),
    'confirmedAt', vault_time(m.confirmed_at),
    'endedAt', vault_time(m.ended_at)))
  from memories m
  where namespace = p_namespace and in_vault(m, p_visibility)
    and ((select p_ids) is null or memory_id in (select unnest(p_ids)))
  order by created_at, memory_id
$$;

-- Returns the reports of a namespace with their texts, oldest first.
create or replace function vault_reports(p_namespace text) returns setof jsonb
language sql stable as $$
  select whole_report(r) || jsonb_build_object(
    'title', vault_report_title(kind, period_to),
    'from', vault_time(period_from),
    'to', vault_time(period_to),
    'createdAt', vault_time(created_at))
  from reports r
  where namespace = p_namespace
  order by created_at, report_id
$$;

-- Returns the agents of a namespace: what each is for, what it may do, and when it works by itself.
create or replace function vault_agents(p_namespace text) returns setof jsonb
language sql stable as $$
  select jsonb_strip_nulls(jsonb_build_object(
    'agentId', a.agent_id,
    'namespace', a.namespace,
    'status', case when a.enabled then 'enabled' else 'disabled' end,
    'mission', a.mission,
    'gateway', a.gateway,
    'reads', a.reads,
    'accepts', to_jsonb(a.accepts),
    'emits', to_jsonb(a.emits),
    'handsTo', (select jsonb_agg(handoff ->> 'agent') from jsonb_array_elements(handoffs_of(a)) handoff),
    'mayPromote', a.may_promote,
    'mayTriage', a.may_triage,
    'questions', to_jsonb(a.idle_questions),
    'orders', (
      select jsonb_agg(jsonb_build_object('name', order_name, 'words', words, 'purpose', purpose) order by order_name)
      from standing_orders o
      where o.namespace = a.namespace and o.agent_id = a.agent_id and o.enabled),
    'createdAt', vault_time(a.created_at)))
  from agents a
  where namespace = p_namespace
  order by agent_id
$$;
