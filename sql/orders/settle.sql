select settle_standing_orders('default', :#order)::text as run
