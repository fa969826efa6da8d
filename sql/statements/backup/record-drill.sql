select record_restore_drill(?::jsonb, ?::jsonb)::text
