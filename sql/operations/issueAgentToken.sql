select issue_agent_token(principal_of(:#credential::jsonb), :#input::jsonb)::text
