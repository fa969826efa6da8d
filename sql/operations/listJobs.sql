select list_jobs(principal_of(:#credential::jsonb), :#input::jsonb)::text
