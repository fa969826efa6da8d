-- Search in memories, for agents at work and for people. Prompts are filled by memories_for_job, which
-- asks more of a memory; a search shows everything that has a word of the query, the best first.

-- Returns a text as a pattern that finds it inside of another.
create or replace function inside_pattern(p_text text) returns text
language sql immutable as $$
  select '%' || replace(replace(replace(p_text, '\', '\\'), '%', '\%'), '_', '\_') || '%'
$$;

-- Returns whether a memory has the kind, scope and subjectKey that the input of a search asks for.
create or replace function memory_asked_for(p_kind text, p_scope text, p_subject_key text, p_input jsonb)
returns boolean
language sql immutable as $$
  select (not p_input ? 'kind' or p_kind = any (string_to_array(p_input ->> 'kind', ',')))
    and (not p_input ? 'scope' or p_scope = p_input ->> 'scope')
    and (not p_input ? 'subjectKey' or p_subject_key = memory_subject_key(p_input ->> 'subjectKey'))
$$;

-- Returns the newest active memories of a namespace that have one of the words, as a search for one subject
-- or for a word of very many memories reads them: at most most_memories_searched of the newest
-- most_memories_read, those with the most words first. The arguments are those of memories_searched.
create or replace function newest_memories_searched(
  p_namespace text, p_input jsonb, p_agent text, p_may_promote text, p_words text[]
) returns setof uuid
language plpgsql stable
-- Planned anew each time: with and without a subject another index serves.
set plan_cache_mode = force_custom_plan as $$
declare
  v_words tsquery := (
    select string_agg(query_of_word(p_namespace, word)::text, ' | ')::tsquery
    from unnest(p_words[:most_words_looked_up()]) word);
begin
  return query
  select newest.memory_id
  from (
    select m.memory_id, m.seq, m.words
    from memories m
    where m.namespace = p_namespace and m.status = 'active'
      and (not p_input ? 'subjectKey' or m.subject_key = memory_subject_key(p_input ->> 'subjectKey')
        and m.scope in ('agent', 'project', 'person', 'service'))
      and memory_asked_for(m.kind, m.scope, m.subject_key, p_input)
      and (p_agent is null or memory_readable_by(p_agent, p_may_promote, m.visibility, m.owner_agent))
    order by m.seq desc
    limit most_memories_read()) newest
  where newest.words @@ v_words
  order by ts_rank(newest.words, v_words) desc, newest.seq desc
  limit most_memories_searched();
end
$$;

-- Returns the active memories that a search compares: those with the query's most
-- telling words, as long as few memories have these, and identifiers of which the query names a part. p_input
-- is that of the search; p_agent the agent that reads, with its right to promote, and null for people.
create or replace function memories_searched(
  p_namespace text, p_input jsonb, p_agent text, p_may_promote text, p_words text[], p_frequencies int[]
) returns setof uuid
language sql stable as $$
  select of_subject
  from newest_memories_searched(p_namespace, p_input, p_agent, p_may_promote, p_words) of_subject
  where p_input ? 'subjectKey' or p_frequencies[1] > most_memories_looked_up()
  union
  (
    select memory_id
    from (
      select m.memory_id, count(*) as found, min(l.place) as first_place
      from (
        select word, place, sum(memories) over (order by place) as in_all
        from unnest(p_words[:most_words_looked_up()], p_frequencies[:most_words_looked_up()])
          with ordinality w (word, memories, place)) l
      cross join lateral (
        select memory_id
        from memories
        where words @@ query_of_word(p_namespace, l.word) and status = 'active' and namespace = p_namespace
          and memory_asked_for(kind, scope, subject_key, p_input)
          and (p_agent is null or memory_readable_by(p_agent, p_may_promote, visibility, owner_agent))) m
      where l.in_all <= most_memories_looked_up()
      group by m.memory_id) found_by_words
    order by found desc, first_place, memory_id desc
    limit most_memories_searched())
  union
  select m.memory_id
  from (
    select identifier
    from unnest(identifiers_of(p_input ->> 'query')) identifier
    order by length(identifier) desc
    limit most_identifiers_searched()) i
  cross join lateral (
    select memory_id
    from memories
    where identifiers like inside_pattern(i.identifier) and identifiers <> '' and status = 'active'
      and namespace = p_namespace
      and memory_asked_for(kind, scope, subject_key, p_input)
      and (p_agent is null or memory_readable_by(p_agent, p_may_promote, visibility, owner_agent))
    limit most_memories_compared()) m
$$;

create or replace function search_memories(p_principal jsonb, p_input jsonb) returns jsonb
language plpgsql stable as $$
declare
  v_namespace text := namespace_of(p_principal, p_input);
  v_limit int := coalesce((p_input ->> 'limit')::int, most_injected());
  v_most int := list_bytes(p_input);
  v_agent text := case when is_agent(p_principal) then p_principal ->> 'name' end;
  v_words text[];
  v_says real[];
  v_frequencies int[];
  v_memory record;
  v_row jsonb;
  v_rows jsonb[] := '{}';
  v_bytes int := 0;
begin
  select array_agg(w.word order by w.says desc, w.word), array_agg(w.says order by w.says desc, w.word),
    array_agg(w.memories order by w.says desc, w.word)
  into v_words, v_says, v_frequencies
  from job_words(v_namespace, '', '', p_input ->> 'query') w;
  for v_memory in
    select m as memory, t.of_words, t.of_identifiers,
      ((t.of_words + t.of_identifiers)
        * memory_importance(m.confidence) * memory_recency(m.kind, m.valid_from))::real as score
    from memories m
    cross join lateral (
      select coalesce(sum(says * weight) filter (where word not like '#%'), 0)::real as of_words,
        coalesce(sum(says) filter (where word like '#%'), 0)::real as of_identifiers
      from (
        select w.word, w.says,
          case l.weights[1] when 'A' then title_word_weight() when 'B' then body_word_weight() else 1 end
            as weight
        from unnest(m.words) l
        join unnest(v_words, v_says) w (word, says)
          on l.lexeme = word_in_namespace(v_namespace, w.word)) found) t
    where m.memory_id in (
        select of_search
        from memories_searched(
          v_namespace, p_input, v_agent, may_promote_of(p_principal), v_words, v_frequencies) of_search)
      and (m.expires_at is null or m.expires_at > now())
      and memory_visible(p_principal, m.visibility, m.owner_agent)
      and (m.trust = 'trusted' or not reads_trusted_only(v_namespace, v_agent))
    order by score desc, m.seq desc
    limit v_limit
  loop
    v_row := memory_row(v_memory.memory, null) || jsonb_build_object(
      'score', round(v_memory.score::numeric, 3),
      'scoreParts', jsonb_build_object('words', round(v_memory.of_words::numeric, 3),
        'identifiers', round(v_memory.of_identifiers::numeric, 3)));
    v_bytes := v_bytes + octet_length(v_row::text);
    exit when v_bytes > v_most and cardinality(v_rows) > 0;
    v_rows := v_rows || v_row;
  end loop;
  return jsonb_build_object('memories', to_jsonb(v_rows));
end
$$;
comment on function search_memories(jsonb, jsonb) is
  'The operation searchMemories: the active memories that the caller may read and that have words or identifiers of query, the best first, at most limit (default 10) and at most answer_bytes. kind, scope and subjectKey narrow the answer. Empty when no word of the query stands in a memory. Each has its score and the parts of it: words, and identifiers.';
