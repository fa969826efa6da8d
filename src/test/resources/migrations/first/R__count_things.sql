create or replace function count_things() returns integer
language sql as $$ select 1 $$;
