select mark_running_job(principal_of(:#credential::jsonb), :#input::jsonb)::text
