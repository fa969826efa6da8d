-- The rules that memories and their candidates obey after every transaction; broken_invariants has them among
-- its own. None of them needs a row that retention may have removed.

-- Returns each broken rule with the id of the row that breaks it; no row when nothing is broken.
create or replace function broken_memory_invariants() returns table (what text, id text)
language sql stable
set jit = off as $$
  select 'a promoted candidate and its memory do not name each other', c.candidate_id::text
  from memory_candidates c
  join memories m using (memory_id)
  where m.candidate_id is distinct from c.candidate_id or m.namespace <> c.namespace
  union all
  select 'a candidate was decided by nobody, or without a reason', candidate_id::text
  from memory_candidates
  where status in ('promoted', 'rejected') and (decided_by is null or decided_at is null or notes is null)
  union all
  select 'a memory rests on nothing', memory_id::text
  from memories
  where source_refs = '[]'
  union all
  select 'an agent promoted an untrusted memory', memory_id::text
  from memories
  where trust = 'untrusted' and promoted_by not like 'operator:%'
  union all
  select 'a memory is trusted although its candidate is not', m.memory_id::text
  from memories m
  join memory_candidates c using (candidate_id)
  where c.trust = 'untrusted' and m.trust = 'trusted'
  union all
  select 'an agent promoted its own candidate', m.memory_id::text
  from memories m
  join memory_candidates c on c.memory_id = m.memory_id
  where c.decided_by = any (actors_of(c.source_agent))
  union all
  select 'memories supersede each other in a circle', s.memory_id::text
  from memories s
  where s.superseded_by is not null
    and exists (
      with recursive later as (
        select s.superseded_by as memory_id
        union
        select m.superseded_by
        from later l
        join memories m using (memory_id)
        where m.superseded_by is not null)
      select from later l where l.memory_id = s.memory_id)
  union all
  select 'a memory was superseded by one of another namespace', s.memory_id::text
  from memories s
  join memories m on m.memory_id = s.superseded_by
  where m.namespace <> s.namespace
  union all
  select 'two active memories supersede the same one', min(memory_id::text)
  from memories
  where supersedes is not null and status = 'active'
  group by supersedes
  having count(*) > 1
  union all
  select 'a review of an ended memory is open', r.review_id::text
  from memory_reviews r
  join memories m using (memory_id)
  where r.closed_at is null and m.status <> 'active'
  union all
  select 'a review and its memory are in different namespaces', r.review_id::text
  from memory_reviews r
  join memories m using (memory_id)
  where r.namespace <> m.namespace
  union all
  select 'a prompt has more memories or tokens than one may have', attempt_id::text
  from memory_injections
  group by attempt_id
  having count(*) > most_injected() or sum(tokens) > most_injected_tokens()
  union all
  select 'a memory stood in the prompt of an agent that may not read it', i.injection_id::text
  from memory_injections i
  join memories m using (memory_id)
  where m.namespace <> i.namespace or m.owner_agent <> i.agent_id
  union all
  select 'the audit log does not lead to the status of a ' || noun, row_id
  from (
    select 'memory candidate' as noun, 'memory_candidates' as table_name, candidate_id::text as row_id, status
    from memory_candidates
    union all
    select 'memory', 'memories', memory_id::text, status from memories) p
  cross join lateral status_in_audit(p.table_name, p.row_id) a
  where p.status <> a.status
$$;
