-- The parameter saves a round trip: camel-sql asks the server for those of a statement without parameters.
select (jsonb_build_object('what', 'ended_without_closing') || e)::text as moved
from end_silent_runs() e
where :#${routeId} is not null
