-- The enabled orders of every namespace.
select standing_orders_to_plan(null)::text as "order"
