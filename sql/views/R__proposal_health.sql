-- These views show the health of the proactive lane. Each run of this file drops and creates them, so that
-- their columns can change; nothing depends on them.

drop view if exists
  opportunity_health_summary_v,
  idea_health_summary_v,
  open_opportunities_v;

create view idea_health_summary_v as
select
  namespace,
  source_agent,
  count(*) filter (where status = 'new') as new,
  count(*) filter (where status = 'reviewed') as reviewed,
  count(*) filter (where status = 'promoted_to_opportunity') as promoted,
  count(*) filter (where status = 'archived') as archived,
  count(*) filter (where created_at > now() - interval '24 hours') as proposed_24h,
  now() - min(touched_at) filter (where ended_at is null) as oldest_untouched
from ideas
group by namespace, source_agent;
comment on view idea_health_summary_v is
  'For each author: the ideas that are kept, by status; those of the last 24 hours; and how long the oldest open one is untouched.';

create view opportunity_health_summary_v as
select
  o.namespace,
  o.source_agent,
  count(*) filter (where o.status = 'new') as new,
  count(*) filter (where o.status = 'triaged') as triaged,
  count(*) filter (where o.status = 'accepted') as accepted,
  count(*) filter (where o.status = 'parked') as parked,
  count(*) filter (where o.status = 'rejected') as rejected,
  count(*) filter (where o.status = 'merged') as merged,
  count(*) filter (where o.status = 'converted_to_job') as converted,
  count(*) filter (where outcome_of_state(j.state) = 'hit') as hits,
  count(*) filter (where outcome_of_state(j.state) = 'miss') as misses,
  count(*) filter (where o.created_at > now() - interval '24 hours') as proposed_24h,
  now() - min(o.touched_at) filter (where o.status in ('new', 'triaged')) as oldest_undecided
from opportunities o
-- Each job is looked up by its key, so that the cost does not depend on the number of jobs.
left join lateral (
  select state from jobs where job_id = o.converted_job_id
  union all
  select state from jobs_history where job_id = o.converted_job_id
  limit 1) j on o.converted_job_id is not null
group by o.namespace, o.source_agent;
comment on view opportunity_health_summary_v is
  'For each author: the opportunities that are kept, by status; what became of converted ones (hits succeeded, misses did not); those of the last 24 hours; and how long the oldest undecided one is untouched.';

create view open_opportunities_v as
select
  namespace,
  opportunity_id,
  status,
  theme,
  title,
  source_agent,
  owner_candidate,
  impact,
  confidence,
  urgency,
  reversibility,
  suggested_next_step,
  now() - created_at as age,
  now() - touched_at as untouched_for,
  case status
    when 'new' then 'the order tracker-opportunity-triage or a person: triage-opportunity'
    when 'triaged' then 'the coordinator or a person: triage-opportunity or convert-opportunity'
    when 'accepted' then 'the coordinator or a person: convert-opportunity'
    else 'the bus, which sets it back to triaged at ' || utc_text(parked_until) end as next_move,
  dedupe_key,
  created_at
from opportunities
where ended_at is null;
comment on view open_opportunities_v is
  'The opportunities that nobody has ended, each with what moves it next; list-opportunities has them by rank.';
