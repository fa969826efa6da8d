select settle_standing_orders('default', nullif(:#order, ''))::text as run
