-- Which memories stand in the prompt of a job. A memory is looked for in three ways: by the rare words and
-- identifiers of the job, by its keys, and by its agent. A memory that says too little about the job stays
-- out, so a job to which no memory matters gets none. See docs/memory-evaluation.md.

-- Returns the tokens of a memory in a prompt, estimated as a quarter of its characters, with those of its
-- head and two for the mark before each line. A character from U+2E80 on (Chinese, Japanese, Korean,
-- pictures) is one token.
create or replace function memory_tokens(p_subject_key text, p_title text, p_body text) returns int
language plpgsql immutable as $$
begin
  return (
    select ceil((
        memory_head_length() + length(t.shown) + 2 * cardinality(string_to_array(t.shown, E'\n'))
        + coalesce(length(p_subject_key), 0) + 3 * w.wide) / 4.0)::int
    from (select p_title || E'\n' || p_body as shown) t
    cross join lateral (
      select length(
        regexp_replace(coalesce(p_subject_key, '') || t.shown, '[\u0001-\u2E7F]+', '', 'g')) as wide) w);
end
$$;

-- Returns a text in lower case in which each run of other characters than letters and digits is one space,
-- with a space at both ends, so that a name can be found in it as a whole, however it is spelled.
create or replace function spelled_apart(p_text text) returns text
language sql immutable as $$
  select ' ' || btrim(regexp_replace(lower(p_text), '[^[:alnum:]]+', ' ', 'g')) || ' '
$$;

-- Returns a key in the ways in which a memory may name its subject: as it is; without the owner of a
-- repository, the domain of a host, a port or .git; and with other signs between its words.
create or replace function spellings_of_key(p_key text) returns setof text
language sql immutable as $$
  select distinct replace(named, sign, other)
  from (
    values
      (p_key),
      (regexp_replace(p_key, '^.*/|\.git$', '', 'g')),
      (regexp_replace(
        p_key, '^([[:alnum:]-]*[[:alpha:]][[:alnum:]-]*)(\.[[:alnum:].-]+|:\d+)$', '\1'))) n (named)
  cross join (
    values ('-', '-'), (' ', '-'), (' ', '_'), ('-', ' '), ('-', '_'), ('_', '-'), ('_', ' ')) s (sign, other)
  where named <> ''
$$;

-- Returns the keys of a job as rows, as memory_subject_key writes them, each in its spellings.
create or replace function key_rows(p_keys jsonb) returns table (scope text, key text)
language sql stable as $$
  select distinct scope, key
  from jsonb_each(coalesce(p_keys, '{}')) k (scope, held)
  cross join lateral jsonb_array_elements_text(
    case jsonb_typeof(held) when 'array' then held else jsonb_build_array(held) end) value
  cross join lateral memory_subject_key(value) whole
  cross join lateral spellings_of_key(whole) key
  where scope in ('project', 'person', 'service')
$$;

-- Returns the subjects of active memories that a job is about, each as scope:key: its keys (job_keys), and
-- whole lines of its text, which are values of its payload whatever their fields are called. The text of an
-- untrusted job names no person.
create or replace function subjects_of_job(p_namespace text, p_keys jsonb, p_text text, p_trust text)
returns setof text
language plpgsql stable as $$
begin
  return query
  select spelled.scope || ':' || spelled.key
  from (
    select scope, key
    from key_rows(p_keys)
    union
    select s.scope, key
    from (
      select memory_subject_key(line) as whole
      from string_to_table(p_text, E'\n') line
      where length(line) between 2 and longest_name() and cardinality(string_to_array(line, ' ')) <= 4
      limit most_lines_looked_up()) lines
    cross join lateral spellings_of_key(whole) key
    cross join (values ('project'), ('person'), ('service')) s (scope)
    where s.scope <> 'person' or p_trust = 'trusted') spelled
  -- With a limit, because a join would let the planner read the memories of the namespace.
  cross join lateral (
    select
    from memories m
    where m.namespace = p_namespace and m.scope = spelled.scope and m.subject_key = spelled.key
      and m.status = 'active'
    limit 1) known;
end
$$;

-- Returns in words what a memory rests on: its author and its kinds of sources.
create or replace function memory_source(p_source_agent text, p_refs jsonb) returns text
language plpgsql stable as $$
begin
  return (
    select concat_ws(', ', p_source_agent, (
      select string_agg(
        format('%s %s', n, case when n = 1 then kind else regexp_replace(kind || 's', 'ys$', 'ies') end),
        ', ' order by kind)
      from (
        select value ->> 'kind' as kind, count(*) as n
        from jsonb_array_elements(p_refs) value
        group by 1) kinds)));
end
$$;

-- Returns the memories that may matter to a job: those with its most telling words, as long as few memories
-- have these, and the newest of each of its keys. p_words are its words (job_words), the most telling first,
-- p_subjects its keys, each as scope:key.
create or replace function memories_to_compare(
  p_namespace text, p_agent text, p_words text[], p_says real[], p_frequencies int[], p_subjects text[]
) returns setof uuid
language plpgsql stable as $$
begin
  return query
  with looked_up as (
    select word, says, sum(memories) over (order by place) as in_all
    from unnest(p_words[:most_words_looked_up()], p_says, p_frequencies)
      with ordinality w (word, says, memories, place)
    where word is not null
  ), found as (
    select m.memory_id, bool_or(m.fits) as fits, sum(l.says) as says
    from looked_up l
    cross join lateral (
      select memory_id, scope = 'global' or scope || ':' || subject_key = any (p_subjects) as fits
      from memories
      where words @@ query_of_word(p_namespace, l.word) and status = 'active' and namespace = p_namespace
        and (visibility = 'shared' or owner_agent = p_agent)) m
    where l.in_all <= most_memories_looked_up()
    group by m.memory_id
  )
  (
    select memory_id
    from found
    where fits
    order by says desc, memory_id desc
    limit most_memories_compared())
  union
  (
    select memory_id
    from found
    where not fits
    order by says desc, memory_id desc
    limit most_others_compared())
  union
  select of_key.memory_id
  from unnest(p_subjects) subject
  cross join lateral (
    select memory_id
    from memories
    where namespace = p_namespace and scope = split_part(subject, ':', 1)
      and subject_key = substr(subject, strpos(subject, ':') + 1)
      and status = 'active' and (visibility = 'shared' or owner_agent = p_agent)
    order by seq desc
    limit greatest(1, most_memories_compared() / cardinality(p_subjects))) of_key;
end
$$;

-- Returns by how much an old memory of a kind counts less, from 1 down to least_recency. Decisions,
-- preferences and constraints hold until somebody ends them.
create or replace function memory_recency(p_kind text, p_since timestamptz) returns real
language sql stable as $$
  select coalesce(least_recency() + (1 - least_recency())
    * 0.5 ^ (extract(epoch from now() - p_since) / extract(epoch from memory_half_life(p_kind))), 1)::real
$$;

-- Returns by how much the confidence in a memory (1 to 5) makes it count more or less, from 0.88 to 1.2.
create or replace function memory_importance(p_confidence int) returns real
language sql immutable as $$
  select (0.8 + 0.08 * p_confidence)::real
$$;

-- Returns by how much a memory counts more or less by what came of it, from 0.8 to 1.2. p_good are the
-- times it was used or helped, p_bad those it was irrelevant, wrong or hurt; 1 for one that was never
-- used.
create or replace function memory_outcome(p_good int, p_bad int) returns real
language sql immutable as $$
  select (0.8 + 0.4 * (p_good + 2) / (p_good + p_bad + 4.0))::real
$$;

-- Returns the memories that matter to a job, the most important first: at most p_limit and p_tokens (null:
-- most_injected, most_injected_tokens). p_subject and p_text are the job's subject and text (job_text),
-- p_keys its keys (job_keys); a line of its text that is the subject of a memory is a key, too. Only active
-- memories that are shared or belong to p_agent, trusted ones for an agent that reads nothing else, and of
-- those with a subject only the ones about a key of the job, the agent itself, or a subject that its text
-- names. A job without a key of a scope also gets memories about a service or project that it does not name,
-- when they say enough (least_relevance) and its text names no other one. bucket says why: exact for a key of
-- the job, role for a memory of the agent, global for the others. A memory must say enough about the job,
-- except for the newest of its keys and its agent (most_key_fills, most_role_fills). p_trust is the job's:
-- the text of an untrusted one names no person, because its writer could call up the memories about anybody.
-- Writes nothing.
create or replace function memories_for_job(
  p_namespace text, p_agent text, p_subject text, p_text text, p_keys jsonb,
  p_limit int default null, p_tokens int default null, p_trust text default 'trusted'
) returns table (
  memory_id uuid, version int, bucket text, rank int, score real, score_parts jsonb, tokens int, kind text,
  scope text, subject_key text, title text, body text, confidence int, trust text, promoted_by text,
  updated_at timestamptz, source text
)
language plpgsql stable rows 10
set plan_cache_mode = force_generic_plan set jit = off as $$
declare
  v_limit int := coalesce(p_limit, most_injected());
  v_most_tokens int := coalesce(p_tokens, most_injected_tokens());
  v_text text := spelled_apart(left(concat_ws(' ', p_subject, p_text), job_text_length()));
  v_subjects text[] :=
    array(select subjects_of_job(p_namespace, p_keys, p_text, p_trust)) || ('agent:' || p_agent);
  v_scopes text[] := array(
    select jsonb_object_keys(coalesce(p_keys, '{}'))
    union
    select split_part(subject, ':', 1) from unnest(v_subjects) subject);
  v_words text[];
  v_lexemes text[];
  v_says real[];
  v_frequencies int[];
  v_near uuid[];
  v_memory record;
  v_chosen jsonb := '[]';
  v_rank int := 0;
  v_tokens int := 0;
  v_any boolean := false;
  v_key_fills int := most_key_fills();
  v_role_fills int := most_role_fills();
  v_trusted_only boolean := reads_trusted_only(p_namespace, p_agent);
begin
  select array_agg(w.word order by w.says desc, w.word),
    array_agg(word_in_namespace(p_namespace, w.word) order by w.says desc, w.word),
    array_agg(w.says order by w.says desc, w.word),
    array_agg(w.memories order by w.says desc, w.word)
  into v_words, v_lexemes, v_says, v_frequencies
  from job_words(p_namespace, p_agent, p_subject, p_text) w
  where w.says > 0;
  -- As an array, because a join would let the planner compare the words of every memory of a namespace.
  v_near := array(
    select memories_to_compare(p_namespace, p_agent, v_words, v_says, v_frequencies, v_subjects));
  for v_memory in
    with of_job as materialized (
      select word, lexeme, says
      from unnest(v_words, v_lexemes, v_says) w (word, lexeme, says)
    ), said as materialized (
      select m.memory_id,
        coalesce(sum(says * weight) filter (where word not like '#%'), 0)::real as of_words,
        coalesce(sum(says) filter (where word like '#%'), 0)::real as of_identifiers
      from memories m
      cross join lateral (
        select w.word, w.says,
          case l.weights[1] when 'A' then title_word_weight() else body_word_weight() end as weight
        from unnest(m.words) l
        join of_job w on w.lexeme = l.lexeme
        where l.weights[1] <> 'C') found
      where m.memory_id = any (v_near)
      group by m.memory_id
    ), compared as (
      select m.*, t.of_words, t.of_identifiers, n.nearness, memory_recency(m.kind, m.valid_from) as recency,
        memory_importance(m.confidence) as importance,
          memory_outcome(coalesce(2 * u.used + u.helped, 0), coalesce(u.irrelevant + 2 * u.wrong + u.hurt, 0))
            as outcome
      from memories m
      left join memory_uses u on u.memory_id = m.memory_id
      left join said on said.memory_id = m.memory_id
      cross join lateral (
        select coalesce(said.of_words, 0) as of_words, coalesce(said.of_identifiers, 0) as of_identifiers) t
      cross join lateral (
        select case
          when m.scope = 'global' then 'global'
          when m.scope = 'agent' and m.subject_key = p_agent then 'own'
          when m.scope || ':' || m.subject_key = any (v_subjects) then 'key'
          when m.scope <> 'agent' and length(m.subject_key) >= shortest_name()
              and (m.scope <> 'person' or p_trust = 'trusted')
              and strpos(v_text, spelled_apart(m.subject_key)) > 0
            -- A job about one service may only mention another.
            then case when m.scope = any (v_scopes) then 'mentioned' else 'named' end
          when m.scope in ('service', 'project') and not m.scope = any (v_scopes)
            then case when t.of_identifiers >= least_identifiers() then 'identifier' else 'unnamed' end
          end as nearness) n
      where m.memory_id = any (v_near)
        and (m.trust = 'trusted' or not v_trusted_only)
        and (m.expires_at is null or m.expires_at > now())
        and n.nearness is not null
    ), placed as (
      select c.*, bool_or(c.nearness = 'named') over (partition by c.scope) as names_another
      from compared c
    ), judged as (
      select c.*, c.of_words + c.of_identifiers as relevance,
        c.of_words + c.of_identifiers >= least_relevance(c.nearness) as matters,
        ((c.of_words + c.of_identifiers + nearness_weight(c.nearness))
          * c.importance * c.recency * c.outcome)::real as of_all
      from placed c
      where c.nearness <> 'unnamed' or not c.names_another
    )
    select j.*
    from judged j
    where j.matters or j.nearness in ('key', 'own')
    order by j.matters desc, j.of_all desc, j.seq desc
    limit 2 * v_limit
  loop
    -- A job gets a few more of its subjects, and one that got any also of its agent.
    if v_memory.matters then
      v_any := true;
    elsif v_memory.nearness = 'key' then
      continue when v_key_fills = 0;
      v_any := true;
    else
      continue when v_role_fills = 0 or not v_any;
    end if;
    tokens := memory_tokens(v_memory.subject_key, v_memory.title, v_memory.body);
    continue when v_tokens + tokens > v_most_tokens or exists (
      select
      from jsonb_to_recordset(v_chosen) c (title text, body text, subject text)
      where case
        when c.subject is not distinct from v_memory.subject_key
          then similarity_of(c.title, v_memory.title) >= near_duplicate_from()
            and similarity_of(c.body, v_memory.body) >= near_duplicate_from()
        when v_memory.nearness in ('named', 'mentioned', 'identifier', 'unnamed')
          then similarity_of(c.title, v_memory.title) >= alike_of_other_subject()
        else false end);
    if not v_memory.matters then
      v_key_fills := v_key_fills - (v_memory.nearness = 'key')::int;
      v_role_fills := v_role_fills - (v_memory.nearness = 'own')::int;
    end if;
    v_rank := v_rank + 1;
    v_tokens := v_tokens + tokens;
    v_chosen := v_chosen || jsonb_build_object('title', v_memory.title, 'body', v_memory.body,
      'subject', v_memory.subject_key);
    memory_id := v_memory.memory_id;
    version := v_memory.version;
    bucket := case
      when v_memory.nearness = 'own' or v_memory.owner_agent = p_agent then 'role'
      when v_memory.nearness = 'key' then 'exact'
      else 'global' end;
    rank := v_rank;
    score := v_memory.of_all;
    score_parts := jsonb_build_object('words', v_memory.of_words, 'identifiers', v_memory.of_identifiers,
      'nearness', v_memory.nearness, 'matters', v_memory.matters, 'importance', v_memory.importance,
      'recency', v_memory.recency, 'outcome', v_memory.outcome);
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
