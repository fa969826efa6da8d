-- Nothing twice: a text that stood in the prompt of an attempt is no candidate of that attempt, and a
-- candidate is compared with the open ones and with the active memories.

-- Returns the words of a text in lower case, in their order. Each Chinese or Japanese letter is a word,
-- because these scripts have no spaces.
create or replace function words_in_order(p_text text) returns text[]
language sql immutable as $$
  select array(
    select word
    from regexp_split_to_table(
      regexp_replace(lower(p_text), '([\u3040-\u30ff\u3400-\u9fff])', ' \1 ', 'g'),
      '[[:space:][:punct:]]+') with ordinality w (word, place)
    where word <> ''
    order by place)
$$;

-- Returns the different groups of three words that follow each other in a text; a shorter text is one group.
create or replace function shingles(p_text text) returns text[]
language sql immutable as $$
  select array(
    select distinct words[place] || coalesce(' ' || words[place + 1], '')
      || coalesce(' ' || words[place + 2], '')
    from (select words_in_order(p_text) as words) w
    cross join generate_series(1, greatest(cardinality(words) - 2, 1)) place
    where words <> '{}')
$$;

-- Returns the memory in the prompts behind a call (attempts_behind) in which the greatest share of a
-- candidate's words stands, with this share, from 0 to 1. No row when none was injected.
create or replace function most_recalled(p_principal jsonb, p_title text, p_body text)
returns table (memory_id uuid, share real)
language sql stable as $$
  select m.memory_id,
    (select count(*) from unnest(own) group_of_words where group_of_words = any (shown))::real
      / greatest(cardinality(own), 1)
  from attempts_behind(p_principal) a
  join memory_injections i on i.attempt_id = a.attempt_id
  join memories m on m.memory_id = i.memory_id
  cross join shingles(p_title || E'\n' || p_body) own
  cross join shingles(m.title || E'\n' || m.body) shown
  order by 2 desc, 1
  limit 1
$$;

-- Refuses (422, recalled_text) a candidate of which a recalled_from share stood in the prompt of the same
-- attempt: memories would otherwise confirm themselves. Returns the share, 0 without memories in the prompt.
create or replace function overlap_of(p_principal jsonb, p_title text, p_body text) returns real
language plpgsql stable as $$
declare
  v_most record;
begin
  select * into v_most from most_recalled(p_principal, p_title, p_body);
  if v_most.share >= recalled_from() then
    perform refuse(422, 'recalled_text',
      format('%s %% of this text stood in the prompt of this attempt, in memory %s', round((v_most.share * 100)::numeric), v_most.memory_id),
      'body', null,
      'the verdict used for that memory when you close the job; or a text that says what is new');
  end if;
  return coalesce(v_most.share, 0);
end
$$;

-- Returns whether a memory or candidate is about the same subject as another one, or about everything.
create or replace function same_subject(
  p_scope text, p_subject_key text, p_other_scope text, p_other_key text
) returns boolean language sql immutable as $$
  select p_other_scope = 'global'
    or p_other_scope = p_scope and p_other_key is not distinct from p_subject_key
$$;

-- Returns the active memories about a subject and those about everything, the newest compared_memories of
-- both.
create or replace function memories_about(p_namespace text, p_scope text, p_subject_key text)
returns setof memories
language sql stable as $$
  (
    select *
    from memories
    where namespace = p_namespace and status = 'active' and scope = p_scope and subject_key = p_subject_key
    order by seq desc
    limit compared_memories())
  union all
  (
    select *
    from memories
    where namespace = p_namespace and status = 'active' and scope = 'global'
    order by seq desc
    limit compared_memories())
$$;

-- Returns the open candidates and active memories that say nearly the same as a new candidate about the same
-- subject, the most similar first, alike_kept at most: an array of objects with kind (candidate or memory),
-- id and similarity. It is compared with the newest compared_memories of each kind.
create or replace function alike_of(p_new memory_candidates) returns jsonb
language sql stable as $$
  with others as (
    (
      select 'candidate' as kind, candidate_id as id, title, body
      from memory_candidates
      where namespace = (p_new).namespace and ended_at is null
        and same_subject((p_new).scope, (p_new).subject_key, scope, subject_key)
      order by seq desc
      limit compared_memories())
    union all
    select 'memory', memory_id, title, body
    from memories_about((p_new).namespace, (p_new).scope, (p_new).subject_key))
  select coalesce(jsonb_agg(
    jsonb_build_object('kind', kind, 'id', id, 'similarity', round(similarity::numeric, 2))
    order by similarity desc, id), '[]')
  from (
    select kind, id, similarity
    from (
      select kind, id, proposal_similarity((p_new).title, compared_body((p_new).body), title,
        compared_body(body)) as similarity
      from others) compared
    where similarity >= near_duplicate_from()
    order by similarity desc, id
    limit alike_kept()) nearest
$$;

-- Refuses (422, near_duplicate) a candidate with the words of an active memory about the same subject that
-- its author may read. The memory that it supersedes counts only when its text is the same to the letter,
-- because a mend may change nothing but a point or a capital letter.
create or replace function refuse_known_memory(p_principal jsonb, p_new memory_candidates) returns void
language plpgsql stable as $$
declare
  v_memory uuid;
begin
  select memory_id into v_memory
  from memories
  where namespace = p_new.namespace and status = 'active'
    and same_subject(p_new.scope, p_new.subject_key, scope, subject_key)
    and memory_visible(p_principal, visibility, owner_agent)
    and same_as = text_key(p_new.title, p_new.body)
    and (memory_id is distinct from p_new.supersedes_memory_id or (title, body) = (p_new.title, p_new.body))
  order by seq
  limit 1;
  if found then
    perform refuse(422, 'near_duplicate', format('memory %s says the same', v_memory), 'title',
      to_jsonb(p_new.title),
      'nothing: it is known; confirm-memory says that it still holds');
  end if;
end
$$;

-- Refuses (422, rejected_before) a candidate that says nearly the same about the same subject as one that was
-- rejected within rejected_remembered, unless it names a source, other than the job of the call, that the
-- other did not. Only rejections that the author may read count, because the refusal quotes them.
create or replace function refuse_rejected_candidate(p_principal jsonb, p_new memory_candidates) returns void
language plpgsql stable as $$
declare
  v_before memory_candidates;
  v_beside jsonb := evidence_beside_own(p_principal, p_new.source_refs, null);
begin
  select * into v_before
  from (
    select *
    from memory_candidates
    where namespace = p_new.namespace and status = 'rejected'
      and ended_at > now() - rejected_remembered()
      and same_subject(p_new.scope, p_new.subject_key, scope, subject_key)
    order by ended_at desc
    limit compared_memories()) c
  where candidate_visible(p_principal, c)
    and proposal_similarity(p_new.title, compared_body(p_new.body), title, compared_body(body))
      >= near_duplicate_from()
  order by ended_at desc
  limit 1;
  if not found or new_evidence(v_beside, v_before.source_refs) <> '[]' then
    return;
  end if;
  perform refuse(422, 'rejected_before',
    format('%s has rejected the like, candidate %s, at %s: %s', v_before.decided_by, v_before.candidate_id,
      utc_text(v_before.decided_at), v_before.notes),
    'title', to_jsonb(p_new.title),
    format('a source, other than the job of this call, which that one did not name; or wait until %s',
      utc_text(v_before.decided_at + rejected_remembered())));
end
$$;
