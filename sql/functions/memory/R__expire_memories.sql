-- The operation expireMemories: the way out of polluted memory. A filter says which memories end, and a dry
-- run shows them before.

-- Returns the filter of a call as memory_fits takes it. Refuses (422) a call that names no field and does not
-- say all, and a time that is not before the other.
create or replace function expiry_filter(p_input jsonb) returns jsonb
language plpgsql stable as $$
declare
  v_filter jsonb := (
    select coalesce(jsonb_object_agg(key, value), '{}')
    from jsonb_each(p_input)
    where key in ('sourceAgent', 'promotedBy', 'scope', 'subjectKey', 'kind', 'visibility', 'trust',
      'createdFrom', 'createdTo'));
begin
  if v_filter = '{}' and (p_input ->> 'all')::boolean is not true then
    perform refuse(422, 'invalid_field', 'the call names no memories', 'all', p_input -> 'all',
      'a field that says which, such as sourceAgent or createdFrom; or all true for every active memory of the namespace');
  end if;
  if (p_input ->> 'createdFrom')::timestamptz >= (p_input ->> 'createdTo')::timestamptz then
    perform refuse(422, 'invalid_field', 'no memory is promoted after createdFrom and before createdTo',
      'createdFrom', p_input -> 'createdFrom',
      'a time before createdTo, which is ' || utc_text((p_input ->> 'createdTo')::timestamptz));
  end if;
  return v_filter;
end
$$;

-- Returns the active memories that fit a filter, oldest first, at most p_limit.
create or replace function memories_to_expire(p_namespace text, p_filter jsonb, p_limit int)
returns setof memories
language sql stable as $$
  select *
  from memories m
  where namespace = p_namespace
    and status = 'active'
    and memory_fits(m, p_filter)
  order by seq
  limit p_limit
$$;

-- Returns a filter as the event of a batch shows it. Every agent reads events, so subject and author are
-- named only when all these memories are shared (see tell_memory).
create or replace function filter_told(p_filter jsonb, p_ids uuid[]) returns jsonb
language sql stable as $$
  select case
    when exists (select from memories where memory_id = any (p_ids) and visibility <> 'shared') then
      p_filter - '{subjectKey,sourceAgent}'::text[]
    else p_filter end
$$;

-- Ends these memories as expired and closes their reviews, for the caller that act_as has named.
create or replace function expire_all(p_ids uuid[], p_notes text) returns void
language sql as $$
  update memories
  set status = 'expired', ended_by = current_actor(), end_reason = p_notes, ended_at = now(),
    updated_at = now()
  where memory_id = any (p_ids);
  update memory_reviews
  set outcome = 'expired', notes = p_notes, closed_by = current_actor(), closed_at = now(),
    updated_at = now()
  where memory_id = any (p_ids) and closed_at is null
$$;

create or replace function expire_memories(p_principal jsonb, p_input jsonb) returns jsonb
language plpgsql as $$
declare
  v_namespace text := namespace_of(p_principal, p_input);
  v_notes text := clean_memory(p_input) ->> 'notes';
  v_filter jsonb := expiry_filter(p_input);
  v_dry boolean := coalesce((p_input ->> 'dryRun')::boolean, false);
  v_ids uuid[];
  v_more boolean;
  v_sample jsonb;
begin
  perform act_as(p_principal, v_notes);
  if not v_dry then
    perform lock_memories(v_namespace);
  end if;
  v_ids := array(select memory_id from memories_to_expire(v_namespace, v_filter, expired_at_once() + 1));
  v_more := cardinality(v_ids) > expired_at_once();
  v_ids := v_ids[:expired_at_once()];
  v_sample := (
    select coalesce(jsonb_agg(memory_row(m, list_text()) order by m.seq), '[]')
    from memories m
    where memory_id = any (v_ids[:memory_rows_shown()]));
  if not v_dry and v_ids <> '{}' then
    perform expire_all(v_ids, v_notes);
    perform append_event(v_namespace, 'memory.expired', null, null, jsonb_build_object(
      'memories', cardinality(v_ids), 'filter', filter_told(v_filter, v_ids), 'by', current_actor()));
  end if;
  return jsonb_build_object('dryRun', v_dry, 'count', cardinality(v_ids), 'more', v_more, 'filter', v_filter,
    'sample', v_sample);
end
$$;
comment on function expire_memories(jsonb, jsonb) is
  'The operation expireMemories: ends the active memories of the namespace that fit every field of the filter, at most expired_at_once a call, with the reason; with dryRun it only counts them. Takes the filter or all, notes and dryRun; returns count, more (call again), and the first ones as sample, as they were before the call. For operators, also while phase 4 is off or frozen.';
