select list_gateways(principal_of(:#credential::jsonb), :#input::jsonb)::text
