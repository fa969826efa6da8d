-- The rules that ideas and opportunities obey after every transaction; broken_invariants has them among its
-- own. None of them needs a row that retention may have removed.

-- Returns each broken rule with the id of the idea or opportunity that breaks it; no row when nothing is
-- broken.
create or replace function broken_proposal_invariants() returns table (what text, id text)
language sql stable
set jit = off as $$
  select 'the newest review does not lead to the status of the opportunity', o.opportunity_id::text
  from opportunities o
  left join lateral (
    select decision, reviewer, until
    from opportunity_reviews r
    where r.opportunity_id = o.opportunity_id
    order by seq desc
    limit 1) r on true
  where o.status <> case when r.decision = 'unparked' then 'triaged' else coalesce(r.decision, 'new') end
    or o.parked_until is distinct from case when o.status = 'parked' then r.until end
    or (o.decided_at is null) <> (r.decision is null)
    or not starts_with(r.reviewer, o.decided_by)
  union all
  select 'an opportunity was decided in a way that its status did not allow', opportunity_id::text
  from (
    select opportunity_id, decision,
      lag(decision, 1, 'new') over (partition by opportunity_id order by seq) as was
    from opportunity_reviews) step
  where was in ('rejected', 'converted_to_job', 'merged')
    or decision = 'unparked' and was <> 'parked'
    or was = 'parked' and decision in ('accepted', 'converted_to_job')
  union all
  select 'an opportunity has no evidence', opportunity_id::text
  from opportunities
  where evidence = '[]'
  union all
  select 'a promoted idea and its opportunity do not name each other', i.idea_id::text
  from ideas i
  join opportunities o using (opportunity_id)
  where o.idea_id is distinct from i.idea_id or o.namespace <> i.namespace
  union all
  select 'an opportunity was made of an idea that was not promoted to it', o.opportunity_id::text
  from opportunities o
  join ideas i using (idea_id)
  where i.opportunity_id is distinct from o.opportunity_id
  union all
  select 'the job of a converted opportunity is not its own', o.opportunity_id::text
  from opportunities o
  join jobs j on j.job_id = o.converted_job_id
  where j.namespace <> o.namespace
    or j.correlation_key is distinct from 'opportunity:' || o.opportunity_id
  union all
  select 'two opportunities were converted to one job', min(opportunity_id::text)
  from opportunities
  where converted_job_id is not null
  group by converted_job_id
  having count(*) > 1
  union all
  select 'an opportunity was merged into itself or into another namespace', o.opportunity_id::text
  from opportunities o
  left join opportunities t on t.opportunity_id = o.merged_into
  where o.merged_into = o.opportunity_id or t.namespace <> o.namespace
  union all
  select 'the evidence of a merged opportunity is missing in the other', o.opportunity_id::text
  from opportunities o
  join opportunities t on t.opportunity_id = o.merged_into
  where exists (
    select
    from jsonb_array_elements(o.evidence) e
    where not exists (
      select from jsonb_array_elements(t.evidence) f where evidence_key(f.value) = evidence_key(e.value)))
  union all
  select 'an idea was reviewed by nobody', idea_id::text
  from ideas
  where status = 'reviewed' and (reviewed_by is null or reviewed_at is null)
  union all
  select 'the audit log does not lead to the status of an ' || noun, row_id
  from (
    select 'idea' as noun, 'ideas' as table_name, idea_id::text as row_id, status from ideas
    union all
    select 'opportunity', 'opportunities', opportunity_id::text, status from opportunities) p
  cross join lateral status_in_audit(p.table_name, p.row_id) a
  where p.status <> a.status
$$;
