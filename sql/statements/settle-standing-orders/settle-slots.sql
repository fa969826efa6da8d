-- Settles the due slots of one order in every namespace. An empty order stands for all orders; then slots
-- that were started elsewhere and not finished in time are ended too.
select settle_standing_orders(null, nullif(:#order, ''))::text as run
union all
select end_overdue_slots()::text where :#order = ''
