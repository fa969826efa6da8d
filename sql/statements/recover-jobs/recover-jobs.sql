-- The parameter saves a round trip: camel-sql asks the server for those of a statement without parameters.
select recover()::text as moved
where :#${routeId} is not null
