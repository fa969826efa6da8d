select coalesce(jsonb_agg(z), '[]')::text from order_zones(?) z
