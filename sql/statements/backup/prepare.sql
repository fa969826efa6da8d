-- The statements around the copy: before it, triggers and foreign keys go, because rows arrive table by table
-- and must stay as they were; after it, both come back, and each foreign key is checked over all rows.
select json_build_object(
  'before', coalesce((
    select json_agg(statement order by step, statement)
    from (
      select 1 as step, format('alter table %I.%I disable trigger user', 'agentbus', relname) as statement
      from pg_class
      where relnamespace = 'agentbus'::regnamespace and relkind = 'r'
      union all
      select 2, format('alter table %I.%I drop constraint %I', 'agentbus', c.relname, k.conname)
      from pg_constraint k
      join pg_class c on c.oid = k.conrelid
      where c.relnamespace = 'agentbus'::regnamespace and k.contype = 'f'
      union all
      select 3, 'truncate ' || string_agg(format('%I.%I', 'agentbus', relname), ', ')
      from pg_class
      where relnamespace = 'agentbus'::regnamespace
        and relkind = 'r'
        and relname <> 'flyway_schema_history') s), '[]'),
  'after', coalesce((
    select json_agg(statement order by step, statement)
    from (
      select 1 as step,
        format('alter table %I.%I add constraint %I %s', 'agentbus', c.relname, k.conname,
          pg_get_constraintdef(k.oid)) as statement
      from pg_constraint k
      join pg_class c on c.oid = k.conrelid
      where c.relnamespace = 'agentbus'::regnamespace and k.contype = 'f'
      union all
      select 2, format('alter table %I.%I enable trigger user', 'agentbus', relname)
      from pg_class
      where relnamespace = 'agentbus'::regnamespace and relkind = 'r'
      union all
      select 3, format('analyze %I.%I', 'agentbus', relname)
      from pg_class
      where relnamespace = 'agentbus'::regnamespace and relkind = 'r') s), '[]'))::text
