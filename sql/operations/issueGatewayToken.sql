select issue_gateway_token(principal_of(:#credential::jsonb), :#input::jsonb)::text
