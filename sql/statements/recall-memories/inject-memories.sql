select set_config('statement_timeout', ?, true);
select inject_memories(?::uuid, ?::jsonb)::text
