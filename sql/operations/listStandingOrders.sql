select list_standing_orders(principal_of(:#credential::jsonb), :#input::jsonb)::text
