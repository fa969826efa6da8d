-- What the reports on proposals say: the daily ideas digest and the weekly memo on bets. Everything comes
-- from ideas, opportunities and the jobs that came of them.
--
-- A function report_parts_<kind> returns the candidates of a report, the best of each part first: place
-- counts within the part, quota is how many places the part has before another part may take them, and total
-- is how many the part has in all. item has ask, sentence, evidence, next and source. The parts outcomes and
-- conversions share their places and their quota.

-- Returns what earlier reports of a kind have told people: the part and the id of each source. A report
-- counts when an agent got it (was_handed).
create or replace function told_before(p_namespace text, p_kind text, p_to timestamptz)
returns table (part text, id uuid) language sql stable as $$
  select distinct s ->> 'part', (s ->> 'id')::uuid
  from reports r
  cross join jsonb_array_elements(r.sources) s
  where r.namespace = p_namespace
    and r.kind = p_kind
    and r.period_to < p_to
    and r.period_to > p_to - told_memory()
    and was_handed(r)
    and s ->> 'kind' in ('opportunity', 'idea')
$$;

-- Returns the title of an opportunity as a link to its page.
create or replace function opportunity_link(p_opportunity opportunities) returns text
language sql stable as $$
  select console_link(report_quote((p_opportunity).title, 10), (p_opportunity).namespace, 'opportunities',
    (p_opportunity).opportunity_id::text)
$$;

-- Returns a source of a report that is an opportunity.
create or replace function opportunity_source(p_opportunity opportunities, p_part text) returns jsonb
language sql stable as $$
  select jsonb_build_object('kind', 'opportunity', 'id', (p_opportunity).opportunity_id, 'part', p_part)
$$;

-- Returns the item about an open opportunity, on which somebody has to decide.
create or replace function open_opportunity_item(p_opportunity opportunities) returns jsonb
language sql stable as $$
  select jsonb_build_object(
    'ask', 'decide',
    'sentence', format('%s, %s %s, because %s (impact %s, confidence %s, urgency %s).',
      opportunity_link(p_opportunity),
      case (p_opportunity).status when 'accepted' then 'accepted from' else 'proposed by' end,
      report_name((p_opportunity).source_agent), report_quote((p_opportunity).why_now, 16),
      (p_opportunity).impact, (p_opportunity).confidence, (p_opportunity).urgency),
    'evidence', evidence_text((p_opportunity).namespace, (p_opportunity).evidence),
    'next', report_name((p_opportunity).owner_candidate) || ', '
      || report_quote((p_opportunity).suggested_next_step, 12),
    'source', opportunity_source(p_opportunity, 'opportunities'))
$$;

-- Returns the item about an opportunity that has become a job, with what came of it so far.
create or replace function converted_item(p_opportunity opportunities, p_part text) returns jsonb
language sql stable as $$
  select jsonb_build_object(
    'ask', 'know',
    'sentence', opportunity_link(p_opportunity)
      || case came ->> 'outcome'
        when 'hit' then format(' is done by %s%s.', report_name(came ->> 'targetAgent'),
          coalesce(': ' || report_quote(came ->> 'summary', 20), ''))
        when 'miss' then format(' came to nothing: the job of %s is %s%s.', report_name(came ->> 'targetAgent'),
          came ->> 'state', coalesce(', ' || report_quote(came ->> 'lastError', 12), ''))
        when 'open' then format(' is now a job of %s (%s), by decision of %s.', report_name(came ->> 'targetAgent'),
          came ->> 'state', report_name((p_opportunity).converted_by))
        else ' became a job that history no longer has.' end,
    'evidence', console_link('job', (p_opportunity).namespace, 'jobs', came ->> 'jobId'),
    'next', case
      when came ->> 'state' = 'dead' then 'redrive or dismiss the job'
      when came ->> 'outcome' = 'open' then 'its end is told here'
      else 'nothing' end,
    'source', opportunity_source(p_opportunity, p_part))
  from came_of(p_opportunity) came
$$;

-- Returns the item about an idea.
create or replace function idea_item(p_idea ideas) returns jsonb
language sql stable as $$
  select jsonb_build_object(
    'ask', 'nothing',
    'sentence', format('%s has the idea %s: %s.', report_name((p_idea).source_agent),
      console_link(report_quote((p_idea).title, 10), (p_idea).namespace, 'ideas', (p_idea).idea_id::text),
      report_quote((p_idea).body, 14)),
    'evidence', evidence_text((p_idea).namespace, (p_idea).evidence),
    'next', 'agents may take it up',
    'source', jsonb_build_object('kind', 'idea', 'id', (p_idea).idea_id, 'part', 'ideas'))
$$;

-- Returns the open opportunities that are worth telling, the highest rank first, with the number of all of
-- them: those of at least worth_telling, without those that p_kind has told before; p_kind null looks at no
-- earlier report. The best by impact and confidence are ranked in full, at most ranked_for_report.
create or replace function opportunities_to_tell(p_namespace text, p_kind text, p_to timestamptz)
returns table (opportunity opportunities, place bigint, total bigint) language sql stable as $$
  with best as materialized (
    select o as opportunity, count(*) over () as total
    from waiting_opportunities(p_namespace) o
    where o.created_at < p_to
      and o.impact * o.confidence >= worth_telling()
      and not exists (
        select from told_before(p_namespace, p_kind, p_to) t
        where t.id = o.opportunity_id and t.part = 'opportunities')
    order by o.impact * o.confidence desc, o.urgency desc, o.seq
    limit ranked_for_report()
  )
  select opportunity,
    row_number() over (
      order by (opportunity_rank(opportunity) ->> 'rank')::numeric desc, (opportunity).seq),
    total
  from best
$$;

-- Returns the opportunities that became jobs between two times, and those whose jobs ended then.
create or replace function bets_between(p_namespace text, p_from timestamptz, p_to timestamptz)
returns table (opportunity opportunities, ended boolean, at timestamptz) language sql stable as $$
  select o, e.job_id is not null, coalesce(e.ended_at, o.converted_at)
  from opportunities o
  left join (
    select job_id, ended_at
    from jobs
    where namespace = p_namespace and ended_at >= p_from and ended_at < p_to
    union all
    select job_id, ended_at
    from jobs_history
    where namespace = p_namespace and ended_at >= p_from and ended_at < p_to) e
    on e.job_id = o.converted_job_id
  where o.namespace = p_namespace
    and o.status = 'converted_to_job'
    and (o.converted_at >= p_from and o.converted_at < p_to or e.job_id is not null)
$$;

-- Returns the parts of the ideas digest: what is to be decided, what became of proposals, and ideas.
create or replace function report_parts_ideas_digest(p_namespace text, p_from timestamptz, p_to timestamptz)
returns table (part text, turn int, quota int, place bigint, total bigint, item jsonb)
language sql stable as $$
  select 'opportunities', 1, 4, place, total, open_opportunity_item(opportunity)
  from opportunities_to_tell(p_namespace, 'ideas_digest', p_to)
  where place <= report_items()
  union all
  select b.part, 2, 2, row_number() over (order by b.ended desc, b.at desc),
    count(*) over (partition by b.part), converted_item(b.opportunity, b.part)
  from (
    select *, case when ended then 'outcomes' else 'conversions' end as part
    from bets_between(p_namespace, p_from, p_to)) b
  where not exists (
    select from told_before(p_namespace, 'ideas_digest', p_to) t
    where t.id = (b.opportunity).opportunity_id and t.part = b.part)
  union all
  select 'ideas', 3, 1, place, total, idea_item(idea)
  from (
    select i as idea, count(*) over () as total,
      row_number() over (order by jsonb_array_length(i.evidence) > 0 desc, i.seq desc) as place
    from ideas i
    where i.namespace = p_namespace
      and i.ended_at is null
      and i.created_at >= p_from
      and i.created_at < p_to
      and not exists (
        select from told_before(p_namespace, 'ideas_digest', p_to) t
        where t.id = i.idea_id and t.part = 'ideas')) new_ideas
  where place <= report_items()
$$;

-- Returns the parts of the weekly memo: the best open proposals, the bets of the week, and the agents that
-- think more or less often.
create or replace function report_parts_weekly_bets(p_namespace text, p_from timestamptz, p_to timestamptz)
returns table (part text, turn int, quota int, place bigint, total bigint, item jsonb)
language sql stable as $$
  select 'opportunities', 1, 4, place, total, open_opportunity_item(opportunity)
  from opportunities_to_tell(p_namespace, null, p_to)
  where place <= report_items()
  union all
  -- A change of a cadence has a place of its own.
  select 'bets', 2, 3 - (select count(*) from cadence_item(p_namespace, p_from, p_to))::int,
    row_number() over (order by ended desc, at desc), count(*) over (), converted_item(opportunity, 'bets')
  from bets_between(p_namespace, p_from, p_to)
  union all
  select 'cadences', 3, 1, 1, 1, item
  from cadence_item(p_namespace, p_from, p_to) item
$$;

-- Returns how many proposals a report on proposals holds back and never counts as candidates: those below
-- worth_telling, and those that an earlier digest has told and that still wait.
create or replace function proposals_held_back(p_namespace text, p_kind text, p_to timestamptz) returns jsonb
language sql stable as $$
  select jsonb_build_object(
    'weak', count(*) filter (where impact * confidence < worth_telling()),
    'toldBefore', count(*) filter (where impact * confidence >= worth_telling() and exists (
      select from told_before(p_namespace, p_kind, p_to) t
      where t.id = o.opportunity_id and t.part = 'opportunities')))
  from waiting_opportunities(p_namespace) o
  where created_at < p_to
    and p_kind = 'ideas_digest'
$$;

-- Returns the numbers of proposals of a time: proposed ideas and opportunities, and opportunities by the
-- newest decision on them.
create or replace function proposal_numbers(p_namespace text, p_from timestamptz, p_to timestamptz)
returns text language sql stable as $$
  select case when ideas + opportunities + decided = 0 then null else
    concat_ws('; ',
      listed(array[
        case when ideas > 0 then count_of(ideas, 'idea', 'ideas') end,
        case when opportunities > 0 then count_of(opportunities, 'opportunity', 'opportunities') end])
        || case when ideas + opportunities = 1 then ' was proposed' else ' were proposed' end,
      listed(array[
        case when accepted > 0 then accepted || ' accepted' end,
        case when converted > 0 then converted || ' made a job' end,
        case when rejected > 0 then rejected || ' rejected' end,
        case when parked > 0 then parked || ' parked' end,
        case when merged > 0 then merged || ' merged' end])) end
  from (
    select
      (
        select count(*) from ideas
        where namespace = p_namespace and created_at >= p_from and created_at < p_to) as ideas,
      (
        select count(*) from opportunities
        where namespace = p_namespace and created_at >= p_from and created_at < p_to) as opportunities) n
  cross join (
    select count(*) filter (where status = 'accepted') as accepted,
      count(*) filter (where status = 'converted_to_job') as converted,
      count(*) filter (where status = 'rejected') as rejected,
      count(*) filter (where status = 'parked') as parked,
      count(*) filter (where status = 'merged') as merged,
      count(*) filter (where status in ('accepted', 'converted_to_job', 'rejected', 'parked', 'merged')) as decided
    from opportunities
    where namespace = p_namespace and decided_at >= p_from and decided_at < p_to) d
$$;
