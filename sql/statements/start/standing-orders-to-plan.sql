select coalesce(jsonb_agg(o), '[]')::text from standing_orders_to_plan(?) o
