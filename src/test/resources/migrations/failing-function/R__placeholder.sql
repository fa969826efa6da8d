-- A dollar and a brace are nobody's business but the function's.
create or replace function greet() returns text
language plpgsql as $$
begin
    return 'hello ${name}';
    retrun 1;
end
$$;
