-- Memories: curated claims that were promoted from candidates. See docs/guide/memory.md.
--
--   active ------> superseded, expired, wrong
--
-- The three others are final. A memory keeps its words; other words are a new version, which supersedes it.

-- Returns a memory as the contract shows it. Long texts are cut after p_text characters (null: whole), and
-- then the sources are only counted.
create or replace function memory_row(p_memory memories, p_text int) returns jsonb
language sql stable as $$
  select jsonb_strip_nulls(jsonb_build_object(
    'memoryId', (p_memory).memory_id,
    'seq', (p_memory).seq,
    'namespace', (p_memory).namespace,
    'version', (p_memory).version,
    'status', (p_memory).status,
    'kind', (p_memory).kind,
    'scope', (p_memory).scope,
    'subjectKey', (p_memory).subject_key,
    'title', (p_memory).title,
    'body', cut((p_memory).body, p_text),
    'evidence', cut((p_memory).evidence, p_text),
    'sourceRefs', case when p_text is null then (p_memory).source_refs end,
    'sourceRefsCount', jsonb_array_length((p_memory).source_refs),
    'confidenceScore', (p_memory).confidence,
    'stability', (p_memory).stability,
    'visibility', (p_memory).visibility,
    'ownerAgent', (p_memory).owner_agent,
    'trust', (p_memory).trust,
    'candidateId', (p_memory).candidate_id,
    'sourceAgent', (p_memory).source_agent,
    'promotedBy', (p_memory).promoted_by,
    'notes', cut((p_memory).notes, p_text),
    'validFrom', (p_memory).valid_from,
    'expiresAt', (p_memory).expires_at,
    'nextReviewAt', (p_memory).next_review_at,
    'confirmedBy', (p_memory).confirmed_by,
    'confirmedAt', (p_memory).confirmed_at,
    'supersedes', (p_memory).supersedes,
    'supersededBy', (p_memory).superseded_by,
    'endedBy', (p_memory).ended_by,
    'endReason', cut((p_memory).end_reason, p_text),
    'endedAt', (p_memory).ended_at,
    'createdAt', (p_memory).created_at,
    'updatedAt', (p_memory).updated_at))
$$;

-- Returns a memory of the namespace that the caller may read. Refuses every other one as unknown (404) and
-- names p_field.
create or replace function memory_of(
  p_principal jsonb, p_namespace text, p_memory_id uuid, p_field text default 'memoryId'
) returns memories language plpgsql stable as $$
declare
  v_memory memories;
begin
  select * into v_memory
  from memories
  where memory_id = p_memory_id
    and namespace = p_namespace
    and memory_visible(p_principal, visibility, owner_agent);
  if not found then
    perform refuse(404, 'unknown_memory', format('there is no memory %s in namespace %s', p_memory_id, p_namespace),
      p_field, to_jsonb(p_memory_id), 'the id of a memory; see list-memories');
  end if;
  return v_memory;
end
$$;

-- Returns a memory as memory_of does, locked. Refuses (409) a frozen agent. Call it under lock_memories.
create or replace function locked_memory(
  p_principal jsonb, p_namespace text, p_memory_id uuid, p_field text default 'memoryId'
) returns memories language plpgsql as $$
declare
  v_memory memories := memory_of(p_principal, p_namespace, p_memory_id, p_field);
begin
  perform refuse_frozen_caller(p_principal, p_namespace, p_field);
  select * into v_memory from memories where memory_id = v_memory.memory_id for no key update;
  return v_memory;
end
$$;

-- Returns what ended a memory, who did it and when, in words that continue its id.
create or replace function memory_end_text(p_memory memories) returns text
language sql stable as $$
  select case (p_memory).status
      when 'superseded' then format('was superseded by memory %s', (p_memory).superseded_by)
      when 'wrong' then 'was marked wrong'
      else (p_memory).status end
    || coalesce(format(', by %s at %s: %s', (p_memory).ended_by, utc_text((p_memory).ended_at),
      cut((p_memory).end_reason, list_text())), '')
$$;

-- Refuses (409, wrong_state) a memory that is not active, and says who ended it, when and why.
create or replace function require_active(p_memory memories, p_field text) returns void
language plpgsql stable as $$
begin
  if p_memory.status <> 'active' then
    perform refuse(409, 'wrong_state', format('memory %s %s', p_memory.memory_id, memory_end_text(p_memory)),
      p_field, to_jsonb(p_memory.memory_id),
      coalesce(format('an active memory, such as %s if that is one', p_memory.superseded_by), 'an active memory'));
  end if;
end
$$;

-- Returns the name of the actor who promoted a memory, without its kind and the name in words.
create or replace function promoter_name(p_promoted_by text) returns text
language sql immutable as $$
  select regexp_replace(p_promoted_by, '^[^:]*:|( \(.*\))$', '', 'g')
$$;

-- Returns whether a memory fits the fields of a filter; an absent field fits all. It is the same for the list
-- and for expireMemories. text are words that stand in title, body or id.
create or replace function memory_fits(p_memory memories, p_input jsonb) returns boolean
language sql immutable as $$
  select (p_input ->> 'status' is null
      or (p_memory).status = any (string_to_array(p_input ->> 'status', ',')))
    and (p_input ->> 'kind' is null or (p_memory).kind = any (string_to_array(p_input ->> 'kind', ',')))
    and (p_input ->> 'scope' is null or (p_memory).scope = p_input ->> 'scope')
    and (p_input ->> 'subjectKey' is null
      or (p_memory).subject_key = memory_subject_key(p_input ->> 'subjectKey'))
    and (p_input ->> 'sourceAgent' is null or (p_memory).source_agent = p_input ->> 'sourceAgent')
    and (p_input ->> 'promotedBy' is null
      or p_input ->> 'promotedBy' in ((p_memory).promoted_by, promoter_name((p_memory).promoted_by)))
    and (p_input ->> 'visibility' is null or (p_memory).visibility = p_input ->> 'visibility')
    and (p_input ->> 'ownerAgent' is null or (p_memory).owner_agent = p_input ->> 'ownerAgent')
    and (p_input ->> 'trust' is null or (p_memory).trust = p_input ->> 'trust')
    and (p_input ->> 'createdFrom' is null
      or (p_memory).created_at >= (p_input ->> 'createdFrom')::timestamptz)
    and (p_input ->> 'createdTo' is null or (p_memory).created_at < (p_input ->> 'createdTo')::timestamptz)
    and (p_input ->> 'text' is null
      or lower((p_memory).title || ' ' || (p_memory).body || ' ' || (p_memory).memory_id)
        like all (coalesce(word_patterns(p_input ->> 'text'), '{}')))
$$;

-- Returns the memories among which a list searches, newest first, at most proposal_looks: those about one
-- subject, the active ones, or all. Only one branch runs, so that the active ones are found beside any number
-- of others, and those of one subject beside any number of active ones.
create or replace function memories_to_list(p_namespace text, p_input jsonb, p_before bigint)
returns setof memories
language sql stable as $$
  (
    select *
    from memories
    where p_input ->> 'status' = 'active' and p_input ? 'subjectKey'
      and status = 'active' and namespace = p_namespace and seq < p_before
      and scope = any (case when p_input ? 'scope' then array[p_input ->> 'scope']
        else '{agent,project,person,service}' end)
      and subject_key = memory_subject_key(p_input ->> 'subjectKey')
    order by seq desc
    limit proposal_looks())
  union all
  (
    select *
    from memories
    where p_input ->> 'status' = 'active' and not p_input ? 'subjectKey'
      and status = 'active' and namespace = p_namespace and seq < p_before
    order by seq desc
    limit proposal_looks())
  union all
  (
    select *
    from memories
    where p_input ->> 'status' <> 'active' and namespace = p_namespace and seq < p_before
    order by seq desc
    limit proposal_looks())
$$;

create or replace function list_memories(p_principal jsonb, p_input jsonb) returns jsonb
language plpgsql stable
-- Planned anew each time, so that a filter which is not given disappears from the plan.
set plan_cache_mode = force_custom_plan as $$
declare
  v_namespace text := namespace_of(p_principal, p_input);
  v_input jsonb := '{"status": "active"}' || p_input;
  v_rows refcursor;
begin
  open v_rows for
    select m.seq, m.created_at,
      case when memory_fits(m, v_input) and memory_visible(p_principal, m.visibility, m.owner_agent)
        then memory_row(m, list_text())
          || jsonb_build_object('uses', memory_uses_json(m.memory_id)) end as shown
    from memories_to_list(v_namespace, v_input,
      coalesce((p_input ->> 'before')::bigint, 9223372036854775807)) m;
  return page_of(v_rows, 'memories', p_input, proposal_looks());
end
$$;
comment on function list_memories(jsonb, jsonb) is
  'The operation listMemories: the memories that the caller may read, newest first, at most limit (default 50) and at most answer_bytes. Without status the active ones. Every other field of the input narrows the list; next of the answer is before of the following page. A call reads at most proposal_looks rows; when it stops there, searchedTo says how far it has searched.';
