-- The words of a job by which memories are looked for.

-- Returns the texts and numbers of a payload in lines, those of the first level first; null when it has none.
-- At most payload_values values are looked at, lists and objects included, at most payload_children of each
-- list or object and payload_levels levels, so that the cost does not grow with the payload. A text gives at
-- most half of job_text_length, so that a long log leaves room for the others.
create or replace function payload_text(p_payload jsonb) returns text
language plpgsql immutable as $$
begin
  return (
    with recursive walked (value, level) as (
      -- An empty path returns the value itself, read from its compressed form once and not for each child.
      select p_payload #> '{}', 0
      union all
      select child.value, level + 1
      from walked w
      cross join lateral (
        select w.value -> i as value
        from generate_series(0, least(payload_children(), case jsonb_typeof(w.value)
          when 'array' then jsonb_array_length(w.value) else 0 end) - 1) i
        union all
        select w.value -> of_object.key
        from (
          select jsonb_object_keys(case jsonb_typeof(w.value) when 'object' then w.value else '{}' end) as key
          limit payload_children()) of_object) child
      where level < payload_levels()
    )
    -- A recursive query returns its rows level by level, and goes on only as far as the limit asks.
    select string_agg(left(value #>> '{}', job_text_length() / 2), E'\n')
    from (
      select value
      from walked
      limit payload_values()) first_ones
    where jsonb_typeof(value) in ('string', 'number'));
end
$$;

-- Returns the text of a job that a search for memories reads, with its most telling parts first: how its
-- last attempt failed, the instructions of its order, the answer that unblocked it, and the texts and
-- numbers of its payload (payload_text). At most job_text_length characters.
create or replace function job_text(p_job jobs) returns text
language sql stable as $$
  select left(concat_ws(E'\n', p_job.last_error, p_job.instructions, p_job.answer,
    payload_text(p_job.payload)), job_text_length())
$$;

-- Returns the words of a job that stand in active memories of the namespace, each with the number of those
-- memories and how much it says, from 0 for a word of all memories to 1 for one of a single memory. Common
-- words say less, and so do those of the subject, which are the same for many jobs; the words of the
-- agent's own name say nothing. In a long text each word says less, because some words of every memory
-- stand in it.
create or replace function job_words(p_namespace text, p_agent text, p_subject text, p_text text)
returns table (word text, memories int, says real)
language plpgsql stable
set plan_cache_mode = force_generic_plan as $$
declare
  v_of_text text[] := searched_words(left(p_text, job_text_length()));
  v_of_subject text[] := searched_words(p_subject);
  v_of_agent text[] := searched_words(p_agent);
  v_parts text[] := array(
    select '#' || part
    from unnest(parts_of_identifiers(array(
      select substr(w, 2) from unnest(v_of_text) w where w like '#%'))) part);
  v_long real := 1 + long_text_discount()
    * ln(greatest(1, cardinality(v_of_text) / ordinary_text_words()));
  v_all real := ln(memories_prior() + coalesce((
    select w.memories from memory_words w where w.namespace = p_namespace and w.word = ''), 0));
begin
  return query
  with counted as materialized (
    -- As one array, whose words the index is searched for in their order.
    select w.word, w.memories
    from memory_words w
    where w.namespace = p_namespace and w.word = any (v_of_text || v_parts || v_of_subject)
      and w.word <> all (v_of_agent)
  ), weighed as (
    select w as word, max(weight) as weight
    from (
      select unnest(v_of_text) as w, 1::real as weight
      union all
      select unnest(v_parts), identifier_part_weight()
      union all
      select unnest(v_of_subject), subject_word_weight()) of_job
    group by w
  )
  select c.word, c.memories,
    (greatest(0, 1 - ln(c.memories + word_prior()) / v_all) * e.weight * word_weight(c.word) / v_long)::real
      as says
  from counted c
  join weighed e on e.word = c.word
  order by says desc, c.word
  limit most_words_compared();
end
$$;
