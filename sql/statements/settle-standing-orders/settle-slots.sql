-- Settles the due slots of one order in the namespaces that this node serves. An empty order stands for all
-- orders; then slots that were started elsewhere and not finished in time are ended too.
select settle_standing_orders(n, nullif(:#order, ''))::text as run
from unnest(namespaces_served(:#${variable.ownNamespace})) n
union all
select end_overdue_slots()::text where :#order = ''
