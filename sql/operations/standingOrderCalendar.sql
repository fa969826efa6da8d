select standing_order_calendar(principal_of(:#credential::jsonb), :#input::jsonb)::text
