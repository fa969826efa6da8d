select sync_standing_orders(?, ?::jsonb)::text
