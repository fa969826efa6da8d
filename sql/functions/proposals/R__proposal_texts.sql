-- What the operations of ideas and opportunities share: who proposes, the cleaning of texts, the lock that
-- serialises the checks, and the texts of both as they are compared.
--
-- Texts of proposals are data: they are stored as they came, with their markup, and each reader escapes them
-- for its own form.

-- Takes the lock under which proposals of a namespace are created, promoted and merged. Near-duplicates and
-- budgets are compared with all rows, and no constraint can hold them.
create or replace function lock_proposals(p_namespace text) returns void
language sql as $$
  select pg_advisory_xact_lock(hashtextextended('agentbus.proposals.' || p_namespace, 0))
$$;

-- Returns the name in which a call proposes: the agent of the token; for an operator the agent that
-- sourceAgent names, or without it the operator. Refuses the name of another agent (403) and an unknown,
-- disabled or frozen agent.
create or replace function proposer_of(p_principal jsonb, p_namespace text, p_input jsonb) returns text
language plpgsql stable as $$
declare
  v_source text := source_agent_of(p_principal, p_namespace, p_input ->> 'sourceAgent', 'sourceAgent');
begin
  if v_source is not null then
    perform refuse_frozen_agent(p_namespace, v_source, 'sourceAgent');
    perform require_enabled(agent_named(p_namespace, v_source, 'sourceAgent'), 'sourceAgent');
  end if;
  return coalesce(v_source, p_principal ->> 'name');
end
$$;

-- Returns a text of several lines: line breaks are LF, and no white space at the ends. Null for null.
create or replace function several_lines(p_text text) returns text
language sql immutable as $$
  select regexp_replace(regexp_replace(p_text, '\r\n?', E'\n', 'g'), '^\s+|\s+$', '', 'g')
$$;

-- Returns the input of a proposal with clean texts: theme, title and tags in one line, the theme and the tags
-- in lower case, the other texts with plain line breaks. Refuses (422) a text that is only white space.
create or replace function clean_proposal(p_input jsonb) returns jsonb
language plpgsql stable as $$
declare
  v_field text;
  v_text text;
begin
  foreach v_field in array
    '{theme,title,body,whyNow,ifNothing,suggestedNextStep,notes}'::text[]
  loop
    continue when not p_input ? v_field;
    v_text := case
      when v_field = 'theme' then lower(one_line(p_input ->> v_field, null))
      when v_field = 'title' then one_line(p_input ->> v_field, null)
      else several_lines(p_input ->> v_field) end;
    if v_text = '' then
      perform refuse(422, 'invalid_field', format('%s is only white space', v_field),
        v_field, p_input -> v_field, 'a text');
    end if;
    p_input := p_input || jsonb_build_object(v_field, v_text);
  end loop;
  if p_input ? 'tags' then
    p_input := p_input || jsonb_build_object('tags', (
      select coalesce(jsonb_agg(distinct tag), '[]')
      from (select lower(one_line(value, null)) as tag from jsonb_array_elements_text(p_input -> 'tags')) t
      where tag <> ''));
  end if;
  return p_input;
end
$$;
