-- The statement that reads the rows of one table; null when the schema has no table of that name with just
-- these columns.
select format('copy %I.%I (%s) from stdin', 'agentbus', c.relname, (
  select string_agg(quote_ident(name), ', ' order by place)
  from unnest(?::text[]) with ordinality as n (name, place)))
from pg_class c
where c.relnamespace = 'agentbus'::regnamespace
  and c.relkind = 'r'
  and c.relname = ?
  and (
    select array_agg(a.attname::text order by a.attname)
    from pg_attribute a
    where a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped and a.attgenerated = '')
    = (select array_agg(name order by name::name) from unnest(?::text[]) as n (name))
