-- Without an order: whatever is due, and runs elsewhere that nobody finished.
select settle_standing_orders('default', nullif(:#order, ''))::text as run
union all
select end_overdue_runs()::text where :#order = ''
