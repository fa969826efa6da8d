select list_events(principal_of(:#credential::jsonb), :#input::jsonb)::text
