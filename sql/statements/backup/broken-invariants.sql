-- The broken rules, the first of many.
select coalesce(json_agg(json_build_object('rule', what, 'row', id)), '[]')::text
from (select what, id from broken_invariants() limit 20) b
