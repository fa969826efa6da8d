-- How a report is put together from its parts, within its limits.

-- Returns the name of a report, as its heading has it.
create or replace function report_title(p_kind text) returns text language sql immutable as $$
  select case p_kind
    when 'daily_digest' then 'Daily digest'
    when 'ideas_digest' then 'Ideas digest'
    when 'weekly_report' then 'Weekly report'
    when 'weekly_bets' then 'Bets of the week' end
$$;

-- Returns the parts of a report of any kind; see R__report_proposals.sql.
create or replace function report_parts(p_namespace text, p_kind text, p_from timestamptz, p_to timestamptz)
returns table (part text, turn int, quota int, place bigint, total bigint, item jsonb)
language plpgsql stable as $$
begin
  return query execute format('select * from report_parts_%s($1, $2, $3)', p_kind) using p_namespace, p_from, p_to;
end
$$;

-- Returns the sentence with the numbers of the period; null when there is nothing to count.
create or replace function report_numbers(p_namespace text, p_kind text, p_from timestamptz, p_to timestamptz)
returns text language sql stable as $$
  select case
    when p_kind = 'ideas_digest' then proposal_numbers(p_namespace, p_from, p_to)
    when p_kind = 'weekly_bets' then nullif(concat_ws('; ', proposal_numbers(p_namespace, p_from, p_to),
      idle_numbers(p_namespace, p_from, p_to)), '')
    else nullif(concat_ws('; ',
      'jobs: ' || work_numbers(p_namespace, p_from, p_to)
        || case when p_kind = 'weekly_report' then coalesce(
          ' (in the time before: ' || work_numbers(p_namespace, p_from - (p_to - p_from), p_from) || ')', '')
        else '' end,
      slot_numbers(p_namespace, p_from, p_to)), '') end
$$;

-- Returns what a report leaves out, in words; null for nothing. p_left_out has the number of each reason.
create or replace function left_out_text(p_left_out jsonb) returns text language sql stable as $$
  select 'Left out: ' || listed(array_agg(
    case key
      when 'opportunities' then count_of(n, 'opportunity', 'opportunities') || ' of lower rank'
      when 'toldBefore' then n || ' told before and still open'
      when 'weak' then count_of(n, 'opportunity', 'opportunities') || ' too weak to tell'
      when 'ideas' then count_of(n, 'idea', 'ideas')
      when 'outcomes' then count_of(n, 'ended job', 'ended jobs') || ' of proposals'
      when 'conversions' then count_of(n, 'new job', 'new jobs') || ' of proposals'
      when 'bets' then count_of(n, 'bet', 'bets')
      when 'needs' then count_of(n, 'matter', 'matters') || ' in needs-me'
      when 'failures' then count_of(n, 'kind', 'kinds') || ' of failures'
      when 'results' then count_of(n, 'result', 'results')
      when 'cadences' then 'how often agents think from now on'
      when 'agents' then count_of(n, 'agent', 'agents') end
    order by n desc, key)) || '.'
  from (select key, value::bigint as n from jsonb_each_text(p_left_out)) l
  where n > 0
$$;

-- Returns the line of a report in which nothing stands.
create or replace function empty_report(p_namespace text, p_kind text, p_from timestamptz, p_to timestamptz)
returns text language sql stable as $$
  select format(E'**%s**%s, %s to %s UTC: %s.\n', report_title(p_kind),
    case when p_namespace = 'default' then '' else ' of ' || report_name(p_namespace) end,
    report_time(p_from), report_time(p_to, true),
    case
      when p_kind in ('ideas_digest', 'weekly_bets') then 'nothing was proposed or decided, and no proposal waits'
      else 'no job ended, no standing order was due, and nobody is needed' end)
$$;

-- Returns the line that says how much is asked of the reader.
create or replace function asked_text(p_decisions int) returns text language sql stable as $$
  select case
    when p_decisions = 0 then E'Nothing is asked of you.\n'
    else format(E'**%s asked of you.**\n', count_of(p_decisions, 'decision is', 'decisions are')) end
$$;

-- Returns a report of a kind for the time from p_from to before p_to: markdown, words, items, sources and
-- leftOut. It has at most report_items items and report_words words; what does not fit is counted in leftOut.
-- Each part has the places of its quota, and further ones in the order of the parts while some are free.
create or replace function composed_report(
  p_namespace text, p_kind text, p_from timestamptz, p_to timestamptz
) returns jsonb language plpgsql stable as $$
declare
  v_head text := format(E'# %s, %s\n\nFrom %s to %s UTC%s%s.\n', report_title(p_kind),
    to_char(p_to at time zone 'UTC', 'FMDD FMMonth YYYY'), report_time(p_from), report_time(p_to),
    case when p_namespace = 'default' then '' else ' in namespace ' || report_name(p_namespace) end,
    coalesce(': ' || report_numbers(p_namespace, p_kind, p_from, p_to), ''));
  v_words int := report_word_count(v_head) + report_foot_words();
  v_left_out jsonb := proposals_held_back(p_namespace, p_kind, p_to);
  v_part record;
  v_line text;
  v_lines text[] := '{}';
  v_sources jsonb := '[]';
  v_decisions int := 0;
  v_foot text;
begin
  for v_part in
    with parts as materialized (
      select * from report_parts(p_namespace, p_kind, p_from, p_to)
    ), chosen as (
      select *, row_number() over (order by place > quota, turn, place) <= report_items() as shown
      from parts)
    select * from chosen order by turn, place
  loop
    -- The first row of a part has its number; each item that is shown takes one off.
    if not v_left_out ? v_part.part then
      v_left_out := v_left_out || jsonb_build_object(v_part.part, v_part.total);
    end if;
    continue when not v_part.shown;
    v_line := format(E'%s. %s\n', cardinality(v_lines) + 1, report_item(
      v_part.item ->> 'ask', v_part.item ->> 'sentence', v_part.item ->> 'evidence', v_part.item ->> 'next'));
    continue when v_words + report_word_count(v_line) > report_words();
    v_words := v_words + report_word_count(v_line);
    v_lines := v_lines || v_line;
    v_decisions := v_decisions + (v_part.item ->> 'ask' = 'decide')::int;
    v_sources := v_sources || jsonb_build_array(v_part.item -> 'source');
    v_left_out := v_left_out || jsonb_build_object(v_part.part, (v_left_out ->> v_part.part)::bigint - 1);
  end loop;
  v_left_out := (
    select coalesce(jsonb_object_agg(key, value), '{}') from jsonb_each(v_left_out) where value <> '0');
  v_foot := left_out_text(v_left_out);
  v_head := case
    when v_lines = '{}' and v_foot is null and report_numbers(p_namespace, p_kind, p_from, p_to) is null then
      empty_report(p_namespace, p_kind, p_from, p_to)
    else v_head || E'\n' || asked_text(v_decisions)
      || case when v_lines = '{}' then '' else E'\n' || array_to_string(v_lines, '') end
      || coalesce(E'\n' || v_foot || E'\n', '') end;
  return jsonb_build_object(
    'markdown', v_head,
    'words', report_word_count(v_head),
    'items', cardinality(v_lines),
    'sources', v_sources,
    'leftOut', v_left_out);
end
$$;
