select pause_agent(principal_of(:#credential::jsonb), :#input::jsonb)::text
