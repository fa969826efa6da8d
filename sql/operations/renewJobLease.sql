select renew_job_lease(principal_of(:#credential::jsonb), :#input::jsonb)::text
