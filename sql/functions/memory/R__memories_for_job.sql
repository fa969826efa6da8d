-- Which memories stand in the prompt of a job. A memory is looked for in three ways: by the rare words and
-- identifiers of the job, by its keys, and by its agent. A memory that says too little about the job stays
-- out, so a job to which no memory matters gets none. See docs/memory-evaluation.md.

-- Returns the tokens of a memory in a prompt, estimated as a quarter of its characters with those of its
-- head.
create or replace function memory_tokens(p_title text, p_body text) returns int
language sql immutable as $$
  select ceil((memory_head_length() + length(p_title) + length(p_body)) / 4.0)::int
$$;

-- Returns a text in lower case in which each run of other characters than letters and digits is one space,
-- with a space at both ends, so that a name can be found in it as a whole, however it is spelled.
create or replace function spelled_apart(p_text text) returns text
language sql immutable as $$
  select ' ' || btrim(regexp_replace(lower(p_text), '[^[:alnum:]]+', ' ', 'g')) || ' '
$$;

-- Returns the keys of a job as rows. A key with slashes counts by its last part, too: repositories are often
-- named with their owner.
create or replace function key_rows(p_keys jsonb) returns table (scope text, key text)
language sql stable as $$
  select distinct scope, key
  from jsonb_each(coalesce(p_keys, '{}')) k (scope, held)
  cross join lateral jsonb_array_elements_text(
    case jsonb_typeof(held) when 'array' then held else jsonb_build_array(held) end) value
  cross join lateral (
    values
      (lower(btrim(value))),
      (regexp_replace(lower(btrim(value)), '^.*/|\.git$', '', 'g'))) v (key)
  where scope in ('project', 'person', 'service') and key <> ''
$$;

-- Returns in words what a memory rests on: its author and its kinds of sources.
create or replace function memory_source(p_source_agent text, p_refs jsonb) returns text
language sql stable as $$
  select concat_ws(', ', p_source_agent, (
    select string_agg(format('%s %s', n, kind || case when n > 1 then 's' else '' end), ', ' order by kind)
    from (
      select value ->> 'kind' as kind, count(*) as n
      from jsonb_array_elements(p_refs) value
      group by 1) kinds))
$$;

-- Returns the memories that matter to a job, the most important first: at most p_limit and p_tokens (null:
-- most_injected, most_injected_tokens). Only active ones that are shared or belong to p_agent, and none
-- about a project, person or service beside those of the job. p_subject and p_text are the job's subject
-- and text (job_text), p_keys its keys (job_keys). bucket says why: exact for a key or a name in the text,
-- role for a memory of the agent, global for the others. No row when nothing reaches least_relevance.
-- Writes nothing.
create or replace function memories_for_job(
  p_namespace text, p_agent text, p_subject text, p_text text, p_keys jsonb,
  p_limit int default null, p_tokens int default null
) returns table (
  memory_id uuid, version int, bucket text, rank int, score real, score_parts jsonb, tokens int, kind text,
  scope text, subject_key text, title text, body text, confidence int, trust text, promoted_by text,
  updated_at timestamptz, source text
)
language plpgsql stable rows 10 set jit = off as $$
declare
  v_words text[];
  v_says real[];
  v_ids uuid[];
  v_text text := spelled_apart(left(concat_ws(' ', p_subject, p_text), job_text_length()));
  v_memory record;
  v_limit int := coalesce(p_limit, most_injected());
  v_most_tokens int := coalesce(p_tokens, most_injected_tokens());
  v_rank int := 0;
  v_tokens int := 0;
  v_titles text[] := '{}';
begin
  select array_agg(w.word order by w.word), array_agg(w.says order by w.word)
  into v_words, v_says
  from job_words(p_namespace, p_subject, p_text) w;
  -- The most telling words, as long as few memories have them, and the newest memories of each key.
  with looked_up as (
    select w.word, w.says, sum(w.memories) over (order by w.says desc, w.word) as in_all
    from job_words(p_namespace, p_subject, p_text) w
    order by w.says desc, w.word
    limit most_words_looked_up()
  ), by_words as (
    select m.memory_id
    from looked_up l
    cross join lateral (
      select memories.memory_id
      from memories
      where memories.words @@ query_of_word(p_namespace, l.word)
        and memories.status = 'active' and memories.namespace = p_namespace
        and (memories.visibility = 'shared' or memories.owner_agent = p_agent)) m
    where l.in_all <= most_memories_looked_up()
    group by m.memory_id
    order by sum(l.says) desc, m.memory_id
    limit most_memories_compared()
  ), by_keys as (
    select m.memory_id
    from (
      select k.scope, k.key from key_rows(p_keys) k
      union all
      select 'agent', p_agent) k
    cross join lateral (
      select memories.memory_id
      from memories
      where memories.namespace = p_namespace and memories.scope = k.scope and memories.subject_key = k.key
        and memories.status = 'active'
        and (memories.visibility = 'shared' or memories.owner_agent = p_agent)
      order by memories.seq desc
      limit newest_of_key()) m
  )
  select array_agg(c.memory_id) into v_ids
  from (select b.memory_id from by_words b union select b.memory_id from by_keys b) c;
  for v_memory in
    select r.*,
      (r.relevance * r.importance * r.recency * r.outcome)::real as score
    from (
      select m.*, t.of_words, t.of_title, t.of_identifiers, k.named,
        (t.of_words + case when k.named then key_relevance() else 0 end)::real as relevance,
        (0.7 + 0.1 * m.confidence)::real as importance,
        1::real as recency,
        1::real as outcome
      from memories m
      cross join lateral (
        select
          coalesce(sum(w.says * case when u.weights[1] = 'A' then 1 else body_word_weight() end), 0)::real
            as of_words,
          coalesce(sum(w.says) filter (where u.weights[1] = 'A'), 0)::real as of_title,
          coalesce(sum(w.says) filter (where w.word like '#%'), 0)::real as of_identifiers
        from unnest(m.words) u
        join unnest(v_words, v_says) w (word, says) on u.lexeme = word_in_namespace(p_namespace, w.word)) t
      cross join lateral (
        select m.scope = 'agent' and m.subject_key = p_agent
          or exists (select from key_rows(p_keys) k where k.scope = m.scope and k.key = m.subject_key)
          or m.scope <> 'global' and strpos(v_text, spelled_apart(m.subject_key)) > 0 as named) k
      where m.memory_id = any (v_ids)
        and (m.expires_at is null or m.expires_at > now())
        and (m.scope = 'global' or k.named)) r
    where r.relevance >= least_relevance()
    order by score desc, r.seq desc
    limit 3 * v_limit
  loop
    tokens := memory_tokens(v_memory.title, v_memory.body);
    continue when v_tokens + tokens > v_most_tokens
      or exists (
        select from unnest(v_titles) chosen where similarity_of(chosen, v_memory.title) >= equal_title());
    v_rank := v_rank + 1;
    v_tokens := v_tokens + tokens;
    v_titles := v_titles || v_memory.title;
    memory_id := v_memory.memory_id;
    version := v_memory.version;
    bucket := case
      when v_memory.scope = 'agent' or v_memory.owner_agent = p_agent then 'role'
      when v_memory.scope = 'global' then 'global'
      else 'exact' end;
    rank := v_rank;
    score := v_memory.score;
    score_parts := jsonb_build_object('words', v_memory.of_words, 'title', v_memory.of_title,
      'identifiers', v_memory.of_identifiers, 'key', v_memory.named, 'relevance', v_memory.relevance,
      'importance', v_memory.importance, 'recency', v_memory.recency, 'outcome', v_memory.outcome);
    kind := v_memory.kind;
    scope := v_memory.scope;
    subject_key := v_memory.subject_key;
    title := v_memory.title;
    body := v_memory.body;
    confidence := v_memory.confidence;
    trust := v_memory.trust;
    promoted_by := v_memory.promoted_by;
    updated_at := v_memory.updated_at;
    source := memory_source(v_memory.source_agent, v_memory.source_refs);
    return next;
    exit when v_rank = v_limit;
  end loop;
end
$$;
