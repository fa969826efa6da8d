select run_standing_order(principal_of(:#credential::jsonb), :#input::jsonb)::text
