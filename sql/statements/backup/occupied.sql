-- What stands in the way of a restore: the mark of an unfinished one, and whether the schema has any object.
select json_build_object(
  'mark', obj_description(to_regnamespace('agentbus')::oid, 'pg_namespace'),
  'objects', (select count(*) from pg_class where relnamespace = to_regnamespace('agentbus')),
  'database', current_database())::text
