select report_gateway_start(principal_of(:#credential::jsonb), :#input::jsonb)::text
