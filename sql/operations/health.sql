select health(principal_of(:#credential::jsonb), :#input::jsonb)::text
