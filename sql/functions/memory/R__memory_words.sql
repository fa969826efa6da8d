-- In how many active memories each word stands. A trigger keeps the counts, because a search that finds the
-- rare words of a job may not read all memories.

-- Trigger after a memory begins, ends or goes: changes the counts of its words. A word that no active memory
-- has any more goes.
create or replace function count_memory_words() returns trigger
language plpgsql as $$
declare
  v_was tsvector := case when tg_op <> 'INSERT' and old.status = 'active' then old.words end;
  v_is tsvector := case when tg_op <> 'DELETE' and new.status = 'active' then new.words end;
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
      select unnest(tsvector_to_array(v_is)) as word, 1 as change
      union all
      select unnest(tsvector_to_array(v_was)), -1) each_word
    group by word
    having sum(change) <> 0) changed
  order by word
  on conflict (namespace, word) do update
  set memories = w.memories + excluded.memories, updated_at = now();
  delete from memory_words
  where namespace = v_namespace
    and word = any (tsvector_to_array(v_was))
    and memories <= 0;
  return null;
end
$$;

create or replace trigger count_memory_words after insert or update of status or delete on memories
  for each row execute function count_memory_words();
