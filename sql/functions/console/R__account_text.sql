-- The words of an account: its headline and its Markdown document. Texts of agents and callers are data. In
-- Markdown each of them is one code span in one line, in which no markup, link, entity or HTML has a
-- meaning.

-- Returns a text in one line: line breaks, control characters and characters that reverse or hide text
-- become spaces, and long texts are cut after p_most characters.
create or replace function one_line(p_text text, p_most int) returns text
language sql immutable as $$
  select cut(btrim(regexp_replace(p_text,
    '[[:space:]\u0001-\u001f\u007f-\u009f\u00ad\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f'
    '\ufeff\ufff9-\ufffb\U000e0000-\U000e007f]+', ' ', 'g')), p_most)
$$;

-- Returns a text as a code span of Markdown. A backtick in it becomes an apostrophe, so that the text
-- cannot end the span, whichever program shows it.
create or replace function quoted(p_text text, p_most int) returns text
language sql immutable as $$
  select case shown when '' then '(empty)' else '`' || replace(shown, '`', '''') || '`' end
  from (select one_line(p_text, p_most) as shown) t
$$;

-- Returns a text as a part of a sentence: as a code span in Markdown, otherwise in one line.
create or replace function said(p_text text, p_markdown boolean) returns text
language sql immutable as $$
  select case when p_markdown then quoted(p_text, list_text()) else one_line(p_text, list_text()) end
$$;

-- Returns texts as a list in a sentence: a, b and c. Null texts are left out; null for none.
create or replace function listed(p_texts text[]) returns text
language sql immutable as $$
  select case
    when count(*) > 1 then
      string_agg(t, ', ' order by n) filter (where n < last) || ' and ' || max(t) filter (where n = last)
    else max(t) end
  from (
    select t, n, max(n) over () as last
    from unnest(array_remove(p_texts, null)) with ordinality as u (t, n)) l
$$;

-- Returns the numbers of an object that are not zero, in words such as 3 queued and 1 blocked; null for
-- none.
create or replace function counts_listed(p_counts jsonb, p_markdown boolean) returns text
language sql immutable as $$
  select listed(array_agg(
    value || ' ' || said(lower(regexp_replace(key, '([A-Z])', ' \1', 'g')), p_markdown)
    order by value::numeric desc, key desc))
  from jsonb_each_text(p_counts)
  where value::numeric > 0
$$;

-- Returns a number with its noun, with "at least" in front if more were not counted.
create or replace function at_least(p_count bigint, p_one text, p_several text) returns text
language sql immutable as $$
  select case when p_count >= account_look() then 'at least ' else '' end
    || count_of(p_count, p_one, p_several)
$$;

-- Returns the sentence about what woke the agent, or the agents of a flow.
create or replace function account_woken_text(p_account jsonb, p_markdown boolean) returns text
language sql immutable as $$
  select coalesce('Agent ' || said(p_account #>> '{agent,agentId}', p_markdown) || ' was ',
      'Flow ' || said(p_account #>> '{flow,flowKey}', p_markdown) || ' has '
        || at_least((p_account #>> '{flow,jobs}')::bigint, 'job', 'jobs') || '; its agents were ')
    || case (w ->> 'attempts')::bigint
      when 0 then 'not woken'
      else 'woken ' || at_least((w ->> 'attempts')::bigint, 'time', 'times')
        -- The outcomes are those of the times: a job that was blocked and then done has two.
        || coalesce(' (' || counts_listed(w -> 'outcomes', false) || ')', '')
        || ' for ' || at_least((w ->> 'jobs')::bigint, 'job', 'jobs')
        || coalesce(', most often for ' || said(w #>> '{bySubject,rows,0,subject}', p_markdown), '')
      end
    || case (w ->> 'undelivered')::bigint
      when 0 then ''
      else '; ' || count_of((w ->> 'undelivered')::bigint, 'hook call', 'hook calls') || ' started no run' end
    || '.'
  from (select p_account -> 'woken' as w) t
$$;

-- Returns the sentence about what was written, handed over and asked; null if there is nothing of it.
create or replace function account_work_text(p_account jsonb, p_markdown boolean) returns text
language sql stable as $$
  select case when p_account ? 'agent' then 'It ' else 'They ' end || listed(array[
    case when results + events > 0 then 'wrote ' || listed(array[
      case when results > 0 then at_least(results, 'result', 'results') end,
      case when events > 0 then at_least(events, 'event', 'events') end]) end,
    case when handed > 0 then 'handed over ' || at_least(handed, 'job', 'jobs') || ' (' || (
      select string_agg(r ->> 'jobs' || ' to ' || said(r ->> 'targetAgent', p_markdown), ', ' order by n)
      from jsonb_array_elements(p_account #> '{handedOver,byAgent,rows}') with ordinality as a (r, n)
      where n <= 3) || case when jsonb_array_length(p_account #> '{handedOver,byAgent,rows}') > 3
        then ', and others' else '' end || ')' end,
    case when asked > 0 then 'asked ' || count_of(asked, 'question', 'questions')
      || case when still > 0 then format(' (%s without an answer)', still) else '' end end,
    case when blocked > 0 then 'ended ' || count_of(blocked, 'attempt', 'attempts') || ' with a block' end])
    || '.'
  from (
    select (p_account #>> '{wrote,results,total}')::bigint as results,
      (p_account #>> '{wrote,events,total}')::bigint as events,
      (p_account #>> '{handedOver,jobs}')::bigint as handed,
      (p_account #>> '{asked,questions,total}')::bigint as asked,
      (p_account #>> '{asked,questions,open}')::bigint as still,
      (p_account #>> '{asked,blocks,total}')::bigint as blocked) n
$$;

-- Returns the sentence about runs, their minutes and their reported usage; null if no run began.
create or replace function account_spent_text(p_account jsonb) returns text
language sql stable as $$
  select format('%s took %s min; ', at_least((s ->> 'runs')::bigint, 'run', 'runs'), s ->> 'runMinutes')
    || case
      when (s ->> 'reported')::bigint = 0 then 'none reported its usage.'
      else format('%s of them reported usage', s ->> 'reported') || coalesce(': ' || listed(array[
        short_number(s #> '{usage,total}') || ' tokens',
        short_number(s #> '{usage,costUsd}') || ' USD']), '') || '.' end
  from (select p_account -> 'spent' as s) t
  where (s ->> 'runs')::bigint > 0
$$;

-- Returns a number of a runtime as text with at most four decimals; null if it is absent or absurdly large.
create or replace function short_number(p_number jsonb) returns text
language sql immutable as $$
  select case when abs((p_number #>> '{}')::numeric) < 1e15 then
    trim_scale(round((p_number #>> '{}')::numeric, 4))::text end
$$;

-- Returns the sentence about open jobs.
create or replace function account_open_text(p_account jsonb) returns text
language sql immutable as $$
  select case (p_account #>> '{leftOpen,jobs}')::bigint
    when 0 then 'No job is open.'
    else at_least((p_account #>> '{leftOpen,jobs}')::bigint, 'job is', 'jobs are') || ' still open: '
      || counts_listed(p_account #> '{leftOpen,byState}', false) || '.' end
$$;

-- Returns the sentences about an agent that is disabled or paused; null for others.
create or replace function account_state_text(p_account jsonb, p_markdown boolean) returns text
language sql stable as $$
  select concat_ws(' ',
    case when not (a ->> 'enabled')::boolean then 'The agent is disabled'
      || coalesce(' since ' || utc_text((a ->> 'disabledAt')::timestamptz), '')
      || ', because no agent.yaml has its name; if it was renamed, the account of the new name has the rest.' end,
    case when a ? 'pausedAt' then format('Its lane is paused since %s by %s: %s.',
      utc_text((a ->> 'pausedAt')::timestamptz), said(a ->> 'pausedBy', p_markdown),
      said(a ->> 'pausedReason', p_markdown)) end)
  from (select p_account -> 'agent' as a) t
  where a is not null
$$;

-- Returns the headline of an account: one paragraph from its numbers, in which Markdown quotes names and
-- texts.
create or replace function account_headline(p_account jsonb, p_markdown boolean) returns text
language sql stable as $$
  select concat_ws(' ',
    account_woken_text(p_account, p_markdown),
    account_work_text(p_account, p_markdown),
    account_spent_text(p_account),
    case when (p_account #>> '{refused,calls}')::bigint > 0 then format('%s refused (%s).',
      count_of((p_account #>> '{refused,calls}')::bigint, 'call was', 'calls were'),
      counts_listed(p_account #> '{refused,byCode}', p_markdown)) end,
    account_open_text(p_account),
    nullif(account_state_text(p_account, p_markdown), ''))
$$;
