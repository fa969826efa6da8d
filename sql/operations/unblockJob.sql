select unblock_job(principal_of(:#credential::jsonb), :#input::jsonb)::text
