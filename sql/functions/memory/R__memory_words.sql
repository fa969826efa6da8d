-- In how many active memories each word stands. A trigger keeps the counts, because a search that finds the
-- rare words of a job may not read all memories.

-- Returns the words of a memory without their namespace, and the empty word for the memory itself.
create or replace function counted_words(p_namespace text, p_words tsvector) returns text[]
language sql immutable as $$
  select array_agg(substr(word, length(p_namespace) + 2)) || ''::text
  from unnest(tsvector_to_array(p_words)) word
$$;

-- Adds to the counts of words; the arrays name each word of each namespace once. A word that no active memory
-- has any more goes.
create or replace function add_to_memory_words(p_namespaces text[], p_words text[], p_changes int[])
returns void
language sql as $$
  -- In the order of the words, so that two promotions at once wait for each other and do not deadlock.
  insert into memory_words as w (namespace, word, memories)
  select namespace, word, change
  from unnest(p_namespaces, p_words, p_changes) c (namespace, word, change)
  order by namespace, word
  on conflict (namespace, word) do update
  set memories = w.memories + excluded.memories, updated_at = now();
  delete from memory_words w
  using unnest(p_namespaces, p_words, p_changes) c (namespace, word, change)
  where c.change < 0
    and w.namespace = c.namespace
    and w.word = c.word
    and w.memories <= 0
$$;

-- Trigger after memories begin, end or go: changes the counts of their words, once for each word of the
-- statement. Once for each memory, ten thousand memories that end at once would write the row of a frequent
-- word ten thousand times, and each write would read all versions before it.
create or replace function count_memory_words() returns trigger
language plpgsql as $$
declare
  v_namespaces text[];
  v_words text[];
  v_changes int[];
begin
  if tg_op = 'INSERT' then
    select array_agg(namespace), array_agg(word), array_agg(change)
    into v_namespaces, v_words, v_changes
    from (
      select namespace, word, count(*)::int as change
      from new_rows
      cross join unnest(counted_words(namespace, words)) word
      where status = 'active'
      group by namespace, word) counted;
  elsif tg_op = 'DELETE' then
    select array_agg(namespace), array_agg(word), array_agg(change)
    into v_namespaces, v_words, v_changes
    from (
      select namespace, word, -count(*)::int as change
      from old_rows
      cross join unnest(counted_words(namespace, words)) word
      where status = 'active'
      group by namespace, word) counted;
  else
    select array_agg(namespace), array_agg(word), array_agg(change)
    into v_namespaces, v_words, v_changes
    from (
      select namespace, word, sum(weight)::int as change
      from (
        -- What has not changed cancels out. A join of both sides would compare each row with each other.
        select 1 as weight, namespace, words from new_rows where status = 'active'
        union all
        select -1, namespace, words from old_rows where status = 'active') both_sides
      cross join unnest(counted_words(namespace, words)) word
      group by namespace, word
      having sum(weight) <> 0) counted;
  end if;
  if v_words is not null then
    perform add_to_memory_words(v_namespaces, v_words, v_changes);
  end if;
  return null;
end
$$;

create or replace trigger count_new_memory_words after insert on memories
  referencing new table as new_rows
  for each statement execute function count_memory_words();
create or replace trigger count_changed_memory_words after update on memories
  referencing old table as old_rows new table as new_rows
  for each statement execute function count_memory_words();
create or replace trigger count_gone_memory_words after delete on memories
  referencing old table as old_rows
  for each statement execute function count_memory_words();
