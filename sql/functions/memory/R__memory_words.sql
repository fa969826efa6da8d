-- In how many active memories each word stands. A trigger keeps the counts, because a search that finds the
-- rare words of a job may not read all memories.

-- Returns the words of a memory without their namespace, and the empty word for the memory itself.
create or replace function counted_words(p_namespace text, p_words tsvector) returns text[]
language sql immutable as $$
  select array_agg(substr(word, length(p_namespace) + 2)) || ''::text
  from unnest(tsvector_to_array(p_words)) word
$$;

-- Trigger after a memory begins, ends or goes: changes the counts of its words. A word that no active memory
-- has any more goes.
create or replace function count_memory_words() returns trigger
language plpgsql as $$
declare
  v_was text[] := case when tg_op <> 'INSERT' and old.status = 'active'
    then counted_words(old.namespace, old.words) end;
  v_is text[] := case when tg_op <> 'DELETE' and new.status = 'active'
    then counted_words(new.namespace, new.words) end;
  v_namespace text := case when tg_op = 'DELETE' then old.namespace else new.namespace end;
begin
  if v_was is not distinct from v_is then
    return null;
  end if;
  -- In the order of the words, so that two promotions at once wait for each other and do not deadlock.
  insert into memory_words as w (namespace, word, memories)
  select v_namespace, word, change
  from (
    select word, sum(change)::int as change
    from (
      select unnest(v_is) as word, 1 as change
      union all
      select unnest(v_was), -1) each_word
    group by word
    having sum(change) <> 0) changed
  order by word
  on conflict (namespace, word) do update
  set memories = w.memories + excluded.memories, updated_at = now();
  delete from memory_words
  where namespace = v_namespace
    and word = any (v_was)
    and memories <= 0;
  return null;
end
$$;

create or replace trigger count_memory_words after insert or update of status, words or delete on memories
  for each row execute function count_memory_words();
