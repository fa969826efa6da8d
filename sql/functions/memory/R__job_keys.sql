-- Which projects, people and services a job is about, found in its payload and flow by a mapping from the
-- settings, so that payloads which exist already work. See docs/guide/memory.md.

drop function if exists comparable_key(text);

-- Returns the names of fields in a comma list, without white space and empty ones.
create or replace function listed_fields(p_list text) returns table (field text)
language plpgsql immutable as $$
begin
  return query
  select btrim(part)
  from unnest(string_to_array(p_list, ',')) part
  where btrim(part) <> '';
end
$$;

-- Returns the keys of a job: an object with project, person and service, each a list of keys as
-- memory_subject_key writes them, and absent when there is none. p_mapping has the same names, each with a
-- comma list of payload fields; a dot leads into a nested object. The value of a field is a text, a number or
-- a list of those. A flow key or correlation key of the form project:x, person:x or service:x counts, too. A
-- key has at most job_key_length characters, and all together are at most most_job_keys, in the order of the
-- mapping.
create or replace function job_keys(
  p_payload jsonb, p_flow_key text, p_correlation_key text, p_mapping jsonb
) returns jsonb
language plpgsql stable as $$
begin
  return (
    with found as (
      select scope, memory_subject_key(value #>> '{}') as key, 1 as way, place
      from unnest(array['project', 'person', 'service']) with ordinality s (scope, scope_place)
      cross join lateral (
        select p_payload #> string_to_array(field, '.') as held, scope_place * 100 + field_place as place
        from listed_fields(p_mapping ->> scope) with ordinality f (field, field_place)) fields
      cross join lateral jsonb_array_elements(
        case jsonb_typeof(held) when 'array' then held else jsonb_build_array(held) end) value
      where jsonb_typeof(value) in ('string', 'number')
      union all
      select split_part(key, ':', 1), memory_subject_key(substr(key, strpos(key, ':') + 1)), 2, 0
      from unnest(array[p_flow_key, p_correlation_key]) key
      where split_part(key, ':', 1) in ('project', 'person', 'service')
    ), first_ones as (
      select scope, key, min(way) as way, min(place) as place
      from found
      where length(key) between 1 and job_key_length()
      group by scope, key
      order by way, place, key
      limit most_job_keys()
    )
    select coalesce(jsonb_object_agg(scope, keys), '{}')
    from (
      select scope, jsonb_agg(key order by way, place, key) as keys
      from first_ones
      group by scope) of_scope);
end
$$;
