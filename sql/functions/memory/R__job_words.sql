-- The words of a job by which memories are looked for.

-- Returns the text of a job that a search for memories reads, with its most telling parts first: how its
-- last attempt failed, the instructions of its order, the answer that unblocked it, and the texts and
-- numbers of its payload. At most job_text_length characters.
create or replace function job_text(p_job jobs) returns text
language sql stable as $$
  select left(concat_ws(E'\n', p_job.last_error, p_job.instructions, p_job.answer, (
    select string_agg(value #>> '{}', E'\n')
    from jsonb_path_query(p_job.payload,
      'strict $.** ? (@.type() == "string" || @.type() == "number")') value)),
    job_text_length())
$$;

-- Returns the words of a job that stand in active memories of the namespace, each with the number of those
-- memories and how much it says: from 0 for a word of all memories to 1 for one of a single memory. A word of
-- the subject says more than one of the text.
create or replace function job_words(p_namespace text, p_subject text, p_text text)
returns table (word text, memories int, says real)
language sql stable as $$
  select f.word, f.memories,
    ((1 - ln(f.memories + word_prior()) / ln(of_all.memories + memories_prior()))
      * case when f.word = any (of_subject.words) then subject_word_weight() else 1 end)::real
  from (select memories from memory_words where namespace = p_namespace and word = '') of_all
  cross join lateral (
    select searched_words(p_subject) as words,
      searched_words(left(p_text, job_text_length())) as more) of_subject
  join memory_words f on f.namespace = p_namespace and f.word = any (of_subject.words || of_subject.more)
  where f.word <> ''
$$;
