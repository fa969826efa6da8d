-- The tables of the bus, each with its columns and the statement that writes its rows; and the statement that
-- locks them all against changes of the schema. Generated columns are left out, because no one may fill them.
select json_build_object(
  'tables', coalesce(json_agg(
    json_build_object(
      'name', name,
      'columns', columns,
      'copy', format('copy %I.%I (%s) to stdout', 'agentbus', name, list))
    order by name), '[]'),
  'lock', format('lock table %s in access share mode',
    string_agg(format('%I.%I', 'agentbus', name), ', ' order by name)))::text
from (
  select c.relname::text as name,
    json_agg(a.attname order by a.attnum) as columns,
    string_agg(quote_ident(a.attname), ', ' order by a.attnum) as list
  from pg_class c
  join pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped and a.attgenerated = ''
  where c.relnamespace = to_regnamespace('agentbus')
    and c.relkind = 'r'
    and c.relname <> 'flyway_schema_history'
  group by c.relname) t
