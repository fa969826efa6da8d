-- Sizes: how large the stored JSON is, how much of it a list shows, and how much an agent may store.

-- Returns the size of a JSON value as text in bytes; null for null. Refuses (422, invalid_field) a value of
-- which the text is far larger than the value that is stored: Postgres stores 1e999 in twelve bytes and
-- writes it in a thousand. The doors refuse such a value before (agentbus.contract.Storable).
create or replace function measured(p_field text, p_value jsonb) returns int
language plpgsql immutable strict as $$
declare
  v_bytes int := octet_length(p_value::text);
begin
  -- The value joined with an empty object is not compressed, so its size is the size of its content.
  if v_bytes > number_growth() and v_bytes - pg_column_size(p_value || '{}') > number_growth() then
    perform refuse(422, 'invalid_field', format('%s is %s bytes when its numbers are written out', p_field, v_bytes),
      p_field, to_jsonb(v_bytes), format('numbers that grow by at most %s bytes when they are written out', number_growth()));
  end if;
  return v_bytes;
end
$$;

-- Trigger: writes the size of the payload of an event or a job.
create or replace function measure_payload() returns trigger
language plpgsql as $$
begin
  new.payload_bytes := measured('payload', new.payload);
  return new;
end
$$;
create or replace trigger measure_event before insert on events
  for each row execute function measure_payload();
create or replace trigger measure_payload before insert or update of payload on jobs
  for each row execute function measure_payload();

-- Trigger: writes the sizes of a job's result and evidence.
create or replace function measure_outcome() returns trigger
language plpgsql as $$
begin
  new.result_bytes := measured('result', new.result);
  new.evidence_bytes := measured('evidence', new.evidence);
  return new;
end
$$;
create or replace trigger measure_outcome before insert or update of result, evidence on jobs
  for each row when (new.result is not null or new.evidence is not null)
  execute function measure_outcome();

-- Trigger: writes the size of a slot's evidence.
create or replace function measure_evidence() returns trigger
language plpgsql as $$
begin
  new.evidence_bytes := measured('evidence', new.evidence);
  return new;
end
$$;
create or replace trigger measure_evidence before insert or update of evidence on standing_order_runs
  for each row when (new.evidence is not null)
  execute function measure_evidence();

-- Returns a text for people, cut after p_most characters (null: whole) with a mark.
create or replace function cut(p_text text, p_most int) returns text
language sql immutable as $$
  select case when length(p_text) > p_most then left(p_text, p_most) || '…' else p_text end
$$;

-- Returns an object in which each field that is longer than p_most characters is cut and thereby becomes a
-- text; bytes is the size of the whole object.
create or replace function cut_fields(p_object jsonb, p_most int) returns jsonb
language sql stable as $$
  select coalesce(jsonb_object_agg(key, case
      when length(value::text) <= p_most then value
      else to_jsonb(cut(p_object ->> key, p_most)) end), '{}')
    || jsonb_build_object('bytes', octet_length(p_object::text))
  from jsonb_each(p_object)
$$;

-- Returns a JSON value as the field p_field of an object or, when it has more than p_most bytes, its size as
-- the field <p_field>Bytes. p_bytes is the size if it is known. Returns an empty object for null.
create or replace function shown_if_small(p_field text, p_value jsonb, p_bytes int, p_most int) returns jsonb
language sql stable as $$
  select case
    when p_value is null then '{}'
    when coalesce(p_bytes, octet_length(p_value::text)) <= p_most then jsonb_build_object(p_field, p_value)
    else jsonb_build_object(p_field || 'Bytes', coalesce(p_bytes, octet_length(p_value::text))) end
$$;

-- Returns how many bytes the rows of a list may have: answer_bytes, or less when the door says so. The MCP
-- door adds answerBytes to the input, because its answers go to a model.
create or replace function list_bytes(p_input jsonb) returns int
language sql immutable as $$
  select least((p_input ->> 'answerBytes')::int, answer_bytes())
$$;

-- Returns one page of a list by key: an object with the rows under p_name, and next and searchedTo where the
-- lists have them. p_rows is an open cursor over at most p_looks rows in the order of the list, with seq,
-- created_at and shown, which is null for a row that the input leaves out; it is closed. The page ends after
-- limit rows of the input (default 50), before list_bytes, or with the cursor.
create or replace function page_of(p_rows refcursor, p_name text, p_input jsonb, p_looks int) returns jsonb
language plpgsql as $$
declare
  v_limit int := coalesce((p_input ->> 'limit')::int, 50);
  v_most int := list_bytes(p_input);
  v_row record;
  v_rows jsonb[] := '{}';
  v_bytes int := 0;
  v_looked int := 0;
  v_last bigint;
  v_searched timestamptz;
  v_full boolean := false;
begin
  loop
    fetch p_rows into v_row;
    exit when not found;
    v_looked := v_looked + 1;
    if v_row.shown is not null then
      v_bytes := v_bytes + octet_length(v_row.shown::text);
      v_full := v_bytes > v_most and cardinality(v_rows) > 0;
      exit when v_full;
      v_rows := v_rows || v_row.shown;
    end if;
    v_last := v_row.seq;
    v_searched := v_row.created_at;
    v_full := cardinality(v_rows) = v_limit;
    exit when v_full;
  end loop;
  close p_rows;
  return jsonb_build_object(p_name, to_jsonb(v_rows))
    || case when v_full or v_looked = p_looks then jsonb_build_object('next', v_last) else '{}' end
    || case
      when not v_full and v_looked = p_looks then jsonb_build_object('searchedTo', v_searched)
      else '{}' end;
end
$$;

-- Counts bytes that a call of an agent or attempt stores; calls of others are not counted. Refuses (429,
-- too_many_bytes) the call when the agent has then stored more than p_most bytes today (UTC); a null p_most
-- counts and never refuses.
create or replace function count_stored(p_principal jsonb, p_bytes bigint, p_most bigint) returns void
language plpgsql as $$
declare
  v_namespace text := p_principal ->> 'namespace';
  v_agent text := p_principal ->> 'name';
  v_today date := (now() at time zone 'UTC')::date;
  v_before bigint;
begin
  if not is_agent(p_principal) then
    return;
  end if;
  select coalesce(sum(bytes), 0) into v_before
  from agent_bytes
  where namespace = v_namespace and agent_id = v_agent and day = v_today;
  if v_before + p_bytes > p_most then
    perform refuse(429, 'too_many_bytes',
      format('agent %s has stored %s bytes today (UTC), and this call has %s more', v_agent, v_before, p_bytes),
      null, null, format('at most %s bytes a day; keep large data elsewhere and store where it is, or wait for tomorrow', p_most));
  end if;
  -- A row that another call has locked is passed over, so calls of one agent do not wait for each other.
  update agent_bytes set bytes = bytes + p_bytes
  where count_id = (
    select count_id
    from agent_bytes
    where namespace = v_namespace and agent_id = v_agent and day = v_today
    limit 1
    for update skip locked);
  if not found then
    insert into agent_bytes (namespace, agent_id, day, bytes) values (v_namespace, v_agent, v_today, p_bytes);
    delete from agent_bytes
    where count_id in (
      select count_id
      from agent_bytes
      where namespace = v_namespace and agent_id = v_agent and day < v_today - bytes_days_kept()
      for update skip locked);
  end if;
end
$$;
