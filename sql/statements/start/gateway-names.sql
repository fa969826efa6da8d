select coalesce(jsonb_agg(gateway order by gateway), '[]')::text from gateways where namespace = ?
