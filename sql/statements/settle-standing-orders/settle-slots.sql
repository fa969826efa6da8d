-- In every namespace. Without an order: all due slots, and slots that were started elsewhere and not finished
-- in time.
select settle_standing_orders(null, nullif(:#order, ''))::text as run
union all
select end_overdue_slots()::text where :#order = ''
