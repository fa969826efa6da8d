create or replace function b() returns int language sql as $$ select 3 $$;
