-- A name that is mistyped is found at the start and not when a job needs it.
create or replace function caller() returns int
language sql as $$
  select 1
    + no_such_function()
$$;
