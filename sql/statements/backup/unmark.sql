-- Takes the mark away, and refuses the mark of another restore.
do $$
declare
  v_found text := obj_description(to_regnamespace('agentbus')::oid, 'pg_namespace');
begin
  if v_found is distinct from current_setting('agentbus.mark') then
    raise exception 'the schema agentbus has % in place of the mark of this restore',
      coalesce(format('the comment "%s"', v_found), 'no comment')
      using hint = 'Another restore has worked on this database. Restore again, alone.';
  end if;
  comment on schema agentbus is null;
end
$$
