create or replace function a_calls_b() returns int language sql as $$ select b() $$;
