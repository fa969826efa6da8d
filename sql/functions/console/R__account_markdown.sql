-- The account as a Markdown document. Each line is a list item that begins with words of the bus, and every
-- text of an agent or caller in it is a code span (quoted).

-- Returns the heading of a section and its lines; "Nothing." for none, and a last line if there are more.
create or replace function markdown_section(p_title text, p_lines text[], p_more boolean default false)
returns text
language sql stable as $$
  select format(E'## %s\n\n%s\n', p_title,
    case
      when coalesce(cardinality(p_lines), 0) = 0 then 'Nothing.'
      else array_to_string(p_lines || case when p_more then array['- and more'] else '{}' end, E'\n') end)
$$;

-- Returns the time of a row, and the job and attempt it is about, as the beginning of a line.
create or replace function markdown_place(p_row jsonb) returns text
language sql stable as $$
  select '- ' || coalesce(utc_text((p_row ->> 'at')::timestamptz), 'unknown time')
    || coalesce(', attempt ' || (p_row ->> 'attemptNo') || ' at', case when p_row ? 'jobId' then ',' end, '')
    || coalesce(' job ' || quoted(p_row ->> 'jobId', list_text()), '')
    || coalesce(' (' || quoted(p_row ->> 'subject', list_text()) || ')', '')
$$;

-- Returns the section on what woke the agents.
create or replace function markdown_woken(p_woken jsonb) returns text
language sql stable as $$
  select markdown_section('Woken for', array(
    select format('- %s for %s, asked by %s: %s at %s', quoted(r ->> 'agentId', list_text()),
      quoted(r ->> 'subject', list_text()),
      coalesce(quoted(r ->> 'askedBy', list_text()), 'a row written by hand'),
      count_of((r ->> 'attempts')::bigint, 'attempt', 'attempts'),
      count_of((r ->> 'jobs')::bigint, 'job', 'jobs'))
    from jsonb_array_elements(p_woken #> '{bySubject,rows}') with ordinality as a (r, n)
    order by n),
    (p_woken #>> '{bySubject,more}')::boolean)
$$;

-- Returns the section on the prompts: their hashes and what was injected.
create or replace function markdown_told(p_told jsonb) returns text
language sql stable as $$
  select markdown_section('Was told', array(
    select markdown_place(r)
      || coalesce(', prompt ' || quoted(left(r ->> 'promptHash', 12), 12), ', no prompt of the bus')
      || coalesce(', template ' || quoted(left(r ->> 'templateHash', 12), 12), '')
      || coalesce(', AGENTS.md ' || quoted(left(r ->> 'agentsMdHash', 12), 12), '')
      || case
        when r ? 'injected' then ', injected ' || quoted(r ->> 'injected', account_text())
        when r ? 'injectedBytes' then format(', injected %s bytes', r ->> 'injectedBytes')
        else '' end
    from jsonb_array_elements(p_told #> '{list,rows}') with ordinality as a (r, n)
    order by n),
    (p_told #>> '{list,more}')::boolean)
$$;

-- Returns the sections on results, events and failures.
create or replace function markdown_wrote(p_account jsonb) returns text
language sql stable as $$
  select markdown_section('Wrote', array(
      select markdown_place(r) || ': ' || coalesce(quoted(r ->> 'summary', account_text()), 'no summary')
      from jsonb_array_elements(p_account #> '{wrote,results,list,rows}') with ordinality as a (r, n)
      order by n) || array(
      select format('- event %s, %s, the last at %s', quoted(r ->> 'topic', list_text()),
        count_of((r ->> 'times')::bigint, 'time', 'times'), utc_text((r ->> 'last')::timestamptz))
      from jsonb_array_elements(p_account #> '{wrote,events,byTopic,rows}') with ordinality as a (r, n)
      order by n),
      (p_account #>> '{wrote,results,list,more}')::boolean
        or (p_account #>> '{wrote,events,byTopic,more}')::boolean)
    || E'\n' || markdown_section('Failed', array(
      select markdown_place(r) || format(', %s: ', replace(r ->> 'status', '_', ' '))
        || coalesce(quoted(r ->> 'error', account_text()), 'no error text')
      from jsonb_array_elements(p_account #> '{failed,list,rows}') with ordinality as a (r, n)
      order by n),
      (p_account #>> '{failed,list,more}')::boolean)
$$;

-- Returns the sections on jobs that were handed over, and on questions and blocks.
create or replace function markdown_dealings(p_account jsonb) returns text
language sql stable as $$
  select markdown_section('Handed over', array(
      select markdown_place(r) || ' to ' || quoted(r ->> 'targetAgent', list_text()) || ', now ' || (r ->> 'state')
      from jsonb_array_elements(p_account #> '{handedOver,list,rows}') with ordinality as a (r, n)
      order by n),
      (p_account #>> '{handedOver,list,more}')::boolean)
    || E'\n' || markdown_section('Asked', array(
      select markdown_place(r) || format(', %s, %s: ', r ->> 'kind', r ->> 'status')
        || quoted(r ->> 'question', account_text())
        || coalesce(format(', answered by %s: ', coalesce(quoted(r ->> 'answeredBy', list_text()), 'the bus'))
          || quoted(r ->> 'answer', account_text()), '')
      from jsonb_array_elements(p_account #> '{asked,questions,list,rows}') with ordinality as a (r, n)
      order by n) || array(
      select markdown_place(r)
        || case when (r ->> 'open')::boolean then ', still blocked: ' else ', blocked: ' end
        || coalesce(quoted(r ->> 'reason', account_text()), 'no reason')
        || coalesce(format(', answered by %s: ', coalesce(quoted(r ->> 'answeredBy', list_text()), 'the bus'))
          || quoted(r ->> 'answer', account_text()), '')
      from jsonb_array_elements(p_account #> '{asked,blocks,list,rows}') with ordinality as a (r, n)
      order by n),
      (p_account #>> '{asked,questions,list,more}')::boolean
        or (p_account #>> '{asked,blocks,list,more}')::boolean)
$$;

-- Returns the sections on what was spent, what is open and which calls were refused.
create or replace function markdown_rest(p_account jsonb) returns text
language sql stable as $$
  select markdown_section('Spent', array_remove(array[
      '- ' || account_spent_text(p_account),
      (
        select '- usage as reported: ' || string_agg(
          quoted(key, 60) || ' ' || coalesce(short_number(value), 'too large to show'), ', ' order by key)
        from jsonb_each(p_account #> '{spent,usage}'))], null))
    || E'\n' || markdown_section('Left open', array(
      select format('- job %s (%s) of %s, asked for at %s, is %s', quoted(r ->> 'jobId', list_text()),
        quoted(r ->> 'subject', list_text()), quoted(r ->> 'targetAgent', list_text()),
        utc_text((r ->> 'createdAt')::timestamptz), r ->> 'state')
        || coalesce('; next move: ' || quoted(r ->> 'nextMove', account_text()), '')
      from jsonb_array_elements(p_account #> '{leftOpen,list,rows}') with ordinality as a (r, n)
      order by n),
      (p_account #>> '{leftOpen,list,more}')::boolean)
    || E'\n' || markdown_section('Refused', array(
      select markdown_place(r) || ', ' || quoted(r ->> 'operation', list_text()) || ' with '
        || quoted(r ->> 'code', list_text()) || coalesce(': ' || quoted(r ->> 'why', account_text()), '')
      from jsonb_array_elements(p_account #> '{refused,list,rows}') with ordinality as a (r, n)
      order by n),
      (p_account #>> '{refused,list,more}')::boolean)
$$;

-- Returns the account as a Markdown document.
create or replace function account_markdown(p_account jsonb) returns text
language sql stable as $$
  select format(E'# Account of %s\n\n%s to %s (namespace %s)\n\n%s\n',
      coalesce('agent ' || quoted(p_account #>> '{agent,agentId}', list_text()),
        'flow ' || quoted(p_account #>> '{flow,flowKey}', list_text())),
      utc_text((p_account ->> 'from')::timestamptz), utc_text((p_account ->> 'to')::timestamptz),
      quoted(p_account ->> 'namespace', list_text()), account_headline(p_account, true))
    || case when p_account #> '{woken,countedFrom}' is null then '' else
      format(E'\nThe window has more attempts; the account looks at the newest, since %s.\n',
        utc_text((p_account #>> '{woken,countedFrom}')::timestamptz)) end
    || E'\n' || markdown_woken(p_account -> 'woken')
    || E'\n' || markdown_told(p_account -> 'told')
    || E'\n' || markdown_wrote(p_account)
    || E'\n' || markdown_dealings(p_account)
    || E'\n' || markdown_rest(p_account)
$$;
