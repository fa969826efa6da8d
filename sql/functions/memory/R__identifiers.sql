-- Identifiers in texts: error codes, versions, names of classes, hosts and settings. They name one thing
-- exactly, so they weigh more than words when a memory is looked for.

-- Returns a text with an underscore at each change from a lower case letter or digit to upper case, as in
-- Quote_Zone_Unmapped.
create or replace function with_camels_apart(p_text text) returns text
language sql immutable as $$
  select regexp_replace(p_text, '([[:lower:]\d])([[:upper:]])', '\1_\2', 'g')
$$;

-- Returns the identifiers of a text that are more than letters and digits, not always each once. The full
-- text search finds the others. Each pattern matches identifiers alone, because the cost of a scan is that of
-- its matches.
create or replace function joined_identifiers(p_text text) returns text[]
language plpgsql immutable as $$
begin
  return (
    select coalesce(array_agg(identifier), '{}')
    from (
      select replace(replace(translate(lower(raw), '-./:@', '_____'), '__', '_'), '__', '_') as identifier
      from (
        select match[1] as raw
        from regexp_matches(with_camels_apart(replace(p_text, '://', ' ')),
          '\m[[:alpha:]][[:alnum:]]*(?:[-._/:@]+[[:alnum:]]+)+', 'g') match
        -- A date of a log such as 27/Nov/2026:14:51 is no path.
        where match[1] not like '___/____:%'
          and (strpos(match[1], '-') = 0
            or match[1] ~ '[\d._/:@]|^[[:upper:]][[:lower:]]*(-[[:upper:]][[:lower:]]*)+$')
        union all
        select match[1]
        from regexp_matches(p_text,
          '(?:^|[^[:alnum:]._/:-])(\d+(?:\.\d+){2,}|\d+[[:alpha:]]+\d[[:alnum:]]*(?:-[[:alnum:]]+)*)\M',
          'g') match
        where match[1] !~ '^\d{1,2}\.\d{1,2}\.(?:19|20)\d\d$'
        union all
        select match[1] || '_' || match[2]
        from regexp_matches(p_text,
          '\m([[:alpha:]]{2,})[ #]+v?(\d\d+|\d+(?:\.\d+)+)(?![[:alnum:]]|[.:-]\d)', 'g') match
        where match[2] !~ '^(?:19|20)\d\d$'
          and lower(match[1]) <> all ('{and,or,of,to,in,on,at,by,for,from,the,than,with,is,are,was,after,
            before,until,within,about,over,under,most,least,only,every,all,it,as,up}')) found) compared
    where length(identifier) between 4 and identifier_length());
end
$$;

-- Returns the identifiers of a text, each once and in the form in which they are compared: lower case, with
-- an underscore in place of each other separator and between the words of a name such as QuoteZoneUnmapped,
-- so that ERR-CONN-42 and err_conn_42 are one. An identifier is
--
-- - a word that begins with a letter and has a digit, or parts joined by . _ / : @, by a change of case, or
--   by hyphens before capitals (X-Request-Id);
-- - a version or address of at least three numbers (20.11.1), a hash, and a code that begins with a digit;
-- - a word and the number after it (HTTP 503, port 9311, libheif 1.16).
--
-- Dates, times, years, other numbers and ordinary words joined by hyphens are none.
create or replace function identifiers_of(p_text text) returns text[]
language sql immutable as $$
  select coalesce(array_agg(distinct identifier collate "C"), '{}')
  from (
    select unnest(joined_identifiers(p_text)) as identifier
    union all
    select lower(match[1])
    from regexp_matches(with_camels_apart(p_text), '\m[[:alpha:]]+\d[[:alnum:]]*\M', 'g') match
    where length(match[1]) between 4 and identifier_length()) found
$$;

-- Returns the beginnings and ends of long identifiers, such as paths and full names of classes, because a
-- memory often names a folder or a method only: of each one of three parts or more those of at least two.
create or replace function parts_of_identifiers(p_identifiers text[]) returns text[]
language plpgsql stable as $$
begin
  return (
    select coalesce(array_agg(distinct part collate "C"), '{}')
    from (
      select string_to_array(identifier, '_') as parts
      from unnest(p_identifiers) identifier
      where identifier like '%\_%\_%' and identifier >= 'a'
      limit most_identifiers_parted()) long_ones
    cross join generate_series(2, cardinality(parts) - 1) n
    cross join lateral (
      values
        (array_to_string(parts[:n], '_')),
        (array_to_string(parts[cardinality(parts) - n + 1:], '_'))) p (part)
    where length(part) >= 4 and not part = any (p_identifiers));
end
$$;

-- Returns a text with spaces between the parts of identifiers and compounds, for the parser of the full text
-- search, which takes hosts, paths and changes of case for one word. Names with a change of case stand at its
-- end once more, because GitHub is also written github.
create or replace function with_parts_apart(p_text text) returns text
language plpgsql immutable as $$
begin
  return (
    select translate(with_camels_apart(p_text), '-._/\:@=#&+~|<>', '               ')
      || coalesce((
        select ' ' || string_agg(match[1], ' ')
        from regexp_matches(p_text, '\m([[:alpha:]]*[[:lower:]][[:upper:]][[:alpha:]]*)\M', 'g') match), ''));
end
$$;

-- Returns the words of a text by which memories are found, each once: stems of English, or the group of
-- words that mean the same (stands_for), other words as they are, and identifiers behind #. Stop words and
-- numbers of one or two digits are none. In plpgsql, which keeps the plan with the many constants of
-- stands_for; a function in SQL would parse them anew in each call.
create or replace function searched_words(p_text text) returns text[]
language plpgsql immutable as $$
declare
  v_stems text[] := tsvector_to_array(to_tsvector('pg_catalog.english', with_parts_apart(p_text)));
begin
  return coalesce((
    select array_agg(word)
    from (
      select stands_for(stem) as word
      from unnest(v_stems) stem
      where length(stem) between 2 and identifier_length() and stem !~ '^\d{1,2}$'
      union
      select '#' || stem
      from unnest(v_stems) stem
      where length(stem) between 4 and identifier_length() and stem ~ '^[[:alpha:]]+\d'
      union
      select '#' || identifier
      from unnest(joined_identifiers(p_text)) identifier) found), '{}');
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
      'with_camels_apart(text)'::regprocedure, 'joined_identifiers(text)'::regprocedure,
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
