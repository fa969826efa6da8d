select begin_after_restore(?::jsonb, ?::jsonb)::text
