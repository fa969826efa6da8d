-- The time zone data of Java, which computes the slots of standing orders, and of Postgres. Governments
-- change the rules of their zones, so an old copy of the data gives another time than a new one.

-- Returns how far the zone is ahead of UTC at p_time, in seconds; null for a zone that Postgres does not
-- know.
create or replace function zone_offset(p_zone text, p_time timestamptz) returns int
language plpgsql stable as $$
begin
  return extract(epoch from (p_time at time zone p_zone) - (p_time at time zone 'UTC'));
exception when invalid_parameter_value then
  return null;
end
$$;

-- Returns the zones of the enabled orders of a namespace, each with zone, the names of its orders, and
-- offsets: for now and each of the next twelve months at, and seconds as Postgres has them.
create or replace function order_zones(p_namespace text, p_now timestamptz default now()) returns setof jsonb
language sql stable as $$
  select jsonb_build_object(
    'zone', zone,
    'orders', jsonb_agg(order_name order by order_name),
    'offsets', (
      select jsonb_agg(jsonb_build_object('at', at, 'seconds', zone_offset(zone, at)) order by at)
      from generate_series(p_now, p_now + interval '12 months', interval '1 month') at))
  from standing_orders
  where namespace = p_namespace
    and enabled
  group by zone
  order by zone
$$;

-- Writes the version of Java's time zone data and the zones on which Java and Postgres disagree, as names.
create or replace function note_zone_data(p_namespace text, p_java text, p_differing jsonb) returns void
language sql as $$
  insert into bus_facts (namespace, name, value)
  values (p_namespace, 'zone_data', jsonb_build_object(
    'java', p_java,
    'postgres', current_setting('server_version'),
    'differing', p_differing)::text)
  on conflict (namespace, name) do update
  set value = excluded.value
  where bus_facts.value is distinct from excluded.value
$$;

-- Returns what the last node with standing orders has noted: java, postgres and differing; null before.
create or replace function zone_data(p_namespace text) returns jsonb language sql stable as $$
  select value::jsonb from bus_facts where namespace = p_namespace and name = 'zone_data'
$$;

-- Returns the problem of zone data that differ, for health.
create or replace function zone_problems(p_namespace text) returns table (weight int, problem text)
language sql stable as $$
  select 10, format(
    'Java (time zone data %s) and Postgres %s have different rules for %s: update the older one',
    z ->> 'java', z ->> 'postgres', (
      select string_agg(zone, ', ' order by zone)
      from jsonb_array_elements_text(z -> 'differing') zone))
  from zone_data(p_namespace) z
  where z -> 'differing' <> '[]'
$$;
