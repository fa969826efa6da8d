-- Loads the memories of a set as if they had been promoted ageDays ago, and returns their number.
with given as (
  select m.*, now() - make_interval(days => m."ageDays") as since,
    coalesce(m."expiresAt", now() + make_interval(days => m."expiresInDays")) as until
  from jsonb_to_recordset(?::jsonb) m (
    "memoryId" uuid, kind text, scope text, "subjectKey" text, title text, body text, confidence int,
    stability text, visibility text, "ownerAgent" text, trust text, status text, "ageDays" int,
    "expiresAt" timestamptz, "expiresInDays" int, "supersedesId" uuid, "supersededById" uuid, uses jsonb)
), loaded as (
  insert into memories (
    memory_id, namespace, version, kind, scope, subject_key, title, body, evidence, source_refs, confidence,
    stability, visibility, owner_agent, trust, source_agent, promoted_by, notes, status, valid_from,
    expires_at, next_review_at, supersedes, superseded_by, ended_by, end_reason, ended_at, created_at,
    updated_at)
  select "memoryId", 'default', case when "supersedesId" is null then 1 else 2 end, kind, scope,
    lower("subjectKey"), title, body, 'a set of an evaluation', '[]', confidence, stability, visibility,
    "ownerAgent", trust, coalesce("ownerAgent", 'knowledge'), 'operator:evaluation', 'a set of an evaluation',
    status, since, until, now() + interval '30 days', "supersedesId", "supersededById",
    case when status <> 'active' then 'operator:evaluation' end, case when status <> 'active' then status end,
    case when status <> 'active' then now() end, since, since
  from given
  returning memory_id
), counted as (
  insert into memory_uses (memory_id, namespace, injected, used, irrelevant, wrong, helped, hurt)
  select "memoryId", 'default', n.injected, n.used, n.irrelevant, n.wrong, n.helped, n.hurt
  from given
  cross join lateral (
    select coalesce((uses ->> 'injected')::int, 0) as injected, coalesce((uses ->> 'used')::int, 0) as used,
      coalesce((uses ->> 'irrelevant')::int, 0) as irrelevant, coalesce((uses ->> 'wrong')::int, 0) as wrong,
      coalesce((uses ->> 'helped')::int, 0) as helped, coalesce((uses ->> 'hurt')::int, 0) as hurt) n
  where uses is not null
  on conflict (memory_id) do update
  set injected = excluded.injected, used = excluded.used, irrelevant = excluded.irrelevant,
    wrong = excluded.wrong, helped = excluded.helped, hurt = excluded.hurt
)
select count(*) from loaded
