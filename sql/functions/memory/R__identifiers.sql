-- Identifiers in texts: error codes, versions, names of classes, hosts and settings. They name one thing
-- exactly, so they weigh more than words when a memory is looked for.

-- Returns the identifiers of a text, each once and in the form in which they are compared: lower case,
-- with an underscore in place of each other separator, so that ERR-CONN-42 and err_conn_42 are one. An
-- identifier begins with a letter and has a digit, or parts joined by . _ / : or by a change of case; a
-- word in capitals before a number is one with it (HTTP 503). Numbers, dates and words joined by hyphens
-- are none.
create or replace function identifiers_of(p_text text) returns text[]
language sql immutable as $$
  select coalesce(array_agg(distinct identifier), '{}')
  from (
    select lower(regexp_replace(match[1], '[-._/:@\s]+', '_', 'g')) as identifier
    from regexp_matches(p_text, '\m([[:alpha:]][[:alnum:]]*(?:[-._/:@]+[[:alnum:]]+)*)\M', 'g') match
    where match[1] ~ '\d|[[:alnum:]][._/:@][[:alnum:]]|[[:lower:]][[:upper:]]'
    union all
    select lower(match[1] || '_' || match[2])
    from regexp_matches(p_text, '\m([[:upper:]][[:upper:]]+)[ -](\d+)\M', 'g') match) found
  where length(identifier) between 4 and identifier_length()
$$;

-- Returns a text with spaces between the parts of identifiers and compounds, for the parser of the full text
-- search, which takes hosts, paths and changes of case for one word.
create or replace function with_parts_apart(p_text text) returns text
language sql immutable as $$
  select translate(
    regexp_replace(p_text, '([[:lower:]\d])([[:upper:]])', '\1 \2', 'g'),
    '-._/\:@=#&+~|<>', '               ')
$$;

-- Returns the words of a text by which memories are found, each once: stems of English, or the group of
-- words that mean the same (stands_for), other words as they are, and identifiers behind #. Stop words and
-- numbers of one or two digits are none. In plpgsql, which keeps the plan with the many constants of
-- stands_for; a function in SQL would parse them anew in each call.
create or replace function searched_words(p_text text) returns text[]
language plpgsql immutable as $$
begin
  return coalesce((
    select array_agg(word)
    from (
      select stands_for(stem) as word
      from unnest(tsvector_to_array(to_tsvector('pg_catalog.english', with_parts_apart(p_text)))) stem
      where length(stem) between 2 and identifier_length() and stem !~ '^\d{1,2}$'
      union
      select '#' || identifier
      from unnest(identifiers_of(p_text)) identifier) found), '{}');
end
$$;

-- Returns a word as it stands in memories.words: behind its namespace.
create or replace function word_in_namespace(p_namespace text, p_word text) returns text
language sql immutable as $$
  select p_namespace || ' ' || p_word
$$;

-- Returns the query of the full text search for one word in a namespace.
create or replace function query_of_word(p_namespace text, p_word text) returns tsquery
language sql immutable as $$
  select ('''' || replace(replace(word_in_namespace(p_namespace, p_word), '\', '\\'), '''', '''''')
    || '''')::tsquery
$$;

-- Returns the identifiers of title and body as memories.identifiers has them.
create or replace function identifiers_of_memory(p_title text, p_body text) returns text
language sql immutable as $$
  select coalesce((
    select ' ' || string_agg(identifier, ' ' order by identifier) || ' '
    from unnest(identifiers_of(p_title || E'\n' || p_body)) identifier), '')
$$;

-- Returns the words of a memory as memories.words has them.
create or replace function words_of_memory(
  p_namespace text, p_subject_key text, p_title text, p_body text
) returns tsvector
language plpgsql immutable as $$
declare
  v_subject text[] := searched_words(p_subject_key);
  v_title text[] := searched_words(p_title);
begin
  -- The words of the subject are no words of the text: a memory must say more about a job than whom it is
  -- about.
  return coalesce((
    select string_agg(query_of_word(p_namespace, word)::text || case
      when word = any (v_subject) then ':1C'
      when word = any (v_title) then ':1A'
      else ':1B' end, ' ')::tsvector
    from (
      select distinct word
      from unnest(v_subject || v_title || searched_words(p_body)) word) each_word), '');
end
$$;

-- Trigger before a memory gets its texts: fills the columns that searches read.
create or replace function index_memory() returns trigger
language plpgsql as $$
begin
  new.identifiers := identifiers_of_memory(new.title, new.body);
  new.words := words_of_memory(new.namespace, new.subject_key, new.title, new.body);
  return new;
end
$$;

-- Fills these columns again for the active memories whose words have changed, when another build finds other
-- words in a text than the one before, for example because a group of synonyms is new. bus_facts keeps the
-- hash of the functions that find the words. Returns the number of memories; 0 when the hash is the same.
create or replace function index_memories_again() returns bigint
language plpgsql as $$
declare
  v_made_by text := (
    select md5(string_agg(prosrc, '' order by proname))
    from pg_proc
    where oid in (
      'stands_for(text)'::regprocedure, 'searched_words(text)'::regprocedure,
      'identifiers_of(text)'::regprocedure, 'with_parts_apart(text)'::regprocedure,
      'identifiers_of_memory(text, text)'::regprocedure,
      'words_of_memory(text, text, text, text)'::regprocedure));
  v_changed bigint;
begin
  insert into bus_facts as f (namespace, name, value)
  values ('default', 'memory_words_made_by', v_made_by)
  on conflict (namespace, name) do update
  set value = excluded.value
  where f.value <> excluded.value;
  if not found then
    return 0;
  end if;
  update memories m
  set words = n.words, identifiers = n.identifiers
  from (
    select memory_id, words_of_memory(namespace, subject_key, title, body) as words,
      identifiers_of_memory(title, body) as identifiers
    from memories
    where status = 'active') n
  where m.memory_id = n.memory_id and m.status = 'active'
    and (m.words, m.identifiers) is distinct from (n.words, n.identifiers);
  get diagnostics v_changed = row_count;
  return v_changed;
end
$$;

create or replace trigger index_memory
  before insert or update of namespace, title, body, subject_key on memories
  for each row execute function index_memory();

select index_memories_again();
