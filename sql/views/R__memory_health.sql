-- This view shows the memories in force. Each run of this file drops and creates it, so that its columns can
-- change; nothing depends on it.

drop view if exists active_memories_v;

create view active_memories_v as
select
  m.namespace,
  m.memory_id,
  m.version,
  m.kind,
  m.scope,
  m.subject_key,
  m.title,
  m.visibility,
  m.owner_agent,
  m.confidence,
  m.trust,
  m.source_agent,
  m.promoted_by,
  now() - m.created_at as age,
  m.next_review_at,
  m.expires_at,
  coalesce(u.injected, 0) as injected,
  coalesce(u.used, 0) as used,
  coalesce(u.irrelevant, 0) as irrelevant,
  coalesce(u.wrong, 0) as wrong,
  u.last_injected_at,
  r.open_reviews,
  case
    when r.open_reviews is not null then 'the curator or a person: ' || r.open_reviews
    when m.next_review_at <= now() then 'the auditor, which opens its review within a minute'
    else 'its review at ' || utc_text(m.next_review_at) end as next_move,
  m.created_at
from memories m
left join memory_uses u using (memory_id)
left join lateral (
  select string_agg(distinct kind, ', ' order by kind) as open_reviews
  from memory_reviews
  where memory_id = m.memory_id
    and closed_at is null) r on true
where m.status = 'active'
  and (m.expires_at is null or m.expires_at > now());
comment on view active_memories_v is
  'The memories in force, each with what came of it in prompts, its open reviews by kind, and what moves it next.';
