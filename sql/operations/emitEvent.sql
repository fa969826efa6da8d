select emit_event(principal_of(:#credential::jsonb), :#input::jsonb)::text
