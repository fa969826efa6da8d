-- The parameter saves a round trip: camel-sql asks the server for those of a statement without parameters.
select r ->> 'due' as due, r::text as moved
from recover_and_look() r
where :#${routeId} is not null
