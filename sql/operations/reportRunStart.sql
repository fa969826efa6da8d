select report_run_start(principal_of(:#credential::jsonb), :#input::jsonb)::text
