-- The enabled orders of the namespaces that this node serves.
select standing_orders_to_plan(n)::text as "order"
from unnest(namespaces_served(:#${variable.ownNamespace})) n
