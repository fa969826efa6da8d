select report_run_end(principal_of(:#credential::jsonb), :#input::jsonb)::text
