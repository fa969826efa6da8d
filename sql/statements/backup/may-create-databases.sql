select (rolcreatedb or rolsuper)::text from pg_roles where rolname = current_user
