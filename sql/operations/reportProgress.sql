select report_progress(principal_of(:#credential::jsonb), :#input::jsonb)::text
