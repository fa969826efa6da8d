select console_changes(nullif(:#since, '')::jsonb)::text
