-- Fills the lanes after fill.sql. Of fill.jobs = 1,000,000: 10,000 ideas, opportunities, candidates and memories
-- each, 50,000 memories in prompts, 20,000 slots of 20 standing orders, 5,000 questions of which 40 are open, 2,000
-- idle runs, and 1,000 pauses, bulk actions and reports each that have ended. Triggers are off.

set session_replication_role = replica;

create temporary view made as
select n, now() - interval '30 days' + interval '30 days' * (n / (current_setting('fill.jobs')::float8 / 20)) as at,
  current_setting('fill.jobs')::int / 20 as all_made
from generate_series(1, current_setting('fill.jobs')::int / 20) n;

insert into ideas (
  namespace, source_agent, source_job_id, theme, title, body, status, opportunity_id, touched_at, ended_at, created_at)
select
  'default', 'agent-' || n % 10, ('00000000-0000-7000-8000-' || lpad(to_hex(n), 12, '0'))::uuid, 'theme-' || n % 40,
  'Idea ' || n, repeat('The import of Monday was late. ', 10),
  case n % 20 when 0 then 'new' when 5 then 'promoted_to_opportunity' else 'archived' end,
  case when n % 20 = 5 then ('00000000-0000-7000-a000-' || lpad(to_hex(n), 12, '0'))::uuid end,
  at, case when n % 20 > 0 then at end, at
from made
where n % 5 = 0;

insert into opportunities (
  opportunity_id, namespace, source_agent, source_job_id, theme, title, why_now, if_nothing, evidence, impact, confidence,
  urgency, reversibility, owner_candidate, suggested_next_step, status, converted_job_id, converted_by, converted_at,
  decided_by, decided_at, touched_at, ended_at, created_at)
select
  ('00000000-0000-7000-a000-' || lpad(to_hex(n), 12, '0'))::uuid, 'default', 'agent-' || n % 10, job, 'theme-' || n % 40,
  'Opportunity ' || n, repeat('It failed on three Mondays. ', 5), 'Reports stay late.',
  jsonb_build_array(jsonb_build_object('kind', 'job', 'id', job)), 1 + n % 5, 3, 1 + n % 5, 'high', 'agent-1', 'Retry it.',
  status, case when status = 'converted_to_job' then job end, case when status = 'converted_to_job' then 'anna' end,
  case when status = 'converted_to_job' then at end, case when status <> 'new' then 'operator:anna' end,
  case when status <> 'new' then at end, at, case when status in ('converted_to_job', 'rejected') then at end, at
from (
  select n, at, ('00000000-0000-7000-8000-' || lpad(to_hex(n), 12, '0'))::uuid as job,
    case n % 50 when 0 then 'new' when 5 then 'triaged' when 10 then 'accepted' when 15 then 'converted_to_job'
      else 'rejected' end as status
  from made
  where n % 5 = 0) o;

insert into opportunity_reviews (namespace, opportunity_id, reviewer, decision, notes, created_at)
select namespace, opportunity_id, 'operator:anna', 'triaged', 'Looked at it.', created_at
from opportunities
where status <> 'new';

insert into memories (
  memory_id, namespace, kind, scope, subject_key, title, body, evidence, source_refs, confidence, stability, visibility,
  trust, source_agent, promoted_by, notes, next_review_at, status, ended_at, created_at)
select
  ('00000000-0000-7000-b000-' || lpad(to_hex(n), 12, '0'))::uuid, 'default',
  (array['lesson', 'decision', 'playbook', 'mistake'])[1 + n / 5 % 4], 'service', 'svc-' || n % 500, 'Memory ' || n,
  repeat('The registry answers slowly on Mondays. ', 8), 'Seen twice.',
  jsonb_build_array(jsonb_build_object('kind', 'job', 'id', '00000000-0000-7000-8000-' || lpad(to_hex(n), 12, '0'))),
  4, 'medium', 'shared', 'trusted', 'agent-' || n % 10, 'agent:knowledge', 'It helps.',
  at + interval '60 days', case when n % 50 = 0 then 'expired' else 'active' end, case when n % 50 = 0 then at end, at
from made
where n % 5 = 0;

insert into memory_candidates (
  namespace, source_agent, kind, scope, subject_key, title, body, evidence, source_refs, confidence, stability, visibility,
  trust, status, memory_id, ended_at, decided_by, decided_at, created_at)
select
  'default', 'agent-' || n % 10, 'lesson', 'service', 'svc-' || n % 500, 'Memory ' || n,
  repeat('The registry answers slowly on Mondays. ', 8), 'Seen twice.', '[]', 4, 'medium', 'shared', 'trusted', status,
  case when status = 'promoted' then ('00000000-0000-7000-b000-' || lpad(to_hex(n), 12, '0'))::uuid end,
  case when status <> 'new' then at end, case when status <> 'new' then 'agent:knowledge' end,
  case when status <> 'new' then at end, at
from (
  select n, at, case n % 25 when 0 then 'new' when 5 then 'rejected' else 'promoted' end as status
  from made
  where n % 5 = 0) c;

insert into memory_reviews (namespace, memory_id, kind, detail, opened_by, outcome, closed_by, closed_at, created_at)
select
  'default', ('00000000-0000-7000-b000-' || lpad(to_hex(n), 12, '0'))::uuid, 'wrong', 'It did not hold.', 'agent-1',
  case when n % 250 > 0 then 'confirmed' end, case when n % 250 > 0 then 'operator:anna' end,
  case when n % 250 > 0 then at end, at
from made
where n % 25 = 0;

insert into memory_injections (
  namespace, attempt_id, memory_id, version, job_id, agent_id, bucket, rank, score, score_parts, tokens, verdict,
  verdict_at, outcome, settled_at, created_at)
select
  'default', ('00000000-0000-7000-9000-' || lpad(to_hex(n / 5), 12, '0'))::uuid,
  ('00000000-0000-7000-b000-' || lpad(to_hex(5 * (1 + n % (all_made / 5))), 12, '0'))::uuid, 1,
  ('00000000-0000-7000-8000-' || lpad(to_hex(n / 5), 12, '0'))::uuid, 'agent-' || n % 10, 'role', 1 + n % 5, 0.5, '{}', 40,
  case when n % 4 = 0 then 'used' end, case when n % 4 = 0 then at end, 'succeeded', at, at
from made;

insert into standing_orders (namespace, order_name, agent_id, cron, words, purpose, instructions, definition_hash)
select 'default', 'order-' || n, 'agent-' || n % 10, '0 0 * * * ?', 'each hour', 'So that it runs.', 'Look.', 'h'
from generate_series(0, 19) n;

insert into standing_order_runs (
  namespace, agent_id, order_name, scheduled_for, status, summary, evidence, started_at, finished_at, created_at)
select
  'default', 'agent-' || n % 10, 'order-' || n % 20, date_trunc('second', at),
  case when n % 100 < 40 then 'completed' else 'no_work' end, 'Looked at it.', '{"lookedAt": ["a"]}', at, at, at
from made
where n % 100 < 40;

insert into questions (
  namespace, job_id, agent_id, attempt_no, kind, asked_by, question, why, status, answer, answered_by, closed_at, created_at)
select
  'default', ('00000000-0000-7000-8000-' || lpad(to_hex(n), 12, '0'))::uuid, 'agent-' || n % 10, 1, 'question',
  'agent-' || n % 10, 'May it go?', 'It is old.', case when open then 'open' else 'answered' end,
  case when not open then 'Yes.' end, case when not open then 'operator:anna' end, case when not open then at end, at
from (
  select n, at, n > all_made - 400 as open
  from made
  where n % 10 = 0) q;

insert into idle_runs (
  namespace, agent_id, order_name, slot_id, job_id, gateway, question, budget, began_at, outcome, seconds, tokens,
  cost_usd, ended_at, settled_at, created_at)
select
  'default', 'agent-' || n % 10, 'order-' || n % 20, new_id(),
  ('00000000-0000-7000-8000-' || lpad(to_hex(n), 12, '0'))::uuid, 'default', 'Which belief may be wrong?',
  idle_budget_defaults(), at, case when n % 2 = 0 then 'completed' else 'no_work' end, 300, 9000, 0.1, at, at, at
from made
where n % 25 = 0;

insert into pauses (namespace, kind, name, mode, reason, paused_by, since, ended_at, ended_by, end_reason, created_at)
select 'default', 'agent', 'agent-' || n % 10, 'pause', 'maintenance', 'operator:anna', at, at, 'operator:anna', 'done', at
from made
where n % 50 = 0;

insert into bulk_actions (
  namespace, operation, filter, reason, started_by, frozen_up_to, status, total, done, created_at, ended_at)
select 'default', 'cancel', '{"state": "queued"}', 'maintenance', 'operator:anna', n, 'done', 500, 500, at, at
from made
where n % 50 = 0;

insert into reports (namespace, kind, period_from, period_to, markdown, words, items, created_by, created_at)
select
  'default', (array['daily_digest', 'ideas_digest', 'weekly_report'])[1 + n / 50 % 3], at - interval '1 day', at,
  repeat('- One line of the digest. ', 40), 200, 5, 'dispatcher:digest', at
from made
where n % 50 = 0;

drop view made;
set session_replication_role = origin;
