-- The texts of candidates and memories: how they are cleaned, how long they may be, and when two say the
-- same.
--
-- They are data. Instructions to the reader, markup, boundaries and template markers are stored as they came,
-- and each reader quotes them for its own form.

-- Returns a text of several lines: line breaks are LF, no white space at the ends, and other control
-- characters and characters that reverse or hide text are spaces (see one_line). Null for null.
create or replace function plain_lines(p_text text) returns text
language sql immutable as $$
  select several_lines(regexp_replace(regexp_replace(p_text, '\r\n?', E'\n', 'g'),
    '[\u0001-\u0008\u000b-\u001f\u007f-\u009f\u00ad\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f'
    '\ufeff\ufff9-\ufffb\U000e0000-\U000e007f]+', ' ', 'g'))
$$;

-- Returns the key of an agent, project, person or service as it is stored and compared: one line, in lower
-- case, with one form for letters that Unicode writes in several ways. Null for null.
create or replace function memory_subject_key(p_text text) returns text
language sql immutable as $$
  select lower(one_line(normalize(p_text, nfkc), null))
$$;

-- Refuses (422) a text that has too few or too many characters after it was cleaned; p_value is the text as
-- it came.
create or replace function require_memory_length(p_field text, p_text text, p_value jsonb) returns void
language plpgsql stable as $$
declare
  v_least int;
  v_most int;
begin
  select at_least, at_most into v_least, v_most from memory_text_limits() where field = p_field;
  if length(p_text) not between v_least and v_most then
    perform refuse(422, 'invalid_field',
      format('%s has %s characters without the white space around it', p_field, length(p_text)),
      p_field, case when length(p_text) < v_least then p_value end,
      format('a text of %s to %s characters', v_least, v_most));
  end if;
end
$$;

-- Returns the input of a candidate or memory with clean texts: title and subjectKey in one line, the
-- subjectKey in lower case, body, evidence and notes with plain line breaks. Refuses (422) a text that is too
-- short or too long then. Fields that the input does not have are left out.
create or replace function clean_memory(p_input jsonb) returns jsonb
language plpgsql stable as $$
declare
  v_field text;
  v_text text;
begin
  foreach v_field in array '{title,subjectKey,body,evidence,notes}'::text[]
  loop
    continue when not p_input ? v_field;
    v_text := case v_field
      when 'title' then one_line(p_input ->> v_field, null)
      when 'subjectKey' then memory_subject_key(p_input ->> v_field)
      else plain_lines(p_input ->> v_field) end;
    perform require_memory_length(v_field, v_text, p_input -> v_field);
    p_input := p_input || jsonb_build_object(v_field, v_text);
  end loop;
  return p_input;
end
$$;

-- Returns the key of a title and a body, as the column same_as has it: texts with the same words have the
-- same key, whatever their white space, punctuation and upper case. A negation makes it another key, so
-- that nothing that says the opposite is taken for the same.
create or replace function text_key(p_title text, p_body text) returns text
language sql immutable as $$
  select md5(regexp_replace(lower(p_title || p_body), '[[:space:][:punct:]]+', '', 'g'))
$$;

-- Refuses (422) a scope without its subjectKey, the scope global with one, and the scope agent with a name
-- that no agent has. The input is clean.
create or replace function require_subject(p_namespace text, p_input jsonb) returns void
language plpgsql stable as $$
begin
  if p_input ->> 'scope' = 'global' and p_input ? 'subjectKey' then
    perform refuse(422, 'invalid_field', 'the scope global is about everything and has no subjectKey', 'subjectKey',
      p_input -> 'subjectKey', 'no subjectKey; or the scope agent, project, person or service');
  end if;
  if p_input ->> 'scope' <> 'global' and not p_input ? 'subjectKey' then
    perform refuse(422, 'invalid_field', format('the scope %s does not say which one it is about', p_input ->> 'scope'),
      'subjectKey', null, format('the key of the %s', p_input ->> 'scope'));
  end if;
  if p_input ->> 'scope' = 'agent' then
    perform agent_named(p_namespace, p_input ->> 'subjectKey', 'subjectKey');
  end if;
end
$$;

-- Returns the owner of a candidate: null for a shared one, otherwise ownerAgent or the author. Refuses (422)
-- an owner of a shared one and an owner that is unknown or disabled, and (403) an agent that writes the
-- private memory of another.
create or replace function memory_owner(
  p_principal jsonb, p_namespace text, p_visibility text, p_owner text, p_source text
) returns text language plpgsql stable as $$
declare
  v_owner text := coalesce(p_owner, p_source);
begin
  if p_visibility = 'shared' then
    if p_owner is not null then
      perform refuse(422, 'invalid_field', 'a shared memory has no owner', 'ownerAgent', to_jsonb(p_owner),
        'no ownerAgent; or the visibility role or private');
    end if;
    return null;
  end if;
  perform require_enabled(agent_named(p_namespace, v_owner, 'ownerAgent'), 'ownerAgent');
  if is_agent(p_principal) and p_visibility = 'private' and v_owner <> p_source then
    perform refuse(403, 'forbidden', format('agent %s does not write the private memory of agent %s', p_source, v_owner),
      'ownerAgent', to_jsonb(v_owner), format('%s, or the visibility role', p_source));
  end if;
  return v_owner;
end
$$;
