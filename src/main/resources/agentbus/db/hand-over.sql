-- Gives the bus what the superuser owns in the bus's database, except for extensions. REASSIGN OWNED would refuse,
-- because the superuser of a cluster owns the catalogs, too.
do $$
declare
  v_statement text;
begin
  for v_statement in
    select format('alter schema %I owner to agentbus', nspname)
    from pg_namespace
    where nspowner = 10 and nspname !~ '^pg_' and nspname not in ('information_schema', 'public')
    union all
    select format('alter %s %s owner to agentbus',
      case relkind when 'v' then 'view' when 'm' then 'materialized view' when 'S' then 'sequence'
        when 'f' then 'foreign table' when 'c' then 'type' else 'table' end, c.oid::regclass)
    from pg_class c
    where relowner = 10 and relkind in ('r', 'p', 'v', 'm', 'S', 'f', 'c') and c.oid >= 16384
      and not exists (
        select from pg_depend d
        where d.classid = 'pg_class'::regclass and d.objid = c.oid and d.deptype in ('a', 'i', 'e'))
    union all
    select format('alter routine %s owner to agentbus', p.oid::regprocedure)
    from pg_proc p
    where proowner = 10 and p.oid >= 16384
      and not exists (
        select from pg_depend d
        where d.classid = 'pg_proc'::regclass and d.objid = p.oid and d.deptype = 'e')
    union all
    select format('alter type %s owner to agentbus', t.oid::regtype)
    from pg_type t
    where typowner = 10 and typtype in ('d', 'e', 'r') and t.oid >= 16384
      and not exists (
        select from pg_depend d
        where d.classid = 'pg_type'::regclass and d.objid = t.oid and d.deptype = 'e')
  loop
    execute v_statement;
  end loop;
end
$$
