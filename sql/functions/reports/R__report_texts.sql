-- The words of a report. Texts of agents and callers are data: in a report each of them is one code span
-- (quoted), in which no markup, link or HTML has a meaning.

-- Returns a text in which no brace, bracket or percent sign meets another one, and which does not begin like
-- a query: programs that show notes read such pairs as links, templates and queries, in code spans too.
create or replace function defused(p_text text) returns text
language sql immutable as $$
  select regexp_replace(
    regexp_replace(p_text, '([[{<%])(?=[[{%])', '\1 ', 'g'),
    '^(?=[$]?=)', '… ')
$$;

-- Returns the first p_words words of a text of an agent as a code span in one line, without a full stop at
-- its end. It is cut also after twelve characters for each word, so that a text without spaces has an end
-- too.
create or replace function report_quote(p_text text, p_words int) returns text
language sql stable as $$
  select quoted(
    rtrim(array_to_string(w[:p_words], ' '), '.') || case when cardinality(w) > p_words then ' …' else '' end,
    12 * p_words)
  from string_to_array(defused(one_line(left(p_text, 100 * p_words), 100 * p_words)), ' ') w
$$;

-- Returns the name of an agent, or the actor of an audit row without its kind, as a part of a sentence: as it
-- is, or quoted when it is no plain name.
create or replace function report_name(p_name text) returns text
language sql stable as $$
  select case when name ~ '^[a-z0-9]+(-[a-z0-9]+)*$' and length(name) <= 60 then name else report_quote(name, 4) end
  from regexp_replace(p_name, '^(operator|agent|attempt|dispatcher):(?=.)', '') name
$$;

-- Returns the number of words of a text: the parts between spaces that have a letter or a digit.
create or replace function report_word_count(p_text text) returns int
language sql immutable as $$
  select count(*)::int from regexp_split_to_table(p_text, '\s+') word where word ~ '[[:alnum:]]'
$$;

-- Returns a time as a reader of a report sees it, such as 28 November 18:30; p_year adds the year.
create or replace function report_time(p_at timestamptz, p_year boolean default false) returns text
language sql stable as $$
  select to_char(p_at at time zone 'UTC', 'FMDD FMMonth ' || case when p_year then 'FMYYYY ' else '' end || 'HH24:MI')
$$;

-- Returns a link to a place of the console: p_place is the path after /console/, and the query if it has one,
-- and p_words is what the link says. The link has no host, because the bus does not know under which name
-- people reach it.
create or replace function place_link(p_words text, p_namespace text, p_place text) returns text
language sql stable as $$
  select format('[%s](/console/%s%s)', p_words, p_place,
    case when p_namespace = 'default' then ''
      else case when strpos(p_place, '?') = 0 then '?' else '&' end || 'namespace=' || p_namespace end)
$$;

-- Returns a link to the page of the console about a row: p_page is the page, p_id the row, and p_words what
-- the link says.
create or replace function console_link(p_words text, p_namespace text, p_page text, p_id text) returns text
language sql stable as $$
  select place_link(p_words, p_namespace, p_page || '/' || p_id)
$$;

-- Returns a link to a slot on the page of its order; null when there is no such slot any more.
create or replace function slot_link(p_namespace text, p_run text) returns text
language sql stable as $$
  select place_link('slot', p_namespace, 'orders/' || order_name || '?run=' || run_id)
  from slot_of(p_run::uuid)
$$;

-- Returns one entry of evidence: a link to the row it names, or the address of a page outside as a code span
-- with the day it was looked at. An address outside is no link, because an agent chose it. A row without a
-- page is its kind and id.
create or replace function evidence_link(p_namespace text, p_entry jsonb) returns text
language sql stable as $$
  select coalesce(
    case p_entry ->> 'kind'
      when 'job' then console_link('job', p_namespace, 'jobs', p_entry ->> 'id')
      when 'event' then place_link('event', p_namespace, 'events?event=' || (p_entry ->> 'id'))
      when 'slot' then slot_link(p_namespace, p_entry ->> 'id')
      when 'url' then report_quote(p_entry ->> 'url', 12)
        || coalesce(' of ' || to_char((p_entry ->> 'lookedAt')::timestamptz at time zone 'UTC', 'FMDD FMMonth'), '')
      end,
    coalesce(report_name(p_entry ->> 'kind'), 'entry') || ' ' || report_quote(p_entry ->> 'id', 4))
$$;

-- Returns the evidence of a proposal in a few words: its first entry, and how many more there are.
create or replace function evidence_text(p_namespace text, p_evidence jsonb) returns text
language sql stable as $$
  select case jsonb_array_length(p_evidence)
    when 0 then 'none'
    when 1 then evidence_link(p_namespace, p_evidence -> 0)
    else evidence_link(p_namespace, p_evidence -> 0) || format(' and %s more', jsonb_array_length(p_evidence) - 1) end
$$;

-- Returns one item of a report. p_ask is what is asked of the reader: decide, know or nothing.
create or replace function report_item(
  p_ask text, p_sentence text, p_evidence text, p_next text
) returns text language sql stable as $$
  select format('**%s:** %s Evidence: %s. Next: %s.',
    case p_ask when 'decide' then 'Decide' when 'know' then 'Know' else 'Nothing asked' end,
    p_sentence, p_evidence, p_next)
$$;
