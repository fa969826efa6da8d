-- News: lines in the payload of an idle run about the time since the agent's idle run before. Each line is an
-- object with kind, id and text. Texts of agents are data; only those whose job is trusted are quoted.

-- Returns since when the next idle run of an agent has news: since its last idle run, but at most for
-- news_reach.
create or replace function news_since(p_namespace text, p_agent text) returns timestamptz
language sql stable as $$
  select coalesce(max(created_at), now() - news_reach())
  from idle_runs_since(p_namespace, p_agent, now() - news_reach())
$$;

-- Returns a title in quotation marks; without a trusted job, which job_is_trusted knows, the words for one
-- that is not shown.
create or replace function news_title(p_title text, p_job uuid) returns text
language sql stable as $$
  select case when job_is_trusted(p_job) then format('"%s"', one_line(p_title, news_length()))
    else 'with a title from outside' end
$$;

-- Returns the proposals and shared memory candidates of an agent, the newest news_looks of each kind, each
-- with its job, the job that came of a converted opportunity, and the decision on it with its author and
-- time.
create or replace function own_outputs(p_namespace text, p_agent text)
returns table (
  kind text, id uuid, title text, theme text, tags text[], source_job_id uuid, converted_job_id uuid,
  decision text, decided_by text, decided_at timestamptz
) language sql stable as $$
  (
    select 'idea', idea_id, title, theme, tags, source_job_id, null::uuid, status, reviewed_by, reviewed_at
    from ideas
    where namespace = p_namespace and source_agent = p_agent
    order by created_at desc
    limit news_looks())
  union all
  (
    select 'opportunity', opportunity_id, title, theme, '{}', source_job_id, converted_job_id, status,
      decided_by, decided_at
    from opportunities
    where namespace = p_namespace and source_agent = p_agent
    order by created_at desc
    limit news_looks())
  union all
  (
    select 'memory candidate', candidate_id, title, null, '{}', source_job_id, null, status, decided_by,
      decided_at
    from memory_candidates
    where namespace = p_namespace and source_agent = p_agent and visibility = 'shared'
    order by created_at desc
    limit news_looks())
$$;

-- Returns the ends of jobs that came of the agent's opportunities.
create or replace function news_of_outcomes(p_namespace text, p_agent text, p_since timestamptz)
returns table (id text, words text, at timestamptz) language sql stable as $$
  select o.id::text,
    format('your opportunity %s became job %s, which has ended: %s', news_title(o.title, o.source_job_id),
      j.job_id, coalesce(j.outcome, j.state)),
    j.ended_at
  from own_outputs(p_namespace, p_agent) o
  join jobs j on j.job_id = o.converted_job_id
  where j.ended_at > p_since
$$;

-- Returns the decisions of others on the agent's proposals and memory candidates.
create or replace function news_of_decisions(p_namespace text, p_agent text, p_since timestamptz)
returns table (id text, words text, at timestamptz) language sql stable as $$
  select o.id::text,
    format('%s by %s: your %s %s', replace(o.decision, '_', ' '),
      one_line(split_part(o.decided_by, ':', 2), 80), o.kind, news_title(o.title, o.source_job_id)),
    o.decided_at
  from own_outputs(p_namespace, p_agent) o
  where o.decided_at > p_since
    and split_part(o.decided_by, ':', 2) <> p_agent
$$;

drop function if exists news_of_memories(text, text, timestamptz);

-- Returns the shared memories that rest on trusted text alone and that were marked wrong. The news stand in
-- the payload of the job, which every agent may read, so they tell of no private and no role memory.
create or replace function news_of_memories(p_namespace text, p_since timestamptz)
returns table (id text, words text, at timestamptz) language sql stable as $$
  select m.memory_id::text,
    format('no longer true: "%s" (%s, from %s)', one_line(m.title, news_length()), replace(m.kind, '_', ' '),
      m.source_agent),
    m.ended_at
  from memories m
  where m.ended_at > p_since
    and m.namespace = p_namespace
    and m.status = 'wrong'
    and m.trust = 'trusted'
    and m.visibility = 'shared'
$$;

-- Returns the jobs of the agent that have died, with the error of a trusted one.
create or replace function news_of_dead_jobs(p_namespace text, p_agent text, p_since timestamptz)
returns table (id text, words text, at timestamptz) language sql stable as $$
  select job_id::text,
    format('your job %s (%s) is dead', job_id, subject)
      || case when trust = 'trusted' and last_error is not null
        then ': ' || one_line(last_error, news_length()) else '' end,
    ended_at
  from jobs
  where namespace = p_namespace and target_agent = p_agent and state = 'dead' and ended_at > p_since
$$;

-- Returns how often calls of the agent were refused, by the code of the refusal.
create or replace function news_of_refusals(p_namespace text, p_agent text, p_since timestamptz)
returns table (id text, words text, at timestamptz) language sql stable as $$
  select code,
    format('%s refused: %s',
      count_of(sum(refused)::bigint, 'call of yours was', 'calls of yours were'), code),
    max(minute)
  from refusals
  where namespace = p_namespace
    and actor = any (actors_of(p_agent))
    and minute > p_since
  group by code
$$;

-- Returns the ideas of others, of the newest news_looks, with those first that share the theme or a tag
-- with proposals of the agent. The news name an idea whose job is trusted or that a person wrote, but none
-- that a route passed on, because its text comes from outside, or that has the tag untrusted; to an agent
-- that reads trusted text only, also its evidence must be trusted.
create or replace function news_of_ideas(p_namespace text, p_agent text, p_since timestamptz)
returns table (id text, words text, at timestamptz, near boolean) language sql stable as $$
  with own as materialized (
    select array_remove(array_agg(distinct word), null) as words
    from own_outputs(p_namespace, p_agent) o
    cross join lateral unnest(o.tags || o.theme) word
  )
  select i.idea_id::text,
    format('%s on %s: %s', one_line(i.source_agent, 80), i.theme, one_line(i.title, news_length())),
    i.created_at,
    coalesce((i.tags || i.theme) && own.words, false)
  from (
    select *
    from ideas
    where namespace = p_namespace
    order by seq desc
    limit news_looks()) i
  cross join own
  where i.created_at > p_since
    and i.source_agent <> p_agent
    and not 'untrusted' = any (i.tags)
    and (
      job_is_trusted(i.source_job_id)
      or i.source_job_id is null
      and i.source_agent not like 'route:%'
      and not exists (select from agents a where a.namespace = p_namespace and a.agent_id = i.source_agent))
    and not (
      reads_trusted_only(p_namespace, p_agent)
      and exists (
        select from jsonb_array_elements(i.evidence) entry where ref_untrusted_because(entry) is not null))
$$;

-- Returns the news of an agent since p_since, at most news_lines, each cut after news_length characters. The
-- kinds take turns, so that many lines of one kind displace no other kind.
create or replace function idle_news(p_namespace text, p_agent text, p_since timestamptz) returns jsonb
language sql stable as $$
  with lines as (
    select 1 as part, 'outcome' as kind, true as near, n.*
    from news_of_outcomes(p_namespace, p_agent, p_since) n
    union all
    select 2, 'memory', true, n.* from news_of_memories(p_namespace, p_since) n
    union all
    select 3, 'dead_job', true, n.* from news_of_dead_jobs(p_namespace, p_agent, p_since) n
    union all
    select 4, 'decision', true, n.* from news_of_decisions(p_namespace, p_agent, p_since) n
    union all
    select 5, 'refusal', true, n.* from news_of_refusals(p_namespace, p_agent, p_since) n
    union all
    select 6, 'idea', n.near, n.id, n.words, n.at from news_of_ideas(p_namespace, p_agent, p_since) n
  ), ranked as (
    select *, row_number() over (partition by part order by near desc, at desc, id) as place
    from lines
  ), told as (
    select *
    from ranked
    order by place, part
    limit news_lines()
  )
  select coalesce(jsonb_agg(
    jsonb_build_object('kind', kind, 'id', id, 'text', cut(words, news_length())) order by part, place), '[]')
  from told
$$;
