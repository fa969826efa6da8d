select list_agents(principal_of(:#credential::jsonb), :#input::jsonb)::text
