select standing_orders_to_plan('default')::text as "order"
