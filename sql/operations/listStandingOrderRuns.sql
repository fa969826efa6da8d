select list_standing_order_runs(principal_of(:#credential::jsonb), :#input::jsonb)::text
